import CLinux
import Glibc
import HostSystem
import TestSupport
import Testing

@testable import VsockDevice

/// A stream whose byte at a place is known, of which no two pieces are alike for long.
@safe private final class Pattern {
    /// A prime, so that it begins at another place of every buffer and packet.
    private static let period = 1_048_583
    static let longestPiece = 1 << 20
    private let bytes = UnsafeMutablePointer<UInt8>.allocate(capacity: Pattern.period + Pattern.longestPiece)

    init() {
        // Marsaglia's xorshift.
        var state: UInt32 = 2_463_534_242
        for index in 0..<Self.period {
            state ^= state << 13
            state ^= state >> 17
            state ^= state << 5
            unsafe bytes[index] = UInt8(truncatingIfNeeded: state >> 8)
        }
        unsafe (bytes + Self.period).initialize(from: bytes, count: Self.longestPiece)
    }

    deinit { unsafe bytes.deallocate() }

    /// The part that begins at `place`, of ``longestPiece`` bytes.
    func part(_ place: UInt64) -> UnsafePointer<UInt8> {
        unsafe UnsafePointer(bytes + Int(place % UInt64(Self.period)))
    }

    /// Whether `count` bytes are those at `place`.
    func matches(_ other: UnsafeRawPointer, count: Int, at place: UInt64) -> Bool {
        unsafe memcmp(part(place), other, count) == 0
    }
}

/// The memory of a simulated guest, mapped: for tests in which a call for each access would take too long.
@safe private final class MappedMemory {
    private let base: UnsafeMutableRawPointer
    private let size = SimulatedGuest.Layout.offset + SimulatedGuest.Layout.size

    init(of guest: SimulatedGuest) throws {
        let address = UInt(try check("mmap", "guest", Int(lx_map_shared(guest.memory.raw, 0, size))))
        guard let base = unsafe UnsafeMutableRawPointer(bitPattern: address) else {
            throw Failure("the guest has no memory")
        }
        unsafe self.base = base
    }

    deinit { _ = unsafe lx_unmap_shared(UInt(bitPattern: base), Int(size)) }

    func pointer(_ guest: UInt64) -> UnsafeMutableRawPointer {
        unsafe base + Int(SimulatedGuest.Layout.offset + guest)
    }
    func address(_ guest: UInt64) -> UInt { UInt(bitPattern: unsafe pointer(guest)) }
    func load<Number: BitwiseCopyable>(_ guest: UInt64, as type: Number.Type = Number.self) -> Number {
        unsafe pointer(guest).loadUnaligned(as: type)
    }
    func store<Number: BitwiseCopyable>(_ number: Number, at guest: UInt64) {
        unsafe pointer(guest).storeBytes(of: number, as: Number.self)
    }
}

/// The two ends of a connection of a simulated guest's between which much goes.
@safe private final class BulkConnection {
    private typealias Guest = SimulatedGuest
    private let guest: SimulatedGuest
    private let memory: MappedMemory
    private let pattern = Pattern()
    private let host: SharedDescriptor
    private static let ports: (guest: UInt32, host: UInt32) = (1025, 5000)
    private static let room: UInt32 = 256 << 10

    // All of them wrap in 4 GiB, but for the places in the streams.
    private var deviceForwarded: UInt32 = 0
    private var toHost: (sent: UInt64, got: UInt64) = (0, 0)
    private var toGuest: (sent: UInt64, got: UInt64) = (0, 0)
    private var told: UInt64 = 0
    private var transmitted: UInt16
    private var transmitUsed: UInt16
    private var receiveUsed: UInt16
    private var receiveOffered: UInt16
    private let buffer = UnsafeMutablePointer<UInt8>.allocate(capacity: Pattern.longestPiece)
    /// The first byte that was another one.
    private(set) var wrong: UInt64?

    init(_ guest: SimulatedGuest, over listener: borrowing Descriptor) throws {
        host = try guest.connected(guest: Self.ports.guest, host: Self.ports.host, over: listener)
        self.guest = guest
        memory = try MappedMemory(of: guest)
        (transmitted, transmitUsed) = (guest.available[1], guest.used[1])
        (receiveOffered, receiveUsed) = (guest.available[0], guest.used[0])
    }

    deinit { unsafe buffer.deallocate() }

    // MARK: the guest's driver

    private static let slots: UInt16 = 28

    private func transmit(_ operation: PacketHeader.Operation, count: Int = 0) {
        let slot = UInt64(transmitted % (Guest.queueSize / 2))
        let place = Guest.Layout.transmitBuffers + slot * UInt64(Guest.largestPacket + 64)
        let header = PacketHeader(
            source_cid: Guest.cid, destination_cid: 2, source_port: Self.ports.guest, destination_port: Self.ports.host,
            length: UInt32(count), type: 1, operation: operation.rawValue, flags: 0, buffer_size: Self.room,
            forwarded: UInt32(truncatingIfNeeded: toGuest.got))
        told = toGuest.got
        memory.store(header, at: place)
        if count > 0 {
            unsafe memory.pointer(place + 44).copyMemory(from: pattern.part(toHost.sent), byteCount: count)
            toHost.sent += UInt64(count)
        }
        let ring = Guest.Layout.ring(1)
        let descriptor = ring + 16 * slot
        memory.store(place, at: descriptor)
        memory.store(UInt32(44 + count), at: descriptor + 8)
        memory.store(UInt32(0), at: descriptor + 12)
        memory.store(UInt16(slot), at: ring + 0x1004 + 2 * UInt64(transmitted % Guest.queueSize))
        transmitted &+= 1
        lx_ring_store(memory.address(ring + 0x1002), transmitted)
    }

    /// Sends what the device has room for, up to `total`.
    private func sendToHost(_ total: UInt64) {
        transmitUsed = lx_ring_load(memory.address(Guest.Layout.ring(1) + 0x2002))
        while toHost.sent < total, transmitted &- transmitUsed < Self.slots {
            let underway = UInt32(truncatingIfNeeded: toHost.sent) &- deviceForwarded
            let count = min(UInt64(Connection.bufferSize - underway), UInt64(Guest.largestPacket), total - toHost.sent)
            guard count > 0 else { break }
            transmit(.data, count: Int(count))
        }
        lx_eventfd_raise(guest.kicks[1].raw)
    }

    /// Takes all that has come, compares it, and gives the buffers back.
    private func takeFromDevice() {
        let ring = Guest.Layout.ring(0)
        let index = lx_ring_load(memory.address(ring + 0x2002))
        while receiveUsed != index {
            let entry = ring + 0x2004 + 8 * UInt64(receiveUsed % Guest.queueSize)
            let place = Guest.Layout.receiveBuffers + UInt64(memory.load(entry) as UInt32) * 8192
            let header: PacketHeader = memory.load(place)
            deviceForwarded = header.forwarded
            if header.length > 0 {
                let count = Int(header.length)
                if unsafe !pattern.matches(memory.pointer(place + 44), count: count, at: toGuest.got) {
                    wrong = wrong ?? toGuest.got
                }
                toGuest.got += UInt64(count)
            }
            receiveUsed &+= 1
            let head = UInt16(truncatingIfNeeded: memory.load(entry) as UInt32)
            memory.store(head, at: ring + 0x1004 + 2 * UInt64(receiveOffered % Guest.queueSize))
            receiveOffered &+= 1
        }
        lx_ring_store(memory.address(ring + 0x1002), receiveOffered)
        lx_eventfd_raise(guest.kicks[0].raw)
        if toGuest.got - told >= UInt64(Self.room / 2) {
            transmit(.creditUpdate)
            lx_eventfd_raise(guest.kicks[1].raw)
        }
    }

    // MARK: the host's program

    private func sendToGuest(_ total: UInt64) {
        let count = Int(min(total - toGuest.sent, UInt64(Guest.largestPacket)))
        guard count > 0 else { return }
        let done = unsafe lx_stream_send(host.raw, pattern.part(toGuest.sent), count)
        if done > 0 { toGuest.sent += UInt64(done) }
    }

    private func takeFromGuest() {
        let got = unsafe lx_stream_receive(host.raw, buffer, Pattern.longestPiece, 0)
        guard got > 0 else { return }
        if unsafe !pattern.matches(buffer, count: got, at: toHost.got) { wrong = wrong ?? toHost.got }
        toHost.got += UInt64(got)
    }

    /// Has so many bytes go each way; returns how many arrived before nothing did any more.
    func exchange(toHost hostBytes: UInt64, toGuest guestBytes: UInt64) throws -> (toHost: UInt64, toGuest: UInt64) {
        var (idle, before) = (0, (UInt64(0), UInt64(0)))
        while toHost.got < hostBytes || toGuest.got < guestBytes, idle < 1000, wrong == nil {
            sendToHost(hostBytes)
            sendToGuest(guestBytes)
            _ = try guest.device.turn(timeoutMilliseconds: 0)
            takeFromGuest()
            takeFromDevice()
            idle = before == (toHost.got, toGuest.got) ? idle + 1 : 0
            before = (toHost.got, toGuest.got)
        }
        return (toHost.got, toGuest.got)
    }
}

/// More than fits a count of 32 bits, compared byte by byte.
struct BulkTests {
    /// Beyond where the counts of the protocol begin anew.
    private static let size: UInt64 = 4 << 30 + 12_345_678

    private func exchange(eventIndex: Bool, toHost: UInt64, toGuest: UInt64) throws {
        try withTemporaryDirectory { directory in
            let guest = try SimulatedGuest(in: directory, eventIndex: eventIndex)
            let listener = try guest.listen(5000)
            let connection = try BulkConnection(guest, over: listener)
            let arrived = try connection.exchange(toHost: toHost, toGuest: toGuest)
            #expect(connection.wrong == nil)
            #expect(arrived == (toHost, toGuest))
        }
    }

    @Test func `more than 4 GiB from the guest to the host, all of them right`() throws {
        try exchange(eventIndex: true, toHost: Self.size, toGuest: 0)
    }

    @Test func `more than 4 GiB from the host to the guest, all of them right`() throws {
        try exchange(eventIndex: true, toHost: 0, toGuest: Self.size)
    }

    @Test(arguments: [true, false]) func `much in both directions at once, all of it right`(eventIndex: Bool) throws {
        try exchange(eventIndex: eventIndex, toHost: 100_000_003, toGuest: 90_000_049)
    }
}
