public import GuestModel

/// Solo5 unikernels: bare ones, MirageOS and Rumprun, as far as plain arguments serve them.
///
/// A binary says by its ELF notes which tender it was linked for. See the Solo5 ABI headers.
public struct Solo5: Framework {
    /// The longest boot string in bytes, without the terminating NUL (HVT_CMDLINE_SIZE, SPT_CMDLINE_SIZE).
    static let longestCommandLine = 8191
    /// More than any tender gives; loading is checked against the real size once that is known.
    private static let unlimited = UInt64(1) << 46

    /// `solo5`
    public let name = "solo5"
    /// The frameworks that link against Solo5.
    public let aliases = ["mirage", "rumprun"]

    /// Creates the framework.
    public init() {}

    /// The guest in `candidate`, when it has Solo5's notes.
    ///
    /// - Throws: ``GuestModel/ELFError``, ``GuestModel/Solo5Error`` or ``GuestModel/GuestError`` when the file is a
    ///   Solo5 binary, or is said to be a guest, and cannot run.
    public func recognise(_ candidate: GuestCandidate) throws -> Guest? {
        let elf: ELFImage
        do {
            elf = try ELFImage(candidate.bytes)
        } catch let error as ELFError {
            if candidate.isMarked || (error != .notELF && Self.mentionsSolo5(candidate.bytes)) { throw error }
            return nil
        }
        guard let binary = try Solo5Binary(elf) else { return nil }
        let proto = try Self.bootProtocol(of: binary)
        return Guest(
            framework: name, path: candidate.path, bootProtocols: [proto],
            commandLine: try Self.commandLine(candidate.arguments),
            devices: binary.devices.map { GuestDevice(name: $0.name, kind: $0.kind == .block ? .block : .network) },
            leastMemoryBytes: try binary.loadPlan(memoryBytes: Self.unlimited).end)
    }

    private static func bootProtocol(of binary: Solo5Binary) throws -> BootProtocol {
        if case .unknown(let number) = binary.target {
            throw GuestError("solo5 binary was linked for target \(number), which is not known")
        }
        return BootProtocol(name: "solo5-\(binary.target)", version: binary.abiVersion)
    }

    /// The boot string: the words joined by single spaces, as Solo5's own tenders do it.
    static func commandLine(_ words: [String]) throws -> [UInt8] {
        for (index, word) in words.enumerated() where word.utf8.contains(0) {
            throw GuestError("argument \(index + 1) holds a NUL byte, which ends a solo5 command line")
        }
        let line = [UInt8](words.joined(separator: " ").utf8)
        guard line.count <= longestCommandLine else {
            throw GuestError(
                "command line of \(line.count) bytes is too long for a solo5 guest (at most \(longestCommandLine))")
        }
        return line
    }

    /// Whether a file that is no sound ELF64 file for this machine was meant to be a Solo5 binary.
    ///
    /// Looks for the notes' owner in the first pages, where the linker puts them, and for the interpreter's path.
    private static func mentionsSolo5(_ bytes: any ByteSource) -> Bool {
        guard let head = try? bytes.read(at: 0, count: 16384) else { return false }
        let word = [UInt8]("olo5".utf8)
        guard head.count >= word.count else { return false }
        return (0...(head.count - word.count)).contains { at in
            head[at] == word[0] && head[at..<(at + word.count)].elementsEqual(word)
        }
    }
}
