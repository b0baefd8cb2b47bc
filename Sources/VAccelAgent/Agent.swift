import HostLibraries
public import HostSystem
import VAccelProtocol

/// The agent: listens, reads frames, answers them. One thread waits for everything.
public final class Agent {
    let settings: AgentSettings
    let log: Log
    let events: EventSet
    let ledger: Ledger
    let regions: RegionPool
    let service: Service
    private let backends: BackendPool
    private var listeners: [ListenerEntry] = []
    /// Listeners that are not waited for until some time has passed, because a connection could not be taken.
    private var resting: [ListenerEntry] = []
    private let signals: SignalQueue
    var connections: [UInt64: Connection] = [:]
    private var shared = [UInt8](repeating: 0, count: Channel.sharedSize)
    private var nextToken: UInt64 = Token.firstConnection
    /// Calls that are not answered yet, on all connections.
    var calls = 0
    /// Whether something has happened since memory was given back, which is done once nothing happens for a while.
    private var hasMemoryToGiveBack = true

    private enum Token {
        static let signals: UInt64 = 1
        static let firstListener: UInt64 = 2
        static let firstConnection: UInt64 = 1 << 40
    }

    private final class ListenerEntry {
        let listener: Listener
        let token: UInt64
        init(_ listener: consuming Listener, token: UInt64) {
            self.listener = listener
            self.token = token
        }
    }

    /// Begins to listen.
    ///
    /// - Throws: ``HostSystem/Failure`` for an address at which that cannot be done, or a back-end that there is none of.
    public init(_ settings: AgentSettings, log: Log) throws {
        keepLittleMemory()
        (self.settings, self.log) = (settings, log)
        events = try EventSet()
        ledger = Ledger(limit: settings.limits.bytes)
        regions = RegionPool(ledger: ledger)
        let chosen = try BackendRegistry.chosen(settings.backends)
        backends = BackendPool(chosen, settings: settings, regions: regions, events: events, log: log)
        service = Service(settings: settings, ledger: ledger, backends: backends, log: log)
        signals = try SignalQueue()
        try events.add(signals.descriptor.raw, token: Token.signals, readable: true)
        do {
            for number in settings.listeners { try listen(Listener(adopting: number), "descriptor \(number)") }
            for address in settings.addresses { try listen(Listener(at: address), "\(address)") }
        } catch {
            removeSockets()
            throw error
        }
    }

    private func listen(_ listener: consuming Listener, _ name: String) throws {
        let entry = ListenerEntry(listener, token: Token.firstListener + UInt64(listeners.count))
        listeners.append(entry)
        try watch(entry)
        log.write(.info, "listening at \(name)")
    }

    private func watch(_ entry: ListenerEntry) throws(HostError) {
        try events.add(entry.listener.descriptor.raw, token: entry.token, readable: true)
    }

    /// Confines this process, and answers until a signal asks to end; leaves nothing.
    public func run() throws {
        defer {
            backends.end()
            removeSockets()
        }
        try AgentConfinement.apply(settings)
        while true {
            let found = try events.wait(milliseconds: timeout())
            for entry in resting { try watch(entry) }
            resting = []
            if found.isEmpty, hasMemoryToGiveBack { giveMemoryBack() }
            hasMemoryToGiveBack = !found.isEmpty
            for event in found {
                switch event.token {
                case Token.signals: if try asksToEnd() { return }
                case BackendPool.firstToken..<Token.firstConnection:
                    backends.worker(event.token)?.handle(event, shared: &shared)
                case Token.firstConnection...:
                    if let connection = connections[event.token] { handle(event, of: connection) }
                default: accept(event.token)
                }
            }
            expire()
            let hasGivenBack = regions.giveUnusedBack()
            backends.forget(regions.takeGone())
            // What doing that took.
            if hasGivenBack, found.isEmpty { giveMemoryBack() }
        }
    }

    private func removeSockets() {
        for entry in listeners {
            if let path = entry.listener.path { try? removeFile(path) }
        }
    }

    private func asksToEnd() throws(HostError) -> Bool {
        while let signal = try signals.next() {
            if signal == Signal.terminate || signal == Signal.interrupt || signal == Signal.hangup { return true }
        }
        return false
    }

    // MARK: connections

    private func accept(_ token: UInt64) {
        guard let entry = listeners.first(where: { $0.token == token }) else { return }
        do throws(HostError) {
            while let socket = try acceptStream(entry.listener.descriptor.raw) {
                guard connections.count < settings.limits.connections, entry.listener.admits(socket.raw) else {
                    log.warning("a connection was refused")
                    continue
                }
                try events.add(socket.raw, token: nextToken, readable: true)
                connections[nextToken] = Connection(socket, token: nextToken)
                nextToken += 1
            }
        } catch {
            log.warning("a connection cannot be taken: \(error)")
            // Descriptors have run out, for example: it would be tried again and again.
            events.remove(entry.listener.descriptor.raw)
            resting.append(entry)
        }
    }

    private func handle(_ event: EventSet.Event, of connection: Connection) {
        do throws(HostError) {
            if event.isWritable { try connection.channel.flush() }
            if event.isReadable, connection.takesRequests {
                let goesOn = try connection.channel.receive(
                    shared: &shared, admit: { self.admit($0, of: connection) }, take: { self.take($0, of: connection) })
                guard goesOn else { return close(connection) }
            } else if event.isClosed {
                return close(connection)
            }
            try watch(connection)
        } catch { close(connection) }
    }

    /// Waits for what the connection needs next.
    func watch(_ connection: Connection) throws(HostError) {
        guard connections[connection.token] != nil else { return }
        connection.noteProgress(settings.limits)
        let (reads, writes) = (connection.takesRequests, connection.channel.unsent > 0)
        guard reads != connection.isReadable || writes != connection.isWritable else { return }
        (connection.isReadable, connection.isWritable) = (reads, writes)
        try events.change(connection.channel.number, token: connection.token, readable: reads, writable: writes)
    }

    /// Forgets a connection. Its sessions stay: another connection of the guest may use them.
    func close(_ connection: Connection) {
        guard connections.removeValue(forKey: connection.token) != nil else { return }
        events.remove(connection.channel.number)
        calls -= connection.streams.count
    }

    // MARK: time

    private func timeout() -> Int32 {
        if !resting.isEmpty { return 100 }
        var earliest: Int64?
        for worker in backends.workers { earliest = Self.earlier(earliest, worker.deadline) }
        for connection in connections.values { earliest = Self.earlier(earliest, connection.deadline) }
        // How long nothing must happen until memory is given back.
        if earliest == nil, hasMemoryToGiveBack { return 500 }
        earliest = Self.earlier(earliest, regions.keptUntil)
        guard let earliest else { return -1 }
        return Int32(clamping: max(0, (earliest - monotonicNanoseconds()) / 1_000_000 + 1))
    }

    private static func earlier(_ left: Int64?, _ right: Int64?) -> Int64? {
        guard let left, let right else { return left ?? right }
        return min(left, right)
    }

    private func expire() {
        var now: Int64?
        func isPast(_ deadline: Int64?) -> Bool {
            guard let deadline else { return false }
            let time = now ?? monotonicNanoseconds()
            now = time
            return deadline <= time
        }
        for worker in backends.workers where isPast(worker.deadline) { worker.expire() }
        for connection in connections.values where isPast(connection.deadline) {
            log.warning("a connection made no progress within the deadline")
            close(connection)
        }
    }
}
