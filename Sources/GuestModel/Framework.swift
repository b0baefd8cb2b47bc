/// A file that may hold a guest, with what the container says about it.
public final class GuestCandidate {
    /// The file's path in the root filesystem.
    public let path: String
    /// Its bytes; the first of them are read once, for all the frameworks that look at it.
    public let bytes: any ByteSource
    /// Whether the container says that this is a guest. If not, a file that nobody recognises is an ordinary program.
    public let isMarked: Bool
    /// The framework's name that the container gives; nil when it gives none.
    public let framework: String?

    private let neighbour: (String) throws -> (any ByteSource)?
    private var read: Result<ELFImage, any Error>?

    /// Creates a candidate.
    ///
    /// - Parameter neighbour: Opens a regular file of the root filesystem; nil when there is none of that path.
    public init(
        path: String, bytes: any ByteSource, isMarked: Bool, framework: String? = nil,
        neighbour: @escaping (String) throws -> (any ByteSource)? = { _ in nil }
    ) {
        self.path = path
        self.bytes = HeadedSource(bytes)
        self.isMarked = isMarked
        self.framework = framework
        self.neighbour = neighbour
    }

    /// The file as an ELF image; read once, for all the frameworks that look at it.
    ///
    /// - Throws: ``ELFError``, or the error of the file when it cannot be read.
    public var elf: ELFImage {
        get throws {
            if let read { return try read.get() }
            let result = Result { try ELFImage(bytes) }
            read = result
            return try result.get()
        }
    }

    /// The file as an ELF image; nil when it is none that can be read.
    public var soundELF: ELFImage? { try? elf }

    /// Another file of the same root filesystem; nil when there is no regular file at `path`.
    public func file(_ path: String) throws -> (any ByteSource)? { try neighbour(path).map(HeadedSource.init) }
}

/// A source whose first bytes are read at once and kept: headers and notes of programs are there.
private final class HeadedSource: ByteSource {
    private static let headSize = 4096

    private let source: any ByteSource
    private var head: [UInt8]?

    init(_ source: any ByteSource) { self.source = source }

    var size: UInt64 { source.size }

    func read(at offset: UInt64, count: Int) throws -> [UInt8] {
        guard let end = offset.adding(UInt64(max(0, count))), end <= Self.headSize else {
            return try source.read(at: offset, count: count)
        }
        if head == nil { head = try source.read(at: 0, count: Int(min(source.size, UInt64(Self.headSize)))) }
        return (head ?? []).read(at: offset, count: count)
    }
}

/// A unikernel framework: what its images look like and how a process is told to them.
///
/// One file in `Frameworks` and one line in its registry make a new one.
public protocol Framework: Sendable {
    /// The name users see: `solo5`.
    var name: String { get }
    /// The other names under which images' metadata knows it: `mirage`.
    var aliases: [String] { get }

    /// The guest in `candidate`; nil when the file is none of this framework's.
    ///
    /// A file that nobody marked has to bear a sure sign; looking for it costs a program no more than its first bytes.
    /// - Throws: An error when the file is this framework's but cannot run.
    func recognise(_ candidate: GuestCandidate) throws -> Guest?

    /// The boot string that tells a guest of its process, network and disks, without a terminating NUL.
    ///
    /// - Throws: ``GuestError`` that names what the framework has no words for.
    func bootString(_ boot: GuestBoot) throws(GuestError) -> [UInt8]
}

extension Framework {
    /// Whether `name` is this framework's, or one of the other names it is known by.
    public func isCalled(_ name: String) -> Bool { self.name == name || aliases.contains(name) }

    /// Whether the container says that `candidate` is a guest of this framework.
    public func isNamed(by candidate: GuestCandidate) -> Bool { candidate.framework.map(isCalled) ?? false }
}
