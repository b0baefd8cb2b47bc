public import HostSystem
internal import VsockDevice

/// The virtio socket device of a guest whose monitor has none: a child of process 1 that may do little else.
///
/// It has no capabilities, sees the monitor's root, and cannot open a file. It ends with process 1; when it ends before, so
/// does the guest.
public struct VsockProcess {
    /// A device that runs.
    public struct Running {
        /// Its pid.
        public let process: Int32
        /// The connected socket for the monitor.
        public let frontEnd: Int32
    }

    private let guestCID: UInt32
    private let path: String
    private let filter: SeccompProgram

    /// A device.
    ///
    /// - Parameters:
    ///   - guestCID: The guest's context id.
    ///   - path: The socket at which it listens, in the monitor's root.
    ///   - filter: What ``filter(_:)`` has compiled.
    public init(guestCID: UInt32, path: String, filter: SeccompProgram) {
        self.guestCID = guestCID
        self.path = path
        self.filter = filter
    }

    /// Compiles what the device may do; other calls are as if this kernel did not have them.
    public static func filter(_ cache: FilterCache?) throws(HostError) -> SeccompProgram {
        try VsockConfinement.filter(calls, cache)
    }

    private static let calls: [(reason: String, names: [String])] = [
        ("waiting", ["epoll_wait", "epoll_pwait", "epoll_ctl", "restart_syscall", "clock_gettime"]),
        ("streams, and the front-end", ["accept4", "connect", "recvfrom", "recvmsg", "sendmsg", "sendto", "shutdown"]),
        ("calling the guest, and a last word", ["write"]),
        ("the guest's memory", ["mmap", "munmap", "fstat", "newfstatat", "close"]),
        ("the device's own memory", ["brk", "mremap", "madvise", "mprotect", "futex", "getrandom"]),
        ("the end", ["exit", "exit_group", "rt_sigreturn", "rt_sigprocmask", "tgkill", "gettid", "getpid"]),
    ]

    /// Starts the child, and waits until programs of the host's can connect.
    ///
    /// - Throws: An error that says why it cannot run.
    public func begin() throws -> Running {
        let frontEnd = try SocketPair(stream: true).take()
        let report = try SocketPair().take()
        let supervisor = currentProcess()
        let child = try cloneProcess(namespaces: 0)
        if child == 0 { become(of: supervisor, frontEnd: frontEnd.second, report: report.second) }
        for number in [frontEnd.second, report.second] { _ = Descriptor(owning: number) }
        let mine = Descriptor(owning: report.first)
        let said = try receiveMessage(mine.raw)
        guard said == Self.ready else {
            let reason = said.isEmpty ? "it ended at once" : String(decoding: said, as: UTF8.self)
            throw Failure("cannot start the guest's vsock device: \(reason)")
        }
        return Running(process: child, frontEnd: frontEnd.first)
    }

    private static let ready = [UInt8]("ready".utf8)

    private func become(of supervisor: Int32, frontEnd: Int32, report: Int32) -> Never {
        do {
            try endWithParent(supervisor)
            try closeDescriptors(except: [frontEnd, report])
            resetSignals()
            let device = try VsockDevice(path: path, guestCID: UInt64(guestCID))
            try device.attach(frontEnd: Descriptor(owning: frontEnd))
            try VsockConfinement.enter(filter)
            try sendMessage(Self.ready, to: report)
            _ = Descriptor(owning: report)
            giveMemoryBack()
            // The monitor's end closes when it ends, and then all of the container does.
            while try device.turn() {}
            exitNow(0)
        } catch {
            try? sendMessage([UInt8]("\(error)".utf8), to: report)
            exitNow(1)
        }
    }
}
