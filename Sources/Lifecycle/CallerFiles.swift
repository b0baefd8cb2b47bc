internal import HostSystem

/// Sockets that a service manager opened for the container. See sd_listen_fds(3).
enum Activation {
    /// How many descriptors from 3 on they are; 0 unless they are meant for this very process.
    static func descriptors() -> Int32 {
        guard let count = Program.environment("LISTEN_FDS").flatMap({ Int32($0) }), count > 0,
            Program.environment("LISTEN_PID").flatMap({ Int32($0) }) == currentProcess()
        else { return 0 }
        return count
    }

    /// Refuses to pass on descriptors that the caller has not opened: later they would be some of the runtime's own.
    static func checkPreserved(_ count: Int32) throws(Failure) {
        for number in 3..<(3 + max(0, count)) where !isOpen(number) {
            throw Failure("descriptor \(number), which the container is to keep, is not open")
        }
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
