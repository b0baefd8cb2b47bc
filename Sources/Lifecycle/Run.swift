internal import HostSystem

extension Runtime {
    /// Makes a container, starts it and, unless detached, waits for its end and removes it.
    ///
    /// - Parameters:
    ///   - detach: Return when it is started.
    ///   - keep: Do not remove it when it has ended.
    /// - Returns: The status of its process 1: what it exited with, or 128 plus the signal that ended it. 0 if detached.
    public func run(id: String, options: CreateOptions, detach: Bool, keep: Bool) throws -> Int32 {
        // Signals that come from now on belong to the container; they wait until it can take them.
        let signals = detach ? nil : try SignalQueue()
        var console: Console?
        let pid = try make(id: id, options: options) {
            guard !detach else { return nil }
            let made = try Console()
            console = made
            return made.theirs
        }
        do {
            try console?.takeTerminal()
            try console?.prepare()
            let relay = try begin(id: id, since: monotonicNanoseconds()).relay
            guard let signals else {
                try relay?.waitUntilReady(pid)
                return 0
            }
            // The program runs meanwhile; waiting and removing need little of what making it did.
            giveMemoryBack()
            let status = try attend(pid, signals, console, relay)
            if !keep { try delete(id: id, force: true) }
            return status
        } catch {
            try? delete(id: id, force: true)
            throw error
        }
    }

    /// Passes signals, the terminal's bytes and word of readiness on until a child has ended.
    func attend(
        _ pid: Int32, _ signals: borrowing SignalQueue, _ console: Console?, _ relay: ReadinessRelay? = nil
    ) throws -> Int32 {
        try console?.begin()
        defer { console?.end() }
        while true {
            let watched = console?.watched ?? []
            let ready = try waitUntilReadable([signals.descriptor.raw] + watched + [relay?.socket].compactMap { $0 })
            for index in watched.indices where ready[1 + index] { console?.relay(watched: index) }
            if let relay, ready.last == true { _ = try? relay.pass() }
            guard ready[0] else { continue }
            while let signal = try signals.next() {
                switch signal {
                case Signal.child:
                    guard let end = try reap(pid) else { continue }
                    console?.drain()
                    return end.shellStatus
                case Signal.windowChange: console?.resize()
                case Signal.urgent: continue
                default: try? sendSignal(signal, to: pid)
                }
            }
        }
    }

    private func reap(_ pid: Int32) throws -> ProcessEnd? {
        while let (child, end) = try waitForAnyChild() { if child == pid { return end } }
        return nil
    }
}
