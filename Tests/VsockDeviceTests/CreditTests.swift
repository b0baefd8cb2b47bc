import CLinux
import HostSystem
import TestSupport
import Testing

@testable import VsockDevice

/// Flow control, many connections, and much data: the virtio specification 1.2, 5.10.6.3.
struct CreditTests {
    private func withGuest(eventIndex: Bool = true, _ body: (SimulatedGuest) throws -> Void) throws {
        try withTemporaryDirectory { try body(try SimulatedGuest(in: $0, eventIndex: eventIndex)) }
    }

    @Test func `no more is sent than the guest has room for, and more when it has`() throws {
        try withGuest { guest in
            let listener = try guest.listen(5000)
            try guest.transmit(.request, guest: 1025, host: 5000, buffer: 10_000)
            _ = try guest.receive()
            let host = Descriptor(owning: try check("accept", "", lx_accept_now(listener.raw)))
            try sendMessage([UInt8](repeating: 7, count: 30_000), to: host.raw)
            var packets = try guest.receive()
            #expect(packets.reduce(0) { $0 + $1.payload.count } == 10_000)
            #expect(packets.filter { $0.operation == .creditRequest }.count == 1)
            #expect(try guest.receive() == [])
            try guest.transmit(.creditUpdate, guest: 1025, host: 5000, buffer: 10_000, forwarded: 4_000)
            packets = try guest.receive()
            #expect(packets.reduce(0) { $0 + $1.payload.count } == 4_000)
            try guest.transmit(.creditUpdate, guest: 1025, host: 5000, buffer: 40_000, forwarded: 14_000)
            packets = try guest.receive()
            #expect(packets.reduce(0) { $0 + $1.payload.count } == 16_000)
        }
    }

    @Test func `room that a guest makes up is none`() throws {
        try withGuest { guest in
            let listener = try guest.listen(5000)
            let host = try guest.connected(over: listener)
            // It has read more than it was ever sent.
            try guest.transmit(.creditUpdate, guest: 1025, host: 5000, buffer: 1000, forwarded: 5000)
            try sendMessage([1], to: host.raw)
            #expect(try guest.receive().allSatisfy { $0.payload.isEmpty })
        }
    }

    @Test func `a guest that sends more than there is room for is reset`() throws {
        try withGuest { guest in
            let listener = try guest.listen(5000)
            let host = try guest.connected(over: listener)
            var sent = 0
            while sent < 4 << 20 {
                try guest.transmit(.data, guest: 1025, host: 5000, payload: [UInt8](repeating: 0, count: 60_000))
                sent += 60_000
                if try guest.receive().contains(where: { $0.operation == .reset }) { break }
            }
            // What the kernel keeps for the host, and what the device does.
            #expect(sent > Int(Connection.bufferSize))
            #expect(sent < 4 << 20)
            _ = consume host
        }
    }

    @Test func `the guest is told of room as its bytes are read, and when it asks`() throws {
        try withGuest { guest in
            let listener = try guest.listen(5000)
            let host = try guest.connected(over: listener)
            try guest.transmit(.creditRequest, guest: 1025, host: 5000)
            var packets = try guest.receive()
            #expect(packets.map(\.operation) == [.creditUpdate])
            #expect(packets.first?.forwarded == 0)
            try guest.transmit(.data, guest: 1025, host: 5000, payload: [UInt8](repeating: 0, count: 30_000))
            #expect(try guest.receive() == [])
            try guest.transmit(.data, guest: 1025, host: 5000, payload: [UInt8](repeating: 0, count: 6_000))
            packets = try guest.receive()
            #expect(packets.map(\.operation) == [.creditUpdate])
            #expect(packets.first?.forwarded == 36_000)
            _ = consume host
        }
    }

    @Test func `a host that reads late gets everything`() throws {
        try withGuest { guest in
            let listener = try guest.listen(5000)
            let host = try guest.connected(over: listener)
            var stream = Stream(seed: 3)
            let all = (0..<8).map { _ in stream.bytes(32_000) }
            for part in all { try guest.transmit(.data, guest: 1025, host: 5000, payload: part) }
            var got: [UInt8] = []
            for _ in 0..<10 {
                got += received(from: host.raw)
                try guest.turn()
            }
            #expect(got == [UInt8](all.joined()))
        }
    }

    /// Every byte counts: a generator at one end, the same one at the other.
    @Test(arguments: [true, false]) func `much data comes as it was sent`(eventIndex: Bool) throws {
        let size = 4 << 20
        try withGuest(eventIndex: eventIndex) { guest in
            let listener = try guest.listen(5000)
            let host = try guest.connected(over: listener)
            var (toHost, fromGuest, toGuest, fromHost) = (
                Stream(seed: 1), Stream(seed: 1), Stream(seed: 2), Stream(seed: 2)
            )
            var (sent, got, offered, taken) = (0, 0, 0, 0)
            var (room, forwarded, rest) = (Int(Connection.bufferSize), 0, [UInt8]())
            while got < size || taken < size {
                if sent < size, sent - forwarded + 60_000 <= room {
                    let part = toHost.bytes(min(60_000, size - sent))
                    sent += part.count
                    try guest.transmit(
                        .data, guest: 1025, host: 5000, payload: part, forwarded: UInt32(truncatingIfNeeded: taken))
                }
                if rest.isEmpty, offered < size {
                    rest = toGuest.bytes(min(50_000, size - offered))
                    offered += rest.count
                }
                if case .moved(let count) = StreamSocket.send(rest[...], over: host.raw) { rest.removeFirst(count) }
                let part = received(from: host.raw, 65_521)
                got += part.count
                #expect(part == fromGuest.bytes(part.count))
                for packet in try guest.receive() {
                    (room, forwarded) = (Int(packet.buffer), Int(packet.forwarded))
                    taken += packet.payload.count
                    #expect(packet.payload == fromHost.bytes(packet.payload.count))
                }
                try guest.transmit(
                    .creditUpdate, guest: 1025, host: 5000, forwarded: UInt32(truncatingIfNeeded: taken))
            }
            #expect(got == size)
            #expect(taken == size)
        }
    }

    @Test func `a thousand connections are open at once`() throws {
        try withGuest { guest in
            let listener = try guest.listen(5000)
            var hosts: [SharedDescriptor] = []
            for number in 0..<500 { hosts.append(try guest.connected(guest: 2000 + UInt32(number), over: listener)) }
            var ports: [UInt32] = []
            for _ in 0..<500 {
                let (host, port) = try guest.accepted()
                _ = received(from: host.raw)
                hosts.append(host)
                ports.append(port)
            }
            #expect(Set(ports).count == 500)
            for (number, host) in hosts.enumerated() {
                try sendMessage(UInt32(number).littleEndianBytes, to: host.raw)
                let (own, other) = number < 500 ? (2000 + UInt32(number), 5000) : (7, ports[number - 500])
                #expect(try guest.receive().map(\.payload) == [UInt32(number).littleEndianBytes])
                try guest.transmit(.data, guest: own, host: other, payload: [UInt8(number % 256)])
                #expect(received(from: host.raw) == [UInt8(number % 256)])
            }
            hosts = []
            var ends = 0
            for _ in 0..<100 { ends += try guest.receive().filter { $0.operation == .shutdown }.count }
            #expect(ends == 1000)
        }
    }

    @Test func `a listener with too many waiting is asked again`() throws {
        try withGuest { guest in
            let listener = try guest.listen(5000, backlog: 1)
            for port in UInt32(1)...6 { try guest.transmit(.request, guest: port, host: 5000) }
            var answers = try guest.receive()
            #expect(answers.count < 6)
            var hosts: [SharedDescriptor] = []
            for _ in 0..<50 where hosts.count < 6 {
                let host = lx_accept_now(listener.raw)
                if host >= 0 { hosts.append(SharedDescriptor(owning: host)) }
                answers += try guest.receive()
            }
            #expect(hosts.count == 6)
            #expect(answers.map(\.operation) == [PacketHeader.Operation](repeating: .response, count: 6).map { $0 })
        }
    }

    @Test func `answers do not pile up for a guest that takes none`() throws {
        try withGuest { guest in
            // All buffers but none given again: 64 answers fit.
            for _ in 0..<2000 {
                try guest.transmit(.data, guest: 1, host: 9)
                _ = try guest.takeUsed(1)
            }
            #expect(guest.device.rejections.count <= 128)
        }
    }
}

/// Numbers that look random and can be made again.
struct Noise: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// SplitMix64.
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

/// A stream of bytes that look random, whose pieces can be told from each other: its period is a prime.
struct Stream {
    private let pattern: [UInt8]
    private var position = 0

    init(seed: UInt64) {
        var noise = Noise(seed: seed)
        let once = (0..<65_521).map { _ in UInt8(truncatingIfNeeded: noise.next()) }
        pattern = once + once
    }

    /// The next bytes, at most as many as the period has.
    mutating func bytes(_ count: Int) -> [UInt8] {
        defer { position = (position + count) % 65_521 }
        return [UInt8](pattern[position..<position + count])
    }
}
