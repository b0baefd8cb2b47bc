public import HostSystem

/// A child of process 1 that starts a guest's vAccel agent when the guest first connects, and again when it has died.
///
/// An agent that nobody calls costs a waiting process of a few pages. Both end with process 1.
public struct AgentLauncher {
    private let program: Int32
    private let arguments: [String]
    private let sockets: [Int32]

    /// The agent's first listening socket; the others follow.
    private static let firstSocket: Int32 = 3
    /// An agent that does not live longer is not started again at once.
    private static let patienceMilliseconds: Int32 = 1000

    /// A launcher.
    ///
    /// - Parameters:
    ///   - program: The open program; closed in process 1 when the launcher has begun, as the sockets are.
    ///   - arguments: The program's name, then its arguments but for the sockets.
    ///   - sockets: The listening sockets.
    public init(program: Int32, arguments: [String], sockets: [Int32]) {
        self.program = program
        self.arguments = arguments
        self.sockets = sockets
    }

    /// Starts the child.
    public func begin() throws(HostError) {
        let supervisor = currentProcess()
        if try cloneProcess(namespaces: 0) == 0 {
            do {
                try endWithParent(supervisor)
                try wait()
            } catch {
                try? Program.write("cannot run the vAccel agent: \(error)\n", to: .error)
            }
            exitNow(1)
        }
        for number in sockets + [program] { _ = Descriptor(owning: number) }
    }

    private func wait() throws(HostError) {
        try closeDescriptors(except: sockets + [program])
        giveMemoryBack()
        while true {
            _ = try waitUntilReadable(sockets)
            let began = monotonicNanoseconds()
            let launcher = currentProcess()
            let agent = try cloneProcess(namespaces: 0)
            if agent == 0 { become(of: launcher) }
            _ = try waitForChild(agent)
            let lived = (monotonicNanoseconds() - began) / 1_000_000
            if lived < Self.patienceMilliseconds { _ = try waitUntilReadable([], timeout: Self.patienceMilliseconds) }
        }
    }

    private func become(of launcher: Int32) -> Never {
        do throws(HostError) {
            try endWithParent(launcher)
            // Out of the way of the numbers they are to have.
            let end = Self.firstSocket + Int32(sockets.count)
            let program = try duplicate(program, from: end).release()
            var moved: [Int32] = []
            for socket in sockets { moved.append(try duplicate(socket, from: end).release()) }
            var options: [String] = []
            for (offset, socket) in moved.enumerated() {
                let number = Self.firstSocket + Int32(offset)
                try duplicate(socket, to: number)
                options += ["--listen-fd", "\(number)"]
            }
            // Standard output is the guest's.
            try duplicate(2, to: 1)
            resetSignals()
            try execute(descriptor: program, arguments: arguments + options, environment: [])
        } catch {
            try? Program.write("cannot start the vAccel agent: \(error)\n", to: .error)
            exitNow(1)
        }
    }
}
