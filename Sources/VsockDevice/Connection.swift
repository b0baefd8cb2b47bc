internal import CLinux
internal import HostSystem

/// What a connection still has to tell the guest, beside data.
struct Owed: OptionSet {
    let rawValue: UInt8
    static let request = Owed(rawValue: 1)
    static let response = Owed(rawValue: 2)
    static let shutdown = Owed(rawValue: 4)
    static let creditUpdate = Owed(rawValue: 8)
    static let creditRequest = Owed(rawValue: 16)
    static let reset = Owed(rawValue: 32)
}

/// A stream between a port of the guest's and a socket of the host's.
final class Connection {
    enum State {
        /// A program of the host's has not said yet which port it wants.
        case greeting
        /// Its request is the guest's to answer.
        case requested
        /// The guest's request has found a listener that has too many waiting already.
        case knocking
        /// Bytes go both ways.
        case open
        /// The guest is through with it, the host has not taken everything yet.
        case lingering
    }

    /// How many of the guest's bytes are kept here at most for a program that is slow to read them: what the guest is told as
    /// its credit. One packet of Linux's, whose buffer is then used again for the next one.
    static let bufferSize: UInt32 = 64 << 10
    /// The guest is told of room that it does not know of yet when it is so much.
    private static let creditStep: UInt32 = 32 << 10

    /// Never used again for another connection.
    let id: UInt64
    var state: State
    /// The host's socket; -1 once it is closed.
    private(set) var socket: Int32
    var guestPort: UInt32
    var hostPort: UInt32

    // What the guest sends. All counts wrap. See 5.10.6.3 of the virtio specification.
    private var received: UInt32 = 0
    private(set) var forwarded: UInt32 = 0
    private var told: UInt32 = 0
    /// What the host has not taken yet, from `pendingStart` on.
    private var pending: [UInt8] = []
    private var pendingStart = 0
    /// What the guest will not do any more.
    private(set) var guestShutdown: Shutdown = []

    // What the guest is sent.
    private var sent: UInt32 = 0
    private var guestBuffer: UInt32 = 0
    private var guestForwarded: UInt32 = 0
    private var hasAskedForCredit = false
    /// What the guest has been told that the host will not do any more.
    var hostShutdown: Shutdown = []
    /// How many chains are offered to one read: more while reads fill them.
    var window = 1

    // What is known of the socket.
    var isReadable = false
    var isWritable = true
    /// Whether the kernel is to tell of room in it.
    var isRoomWatched = false
    /// Whether its other end sends nothing more, or is closed altogether.
    var hasEnd = false
    var isHungUp = false
    /// Whether that end was read.
    var hasReadAll = false
    /// Whether it takes nothing any more.
    private(set) var isDeaf = false

    var owed: Owed = []
    /// Whether it waits for its turn to tell the guest something.
    var isWaiting = false

    init(id: UInt64, state: State, socket: Int32, guestPort: UInt32 = 0, hostPort: UInt32 = 0) {
        self.id = id
        self.state = state
        self.socket = socket
        self.guestPort = guestPort
        self.hostPort = hostPort
    }

    deinit { closeSocket() }

    /// As ``PacketHeader/key`` of the guest's packets.
    var key: UInt64 { UInt64(guestPort) << 32 | UInt64(hostPort) }

    /// Whether the guest has not heard of it yet.
    var isUntold: Bool { state == .requested && owed.contains(.request) }

    /// Gets the host's socket.
    func connect(_ socket: consuming Descriptor) { self.socket = socket.release() }

    /// Closes the host's socket.
    func closeSocket() {
        guard socket >= 0 else { return }
        _ = Descriptor(owning: socket)
        socket = -1
        isReadable = false
        deafen()
    }

    // MARK: credit

    /// How many bytes the guest has room for.
    var credit: UInt32 {
        let underway = sent &- guestForwarded
        return guestBuffer > underway ? guestBuffer - underway : 0
    }

    /// Takes what every packet of the guest's says of its room.
    func takeCredit(_ header: PacketHeader) {
        guestBuffer = header.buffer_size
        guestForwarded = header.forwarded
        if credit > 0 { hasAskedForCredit = false }
    }

    /// Counts bytes that have been put into the guest's buffers.
    func count(sent bytes: Int) { sent &+= UInt32(truncatingIfNeeded: bytes) }

    /// Whether there is something that the guest could have now, or that has to be asked for.
    var hasNews: Bool {
        if !owed.isEmpty { return true }
        guard canRead else { return false }
        return credit > 0 || !hasAskedForCredit
    }

    /// Whether the socket may have bytes for a guest that wants some.
    var canRead: Bool { isReadable && state == .open && !guestShutdown.contains(.receive) }

    /// Asks the guest for room, once for each time that there is none.
    func askForCredit() {
        guard !hasAskedForCredit else { return }
        hasAskedForCredit = true
        owed.insert(.creditRequest)
    }

    /// A header for the guest, which tells it of all the room that there is.
    func header(_ operation: PacketHeader.Operation, to guest: UInt64, length: Int = 0, flags: Shutdown = [])
        -> PacketHeader
    {
        told = forwarded
        owed.remove(.creditUpdate)
        return PacketHeader(
            source_cid: PacketHeader.hostCID, destination_cid: guest, source_port: hostPort,
            destination_port: guestPort, length: UInt32(truncatingIfNeeded: length), type: PacketHeader.stream,
            operation: operation.rawValue, flags: flags.rawValue, buffer_size: Self.bufferSize,
            forwarded: forwarded)
    }

    private func count(forwarded bytes: Int) {
        forwarded &+= UInt32(truncatingIfNeeded: bytes)
    }

    /// Owes the guest word of much room, once the host has everything: told of less, it would go on in small pieces.
    private func offerCredit() {
        if isFlushed, forwarded &- told >= Self.creditStep { owed.insert(.creditUpdate) }
    }

    // MARK: from the guest to the host

    /// Takes the guest's bytes; says whether it had room for so many and may send at all.
    func take(_ bytes: [MemoryRange], count: Int) -> Bool {
        guard state == .open, !guestShutdown.contains(.send),
            count <= Int(Self.bufferSize) - Int(received &- forwarded)
        else { return false }
        received &+= UInt32(count)
        var done = 0
        if pending.isEmpty, isWritable, !isDeaf { done = sendNow { StreamSocket.send(bytes, over: socket) } }
        if isDeaf {
            self.count(forwarded: count - done)
        } else if done < count {
            pending += StreamSocket.copy(done == 0 ? bytes : bytes.dropping(done), count: count - done)
            // Until the socket says that it is full: only then it says when it is not any more.
            flush()
        }
        offerCredit()
        return true
    }

    /// Sends what waits for the host; the end of it too, when the guest has no more.
    func flush() {
        while pendingStart < pending.count, isWritable, !isDeaf {
            pendingStart += sendNow { StreamSocket.send(pending[pendingStart...], over: socket) }
        }
        guard pendingStart == pending.count else { return }
        (pending, pendingStart) = ([], 0)
        offerCredit()
        if guestShutdown.contains(.send) { endSending() }
    }

    /// Whether the host has everything.
    var isFlushed: Bool { pending.isEmpty }

    private func sendNow(_ send: () -> StreamSocket.Outcome) -> Int {
        switch send() {
        case .moved(let count):
            self.count(forwarded: count)
            return count
        case .wouldBlock: isWritable = false
        case .failed: deafen()
        }
        return 0
    }

    /// What is left and what still comes is for nobody: it goes nowhere, or the guest would wait for room.
    private func deafen() {
        guard !isDeaf else { return }
        isDeaf = true
        count(forwarded: pending.count - pendingStart)
        (pending, pendingStart) = ([], 0)
        offerCredit()
        if state == .open { owed.insert(.shutdown) }
    }

    /// Takes what the guest will not do any more.
    func take(_ shutdown: Shutdown) {
        let fresh = shutdown.subtracting(guestShutdown).intersection(.both)
        guestShutdown.formUnion(fresh)
        if fresh.contains(.receive), socket >= 0 { StreamSocket.shutdown(socket, .receive) }
        if fresh.contains(.send), pending.isEmpty { endSending() }
    }

    private func endSending() {
        guard socket >= 0, !isDeaf else { return }
        isDeaf = true
        StreamSocket.shutdown(socket, .send)
    }

    /// What the guest is to be told that the host will not do any more, beyond what it has been.
    var freshShutdown: Shutdown {
        var all = hostShutdown
        if hasReadAll { all.insert(.send) }
        if isDeaf || isHungUp { all.insert(.receive) }
        return all.subtracting(hostShutdown)
    }
}
