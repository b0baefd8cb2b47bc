internal import CLinux
public import HostSystem

/// A virtio socket device: streams between a guest and Unix sockets of its host, for one guest.
///
/// A vhost-user back-end (vhost-user.rst of QEMU) of the device of the virtio specification 1.2, 5.10. Guest port P on the
/// host's context id is the Unix socket `PATH_P`; a program of the host's connects to `PATH`, sends `CONNECT P`, a line
/// feed, and gets `OK` and its own port once the guest has accepted. This is what Firecracker calls hybrid vsock.
///
/// It has one thread: ``turn(timeoutMilliseconds:)`` does what there is to do. The guest, and the front-end too, may be hostile: they
/// reach nothing but the memory that the front-end shares and these sockets.
public final class VsockDevice {
    /// What the events of the kernel's are about; higher numbers are connections.
    enum Token {
        static let frontEnd: UInt64 = 0
        static let listener: UInt64 = 1
        /// The first of the queues.
        static let queue: UInt64 = 2
        static let firstConnection: UInt64 = 16
    }

    /// The queues by their numbers. See 5.10.2.
    enum Queue {
        static let receive = 0
        static let transmit = 1
        static let event = 2
        static let count = 3
    }

    /// More connections are refused.
    public static let mostConnections = 4096
    /// Descriptors that are for other things than connections.
    private static let otherDescriptors = 48

    let guestCID: UInt64
    let path: String
    let watch: Descriptor
    let listener: Descriptor
    let connectionLimit: Int

    var frontEnd: FrontEnd?
    /// The guest's memory. Queues hold addresses in it: they are stopped before it is replaced.
    var memory = MemoryTable()
    var queues = [QueueSetup](repeating: QueueSetup(), count: Queue.count)

    var connections: [UInt64: Connection] = [:]
    /// Those that the guest knows of, by ``Connection/key``.
    var guestConnections: [UInt64: Connection] = [:]
    var nextConnection = Token.firstConnection
    var nextHostPort = HostPorts.first
    /// Those that have something for the guest, in their order.
    var waiting = WaitingList<Connection>()
    /// Answers to packets of no connection.
    var rejections = WaitingList<PacketHeader>()
    var knocking: [Connection] = []
    /// Whether more may wait in the transmit queue, or at the listener, than was taken.
    var hasMoreToTransmit = false
    var hasMoreToAccept = false
    /// Whether a guest that still runs has lost its connections with the front-end's.
    var owesTransportReset = false
    /// Reused from one packet to the next.
    var ranges: [MemoryRange] = []
    var payload: [MemoryRange] = []

    /// A device that listens at `path`, where there must be nothing yet.
    ///
    /// - Parameters:
    ///   - path: So short that `_4294967295` may follow it: at most 96 bytes.
    ///   - guestCID: The guest's context id, at least 3.
    /// - Throws: ``HostSystem/HostError`` when it cannot listen.
    public init(path: String, guestCID: UInt64) throws(HostError) {
        self.path = path
        self.guestCID = guestCID
        guard path.utf8.count <= 96 else { throw HostError(call: "bind", subject: path, errno: HostError.nameTooLong) }
        let most = try check("setrlimit", "RLIMIT_NOFILE", Int(lx_raise_descriptor_limit()))
        connectionLimit = max(1, min(Self.mostConnections, most - Self.otherDescriptors))
        watch = Descriptor(owning: try check("epoll_create1", "", lx_watch_new()))
        // SAFETY: the string is NUL-terminated for the length of the call.
        listener = Descriptor(owning: try check("bind", path, unsafe lx_stream_listen(path, 4096)))
        try check("epoll_ctl", path, lx_watch_add(watch.raw, listener.raw, Self.readable, Token.listener))
    }

    /// Serves the front-end at the other end of a connected stream socket, which it takes. One at a time: a former one is
    /// let go, with its guest's connections.
    public func attach(frontEnd socket: consuming Descriptor) throws(HostError) {
        detach()
        try check("epoll_ctl", "front-end", lx_watch_add(watch.raw, socket.raw, Self.readable, Token.frontEnd))
        frontEnd = FrontEnd(socket: socket)
    }

    /// Lets the front-end go, and the guest's memory and connections with it.
    func detach() {
        guard frontEnd != nil else { return }
        owesTransportReset = !guestConnections.isEmpty
        frontEnd = nil
        for index in queues.indices { queues[index] = QueueSetup() }
        dropGuestConnections()
        memory = MemoryTable()
    }

    /// Waits for something to do, at most so long (-1: for ever), and does it.
    ///
    /// - Returns: Whether there still is a front-end.
    /// - Throws: ``HostSystem/HostError`` when the kernel cannot tell what there is to do.
    public func turn(timeoutMilliseconds timeout: Int32 = -1) throws(HostError) -> Bool {
        let count = try collect(timeout)
        queues[Queue.transmit].callGuestLater(isIdle: count == 0)
        for index in 0..<count { attend(tokens[index], events[index]) }
        if hasMoreToAccept { acceptAll() }
        knockAgain()
        transmit()
        receive()
        return frontEnd != nil
    }

    private var tokens = [UInt64](repeating: 0, count: Int(LX_WATCH_MOST))
    private var events = [UInt32](repeating: 0, count: Int(LX_WATCH_MOST))

    private func collect(_ timeout: Int32) throws(HostError) -> Int {
        var timeout = timeout
        let hasMoreToTell = !waiting.isEmpty || !rejections.isEmpty
        if hasMoreToTransmit || (hasMoreToTell && queues[Queue.receive].hasRoom) { timeout = 0 }
        if queues[Queue.transmit].owesCall {
            timeout = timeout < 0 ? Self.callMilliseconds : min(timeout, Self.callMilliseconds)
        }
        if !knocking.isEmpty { timeout = timeout < 0 ? Self.knockMilliseconds : min(timeout, Self.knockMilliseconds) }
        // SAFETY: both arrays have LX_WATCH_MOST elements.
        let found = unsafe tokens.withUnsafeMutableBufferPointer { tokens in
            unsafe events.withUnsafeMutableBufferPointer { events in
                guard let tokens = tokens.baseAddress, let events = events.baseAddress else { return Int32(0) }
                return unsafe lx_watch_wait(watch.raw, timeout, tokens, events)
            }
        }
        return Int(try check("epoll_wait", "", found))
    }

    private func attend(_ token: UInt64, _ events: UInt32) {
        switch token {
        case Token.frontEnd: hearFrontEnd()
        case Token.listener: hasMoreToAccept = true
        case Token.queue: queues[Queue.receive].hasRoom = true
        case Token.queue + UInt64(Queue.transmit): hasMoreToTransmit = true
        case ..<Token.firstConnection: break
        default:
            // Of one that has just been closed there may still be events.
            if let connection = connections[token] { attend(connection, events) }
        }
    }

    // MARK: connections

    /// EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP, EPOLLRDHUP; changes only.
    static let readable: UInt32 = 1
    static let writable: UInt32 = 4
    private static let error: UInt32 = 8
    private static let hangUp: UInt32 = 16
    private static let end: UInt32 = 0x2000
    static let streamEvents = readable | end | LX_WATCH_EDGE
    /// The guest waits no longer for a call when there is nothing else to do.
    private static let callMilliseconds: Int32 = 1

    private func attend(_ connection: Connection, _ events: UInt32) {
        let isNews = events & (Self.readable | Self.end | Self.hangUp | Self.error) != 0
        // Behind the end there is nothing.
        if isNews, !connection.hasReadAll { connection.isReadable = true }
        if events & (Self.end | Self.hangUp) != 0 { connection.hasEnd = true }
        if events & Self.hangUp != 0 { connection.isHungUp = true }
        if events & Self.writable != 0 {
            connection.isWritable = true
            connection.flush()
            watchRoom(connection)
        }
        switch connection.state {
        case .greeting: greet(connection)
        case .requested:
            if connection.isHungUp { end(connection, tellingGuest: true) }
        case .knocking: break
        case .open: schedule(connection)
        case .lingering:
            if connection.isFlushed || connection.isHungUp { end(connection, tellingGuest: false) }
        }
    }

    /// Watches for room in a socket that is full, and only then: otherwise all that its other end reads would be an event.
    func watchRoom(_ connection: Connection) {
        let isWanted = !connection.isWritable
        guard isWanted != connection.isRoomWatched, connection.socket >= 0 else { return }
        connection.isRoomWatched = isWanted
        let events = isWanted ? Self.streamEvents | Self.writable : Self.streamEvents
        // Of room that there is already the kernel tells at once. That fails for no socket that is watched.
        _ = lx_watch_change(watch.raw, connection.socket, events, connection.id)
    }

    /// Has a connection wait for its turn, if there is something that the guest could have.
    func schedule(_ connection: Connection) {
        guard !connection.isWaiting, connection.hasNews else { return }
        connection.isWaiting = true
        waiting.append(connection)
    }

    /// Makes a connection known and watches its socket.
    func add(_ connection: Connection) throws(HostError) {
        try check(
            "epoll_ctl", "connection", lx_watch_add(watch.raw, connection.socket, Self.streamEvents, connection.id))
        connections[connection.id] = connection
    }

    /// Forgets a connection, and closes its socket.
    func end(_ connection: Connection, tellingGuest: Bool) {
        if let known = guestConnections[connection.key], known === connection {
            guestConnections[connection.key] = nil
            if tellingGuest {
                rejections.append(connection.header(.reset, to: guestCID))
            }
        }
        connections[connection.id] = nil
        connection.owed = []
        connection.isReadable = false
        connection.closeSocket()
        // There may be a descriptor for the next one now.
        hasMoreToAccept = true
    }

    /// Ends all that the guest knows of; it has forgotten them itself.
    func dropGuestConnections() {
        for connection in guestConnections.values where !connection.isUntold { end(connection, tellingGuest: false) }
        knocking = []
        rejections.removeAll()
    }
}

/// A queue of values that costs the same however long it is.
struct WaitingList<Element> {
    private var elements: [Element?] = []
    private var start = 0

    var isEmpty: Bool { start == elements.count }
    var count: Int { elements.count - start }
    var first: Element? { isEmpty ? nil : elements[start] }

    mutating func append(_ element: Element) { elements.append(element) }

    mutating func removeFirst() {
        elements[start] = nil
        start += 1
        guard start == elements.count || start >= 1024 else { return }
        elements.removeFirst(start)
        start = 0
    }

    mutating func removeAll() { (elements, start) = ([], 0) }
}
