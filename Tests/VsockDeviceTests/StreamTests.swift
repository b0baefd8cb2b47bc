import CLinux
import HostSystem
import TestSupport
import Testing

@testable import VsockDevice

/// The rules of the virtio specification 1.2, 5.10.6, seen from both ends of a device.
struct StreamTests {
    private func withGuest(eventIndex: Bool = true, _ body: (SimulatedGuest) throws -> Void) throws {
        try withTemporaryDirectory { try body(try SimulatedGuest(in: $0, eventIndex: eventIndex)) }
    }

    @Test(arguments: [true, false]) func `bytes go both ways`(eventIndex: Bool) throws {
        try withGuest(eventIndex: eventIndex) { guest in
            let listener = try guest.listen(5000)
            let host = try guest.connected(over: listener)
            try guest.transmit(.data, guest: 1025, host: 5000, payload: [UInt8]("to the host".utf8))
            #expect(received(from: host.raw) == [UInt8]("to the host".utf8))
            try sendMessage([UInt8]("to the guest".utf8), to: host.raw)
            let packets = try guest.receive()
            #expect(packets.map(\.operation) == [.data])
            #expect(packets.first?.payload == [UInt8]("to the guest".utf8))
            #expect(packets.first?.forwarded == 11)
            #expect(packets.first?.buffer == Connection.bufferSize)
        }
    }

    @Test func `a host's program connects to the guest`() throws {
        try withGuest { guest in
            let (host, port) = try guest.accepted()
            #expect(received(from: host.raw) == [UInt8]("OK \(port)\n".utf8))
            try sendMessage([1, 2, 3], to: host.raw)
            #expect(try guest.receive().map(\.payload) == [[1, 2, 3]])
            try guest.transmit(.data, guest: 7, host: port, payload: [4, 5])
            #expect(received(from: host.raw) == [4, 5])
        }
    }

    @Test func `what follows the line of a host's program is the guest's`() throws {
        try withGuest { guest in
            let host = try connectUnix(to: guest.path, stream: true)
            try sendMessage([UInt8]("CONNECT 7\nat once".utf8), to: host.raw)
            let port = try guest.receive().first?.hostPort ?? 0
            try guest.transmit(.response, guest: 7, host: port)
            #expect(try guest.receive().map(\.payload) == [[UInt8]("at once".utf8)])
        }
    }

    @Test(
        arguments: [
            "CONNECT\n", "CONNECT \n", "CONNECT x\n", "CONNECT -1\n", "CONNECT 4294967296\n", "connect 7\n", "\n",
            "CONNECT 7 8\n", "CONNECT 00000000000000000000007\n", "GET / HTTP/1.1\r\n",
        ])
    func `a host's program that says something else is let go without a word`(line: String) throws {
        try withGuest { guest in
            let host = try connectUnix(to: guest.path, stream: true)
            try sendMessage([UInt8](line.utf8), to: host.raw)
            #expect(try guest.receive() == [])
            #expect(receivedOrEnd(from: host.raw) == nil)
        }
    }

    @Test func `a host's program is let go when the guest refuses`() throws {
        try withGuest { guest in
            let host = try connectUnix(to: guest.path, stream: true)
            try sendMessage([UInt8]("CONNECT 9\n".utf8), to: host.raw)
            let port = try guest.receive().first?.hostPort ?? 0
            try guest.transmit(.reset, guest: 9, host: port)
            #expect(receivedOrEnd(from: host.raw) == nil)
            #expect(try guest.receive() == [])
        }
    }

    @Test func `a request to a port that nobody listens at is reset at once`() throws {
        try withGuest { guest in
            try guest.transmit(.request, guest: 1025, host: 5001)
            #expect(
                try guest.receive().map { [$0.operation == .reset ? 1 : 0, $0.guestPort, $0.hostPort] }
                    == [[1, 1025, 5001]])
        }
    }

    /// Each but a reset itself is answered by one, 5.10.6.4.
    @Test(arguments: [PacketHeader.Operation.response, .reset, .shutdown, .data, .creditUpdate, .creditRequest])
    func `a packet of no connection is reset`(operation: PacketHeader.Operation) throws {
        try withGuest { guest in
            try guest.transmit(operation, guest: 1025, host: 5000)
            #expect(try guest.receive().map(\.operation) == (operation == .reset ? [] : [.reset]))
        }
    }

    @Test func `an operation or type that does not exist is reset, a sender that is another one passed over`() throws {
        try withGuest { guest in
            for change: (inout PacketHeader) -> Void in [{ $0.operation = 0 }, { $0.operation = 99 }, { $0.type = 2 }] {
                try guest.transmit(.request, guest: 1025, host: 5000, change: change)
                #expect(try guest.receive().map(\.operation) == [.reset])
            }
            try guest.transmit(.request, guest: 1025, host: 5000) { $0.source_cid = 43 }
            #expect(try guest.receive() == [])
            // Another guest cannot be reached: there is none behind this device.
            try guest.transmit(.request, guest: 1025, host: 5000) { $0.destination_cid = 43 }
            #expect(try guest.receive().map(\.operation) == [.reset])
        }
    }

    @Test func `a packet longer than its chain ends its connection`() throws {
        try withGuest { guest in
            let listener = try guest.listen(5000)
            let host = try guest.connected(over: listener)
            try guest.transmit(.data, guest: 1025, host: 5000, payload: [1, 2, 3]) { $0.length = 4 }
            #expect(try guest.receive().map(\.operation) == [.reset])
            #expect(receivedOrEnd(from: host.raw) == nil)
        }
    }

    // MARK: ends

    @Test func `the guest's end of sending is the end of a host's file`() throws {
        try withGuest { guest in
            let listener = try guest.listen(5000)
            let host = try guest.connected(over: listener)
            try guest.transmit(.data, guest: 1025, host: 5000, payload: [1, 2, 3])
            try guest.transmit(.shutdown, guest: 1025, host: 5000, flags: .send)
            #expect(received(from: host.raw) == [1, 2, 3])
            #expect(receivedOrEnd(from: host.raw) == nil)
            // The other direction goes on.
            try sendMessage([9, 9], to: host.raw)
            #expect(try guest.receive().map(\.payload) == [[9, 9]])
            try guest.transmit(.data, guest: 1025, host: 5000, payload: [4])
            #expect(try guest.receive().map(\.operation) == [.reset])
        }
    }

    @Test func `a host's end of sending is a shutdown for the guest`() throws {
        try withGuest { guest in
            let listener = try guest.listen(5000)
            let host = try guest.connected(over: listener)
            try sendMessage([1, 2, 3], to: host.raw)
            StreamSocket.shutdown(host.raw, .send)
            let packets = try guest.receive()
            #expect(packets.map(\.operation) == [.data, .shutdown])
            #expect(packets.last?.flags == Shutdown.send.rawValue)
            try guest.transmit(.data, guest: 1025, host: 5000, payload: [7])
            #expect(received(from: host.raw) == [7])
        }
    }

    @Test func `a guest that will not receive makes a host's writes fail`() throws {
        try withGuest { guest in
            let listener = try guest.listen(5000)
            let host = try guest.connected(over: listener)
            try guest.transmit(.shutdown, guest: 1025, host: 5000, flags: .receive)
            #expect(message(of: { try sendMessage([1], to: host.raw) }) == "send: broken pipe")
            try guest.transmit(.data, guest: 1025, host: 5000, payload: [7])
            #expect(received(from: host.raw) == [7])
        }
    }

    @Test func `a guest that closes is answered by a reset, and the host gets everything`() throws {
        try withGuest { guest in
            let listener = try guest.listen(5000)
            let host = try guest.connected(over: listener)
            let all = [UInt8](repeating: 3, count: 200_000)
            for start in stride(from: 0, to: all.count, by: 50_000) {
                try guest.transmit(.data, guest: 1025, host: 5000, payload: [UInt8](all[start..<start + 50_000]))
            }
            try guest.transmit(.shutdown, guest: 1025, host: 5000, flags: .both)
            #expect(try guest.receive().map(\.operation).last == .reset)
            // The same ports can be used again while the host still reads.
            let next = try guest.connected(over: listener)
            var got: [UInt8] = []
            while let part = receivedOrEnd(from: host.raw) {
                got += part
                try guest.turn()
            }
            #expect(got == all)
            _ = consume next
        }
    }

    @Test func `a host that closes is a shutdown of both directions`() throws {
        try withGuest { guest in
            let listener = try guest.listen(5000)
            do { _ = try guest.connected(over: listener) }
            let packets = try guest.receive()
            #expect(packets.map(\.operation) == [.shutdown])
            #expect(packets.first?.flags == Shutdown.both.rawValue)
            try guest.transmit(.reset, guest: 1025, host: 5000)
            #expect(try guest.receive() == [])
            #expect(guest.device.connections.isEmpty)
        }
    }

    @Test func `bytes for a host that has closed are nobody's, and the guest does not wait for room`() throws {
        try withGuest { guest in
            let listener = try guest.listen(5000)
            do { _ = try guest.connected(over: listener) }
            for _ in 0..<10 {
                try guest.transmit(.data, guest: 1025, host: 5000, payload: [UInt8](repeating: 0, count: 60_000))
            }
            let packets = try guest.receive()
            #expect(packets.last?.forwarded ?? 0 >= 500_000)
            #expect(!packets.contains { $0.operation == .reset })
        }
    }

    @Test func `a reset of the guest's closes the host's end`() throws {
        try withGuest { guest in
            let listener = try guest.listen(5000)
            let host = try guest.connected(over: listener)
            try guest.transmit(.reset, guest: 1025, host: 5000)
            #expect(receivedOrEnd(from: host.raw) == nil)
            #expect(try guest.receive() == [])
            #expect(guest.device.connections.isEmpty)
        }
    }

    @Test func `a second request of an open connection ends it`() throws {
        try withGuest { guest in
            let listener = try guest.listen(5000)
            let host = try guest.connected(over: listener)
            try guest.transmit(.request, guest: 1025, host: 5000)
            #expect(try guest.receive().map(\.operation) == [.reset])
            #expect(receivedOrEnd(from: host.raw) == nil)
        }
    }
}
