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
            try start(id: id)
            guard let signals else { return 0 }
            let status = try attend(pid, signals, console)
            if !keep { try delete(id: id, force: true) }
            return status
        } catch {
            try? delete(id: id, force: true)
            throw error
        }
    }

    /// Passes signals and the terminal's bytes on until a child has ended.
    func attend(_ pid: Int32, _ signals: borrowing SignalQueue, _ console: Console?) throws -> Int32 {
        try console?.begin()
        defer { console?.end() }
        while true {
            let ready = try waitUntilReadable([signals.descriptor.raw] + (console?.watched ?? []))
            for (index, isReady) in ready.dropFirst().enumerated() where isReady { console?.relay(watched: index) }
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
