internal import HostSystem

/// The descriptors of the caller that a container's process keeps: sockets that a service manager opened for it, and as
/// many after them as the caller asks for. See sd_listen_fds(3).
struct CallerDescriptors {
    /// How many sockets of a service manager there are, from 3 on.
    private let listening: Int32
    /// Those that are open. The number of one that is not may be that of a file of the runtime's own by now.
    let numbers: [Int32]

    /// Finds them; a warning says when one is not open.
    init(preserving more: Int32, _ log: Log) throws(HostError) {
        listening = Self.listeningSockets()
        let wanted = Int64(listening) + Int64(max(0, more))
        numbers = try wanted > 0 ? inheritedDescriptors(through: 2 + wanted) : []
        let missing = zip(numbers, Int32(3)...).first { $0 != $1 }?.1 ?? 3 + Int32(numbers.count)
        guard numbers.count < wanted else { return }
        log.warning("descriptor \(missing), which the container is to keep, is not open")
    }

    /// Sockets are for the process that LISTEN_PID names, or for the container when there is no such variable: a caller that
    /// is no service manager cannot know this process's number beforehand.
    private static func listeningSockets() -> Int32 {
        guard let count = Program.environment("LISTEN_FDS").flatMap({ Int32($0) }), count > 0 else { return 0 }
        guard let pid = Program.environment("LISTEN_PID") else { return count }
        return Int32(pid) == currentProcess() ? count : 0
    }

    /// What tells the container's process of its sockets.
    var environment: [String] { listening > 0 ? ["LISTEN_FDS=\(listening)", "LISTEN_PID=1"] : [] }
}

extension Failure {
    /// Why a container with a terminal cannot be made without somebody who takes the master; runc's words.
    static var needsConsoleSocket: Failure {
        Failure("config.json: /process/terminal: cannot allocate a terminal without --console-socket")
    }
}

/// Connects to the socket that takes a terminal's master; nil when none is named.
func openConsole(_ path: String?, wantsTerminal: Bool, _ held: DescriptorSet) throws(Failure) -> Int32? {
    guard let path, !path.isEmpty else { return nil }
    guard wantsTerminal else { throw Failure("cannot use --console-socket: the process has no terminal") }
    do throws(HostError) {
        return held.hold(try connectUnix(to: path, stream: true))
    } catch {
        throw Failure("cannot reach the console socket", cause: error)
    }
}

/// Writes a process id where the caller wants it, if anywhere.
func writePidFile(_ path: String?, _ pid: Int32) throws(Failure) {
    guard let path, !path.isEmpty else { return }
    do throws(HostError) {
        try replaceFile(path, in: currentDirectory, with: [UInt8]("\(pid)".utf8), mode: 0o644)
    } catch {
        throw Failure("cannot write the pid file", cause: error)
    }
}

/// Connects to the socket that takes a process descriptor; nil when none is named.
func openPidfdSocket(_ path: String?, _ held: DescriptorSet) throws(Failure) -> Int32? {
    guard let path, !path.isEmpty else { return nil }
    do throws(HostError) {
        return held.hold(try connectUnix(to: path, stream: true))
    } catch {
        throw Failure("cannot reach the pidfd socket", cause: error)
    }
}

/// Sends a process descriptor of a child to whoever asked for it; the name is runc's for the kind of process.
func sendProcess(_ pid: Int32, named name: String, over socket: Int32?) throws(Failure) {
    guard let socket else { return }
    do throws(HostError) {
        let process = try openProcess(pid)
        try sendDescriptor(process.raw, text: name, over: socket)
    } catch {
        throw Failure("failed to setup pidfd", cause: error)
    }
}
