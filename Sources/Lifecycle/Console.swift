internal import HostSystem
internal import OCISpec

/// The caller's terminal in front of a container's, for `run` in the foreground.
final class Console {
    /// The end of a socket pair into which process 1 puts its terminal's master.
    let theirs: Int32
    private let ours: Int32
    private var master: Int32 = -1
    private var raw: RawTerminal?
    private var inputIsOpen = true

    init() throws {
        (ours, theirs) = try SocketPair().take()
    }

    deinit { for number in [ours, theirs, master] where number >= 0 { _ = Descriptor(owning: number) } }

    /// Takes the master that a process has sent.
    func takeTerminal() throws { master = try receiveDescriptor(over: ours).release() }

    /// Makes the terminal ready for a program that has not begun: as large as the caller's, and what the program prints
    /// comes out as it is. The caller's terminal begins lines by itself, and a pipe or file is to have none of a terminal's
    /// carriage returns. As with runc.
    func prepare() throws {
        try keepNewlines(master)
        resize()
    }

    /// The descriptors to wait for: the container's output, and the caller's input while it lasts.
    var watched: [Int32] { inputIsOpen ? [master, 0] : [master] }

    /// Hands the caller's terminal over.
    func begin() throws {
        if isTerminal(0) { raw = try RawTerminal(0) }
    }

    /// Gives the caller's terminal back.
    func end() { raw?.restore() }

    /// The size of the caller's terminal; nil where there is none.
    var callersSize: ConsoleSize? {
        guard let size = try? windowSize(0) else { return nil }
        return ConsoleSize(height: UInt(size.rows), width: UInt(size.columns))
    }

    /// Makes the container's terminal as large as the caller's.
    func resize() {
        guard let size = try? windowSize(0) else { return }
        try? setWindowSize(master, rows: size.rows, columns: size.columns)
    }

    /// Passes on what is there to be read.
    func relay(watched index: Int) {
        let (from, to): (Int32, Int32) = index == 0 ? (master, 1) : (0, master)
        guard let bytes = try? readSome(from, named: "terminal"), !bytes.isEmpty else {
            // A terminal whose other side is closed fails with EIO; the end of process 1 is what counts.
            if index == 1 { inputIsOpen = false }
            return
        }
        try? writeAll(bytes, to: to, named: "terminal")
    }

    /// Passes on the last words of a container that has ended.
    func drain() {
        while let ready = try? waitUntilReadable([master], timeout: 0), ready[0],
            let bytes = try? readSome(master, named: "terminal"), !bytes.isEmpty
        {
            try? writeAll(bytes, to: 1, named: "terminal")
        }
    }
}
