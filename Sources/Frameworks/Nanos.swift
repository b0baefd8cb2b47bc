public import GuestModel

/// Nanos unikernels: a disk image, or a kernel whose first disk is the root file system. Never taken for a guest unless the
/// container says so.
///
/// The image's manifest has the program, its arguments and the rest; a kernel that boots by Linux' 64-bit entry takes
/// words that change it. See src/kernel/init.c and platform/pc/service.c of Nanos.
public struct Nanos: Framework {
    /// `nanos`
    public let name = "nanos"
    /// It has no other name.
    public let aliases: [String] = []

    static let guest = "a nanos guest"
    /// Less memory than that no image runs with.
    private static let leastMemory: UInt64 = 32 << 20

    /// Creates the framework.
    public init() {}

    /// The guest in `candidate`, which has to be said to be Nanos'.
    public func recognise(_ candidate: GuestCandidate) throws -> Guest? {
        guard isNamed(by: candidate) else { return nil }
        if try candidate.bytes.read(at: 0, count: 512).number(UInt16.self, at: 510) == 0xAA55 {
            return guest(candidate, [.disk], on: [.pci], memory: Self.leastMemory)
        }
        let elf: ELFImage
        do {
            elf = try candidate.elf
        } catch ELFError.notELF {
            throw GuestError("file is neither a disk image with a boot sector nor a kernel")
        }
        try elf.checkIsX86_64()
        guard elf.pvhEntry != nil else {
            throw GuestError("file has no note that names a PVH entry (owner Xen, type 18)")
        }
        // Its first page tables are where a PC has its firmware: it needs a machine without any.
        return guest(
            candidate, [.pvh, .linux64], on: [.mmio, .pci], memory: max(elf.physicalEnd, Self.leastMemory))
    }

    /// Its clock is KVM's, else the processor's or the HPET.
    private func guest(
        _ candidate: GuestCandidate, _ protocols: [BootProtocol], on transports: [GuestHardware.Transport],
        memory: UInt64
    ) -> Guest {
        Guest(
            framework: name, path: candidate.path, bootProtocols: protocols, devices: [],
            hardware: GuestHardware(
                transports: transports, needsACPI: true, needsHPET: true, needsOneIOAPIC: true,
                exitPort: ExitPort(port: 0x501, bytes: 1, meaning: .status), stopRequests: [.powerButton],
                mostProcessors: 64),
            leastMemoryBytes: min(memory, Guest.mostMemory))
    }

    /// Words that set what the manifest has under a name; nothing where the kernel reads none.
    public func bootString(_ boot: GuestBoot) throws(GuestError) -> [UInt8] {
        let process = boot.process
        if process.beginsWithName, let index = process.words.indices.first {
            throw GuestError("argument \(index) cannot be passed: \(Self.guest) has those of its image's manifest")
        }
        guard boot.bootProtocol == .linux64 else {
            if let line = process.commandLine, !line.isEmpty {
                throw GuestError(
                    "\(Self.guest) started by \(boot.bootProtocol) reads no command line, and has \"\(line)\"")
            }
            return []
        }
        var words = Self.network(boot.network)
        for entry in process.environment { words.append(try Self.variable(entry)) }
        if let line = process.commandLine, !line.isEmpty { words.append(line) }
        return try BootWords.checked(
            words.joined(separator: " "), limit: Linux.longestBootString, for: Self.guest)
    }

    private static func network(_ network: GuestNetwork) -> [String] {
        var words: [String] = []
        for (number, connection) in zip(1..., network.connections) {
            guard let interface = connection.interface else { continue }
            if let address = interface.address(version4: true) {
                words.append("en\(number).ipaddr=\(address.address)")
                words.append("en\(number).netmask=\(NetworkAddress.mask(prefixLength: address.prefixLength))")
                if let gateway = interface.gateway(version4: true) { words.append("en\(number).gateway=\(gateway)") }
            }
            if let address = interface.address(version4: false) {
                words.append("en\(number).ip6addr=\(address.address)")
            }
        }
        return words
    }

    /// Words end at a space; a name with a dot would be one of a list, and nothing behind the equals sign takes away.
    private static func variable(_ entry: String) throws(GuestError) -> String {
        let name = BootWords.name(of: entry)
        let value = entry.unicodeScalars.dropFirst(name.unicodeScalars.count + 1)
        let reason: String? =
            if name.isEmpty || value.isEmpty {
                "has no name or no value"
            } else if name.utf8.contains(UInt8(ascii: ".")) {
                "has a dot in its name"
            } else if entry.utf8.contains(UInt8(ascii: " ")) || entry.utf8.contains(0) {
                "holds a space or a NUL byte"
            } else {
                nil
            }
        if let reason { throw BootWords.cannotPass(variable: entry, reason, to: guest) }
        return "environment.\(entry)"
    }
}
