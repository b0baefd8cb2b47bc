public import GuestModel

/// A Linux kernel that runs the container's program as its first: a bzImage or a vmlinux, never taken for a guest unless
/// the container says so.
///
/// See the kernel's admin-guide/kernel-parameters.rst, init/main.c, and nfs/nfsroot.rst for `ip=`.
public struct Linux: Framework {
    /// `linux`
    public let name = "linux"
    /// It has no other name.
    public let aliases: [String] = []

    /// COMMAND_LINE_SIZE of x86, less the terminating NUL.
    static let longestBootString = 2047
    /// CONFIG_INIT_ENV_ARG_LIMIT: with more of either the kernel panics.
    static let mostWords = 32
    static let guest = "a linux guest"

    /// Creates the framework.
    public init() {}

    /// The guest in `candidate`, which has to be marked.
    public func recognise(_ candidate: GuestCandidate) throws -> Guest? {
        guard candidate.isMarked else { return nil }
        if let header = try LinuxHeader(in: candidate.bytes) {
            return Self.guest(
                candidate, [.bzImage], version: header.release, memory: min(header.memoryEnd, Guest.mostMemory))
        }
        let isNamed = isNamed(by: candidate)
        guard let elf = try isNamed ? candidate.elf : candidate.soundELF else { return nil }
        let isKernel = elf.xenGuestName == "linux" || elf.notes.contains { $0.name == "Linux" && $0.type == 0x100 }
        guard isKernel || (isNamed && elf.pvhEntry != nil) else {
            if isNamed {
                throw GuestError("file is neither a bzImage nor a kernel with notes of the owner Xen or Linux")
            }
            return nil
        }
        try elf.checkIsX86_64()
        let memory = min(elf.physicalEnd, Guest.mostMemory)
        return Self.guest(candidate, elf.pvhEntry == nil ? [.linux64] : [.pvh, .linux64], version: nil, memory: memory)
    }

    private static func guest(
        _ candidate: GuestCandidate, _ protocols: [BootProtocol], version: String?, memory: UInt64
    ) -> Guest {
        // Disks, networks, timer and power button are where ACPI tables say, if the kernel is as distributions build it.
        let hardware = GuestHardware(
            transports: [.pci, .mmio], needsACPI: true, exitPort: ExitPort(port: 0x501, bytes: 2, meaning: .status),
            stopRequests: [.powerButton, .controlAltDelete], takesInitrd: true, hasVsock: true,
            fileSharing: [.virtiofs, .plan9])
        return Guest(
            framework: "linux", path: candidate.path, bootProtocols: protocols, devices: [], hardware: hardware,
            version: version, leastMemoryBytes: memory)
    }

    /// Words for the kernel, for the network, the environment, and behind `--` the arguments.
    public func bootString(_ boot: GuestBoot) throws(GuestError) -> [UInt8] {
        var words = ["console=ttyS0", "panic=-1", "reboot=k", "quiet"]
        words += Self.root(boot)
        words += try Self.network(boot)
        words += try Self.environment(boot.process.environment)
        if let line = boot.process.commandLine {
            words.append(line)
        } else {
            words += try Self.program(boot)
        }
        return try BootWords.checked(words.joined(separator: " "), limit: Self.longestBootString, for: Self.guest)
    }

    /// The root file system: what is shared with the host, or without an initial RAM disk the first disk's.
    ///
    /// Files can be written to as far as the host lets them be: `ro` would hold for the volumes among them too. See
    /// 9p.rst and virtiofs.rst in the kernel's Documentation/filesystems; `root=` takes the tag for both.
    private static func root(_ boot: GuestBoot) -> [String] {
        let tag = "root=\(MonitorLaunch.shareTag)"
        switch boot.sharedRoot {
        case .virtiofs: return [tag, "rootfstype=virtiofs", "rw"]
        case .plan9:
            return [tag, "rootfstype=9p", "rootflags=trans=virtio,version=9p2000.L,msize=512000,cache=mmap", "rw"]
        case nil: return boot.hasInitrd || boot.disks.isEmpty ? [] : ["root=/dev/vda", "rw"]
        }
    }

    /// The first program and its arguments; without one, where the image's own name stands for it, the kernel's choice.
    private static func program(_ boot: GuestBoot) throws(GuestError) -> [String] {
        let arguments = boot.process.arguments
        guard let program = arguments.first else { return [] }
        var words: [String] = []
        if !BootWords.isImage(program, boot) {
            guard program.hasPrefix("/") else {
                throw GuestError(
                    "argument 0 \"\(program)\" is no absolute path, which the kernel wants of its first program")
            }
            let isOnRAMDisk = boot.sharedRoot == nil && (boot.hasInitrd || boot.disks.isEmpty)
            words.append(try word(isOnRAMDisk ? "rdinit=" : "init=", program, argument: 0))
        }
        guard arguments.count > 1 else { return words }
        guard arguments.count <= mostWords + 1 else {
            throw GuestError("argument \(mostWords + 1) is one too many: a linux guest takes \(mostWords)")
        }
        words.append("--")
        for (index, argument) in arguments.enumerated().dropFirst() {
            guard argument != "--" else {
                throw BootWords.cannotPass(argument: index, "is \"--\"", to: guest)
            }
            words.append(try word("", argument, argument: index))
        }
        return words
    }

    private static func word(_ prefix: String, _ text: String, argument index: Int) throws(GuestError) -> String {
        if let word = LinuxWord.text(for: prefix + text) { return word }
        throw BootWords.cannotPass(argument: index, LinuxWord.reason(text), to: guest)
    }

    /// `ip=` for each interface with an IPv4 address; the first device's comes last, for the kernel itself takes the last.
    private static func network(_ boot: GuestBoot) throws(GuestError) -> [String] {
        let name = boot.process.hostName
        guard name.utf8.allSatisfy({ $0 > 32 && $0 != 34 && $0 != 58 && $0 < 127 }) else {
            throw GuestError("host name \"\(name)\" holds a blank, quote or colon, which \(guest) cannot be given")
        }
        let servers = boot.network.nameServers.filter(\.isVersion4).prefix(2).map { ":\($0)" }.joined()
        var words: [String] = []
        for (index, connection) in boot.network.connections.enumerated().reversed() {
            guard let interface = connection.interface, let address = interface.address(version4: true) else {
                continue
            }
            let gateway = interface.gateway(version4: true)
            // The kernel takes no gateway outside the interface's network.
            let length = gateway.map { address.prefixLength(reaching: $0) } ?? address.prefixLength
            let mask = NetworkAddress.mask(prefixLength: length)
            let way = gateway.map(\.description) ?? ""
            words.append("ip=\(address.address)::\(way):\(mask):\(name):eth\(index):off\(servers)")
        }
        return words
    }

    /// What the kernel does not know goes into the first program's environment.
    private static func environment(_ environment: [String]) throws(GuestError) -> [String] {
        var names: Set<Substring> = ["HOME", "TERM", "ip"]
        var words: [String] = []
        for entry in environment {
            let name = BootWords.name(of: entry)
            names.insert(name)
            guard let word = LinuxWord.text(for: entry) else {
                throw BootWords.cannotPass(variable: entry, LinuxWord.reason(entry), to: guest)
            }
            guard !name.isEmpty, name.utf8.count < entry.utf8.count else {
                throw BootWords.cannotPass(variable: entry, "has no name or no value", to: guest)
            }
            guard !name.utf8.contains(46), !LinuxWord.parameters.contains(String(name)) else {
                throw BootWords.cannotPass(variable: entry, "is a parameter of the kernel", to: guest)
            }
            guard names.count <= mostWords else {
                throw GuestError("environment variable \(name) is one too many: a linux guest takes \(mostWords - 3)")
            }
            words.append(word)
        }
        return words
    }
}
