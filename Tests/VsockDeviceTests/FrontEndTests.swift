import CLinux
import HostSystem
import TestSupport
import Testing

@testable import VsockDevice

/// Whether an eventfd was raised since it was asked last.
func wasCalled(_ call: SharedDescriptor) -> Bool { lx_eventfd_take(call.raw) == 1 }

/// The vhost-user protocol, vhost-user.rst of QEMU.
struct FrontEndTests {
    private func withGuest(_ body: (SimulatedGuest) throws -> Void) throws {
        try withTemporaryDirectory { try body(try SimulatedGuest(in: $0)) }
    }

    @Test func `the guest's context id can be asked for, in parts`() throws {
        try withGuest { guest in
            try guest.turn()
            #expect(try guest.configuration(0, 8) == SimulatedGuest.cid.littleEndianBytes)
            #expect(try guest.configuration(4, 4) == [0, 0, 0, 0])
            #expect(try guest.configuration(0, 9) == [])
            #expect(try guest.configuration(.max, .max) == [])
        }
    }

    @Test func `requests are acknowledged where that is wanted`() throws {
        try withGuest { guest in
            try guest.turn()
            #expect(try guest.ask(3, flags: 9) == UInt64(0).littleEndianBytes)
            #expect(try guest.ask(77, flags: 9) == UInt64(1).littleEndianBytes)
            #expect(try guest.ask(8, [9, 0, 0, 0, 64, 0, 0, 0], flags: 9) == UInt64(1).littleEndianBytes)
            #expect(try guest.ask(8, [0, 0, 0, 0, 63, 0, 0, 0], flags: 9) == UInt64(1).littleEndianBytes)
            #expect(guest.device.frontEnd != nil)
            #expect(try guest.ask(77) == nil)
            #expect(guest.device.frontEnd == nil)
        }
    }

    @Test func `memory that its file does not have is refused`() throws {
        try withGuest { guest in
            let size = SimulatedGuest.Layout.offset + SimulatedGuest.Layout.size + SimulatedGuest.Layout.end
            for region: [UInt64] in [
                [0, size + 1, 0, 0], [0, 4096, 0, size - 4095], [0, 0, 0, 0], [.max, 4096, 0, 0], [0, 4096, .max, 0],
                [0, .max, 0, 4096],
            ] {
                let payload: [UInt8] = [1, 0, 0, 0, 0, 0, 0, 0] + region.flatMap(\.littleEndianBytes)
                try guest.send(5, payload, [guest.memory.raw], flags: 9)
                #expect([UInt8](received(from: guest.socket.raw).dropFirst(12)) == UInt64(1).littleEndianBytes)
            }
        }
    }

    @Test func `a guest that is stopped and goes on keeps its connections, one that begins anew has none`() throws {
        try withGuest { guest in
            let listener = try guest.listen(5000)
            let host = try guest.connected(over: listener)
            let base = try guest.ask(11, [0, 0, 0, 0, 0, 0, 0, 0]) ?? []
            #expect(base == [0, 0, 0, 0, 1, 0, 0, 0])
            try sendMessage([1], to: host.raw)
            #expect(try guest.receive() == [])
            try guest.setUp(0, base: 1)
            #expect(try guest.receive(resupply: false).map(\.payload) == [[1]])
            _ = try guest.ask(11, [0, 0, 0, 0, 0, 0, 0, 0])
            try guest.setUp(0)
            #expect(receivedOrEnd(from: host.raw) == nil)
        }
    }

    @Test func `connections outlive a change of the memory table`() throws {
        try withGuest { guest in
            let listener = try guest.listen(5000)
            let host = try guest.connected(over: listener)
            try guest.shareMemory()
            try sendMessage([1, 2], to: host.raw)
            #expect(try guest.receive().map(\.payload) == [[1, 2]])
            try guest.transmit(.data, guest: 1025, host: 5000, payload: [3])
            #expect(received(from: host.raw) == [3])
        }
    }

    @Test func `a front-end that comes back finds a guest that is told to begin anew`() throws {
        try withGuest { guest in
            let listener = try guest.listen(5000)
            let host = try guest.connected(over: listener)
            try guest.reconnect(eventBuffer: true)
            #expect(receivedOrEnd(from: host.raw) == nil)
            // VIRTIO_VSOCK_EVENT_TRANSPORT_RESET is 0.
            #expect(try guest.takeUsed(2).map(\.written) == [4])
            #expect(try guest.number(at: SimulatedGuest.eventPlace) as UInt32 == 0)
            _ = try guest.connected(over: listener)
        }
    }

    @Test func `a host's program that came before the guest was ready is not forgotten`() throws {
        try withGuest { guest in
            _ = try guest.ask(11, [0, 0, 0, 0, 0, 0, 0, 0])
            let host = try connectUnix(to: guest.path, stream: true)
            try sendMessage([UInt8]("CONNECT 7\n".utf8), to: host.raw)
            try guest.turn()
            try guest.setUp(0)
            #expect(try guest.receive().map(\.operation) == [.request])
        }
    }
}

extension SimulatedGuest {
    /// What the device says is in its configuration, nothing where it has none.
    fileprivate func configuration(_ offset: UInt32, _ size: UInt32) throws -> [UInt8]? {
        let head = offset.littleEndianBytes + size.littleEndianBytes + [0, 0, 0, 0]
        let answer = try ask(24, head + [UInt8](repeating: 0, count: Int(min(size, 64))))
        return answer.map { [UInt8]($0.dropFirst(12)) }
    }
}
