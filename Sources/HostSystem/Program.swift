import CLinux
import CSeccomp

/// The program's own edges: how it starts, what its caller gave it, where its words go, how it ends.
public enum Program {
    /// The two streams a command writes to.
    public enum Stream: Int32, Sendable {
        case output = 1
        case error = 2
    }

    /// Puts the signals of a crash back to their defaults; the first thing the program does.
    ///
    /// The language runtime may have installed handlers that execute a program named by `SWIFT_BACKTRACE`.
    public static func resetCrashHandlers() {
        lx_reset_crash_handlers()
    }

    /// The words of the command line, the program's name first.
    public static var arguments: [String] {
        var found = [String]()
        // SAFETY: argv is a NULL-terminated array of C strings that lives as long as the process.
        while let word = unsafe lx_argument(Int32(found.count)) { found.append(unsafe String(cString: word)) }
        return found
    }

    /// Ends the process. See exit(3).
    public static func exit(_ status: Int32) -> Never {
        lx_leave(status)
    }

    /// Writes all of `text` to a standard stream.
    ///
    /// - Throws: ``HostError`` with `EPIPE` when the reader is gone; that is never a crash.
    public static func write(_ text: String, to stream: Stream) throws(HostError) {
        do throws(HostError) {
            try write(text, to: stream.rawValue)
        } catch {
            let name = stream == .output ? "standard output" : "standard error"
            throw HostError(call: error.call, subject: name, errno: error.errno)
        }
    }

    /// Writes all of `text` to an open descriptor. See write(2).
    public static func write(_ text: String, to descriptor: Int32) throws(HostError) {
        let bytes = Array(text.utf8)
        var done = 0
        while done < bytes.count {
            // SAFETY: the pointer covers the bytes of `bytes` from `done` on and is not kept after the call.
            let written = unsafe bytes[done...].withUnsafeBytes { rest in
                unsafe lx_write_quiet(descriptor, rest.baseAddress, rest.count)
            }
            done += try check("write", "descriptor \(descriptor)", written)
        }
    }

    /// Creates the file at `path` with `text` in it.
    ///
    /// - Throws: ``HostError`` with `EEXIST` when there is a file already, even a dangling symbolic link.
    public static func writeNewFile(_ path: String, _ text: String) throws(HostError) {
        let file = try open(path, flags: [.writeOnly, .create, .exclusive, .noFollow], mode: 0o666)
        try write(text, to: file.raw)
    }

    /// The value of an environment variable. See getenv(3).
    public static func environment(_ name: String) -> String? {
        // SAFETY: the text belongs to the environment, which nothing changes, and is copied at once.
        guard let text = unsafe lx_environment(name) else { return nil }
        return unsafe String(cString: text)
    }

    /// Whether the process runs in a user namespace other than the initial one.
    public static var isInUserNamespace: Bool { lx_in_user_namespace() != 0 }

    /// The version of libseccomp this program was linked with: `2.5.4`. See seccomp_version(3).
    public static var seccompLibraryVersion: String? {
        // SAFETY: libseccomp returns a pointer to a constant of its own, or NULL.
        guard let version = unsafe seccomp_version() else { return nil }
        return unsafe "\(version.pointee.major).\(version.pointee.minor).\(version.pointee.micro)"
    }
}
