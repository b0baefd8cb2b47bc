internal import CLinux

/// A pseudo terminal: the master, and the slave that becomes a container's standard descriptors. See pty(7).
public struct PseudoTerminal: ~Copyable {
    /// The end that the engine or shell reads and writes.
    public let master: Descriptor
    /// The container's end.
    public let slave: Descriptor
    /// Its number below /dev/pts.
    public let number: Int32

    /// Opens a new pair from the devpts instance whose multiplexer is `path`. See ioctl_tty(2) TIOCGPTPEER.
    public init(multiplexer path: String) throws(HostError) {
        let opened = try open(path, flags: [.readWrite, .noControllingTerminal])
        try check("ioctl", "TIOCSPTLCK", lx_unlock_terminal(opened.raw))
        let found = try check("ioctl", "TIOCGPTN", lx_terminal_number(opened.raw))
        let peer = Descriptor(owning: try check("ioctl", "TIOCGPTPEER", lx_terminal_peer(opened.raw)))
        master = opened
        slave = peer
        number = found
    }
}

/// Makes an open terminal the controlling one of this session. See ioctl_tty(2) TIOCSCTTY.
public func setControllingTerminal(_ descriptor: Int32) throws(HostError) {
    try check("ioctl", "TIOCSCTTY", lx_set_controlling_terminal(descriptor))
}

/// Sets a terminal's size in character cells. See ioctl_tty(2) TIOCSWINSZ.
public func setWindowSize(_ descriptor: Int32, rows: UInt16, columns: UInt16) throws(HostError) {
    try check("ioctl", "TIOCSWINSZ", lx_set_window_size(descriptor, rows, columns))
}

/// A terminal's size in character cells. See ioctl_tty(2) TIOCGWINSZ.
public func windowSize(_ descriptor: Int32) throws(HostError) -> (rows: UInt16, columns: UInt16) {
    var rows: UInt16 = 0
    var columns: UInt16 = 0
    // SAFETY: both pointers live for the call.
    try check("ioctl", "TIOCGWINSZ", unsafe lx_get_window_size(descriptor, &rows, &columns))
    return (rows, columns)
}

/// Leaves line feeds that are printed to a terminal as they are. See termios(3) ONLCR.
public func keepNewlines(_ descriptor: Int32) throws(HostError) {
    try check("tcsetattr", "ONLCR", lx_terminal_plain_newlines(descriptor))
}

/// Whether a terminal prints a carriage return before each line feed. See termios(3) ONLCR.
public func beginsLines(_ descriptor: Int32) -> Bool { lx_terminal_begins_lines(descriptor) != 0 }

/// Whether a descriptor is a terminal. See isatty(3).
public func isTerminal(_ descriptor: Int32) -> Bool { lx_is_terminal(descriptor) != 0 }

/// Puts a terminal into raw mode, but for its output, and remembers how it was. See termios(3).
public struct RawTerminal {
    private let descriptor: Int32
    private var saved = termios()

    /// Switches to raw mode.
    public init(_ descriptor: Int32) throws(HostError) {
        self.descriptor = descriptor
        // SAFETY: the pointer lives for the call.
        try check("tcsetattr", "", unsafe lx_terminal_raw(descriptor, &saved))
    }

    /// Back to how it was.
    public func restore() {
        var settings = saved
        // SAFETY: the pointer lives for the call.
        _ = unsafe lx_terminal_restore(descriptor, &settings)
    }
}
