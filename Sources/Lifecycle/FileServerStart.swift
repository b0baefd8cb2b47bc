internal import GuestModel
internal import HostSystem
internal import LaunchPlanning
internal import Sandboxing
internal import Supervision

/// The server of the files that a guest shares with the host, and the connections to it: made at `create`.
final class FileServerStart {
    private let path: String
    private let program: Int32
    /// The server's complaints: where they arrive, and where it writes them.
    private let errors: (ours: Int32, theirs: Int32)
    /// The monitor's connection to the server.
    private var share: Int32 = -1
    private let held: DescriptorSet

    /// Opens the program.
    init(_ path: String, _ held: DescriptorSet) throws {
        self.path = path
        self.held = held
        program = held.hold(try open(path, flags: .readOnly))
        let pair = try SocketPair(stream: true).take()
        errors = (held.hold(Descriptor(owning: pair.first)), held.hold(Descriptor(owning: pair.second)))
    }

    /// Connects the monitor and the server.
    ///
    /// - Parameter directory: The container's own, in which nobody else connects to the server.
    func connect(in directory: String) throws -> SharedTree.Server {
        let folder = try open(directory, flags: [.directory, .pathOnly])
        let name = "files.sock"
        let socket = "\(descriptorPath(folder.raw))/\(name)"
        let listener = held.hold(try listenUnix(at: socket, stream: true))
        share = held.hold(try connectUnix(to: socket, stream: true))
        try removeFile(name, in: folder.raw)
        return SharedTree.Server(path: path, program: program, listener: listener, errors: errors.theirs)
    }

    /// What process 1 needs open.
    var descriptors: [Int32] { [share, errors.ours] }

    /// The connections, in process 1.
    var link: FileServerLink { FileServerLink(share: share, complaints: errors.ours) }
}

extension SandboxRequest {
    /// Has the guest share what its plan says, served by `server` or by its monitor.
    func share(_ root: SharedRoot, by server: SharedTree.Server?) {
        sharedTree = SharedTree(
            .whole, mounts: root.mounts,
            by: server.map { .server($0) } ?? .monitor(place: MonitorLaunch.sharePath))
    }
}
