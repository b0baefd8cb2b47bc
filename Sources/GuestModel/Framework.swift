/// A file that may hold a guest, with what the container says about it.
public final class GuestCandidate {
    /// The file's path in the root filesystem.
    public let path: String
    /// Its bytes.
    public let bytes: any ByteSource
    /// Whether the container says that this is a guest. If not, a file that nobody recognises is an ordinary program.
    public let isMarked: Bool
    /// The framework's name that the container gives; nil when it gives none.
    public let framework: String?

    private var read: Result<ELFImage, any Error>?

    /// Creates a candidate.
    public init(path: String, bytes: any ByteSource, isMarked: Bool, framework: String? = nil) {
        self.path = path
        self.bytes = bytes
        self.isMarked = isMarked
        self.framework = framework
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
}
