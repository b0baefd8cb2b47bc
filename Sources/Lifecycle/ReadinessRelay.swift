internal import ContainerState
internal import HostSystem
internal import OCISpec

/// Passes a container's message that it is ready on to the service manager that started the runtime. See sd_notify(3).
///
/// The manager's own socket stays out of the container: whoever starts it listens in its state directory, which is
/// mounted at the path of the manager's socket, and passes on that one message. The paths are crun's.
struct ReadinessRelay {
    /// Where the container's messages arrive; open to the end of this process.
    let socket: Int32
    private let manager: String

    /// The path of the service manager's socket, from the environment; nil without one, or with one that has no path.
    static var managerSocket: String? {
        guard let path = Program.environment("NOTIFY_SOCKET"), path.hasPrefix("/") else { return nil }
        return path
    }

    /// What a container needs to tell the manager that it is ready: a mount and a variable.
    static func prepare(_ spec: inout RuntimeSpec, in directory: borrowing ContainerDirectory) throws(HostError) {
        guard let manager = managerSocket else { return }
        let source = try directory.makeNotifyDirectory()
        spec.mounts.append(
            Mount(
                destination: manager, type: "bind", source: source, options: ["rprivate", "nosuid", "nodev", "noexec"]))
        spec.process?.env.append("NOTIFY_SOCKET=\(manager)/\(ContainerDirectory.notifySocketName)")
    }

    /// Begins to listen; nil when nobody is to be told.
    init?(_ directory: borrowing ContainerDirectory) throws(HostError) {
        guard let manager = Self.managerSocket, let listening = try directory.listenForNotifications() else {
            return nil
        }
        self.manager = manager
        socket = listening.release()
    }

    /// Takes one message that has arrived, and passes it on when it says that the container is ready.
    ///
    /// - Returns: Whether it does.
    func pass() throws(HostError) -> Bool {
        let text = String(decoding: try receiveMessage(socket), as: UTF8.self)
        guard text.split(separator: "\n").contains("READY=1") else { return false }
        // A manager that is gone is no reason to end the container.
        try? sendDatagram("READY=1", to: manager)
        return true
    }

    /// Waits until the container is ready, and names its process to the manager; or until that has ended.
    func waitUntilReady(_ pid: Int32) throws(HostError) {
        let process = try openProcess(pid)
        while true {
            let ready = try waitUntilReadable([socket, process.raw])
            if ready[0], try pass() {
                try? sendDatagram("MAINPID=\(pid)", to: manager)
                return
            }
            if ready[1], !ready[0] { return }
        }
    }
}
