import CLinux
import Glibc
import HostSystem
@testable import VsockDevice

/// A packet as the guest sees it.
struct GuestPacket: Equatable, CustomStringConvertible {
    var operation: PacketHeader.Operation?
    var guestPort: UInt32
    var hostPort: UInt32
    var flags: UInt32 = 0
    var buffer: UInt32 = 0
    var forwarded: UInt32 = 0
    var payload: [UInt8] = []

    var description: String {
        "\(operation.map { "\($0)" } ?? "?") \(guestPort)<->\(hostPort) flags \(flags) \(payload.count)"
    }
}

extension SimulatedGuest {
    // MARK: memory

    func write(_ bytes: [UInt8], toFile offset: UInt64) throws {
        let written = unsafe bytes.withUnsafeBytes {
            unsafe pwrite(memory.raw, $0.baseAddress, $0.count, off_t(offset))
        }
        guard written == bytes.count else { throw HostError(call: "pwrite", subject: "guest", errno: errno) }
    }

    /// Writes at a guest's address.
    func write(_ bytes: [UInt8], to address: UInt64) throws { try write(bytes, toFile: Layout.offset + address) }

    func bytes(at address: UInt64, count: Int) throws -> [UInt8] {
        try HostSystem.read(memory.raw, named: "guest", at: Layout.offset + address, count: count)
    }

    func number<Number: FixedWidthInteger>(at address: UInt64) throws -> Number {
        try bytes(at: address, count: Number.bitWidth / 8).number(at: 0)
    }

    // MARK: rings

    struct RingEntry {
        var address: UInt64
        var count: UInt32
        var flags: UInt16 = 0
        var next: UInt16 = 0
        var bytes: [UInt8] {
            address.littleEndianBytes + count.littleEndianBytes + flags.littleEndianBytes + next.littleEndianBytes
        }
    }

    func setDescriptor(_ queue: Int, _ index: UInt16, _ entry: RingEntry) throws {
        try write(entry.bytes, to: Layout.ring(queue) + 16 * UInt64(index))
    }

    /// Makes a chain available, and says so if `kick`.
    func offer(_ queue: Int, _ head: UInt16, kick: Bool = true) throws {
        let ring = Layout.ring(queue) + 0x1000
        try write(head.littleEndianBytes, to: ring + 4 + 2 * UInt64(available[queue] % Self.queueSize))
        advance(queue)
        try write(available[queue].littleEndianBytes, to: ring + 2)
        if kick { lx_eventfd_raise(kicks[queue].raw) }
    }

    /// Chains that have come back: heads and written bytes.
    func takeUsed(_ queue: Int) throws -> [(head: UInt32, written: UInt32)] {
        let ring = Layout.ring(queue) + 0x2000
        let index: UInt16 = try number(at: ring + 2)
        var found: [(UInt32, UInt32)] = []
        while used[queue] != index {
            let place = ring + 4 + 8 * UInt64(used[queue] % Self.queueSize)
            found.append((try number(at: place), try number(at: place + 4)))
            advanceUsed(queue)
        }
        // VIRTIO_F_EVENT_IDX: tell of the next one.
        if usesEventIndex {
            try write(index.littleEndianBytes, to: Layout.ring(queue) + 0x1000 + 4 + 2 * UInt64(Self.queueSize))
        }
        return found
    }

    // MARK: packets

    /// Sends a packet from the guest, in two descriptors, and lets the device work.
    func transmit(
        _ operation: PacketHeader.Operation, guest guestPort: UInt32, host hostPort: UInt32, payload: [UInt8] = [],
        flags: Shutdown = [], buffer: UInt32 = 256 << 10, forwarded: UInt32 = 0, turns: Int = 3,
        change: (inout PacketHeader) -> Void = { _ in }
    ) throws {
        var header = PacketHeader(
            source_cid: Self.cid, destination_cid: 2, source_port: guestPort, destination_port: hostPort,
            length: UInt32(payload.count), type: 1, operation: operation.rawValue, flags: flags.rawValue,
            buffer_size: buffer, forwarded: forwarded)
        change(&header)
        let slot = UInt64(available[1] % (Self.queueSize / 2))
        let place = Layout.transmitBuffers + slot * UInt64(Self.largestPacket + 64)
        try write(header.bytes + payload, to: place)
        let index = UInt16(slot) * 2
        try setDescriptor(
            1, index, RingEntry(address: place, count: 44, flags: payload.isEmpty ? 0 : 1, next: index + 1))
        if !payload.isEmpty {
            try setDescriptor(1, index + 1, RingEntry(address: place + 44, count: UInt32(payload.count)))
        }
        try offer(1, index)
        try turn(turns)
        _ = try takeUsed(1)
    }

    /// Has the device do what there is to do.
    func turn(_ times: Int = 3) throws {
        for _ in 0..<times { _ = try device.turn(timeoutMilliseconds: 0) }
    }

    /// Gives the device empty buffers for what comes.
    func supply(_ count: Int, kick: Bool = true) throws {
        for _ in 0..<count {
            let index = available[0] % Self.queueSize
            let place = Layout.receiveBuffers + UInt64(index) * 8192
            try setDescriptor(0, index, RingEntry(address: place, count: Self.receiveBufferSize, flags: 2))
            try offer(0, index, kick: kick)
        }
    }

    /// What has come, whose buffers are given again if `resupply`.
    func receive(resupply: Bool = true) throws -> [GuestPacket] {
        try turn()
        var packets: [GuestPacket] = []
        for (head, written) in try takeUsed(0) {
            let place = Layout.receiveBuffers + UInt64(head) * 8192
            packets.append(try packet(at: place, count: Int(written)))
            if resupply { try supply(1) }
        }
        return packets
    }

    private func packet(at place: UInt64, count: Int) throws -> GuestPacket {
        let bytes = try bytes(at: place, count: count)
        let length = Int(bytes.number(at: 24) as UInt32)
        return GuestPacket(
            operation: PacketHeader.Operation(rawValue: bytes.number(at: 30)), guestPort: bytes.number(at: 20),
            hostPort: bytes.number(at: 16), flags: bytes.number(at: 32), buffer: bytes.number(at: 36),
            forwarded: bytes.number(at: 40), payload: [UInt8](bytes[44..<min(bytes.count, 44 + length)]))
    }

    // MARK: connections

    /// Listens where the guest's connections to `port` arrive.
    func listen(_ port: UInt32, backlog: Int32 = 4096) throws -> Descriptor {
        let place = "\(path)_\(port)"
        return Descriptor(owning: try check("bind", place, unsafe lx_stream_listen(place, backlog)))
    }

    /// A connection that the guest has begun; the host's end.
    func connected(guest: UInt32 = 1025, host: UInt32 = 5000, over listener: borrowing Descriptor) throws
        -> SharedDescriptor
    {
        try transmit(.request, guest: guest, host: host)
        let answer = try receive().map(\.operation)
        guard answer == [.response] else { throw Failure("the guest's request is answered by \(answer)") }
        return SharedDescriptor(owning: try check("accept", "", lx_accept_now(listener.raw)))
    }

    /// A connection that the host has begun: its end, and the host's port.
    func accepted(guest: UInt32 = 7) throws -> (socket: SharedDescriptor, hostPort: UInt32) {
        let socket = SharedDescriptor(owning: try connectUnix(to: path, stream: true).release())
        try sendMessage([UInt8]("CONNECT \(guest)\n".utf8), to: socket.raw)
        let packets = try receive()
        guard packets.count == 1, packets[0].operation == .request, packets[0].guestPort == guest else {
            throw Failure("the host's request reaches the guest as \(packets)")
        }
        try transmit(.response, guest: guest, host: packets[0].hostPort)
        return (socket, packets[0].hostPort)
    }
}

extension PacketHeader {
    var bytes: [UInt8] {
        source_cid.littleEndianBytes + destination_cid.littleEndianBytes + source_port.littleEndianBytes
            + destination_port.littleEndianBytes + length.littleEndianBytes + type.littleEndianBytes
            + operation.littleEndianBytes + flags.littleEndianBytes + buffer_size.littleEndianBytes
            + forwarded.littleEndianBytes
    }
}

/// What can be received now, at most `limit` bytes; nil at the end, or where the other end has gone without reading all.
func receivedOrEnd(from socket: Int32, _ limit: Int = 1 << 20) -> [UInt8]? {
    var bytes: [UInt8] = []
    while bytes.count < limit {
        let (outcome, part) = StreamSocket.receive(limit - bytes.count, from: socket)
        guard case .moved(let count) = outcome, count > 0 else {
            return bytes.isEmpty && outcome != .wouldBlock ? nil : bytes
        }
        bytes += part
    }
    return bytes
}

func received(from socket: Int32, _ limit: Int = 1 << 20) -> [UInt8] { receivedOrEnd(from: socket, limit) ?? [] }
