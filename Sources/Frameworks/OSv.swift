public import GuestModel

/// OSv unikernels: options of the loader, then the words of a program in the guest.
///
/// See loader.cc and core/commands.cc of OSv: options are split at blanks with a backslash in front of what is kept, the
/// program's words by a grammar of their own with double quotes.
public struct OSv: Framework {
    /// `osv`
    public let name = "osv"
    /// It has no other name.
    public let aliases: [String] = []

    static let guest = "an osv guest"
    /// max_cmdline, less the terminating NUL.
    static let longestBootString = 1023
    /// What is behind it is taken for a device wherever it stands.
    private static let deviceWord = "virtio_mmio.device="

    /// Creates the framework.
    public init() {}

    /// The guest in `candidate`: a kernel with Xen's note of the guest's name `osv`, or one that is said to be OSv's.
    public func recognise(_ candidate: GuestCandidate) throws -> Guest? {
        let isNamed = isNamed(by: candidate)
        if isNamed, let header = try LinuxHeader(in: candidate.bytes) {
            return guest(candidate, [.bzImage], memory: header.memoryEnd)
        }
        guard let elf = try isNamed ? candidate.elf : candidate.soundELF else { return nil }
        guard elf.xenGuestName == "osv" || (isNamed && elf.pvhEntry != nil) else {
            if isNamed { throw GuestError("file is neither a bzImage nor a kernel with notes of the owner Xen") }
            return nil
        }
        try elf.checkIsX86_64()
        // A kernel without the note boots as Linux does.
        return guest(candidate, elf.pvhEntry == nil ? [.linux64] : [.pvh, .linux64], memory: elf.physicalEnd)
    }

    /// Without KVM its clock is the HPET. It switches off by ACPI, or resets where there is none.
    private func guest(_ candidate: GuestCandidate, _ protocols: [BootProtocol], memory: UInt64) -> Guest {
        Guest(
            framework: name, path: candidate.path, bootProtocols: protocols, devices: [],
            hardware: GuestHardware(
                transports: [.pci, .mmio], needsACPI: true, needsHPET: true, stopRequests: [.powerButton],
                mostProcessors: 64),
            leastMemoryBytes: min(memory, Guest.mostMemory))
    }

    /// Options, then the program: `process.args` without the name of the image itself.
    public func bootString(_ boot: GuestBoot) throws(GuestError) -> [UInt8] {
        // Firecracker has no PCI bus to look for. What aborts would wait for ever.
        var words = boot.bootProtocol == .linux64 ? ["--nopci"] : []
        words.append("--power-off-on-abort")
        words += Self.network(boot.network)
        for entry in boot.process.environment { words.append(try Self.variable(entry)) }
        let directory = boot.process.workingDirectory
        if directory != "/", !directory.isEmpty {
            guard !Self.isUnspeakable(directory) else {
                throw GuestError("working directory \"\(directory)\" cannot be given to \(Self.guest)")
            }
            words.append(Self.escaped("--cwd=\(directory)"))
        }
        words += try Self.program(boot)
        return try BootWords.checked(
            words.joined(separator: " "), limit: Self.longestBootString, for: Self.guest)
    }

    private static func program(_ boot: GuestBoot) throws(GuestError) -> [String] {
        let process = boot.process
        if let line = process.commandLine { return [line] }
        let isImage = process.programName.map { BootWords.isImage($0, boot) } ?? false
        let arguments = isImage ? process.words : process.arguments[...]
        guard let program = arguments.first else {
            throw GuestError("there is no program for \(guest) to run: process.args names the image alone")
        }
        guard !program.isEmpty else {
            throw BootWords.cannotPass(argument: arguments.startIndex, "is empty", to: guest)
        }
        var words: [String] = []
        for (index, word) in zip(arguments.indices, arguments) { words.append(try quoted(argument: word, index)) }
        return words
    }

    private static func isUnspeakable(_ word: String) -> Bool { word.utf8.contains(0) || namesDevice(word) }

    private static func namesDevice(_ word: String) -> Bool { Array(word.utf8).contains(Array(deviceWord.utf8)) }

    private static func variable(_ entry: String) throws(GuestError) -> String {
        guard !BootWords.name(of: entry).isEmpty, entry.utf8.contains(UInt8(ascii: "=")) else {
            throw BootWords.cannotPass(variable: entry, "has no name or no value", to: guest)
        }
        guard !isUnspeakable(entry) else {
            throw BootWords.cannotPass(variable: entry, "holds a NUL byte or \(deviceWord)", to: guest)
        }
        return escaped("--env=\(entry)")
    }

    /// An option: a backslash keeps blanks and itself.
    static func escaped(_ option: String) -> String {
        option.unicodeScalars.map { " \t\n\\".unicodeScalars.contains($0) ? "\\\($0)" : "\($0)" }.joined()
    }

    /// One of the program's words: ASCII, in double quotes. What is behind a dollar sign would be a variable's value.
    private static func quoted(argument word: String, _ index: Int) throws(GuestError) -> String {
        for scalar in word.unicodeScalars {
            let reason: String? =
                switch scalar {
                case "\0": "holds a NUL byte"
                case "$": "holds a dollar sign"
                case _ where !scalar.isASCII: "holds a character that is not of ASCII"
                default: nil
                }
            if let reason { throw BootWords.cannotPass(argument: index, reason, to: guest) }
        }
        guard !namesDevice(word) else {
            throw BootWords.cannotPass(argument: index, "holds \(deviceWord)", to: guest)
        }
        let escaped = word.unicodeScalars.map { $0 == "\"" || $0 == "\\" ? "\\\($0)" : "\($0)" }
        return "\"\(escaped.joined())\""
    }

    /// Addresses of version 4, and one name server; there are no words for version 6.
    private static func network(_ network: GuestNetwork) -> [String] {
        var words: [String] = []
        var way: IPAddress?
        for (index, connection) in network.connections.enumerated() {
            guard let interface = connection.interface, let address = interface.address(version4: true) else {
                continue
            }
            let gateway = way == nil ? interface.gateway(version4: true) : nil
            way = way ?? gateway
            // The kernel takes no gateway outside the interface's network.
            let length = gateway.map { address.prefixLength(reaching: $0) } ?? address.prefixLength
            let mask = NetworkAddress.mask(prefixLength: length)
            words.append("--ip=eth\(index),\(address.address),\(mask)")
        }
        if words.isEmpty { return [] }
        if let way { words.append("--defaultgw=\(way)") }
        if let server = network.nameServers.first(where: \.isVersion4) { words.append("--nameserver=\(server)") }
        return words
    }
}
