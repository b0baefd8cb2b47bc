public import OCISpec
internal import HostSystem

/// The agent that decides about the system calls whose action is SCMP_ACT_NOTIFY.
///
/// See config-linux.md "Seccomp", `listenerPath`, and "The Container Process State".
public struct SeccompAgent {
    /// The Unix socket on which it listens.
    let path: String
    /// What it is told besides.
    let metadata: String

    /// The agent behind a socket.
    public init(path: String, metadata: String) {
        self.path = path
        self.metadata = metadata
    }

    /// Hands it what listens for a process of a container: one connection, one message.
    ///
    /// - Parameters:
    ///   - listener: What `seccomp(2)` returned in the process.
    ///   - pid: The process.
    ///   - state: The container's state.
    public func take(_ listener: Int32, of pid: Int32, _ state: ContainerStateDocument) throws {
        var document: JSONObject = [
            "ociVersion": .string(state.ociVersion), "fds": ["seccompFd"], "pid": JSONValue(pid),
        ]
        if !metadata.isEmpty { document["metadata"] = .string(metadata) }
        document["state"] = state.json
        let socket: Descriptor
        do throws(HostError) {
            socket = try connectUnix(to: path, stream: true)
        } catch {
            throw Failure("failed to connect with seccomp agent", cause: error)
        }
        do throws(HostError) {
            try sendDescriptor(listener, text: JSONValue.object(document).text(), over: socket.raw)
        } catch {
            throw Failure("cannot hand the seccomp listener to the agent", cause: error)
        }
    }
}

extension Seccomp {
    /// Whether an agent decides about some calls.
    public var notifies: Bool { syscalls.contains { $0.action == .notify } }

    /// Refuses what could never be answered. The words are runc's.
    func checkNotifications() throws(SpecError) {
        func refuse(_ pointer: String, _ reason: String) -> SpecError {
            SpecError(pointer: "/linux/seccomp/\(pointer)", reason: reason, section: "config-linux.md#seccomp")
        }
        if defaultAction == .notify {
            throw refuse("defaultAction", "SCMP_ACT_NOTIFY cannot be used as default action")
        }
        guard notifies else { return }
        if listenerPath == nil { throw refuse("listenerPath", "SCMP_ACT_NOTIFY needs the path of an agent's socket") }
        for (index, rule) in syscalls.enumerated() where rule.action == .notify {
            // With these the process hands out what answers for them.
            for name in ["write", "sendmsg"] where rule.names.contains(name) {
                throw refuse("syscalls/\(index)/names", "SCMP_ACT_NOTIFY cannot be used for the \(name) syscall")
            }
        }
    }
}
