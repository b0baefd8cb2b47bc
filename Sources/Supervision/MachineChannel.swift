public import HostSystem
internal import LaunchPlanning

/// What connects a virtual machine's program with its container: made at `create`, used by process 1.
public struct MachineLink {
    /// What the machine's process 1 is told first.
    public let settings: JSONValue
    /// Whether the program has a terminal.
    public let hasTerminal: Bool

    /// A link.
    public init(settings: JSONValue, hasTerminal: Bool) {
        self.settings = settings
        self.hasTerminal = hasTerminal
    }
}

/// The supervisor's side of a virtual machine: the conversation with its process 1, and the program's standard descriptors.
///
/// Both sides send JSON objects, each on a line of its own: `settings` first, then `signal` and `size`; the machine's
/// process 1 answers `started` or `failed`, and in the end `exit` with the program's status.
final class MachineChannel {
    /// The status of a container whose machine ends without telling one.
    static let unknownStatus: Int32 = 255
    private static let longestLine = 1 << 16

    private let link: MachineLink
    private let control: (ours: Int32, theirs: Int32)
    /// The sockets of the program's standard input, output and error, as far as it has them.
    private let streams: [(ours: Int32, theirs: Int32)]
    private var outputs: [Int32] = []
    private var buffer: [UInt8] = []
    private var hasControl = true

    /// Whether ``watched`` can be read.
    var isReady = false
    /// Whether the program has begun.
    private(set) var hasStarted = false
    /// Why the program did not begin.
    private(set) var failure: String?
    /// The program's status.
    private(set) var status: Int32?

    init(_ link: MachineLink) throws(HostError) {
        self.link = link
        var pairs: [(ours: Int32, theirs: Int32)] = []
        for _ in MachinePlan.ports {
            let pair = try SocketPair(stream: true).take()
            pairs.append((pair.first, pair.second))
        }
        control = pairs[0]
        streams = Array(pairs.dropFirst())
    }

    /// What the monitor gets: the machine's ports.
    var forMonitor: [Int32] { [control.theirs] + streams.map(\.theirs) }

    /// The descriptor to wait for; negative for none.
    var watched: Int32 { hasControl ? control.ours : -1 }

    /// Begins the conversation and to pass the program's streams on, once the monitor has its ends.
    func begin() throws {
        for number in forMonitor { _ = Descriptor(owning: number) }
        var settings = link.settings.object ?? JSONObject()
        if link.hasTerminal {
            var terminal: JSONObject = ["beginsLines": .bool(beginsLines(0))]
            if let size = try? windowSize(0) {
                terminal["rows"] = JSONValue(size.rows)
                terminal["columns"] = JSONValue(size.columns)
            }
            settings["terminal"] = .object(terminal)
            // The program's own terminal is in the machine.
            _ = try RawTerminal(0)
            try keepNewlines(0)
        }
        try say(["settings": .object(settings)])
        // In frames: QEMU drops what it has not read when a socket is closed, so its end has to be said.
        _ = try StreamPump.start(from: 0, to: streams[0].ours, .intoFrames)
        for (number, stream) in streams.enumerated().dropFirst() {
            outputs.append(try StreamPump.start(from: stream.ours, to: Int32(number)))
        }
        for stream in streams.dropFirst() { _ = Descriptor(owning: stream.ours) }
    }

    /// Waits until everything that the program has printed is passed on.
    func finish() {
        for process in outputs { _ = try? waitForChild(process) }
    }

    // MARK: the conversation

    private func say(_ words: JSONValue) throws(HostError) {
        do throws(HostError) {
            try writeAll(words.bytes() + [UInt8(ascii: "\n")], to: control.ours, named: "virtual machine")
        } catch {
            // Its end is told by the monitor's.
            guard error.isDisconnected else { throw error }
        }
    }

    /// Has the program get a signal, or its terminal a new size.
    func send(_ signal: Int32) throws(HostError) {
        guard link.hasTerminal, signal == Signal.windowChange else { return try say(["signal": JSONValue(signal)]) }
        guard let size = try? windowSize(0) else { return }
        try say(["rows": JSONValue(size.rows), "columns": JSONValue(size.columns)])
    }

    /// Takes what has come; false when nothing has.
    func take() -> Bool {
        guard isReady else { return false }
        isReady = false
        let bytes = (try? readSome(control.ours, named: "virtual machine")) ?? []
        if bytes.isEmpty { hasControl = false }
        buffer += bytes
        while let end = buffer.firstIndex(of: UInt8(ascii: "\n")) {
            let line = [UInt8](buffer[..<end])
            buffer.removeFirst(end + 1)
            // From the machine, where nobody is trusted.
            guard let words = try? parseJSON(line, named: "the machine's message") else { continue }
            if words["started"]?.bool == true { hasStarted = true }
            if let reason = words["failed"]?.string, !hasStarted { failure = reason }
            if let number = words["exit"]?.integer(as: UInt8.self) { status = Int32(number) }
        }
        if buffer.count > Self.longestLine { buffer = [] }
        return true
    }
}
