public import GuestModel

/// Solo5 unikernels of no framework that is known: the boot string is their words, as Solo5's own tenders pass them.
///
/// A binary says by its ELF notes which tender it was linked for. See the Solo5 ABI headers.
public struct Solo5: Framework {
    /// `solo5`
    public let name = "solo5"
    /// It has no other name.
    public let aliases: [String] = []

    /// Creates the framework.
    public init() {}

    /// The guest in `candidate`, when it has Solo5's notes.
    ///
    /// - Throws: ``GuestModel/ELFError``, ``GuestModel/Solo5Error`` or ``GuestModel/GuestError`` when the file is a
    ///   Solo5 binary, or is said to be a guest, and cannot run.
    public func recognise(_ candidate: GuestCandidate) throws -> Guest? {
        try Solo5Image.guest(in: candidate, of: name)
    }

    /// The words, joined by single spaces; nothing of the network, for which there are no words.
    public func bootString(_ boot: GuestBoot) throws(GuestError) -> [UInt8] {
        let process = boot.process
        return try Solo5Image.bootString(process.commandLine.map { [$0] } ?? Array(process.words))
    }
}
