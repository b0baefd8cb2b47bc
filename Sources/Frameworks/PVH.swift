public import GuestModel

/// Unikernels of no framework that is known, for virtual machines: the boot string is their words.
///
/// They say by a note of Xen's where their 32-bit entry is. See Xen's docs/misc/pvh.pandoc.
public struct PVH: Framework {
    /// `pvh`
    public let name = "pvh"
    /// It has no other name.
    public let aliases: [String] = []

    /// Creates the framework.
    public init() {}

    /// The guest in `candidate`, when it is said to be one or has our own guests' note.
    public func recognise(_ candidate: GuestCandidate) throws -> Guest? {
        guard let elf = try? candidate.elf, !elf.notes(named: "Xen", type: 18).isEmpty else { return nil }
        let isNamed = candidate.framework.map(isCalled) ?? false
        guard isNamed || elf.notes.contains(where: { $0.name == "Swiftlet" }) else { return nil }
        let hardware = GuestHardware(
            transports: [.mmio, .pci], exitPort: ExitPort(port: 0x501, bytes: 2, meaning: .status))
        return Guest(
            framework: name, path: candidate.path, bootProtocols: [.pvh, .linux64], devices: [], hardware: hardware,
            leastMemoryBytes: 4 << 20)
    }

    /// The words, joined by single spaces.
    public func bootString(_ boot: GuestBoot) throws(GuestError) -> [UInt8] {
        let process = boot.process
        return try Solo5Image.bootString(process.commandLine.map { [$0] } ?? Array(process.words))
    }
}
