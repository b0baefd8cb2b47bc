public import HostSystem
internal import LaunchPlanning

/// What connects a virtual machine's program with its container: made at `create`, used by process 1.
public struct MachineLink {
    /// The monitor's connection to the server of files.
    public let share: Int32
    /// Where the server's complaints arrive; at its end it has ended.
    public let shareErrors: Int32
    /// What the machine's process 1 is told first.
    public let settings: JSONValue
    /// Whether the program has a terminal.
    public let hasTerminal: Bool

    /// A link.
    public init(share: Int32, shareErrors: Int32, settings: JSONValue, hasTerminal: Bool) {
        self.share = share
        self.shareErrors = shareErrors
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
    private static let mostComplaints = 2048

    private let link: MachineLink
    private let control: (ours: Int32, theirs: Int32)
    /// The sockets of the program's standard input, output and error, as far as it has them.
    private let streams: [(ours: Int32, theirs: Int32)]
    private var outputs: [Int32] = []
    private var buffer: [UInt8] = []
    private var hasControl = true
    private var hasServer = true
    private var complaints: [UInt8] = []

    /// Which of ``watched`` can be read.
    var ready: [Bool] = []
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

    /// What the monitor gets, in the order of a ``GuestModel/MonitorLaunch``: the share, then the ports.
    var forMonitor: [Int32] { [link.share, control.theirs] + streams.map(\.theirs) }

    /// The descriptors to wait for.
    var watched: [Int32] { [hasControl ? control.ours : -1, hasServer ? link.shareErrors : -1] }

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
        let isReady = ready
        ready = []
        if isReady.count > 1, isReady[1] { takeComplaints() }
        guard isReady.first == true else { return false }
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

    private func takeComplaints() {
        let bytes = (try? readSome(link.shareErrors, named: "virtiofsd")) ?? []
        complaints = Array((complaints + bytes).suffix(Self.mostComplaints))
        if bytes.isEmpty { hasServer = false }
    }

    /// Why the machine has no files any more; nil while it has.
    var serverFailure: String? {
        guard !hasServer, status == nil else { return nil }
        let words = String(decoding: complaints, as: UTF8.self).split(separator: "\n").joined(separator: "; ")
        return "the virtual machine's server of files has ended" + (words.isEmpty ? "" : ": \(words)")
    }
}
