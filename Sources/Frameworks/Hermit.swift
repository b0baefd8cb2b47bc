public import GuestModel

/// Hermit unikernels: a loader boots in place of the application, which it finds as its initial RAM disk.
///
/// See src/env/mod.rs of the Hermit kernel, whose words are split by the crate shlex, and the Hermit loader's README.md.
/// What a build has no driver or feature for, it is told all the same.
public struct Hermit: Framework {
    /// `hermit`
    public let name = "hermit"
    /// It has no other name.
    public let aliases: [String] = []

    static let guest = "a hermit guest"
    /// ELFOSABI_STANDALONE.
    private static let osABI: UInt8 = 0xFF
    /// What the loader and the kernel need beside the application's file and memory.
    private static let ownMemory: UInt64 = 16 << 20
    /// The names under which the project and its users put the loader beside an application.
    private static let loaderNames = [
        "hermit-loader-x86_64-multiboot", "hermit-loader-x86_64", "hermit-loader-multiboot", "hermit-loader",
        "hermit-loader-x86_64-linux", "hermit-loader-linux", "hermit-loader-x86_64-fc", "hermit-loader-fc",
    ]

    /// Creates the framework.
    public init() {}

    /// The guest in `candidate`: an application with its loader beside it, or if it is said to be Hermit's also a loader.
    ///
    /// - Throws: ``GuestModel/GuestError`` when there is no loader.
    public func recognise(_ candidate: GuestCandidate) throws -> Guest? {
        let isNamed = isNamed(by: candidate)
        guard let elf = try isNamed ? candidate.elf : candidate.soundELF else { return nil }
        if elf.osABI == Self.osABI, isNamed || Self.hasNote(elf) { return try application(elf, candidate) }
        guard isNamed else { return nil }
        let bootProtocol = try Self.bootProtocol(of: candidate.bytes, elf, at: candidate.path)
        var guest = Guest(
            framework: name, path: candidate.path, bootProtocols: [bootProtocol], devices: [],
            hardware: Self.hardware([bootProtocol], takesInitrd: true),
            leastMemoryBytes: min(elf.physicalEnd + Self.ownMemory, Guest.mostMemory))
        guest.needsInitrd = true
        return guest
    }

    /// A note of hermit-entry's, or GNU's with the number of Hermit's ABI.
    private static func hasNote(_ elf: ELFImage) -> Bool {
        !elf.notes(named: "HERMIT", type: 0x5A00).isEmpty
            || elf.notes(named: "GNU", type: 1).contains { $0.descriptor.number(UInt32.self, at: 0) == 6 }
    }

    private func application(_ elf: ELFImage, _ candidate: GuestCandidate) throws -> Guest {
        try elf.checkIsX86_64()
        let directory = String(candidate.path[...(candidate.path.lastIndex(of: "/") ?? candidate.path.startIndex)])
        var loaders: [BootProtocol: String] = [:]
        for path in Self.loaderNames.map({ directory + $0 }) {
            guard let file = try candidate.file(path) else { continue }
            let bootProtocol = try Self.bootProtocol(of: file, ELFImage(file), at: path)
            loaders[bootProtocol] = loaders[bootProtocol] ?? path
        }
        guard !loaders.isEmpty else {
            throw GuestError(
                "hermit application needs its loader beside it: \(directory) has no hermit-loader, "
                    + "hermit-loader-x86_64, hermit-loader-x86_64-linux ...")
        }
        let protocols = [BootProtocol.multiboot, .linux64].filter { loaders[$0] != nil }
        let size = min(elf.fileSize, Guest.mostMemory) + min(elf.physicalEnd, Guest.mostMemory) + Self.ownMemory
        return Guest(
            framework: name, path: candidate.path, bootProtocols: protocols, devices: [],
            hardware: Self.hardware(protocols, takesInitrd: false), loaders: loaders,
            leastMemoryBytes: min(size, Guest.mostMemory))
    }

    private static func bootProtocol(of bytes: any ByteSource, _ elf: ELFImage, at path: String) throws -> BootProtocol
    {
        if try MultibootHeader(in: bytes) != nil { return .multiboot }
        guard elf.is64Bit, elf.machine == 62, elf.osABI != osABI else {
            throw GuestError("\(path) is no loader of Hermit's for multiboot or for Linux' 64-bit entry")
        }
        return .linux64
    }

    /// With the loader for Firecracker comes an application whose devices are in memory; with the other one they are on
    /// PCI, and of version 1.0 of the specification or later.
    private static func hardware(_ protocols: [BootProtocol], takesInitrd: Bool) -> GuestHardware {
        var transports: [GuestHardware.Transport] = []
        if protocols.contains(.multiboot) { transports.append(.pci) }
        if protocols.contains(.linux64) { transports.append(.mmio) }
        return GuestHardware(
            transports: transports, needsACPI: protocols.contains(.multiboot),
            needsPC: protocols.contains(.multiboot), needsModernVirtio: true,
            exitPort: ExitPort(port: 0xF4, bytes: 4, meaning: .success(1)), takesInitrd: takesInitrd,
            mostProcessors: 64)
    }

    /// Options for the first network, the environment, and behind `--` the arguments, each as one word.
    public func bootString(_ boot: GuestBoot) throws(GuestError) -> [UInt8] {
        var words = Self.network(boot.network)
        for entry in boot.process.environment {
            guard !BootWords.name(of: entry).isEmpty, entry.utf8.contains(UInt8(ascii: "=")) else {
                throw BootWords.cannotPass(variable: entry, "has no name or no value", to: Self.guest)
            }
            guard !entry.utf8.contains(0) else {
                throw BootWords.cannotPass(variable: entry, "holds a NUL byte", to: Self.guest)
            }
            words.append(Self.quoted("env=\(entry)"))
        }
        if let line = boot.process.commandLine {
            words += ["--", line]
        } else if !boot.process.words.isEmpty {
            words.append("--")
            for (index, word) in zip(boot.process.words.indices, boot.process.words) {
                guard !word.utf8.contains(0) else {
                    throw BootWords.cannotPass(argument: index, "holds a NUL byte", to: Self.guest)
                }
                words.append(Self.quoted(word))
            }
        }
        let limit = boot.bootProtocol == .linux64 ? Linux.longestBootString : PVH.longestBootString
        return try BootWords.checked(words.joined(separator: " "), limit: limit, for: Self.guest)
    }

    /// There is one interface, with an address of version 4, and a gateway that has to be inside its network.
    private static func network(_ network: GuestNetwork) -> [String] {
        guard let interface = network.connections.first?.interface, let address = interface.address(version4: true)
        else { return [] }
        let gateway = interface.gateway(version4: true)
        let length = gateway.map { address.prefixLength(reaching: $0) } ?? address.prefixLength
        let words = ["-ip", "\(address.address)", "-mask", NetworkAddress.mask(prefixLength: length)]
        return words + (gateway.map { ["-gateway", "\($0)"] } ?? [])
    }

    /// A word as shells take it for one: single quotes keep everything but themselves.
    static func quoted(_ word: String) -> String {
        let isPlain = word.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "A")...UInt8(ascii: "Z"):
                true
            default: "-_=+,./:@%".utf8.contains(byte)
            }
        }
        if isPlain && !word.isEmpty { return word }
        let escaped = word.unicodeScalars.map { $0 == "'" ? "'\\''" : "\($0)" }
        return "'\(escaped.joined())'"
    }
}
