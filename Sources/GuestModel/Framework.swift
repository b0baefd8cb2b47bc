/// A file that may hold a guest, with what the container says about the process in it.
public struct GuestCandidate {
    /// The file's path in the root filesystem.
    public let path: String
    /// Its bytes.
    public let bytes: any ByteSource
    /// The words for the guest: the container's arguments without the program itself, or the words of a command line
    /// that the image's metadata gives.
    public let arguments: [String]
    /// Whether the container says that this is a guest. If not, a file that nobody recognises is an ordinary program.
    public let isMarked: Bool

    /// Creates a candidate.
    public init(path: String, bytes: any ByteSource, arguments: [String], isMarked: Bool) {
        self.path = path
        self.bytes = bytes
        self.arguments = arguments
        self.isMarked = isMarked
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
}
