internal import HostSystem
internal import LaunchPlanning
internal import Networking
internal import OCISpec

/// The program of a virtual machine, seen from the machine's process 1.
final class MachineProgram {
    private static let id = "machine"
    private static let share = "/share"
    private static let bundle = "/bundle"

    private let host: MachineHost
    private var lines: [UInt8] = []
    private var master: Int32 = -1
    /// The processes that pass on what the program prints.
    private var outputs: [Int32] = []

    init(_ host: MachineHost) { self.host = host }

    /// Runs it, and tells the host that it has begun and how it ended.
    func run() throws {
        let signals = try SignalQueue()
        let settings = try waitForSettings()
        try furnish(settings)
        let runtime = Runtime(
            RuntimeSettings(root: "/run/swiftlet", systemdCgroup: false, rootless: nil, log: Log(level: .error)))
        let terminal = settings["terminal"]
        let pid = try make(runtime, hasTerminal: terminal != nil)
        if let terminal { try adopt(terminal) }
        try runtime.start(id: Self.id)
        host.say(["started": true])
        let status = try attend(pid, signals)
        drain()
        // What is on shared files is written by the time that the host knows.
        synchronise()
        host.say(["exit": JSONValue(status & 0xFF)])
    }

    /// Waits for the host's first words.
    private func waitForSettings() throws -> JSONValue {
        while true {
            for words in try takeLines() { if let settings = words["settings"] { return settings } }
        }
    }

    private func takeLines() throws -> [JSONValue] {
        lines += try readSome(host.control, named: "host")
        var taken: [JSONValue] = []
        while let end = lines.firstIndex(of: UInt8(ascii: "\n")) {
            taken.append(try parseJSON([UInt8](lines[..<end]), named: "the host's message"))
            lines.removeFirst(end + 1)
        }
        return taken
    }

    // MARK: what the program finds

    private func furnish(_ settings: JSONValue) throws {
        if let name = settings["hostname"]?.string, !name.isEmpty { try setHostName(name) }
        if let name = settings["domainname"]?.string, !name.isEmpty { try setDomainName(name) }
        try MachineInterfaces.setUp(settings["network"]?.array ?? [])
        try mount(MachinePlan.shareTag, at: Self.share, type: "virtiofs", flags: .noSetUserID)
        let file = try open("\(Self.share)/config.json", flags: .readOnly)
        var configuration = try parseJSON(try readAll(file.raw, named: "config.json"), named: "config.json")
        try setKernelParameters(&configuration)
        try Program.writeNewFile("\(Self.bundle)/config.json", String(decoding: configuration.bytes(), as: UTF8.self))
    }

    /// All namespaces of the machine are the container's: what it may set is set for the machine.
    private func setKernelParameters(_ configuration: inout JSONValue) throws {
        guard var whole = configuration.object, var linux = whole["linux"]?.object,
            let parameters = linux["sysctl"]?.object
        else { return }
        for (name, value) in parameters.members {
            let parts = name.split(separator: name.contains("/") ? "/" : ".")
            try Procfs().write(value.string ?? "", to: "sys/\(parts.joined(separator: "/"))")
        }
        linux["sysctl"] = nil
        whole["linux"] = .object(linux)
        configuration = .object(whole)
    }

    // MARK: its descriptors

    /// Makes its container, whose process 1 gets pipes or a terminal; returns the pid.
    private func make(_ runtime: Runtime, hasTerminal: Bool) throws -> Int32 {
        let options = CreateOptions(
            bundle: Self.bundle, configFile: nil, pidFile: nil, consoleSocket: nil, noPivot: true, noNewKeyring: true,
            preserveDescriptors: 0)
        if hasTerminal {
            let pair = try SocketPair().take()
            let pid = try runtime.make(id: Self.id, options: options) { pair.second }
            master = try receiveDescriptor(over: pair.first).release()
            return pid
        }
        var console: [Int32] = []
        for (number, port) in host.streams.enumerated() {
            let standard = Int32(number)
            let pipe = try makePipe()
            console.append(try duplicate(standard).release())
            let (ours, theirs) = number == 0 ? (pipe.writing, pipe.reading) : (pipe.reading, pipe.writing)
            try duplicate(theirs, to: standard)
            _ = Descriptor(owning: theirs)
            if number == 0 {
                _ = try StreamPump.start(from: port, to: ours, .outOfFrames)
            } else {
                outputs.append(try StreamPump.start(from: ours, to: port))
            }
            _ = Descriptor(owning: ours)
        }
        let pid = try runtime.make(id: Self.id, options: options) { nil }
        for (number, copy) in console.enumerated() {
            try duplicate(copy, to: Int32(number))
            _ = Descriptor(owning: copy)
        }
        return pid
    }

    /// Makes the program's terminal like the container's.
    private func adopt(_ terminal: JSONValue) throws {
        if terminal["beginsLines"]?.bool == false { try keepNewlines(master) }
        resize(terminal)
        _ = try StreamPump.start(from: host.streams[0], to: master, .outOfFrames)
        outputs.append(try StreamPump.start(from: master, to: host.streams[1]))
    }

    private func resize(_ words: JSONValue) {
        guard let rows = words["rows"]?.integer(as: UInt16.self),
            let columns = words["columns"]?.integer(as: UInt16.self)
        else { return }
        try? setWindowSize(master, rows: rows, columns: columns)
    }

    // MARK: its life

    private func attend(_ pid: Int32, _ signals: borrowing SignalQueue) throws -> Int32 {
        while true {
            let ready = try waitUntilReadable([signals.descriptor.raw, host.control])
            if ready[1] {
                for words in try takeLines() {
                    if let signal = words["signal"]?.integer(as: Int32.self) { try? sendSignal(signal, to: pid) }
                    if words["rows"] != nil { resize(words) }
                }
            }
            while let signal = try signals.next() {
                guard signal == Signal.child else { continue }
                while let (child, end) = try waitForAnyChild() {
                    outputs.removeAll { $0 == child }
                    if child == pid { return end.shellStatus }
                }
            }
        }
    }

    /// Waits until the host has all that the program has printed.
    private func drain() { for process in outputs { _ = try? waitForChild(process) } }
}
