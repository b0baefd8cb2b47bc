public import GuestModel

/// Mewz unikernels: a WebAssembly program compiled into a kernel for a multiboot loader.
///
/// See src/param.zig of Mewz. The program has neither arguments nor environment.
public struct Mewz: Framework {
    /// `mewz`
    public let name = "mewz"
    /// It has no other name.
    public let aliases: [String] = []

    static let guest = "a mewz guest"
    /// Its kernel is linked there, and puts what it allocates behind itself.
    private static let base: UInt64 = 0x10_0000
    /// What it allocates at once when it starts.
    private static let ownMemory: UInt64 = 16 << 20

    /// Creates the framework.
    public init() {}

    /// The guest in `candidate`: an ELF64 file that says to be for x86, so that a multiboot loader takes it, with the
    /// symbol of Mewz' start, or without it if the container says so.
    public func recognise(_ candidate: GuestCandidate) throws -> Guest? {
        let isNamed = isNamed(by: candidate)
        guard let elf = try isNamed ? candidate.elf : candidate.soundELF else { return nil }
        let isRewritten = elf.is64Bit && elf.machine == 3
        guard isRewritten || isNamed else { return nil }
        let isCertain =
            try isRewritten && elf.lowestAddress == Self.base
            && elf.hasSymbol("bspEarlyInit", in: candidate.bytes)
        guard isCertain || isNamed else { return nil }
        guard isRewritten, try MultibootHeader(in: candidate.bytes) != nil else {
            throw GuestError(
                "file is no kernel of Mewz' for a multiboot loader (mewz.qemu.elf): ELF64 for x86, with a header")
        }
        return Guest(
            framework: name, path: candidate.path, bootProtocols: [.multiboot], devices: [],
            hardware: GuestHardware(
                transports: [.pci], needsModernVirtio: true,
                exitPort: ExitPort(port: 0x501, bytes: 2, meaning: .status), needsRandomInstructions: true),
            leastMemoryBytes: min(elf.physicalEnd, Guest.mostMemory) + Self.ownMemory)
    }

    /// The first interface with an address of version 4. Words that are not known are passed over.
    public func bootString(_ boot: GuestBoot) throws(GuestError) -> [UInt8] {
        let process = boot.process
        // Images made for other runtimes name something to run, which nobody reads.
        if process.beginsWithName, let index = process.words.indices.first {
            throw GuestError("argument \(index) cannot be passed: \(Self.guest) takes none")
        }
        var words: [String] = []
        if let interface = boot.network.connections.first?.interface,
            let address = interface.address(version4: true)
        {
            // Without a gateway there would be no network at all.
            words = ["ip=\(address)", "gateway=\(interface.gateway(version4: true) ?? address.address)"]
        }
        if let line = process.commandLine, !line.isEmpty { words.append(line) }
        return try BootWords.checked(
            words.joined(separator: " "), limit: PVH.longestBootString, for: Self.guest)
    }
}
