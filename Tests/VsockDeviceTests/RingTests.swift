import CLinux
import HostSystem
import TestSupport
import Testing

@testable import VsockDevice

/// Rings that a guest may lay out, and those that it may not: the virtio specification 1.2, 2.7.
struct RingTests {
    private typealias Entry = SimulatedGuest.RingEntry

    private func withGuest(_ body: (SimulatedGuest) throws -> Void) throws {
        try withTemporaryDirectory { try body(try SimulatedGuest(in: $0)) }
    }

    private static let place = SimulatedGuest.Layout.transmitBuffers

    /// A request to port 5000.
    private func putRequest(_ guest: SimulatedGuest, at address: UInt64) throws {
        let header = PacketHeader(
            source_cid: SimulatedGuest.cid, destination_cid: 2, source_port: 1025, destination_port: 5000, length: 0,
            type: 1, operation: 1, flags: 0, buffer_size: 1 << 18, forwarded: 0)
        try guest.write(header.bytes, to: address)
    }

    @Test func `a packet may be in many pieces, in a table of its own, and across regions`() throws {
        try withGuest { guest in
            // A byte each.
            try putRequest(guest, at: Self.place)
            for index in 0..<44 as Range<UInt16> {
                try guest.setDescriptor(
                    1, index,
                    Entry(address: Self.place + UInt64(index), count: 1, flags: index < 43 ? 1 : 0, next: index + 1))
            }
            try guest.offer(1, 0)
            #expect(try guest.receive().map(\.operation) == [.reset])
            #expect(try guest.takeUsed(1).map(\.head) == [0])
            // VIRTQ_DESC_F_INDIRECT
            try guest.write(
                Entry(address: Self.place, count: 20, flags: 1, next: 1).bytes
                    + Entry(address: Self.place + 20, count: 24).bytes, to: Self.place + 4096)
            try guest.setDescriptor(1, 5, Entry(address: Self.place + 4096, count: 32, flags: 4))
            try guest.offer(1, 5)
            #expect(try guest.receive().map(\.operation) == [.reset])
            let border = SimulatedGuest.Layout.border - 10
            try putRequest(guest, at: border)
            try guest.setDescriptor(1, 6, Entry(address: border, count: 44))
            try guest.offer(1, 6)
            #expect(try guest.receive().map(\.operation) == [.reset])
            #expect(try guest.takeUsed(1).map(\.head) == [5, 6])
        }
    }

    @Test(arguments: [
        // Outside of the guest's memory, behind its end, around the end of all addresses.
        [Entry(address: 1 << 40, count: 44)], [Entry(address: SimulatedGuest.Layout.size - 43, count: 44)],
        [Entry(address: .max - 10, count: 44)], [Entry(address: place, count: .max)],
        // For the device to write to; a table in a table; a table that goes on; one of no whole entries, or of none.
        [Entry(address: place, count: 44, flags: 2)], [Entry(address: place, count: 16, flags: 5, next: 1)],
        [Entry(address: place, count: 17, flags: 4)], [Entry(address: place, count: 0, flags: 4)],
        [Entry(address: 1 << 40, count: 16, flags: 4)],
        // A next one that does not exist, and itself.
        [Entry(address: place, count: 10, flags: 1, next: 64)], [Entry(address: place, count: 10, flags: 1, next: 0)],
    ])
    private func `a chain that breaks the rules stops its ring only`(chain: [Entry]) throws {
        try withGuest { guest in
            for (index, entry) in chain.enumerated() { try guest.setDescriptor(1, UInt16(index), entry) }
            try guest.offer(1, 0)
            #expect(try guest.receive() == [])
            #expect(try guest.takeUsed(1).isEmpty)
            // A driver that begins anew is served again.
            try guest.setUp(1)
            try guest.transmit(.data, guest: 1, host: 1)
            #expect(try guest.receive().map(\.operation) == [.reset])
        }
    }

    @Test func `a table in a table stops the ring`() throws {
        try withGuest { guest in
            try guest.write(Entry(address: Self.place, count: 16, flags: 4).bytes, to: Self.place + 64)
            try guest.setDescriptor(1, 0, Entry(address: Self.place + 64, count: 16, flags: 4))
            try guest.offer(1, 0)
            try guest.turn()
            #expect(try guest.takeUsed(1).isEmpty)
        }
    }

    @Test func `more chains than the ring has, or one that does not exist, stop it`() throws {
        for head: UInt16? in [nil, 64, 0xFFFF] {
            try withGuest { guest in
                try putRequest(guest, at: Self.place)
                try guest.setDescriptor(1, 0, Entry(address: Self.place, count: 44))
                if let head { try guest.offer(1, head) } else { for _ in 0..<65 { try guest.offer(1, 0) } }
                try guest.turn()
                #expect(try guest.takeUsed(1).isEmpty)
            }
        }
    }

    @Test(arguments: [43, 44] as [UInt32])
    func `a buffer without room for data stops the receive ring`(size: UInt32) throws {
        try withGuest { guest in
            let listener = try guest.listen(5000)
            let host = try guest.connected(over: listener)
            for index in 0..<SimulatedGuest.queueSize {
                try guest.setDescriptor(
                    0, index, Entry(address: SimulatedGuest.Layout.receiveBuffers, count: size, flags: 2))
            }
            try sendMessage([1], to: host.raw)
            #expect(try guest.receive() == [])
        }
    }

    @Test func `a guest is called for what it wants to be called for`() throws {
        try withGuest { guest in
            try guest.transmit(.data, guest: 1, host: 1)
            #expect(wasCalled(guest.calls[0]))
            // It has not looked: VIRTIO_F_EVENT_IDX is still at the first one.
            try guest.transmit(.data, guest: 1, host: 1)
            #expect(!wasCalled(guest.calls[0]))
            _ = try guest.takeUsed(0)
            try guest.transmit(.data, guest: 1, host: 1)
            #expect(wasCalled(guest.calls[0]))
        }
    }

    /// Whoever waits for an answer has it before: an interrupt for what was sent would come in between.
    @Test(arguments: [true, false])
    func `a guest is called for what it has sent when nothing else goes on, or when that is much`(eventIndex: Bool)
        throws
    {
        try withTemporaryDirectory { directory in
            let guest = try SimulatedGuest(in: directory, eventIndex: eventIndex)
            let listener = try guest.listen(5000)
            let host = try guest.connected(over: listener)
            _ = wasCalled(guest.calls[1])
            try guest.transmit(.data, guest: 1025, host: 5000, payload: [1], turns: 1)
            #expect(received(from: host.raw) == [1])
            #expect(!wasCalled(guest.calls[1]))
            try guest.turn(1)
            #expect(wasCalled(guest.calls[1]))
            try guest.turn(1)
            #expect(!wasCalled(guest.calls[1]))
            for number in 1...16 {
                try guest.transmit(.data, guest: 1025, host: 5000, payload: [1], turns: 1)
                #expect(wasCalled(guest.calls[1]) == (number == 16))
            }
            // Its memory is not kept from it.
            try guest.transmit(
                .data, guest: 1025, host: 5000, payload: [UInt8](repeating: 1, count: 40_000), turns: 1)
            #expect(wasCalled(guest.calls[1]))
        }
    }

    @Test func `a guest is called for what it has sent although its host goes on sending`() throws {
        try withGuest { guest in
            let listener = try guest.listen(5000)
            let host = try guest.connected(over: listener)
            _ = wasCalled(guest.calls[1])
            try guest.transmit(.data, guest: 1025, host: 5000, payload: [1], turns: 1)
            var turns = 0
            while !wasCalled(guest.calls[1]), turns < 100 {
                try sendMessage([2], to: host.raw)
                try guest.turn(1)
                turns += 1
            }
            #expect(turns == 16)
        }
    }
}
