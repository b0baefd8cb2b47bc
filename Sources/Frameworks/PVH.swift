public import GuestModel

/// Guests of no framework that boot by Xen's PVH protocol and drive virtio devices: the boot string is their words.
///
/// A file with a note of the owner `Swiftlet` is such a guest, whoever says so or not. Any other is when the container
/// says so, for kernels of all kinds have an entry by that protocol.
public struct PVH: Framework {
    /// `pvh`
    public let name = "pvh"
    /// It has no other name.
    public let aliases: [String] = []

    /// The longest boot string in bytes: the protocol sets no limit, a page is what all monitors pass.
    static let longestBootString = 4095
    /// Below that a monitor has no room for its firmware and what it passes.
    private static let leastMemory: UInt64 = 4 << 20

    /// Creates the framework.
    public init() {}

    /// The guest in `candidate`: a file with our own note, or with an entry of PVH's if it is said to be one.
    public func recognise(_ candidate: GuestCandidate) throws -> Guest? {
        guard isNamed(by: candidate) else { return try Self.ownGuest(in: candidate, of: name) }
        let elf = try candidate.elf
        try elf.checkIsX86_64()
        guard elf.pvhEntry != nil else {
            throw GuestError("file has no note that names a PVH entry (owner Xen, type 18)")
        }
        return Self.guest(elf, at: candidate.path, of: name)
    }

    /// A guest with a note of our own, as one of `framework`; nil when the file has none.
    static func ownGuest(in candidate: GuestCandidate, of framework: String) throws -> Guest? {
        guard let elf = candidate.soundELF, hasOwnNote(elf), elf.pvhEntry != nil else { return nil }
        try elf.checkIsX86_64()
        return guest(elf, at: candidate.path, of: framework)
    }

    private static func hasOwnNote(_ elf: ELFImage) -> Bool { !elf.notes(named: "Swiftlet", type: 1).isEmpty }

    /// Our own have Linux' 64-bit entry as well. That somebody waits for a power button is not to be seen.
    private static func guest(_ elf: ELFImage, at path: String, of framework: String) -> Guest {
        Guest(
            framework: framework, path: path, bootProtocols: hasOwnNote(elf) ? [.pvh, .linux64] : [.pvh], devices: [],
            hardware: GuestHardware(
                transports: [.mmio, .pci], exitPort: ExitPort(port: 0x501, bytes: 2, meaning: .status), hasVsock: true,
                fileSharing: [.plan9, .virtiofs]),
            leastMemoryBytes: max(leastMemory, min(elf.physicalEnd, Guest.mostMemory)))
    }

    /// The words, joined by single spaces; nothing of the network, for which there are no words.
    public func bootString(_ boot: GuestBoot) throws(GuestError) -> [UInt8] {
        let guest = "a pvh guest"
        let process = boot.process
        if let line = process.commandLine {
            return try BootWords.checked(line, limit: Self.longestBootString, for: guest)
        }
        for index in process.words.indices where process.words[index].utf8.contains(0) {
            throw BootWords.cannotPass(argument: index, "holds a NUL byte", to: guest)
        }
        let line = process.words.joined(separator: " ")
        return try BootWords.checked(line, limit: Self.longestBootString, for: guest)
    }
}
