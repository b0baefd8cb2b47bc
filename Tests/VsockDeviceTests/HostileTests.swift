import CLinux
import HostSystem
import TestSupport
import Testing

@testable import VsockDevice

/// Rings, packets and messages that nobody would write on purpose, but an attacker.
struct HostileTests {
    private static let mutations = 25_000

    private static let addresses: [UInt64] = [
        0, 1, SimulatedGuest.Layout.border - 20, SimulatedGuest.Layout.border, SimulatedGuest.Layout.size - 44,
        SimulatedGuest.Layout.size - 1, SimulatedGuest.Layout.size, .max, 1 << 63, SimulatedGuest.Layout.ring(0),
        SimulatedGuest.Layout.ring(1) + 0x2000, SimulatedGuest.Layout.transmitBuffers,
        SimulatedGuest.Layout.receiveBuffers,
    ]
    private static let counts: [UInt32] = [0, 1, 16, 43, 44, 45, 48, 4096, 65_536, 1 << 20, 1 << 31, .max]

    /// 100,000 changes in all.
    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func `a guest that writes anything anywhere reaches nothing but its memory`(seed: UInt64) throws {
        try withTemporaryDirectory { directory in
            let guest = try SimulatedGuest(in: directory, eventIndex: seed % 2 == 0)
            let listener = try guest.listen(5000)
            var (noise, hosts) = (Noise(seed: seed), [SharedDescriptor]())
            for _ in 0..<Self.mutations {
                try Self.mutate(guest, &noise)
                try Self.act(guest, listener.raw, &hosts, &noise)
                _ = try guest.device.turn(timeoutMilliseconds: 0)
                for queue in 0..<2 where !guest.device.queues[queue].isRunning { try guest.setUp(queue) }
            }
            hosts = []
            try Self.check(guest)
            // And it is as good as before.
            for queue in 0..<2 { try guest.setUp(queue) }
            _ = try guest.receive()
            while lx_accept_now(listener.raw) >= 0 {}
            let host = try guest.connected(guest: 99, over: listener)
            try guest.transmit(.data, guest: 99, host: 5000, payload: [1, 2, 3])
            #expect(received(from: host.raw) == [1, 2, 3])
        }
    }

    private static func mutate(_ guest: SimulatedGuest, _ noise: inout Noise) throws {
        let queue = Int.random(in: 0..<2, using: &noise)
        let ring = SimulatedGuest.Layout.ring(queue)
        switch Int.random(in: 0..<8, using: &noise) {
        case 0...2:
            let isSane = Bool.random(using: &noise)
            let address =
                isSane
                ? SimulatedGuest.Layout.transmitBuffers + UInt64.random(in: 0..<100_000, using: &noise)
                : addresses.randomElement(using: &noise) ?? 0
            try guest.setDescriptor(
                queue, .random(in: 0..<SimulatedGuest.queueSize, using: &noise),
                .init(
                    address: address, count: counts.randomElement(using: &noise) ?? 0,
                    flags: .random(in: 0..<8, using: &noise), next: .random(in: 0..<70, using: &noise)))
        case 3: try guest.offer(queue, .random(in: 0..<66, using: &noise))
        case 4:
            let jump = UInt16.random(in: 0..<80, using: &noise)
            for _ in 0..<jump % 8 { try guest.offer(queue, jump % SimulatedGuest.queueSize) }
        case 5:
            let place: UInt64 =
                [0, 2, 0x1000, 0x1002, 0x1084, 0x2000, 0x2002, 0x2204].randomElement(using: &noise) ?? 0
            try guest.write(UInt16.random(in: 0...UInt16.max, using: &noise).littleEndianBytes, to: ring + place)
        default: try putPacket(guest, &noise)
        }
    }

    private static func putPacket(_ guest: SimulatedGuest, _ noise: inout Noise) throws {
        func pick(_ numbers: [UInt64]) -> UInt64 { numbers.randomElement(using: &noise) ?? 0 }
        let any = noise.next()
        let header = PacketHeader(
            source_cid: pick([42, 42, 42, any]), destination_cid: pick([2, 2, 2, any]),
            source_port: UInt32(pick([1, 2, 3, 1 << 30])), destination_port: UInt32(pick([5000, 5000, 5001, 1 << 30])),
            length: UInt32(pick([0, 1, 4, 4096, 60_000, 1 << 31])), type: UInt16(pick([1, 1, 1, 2])),
            operation: UInt16(pick([1, 1, 2, 3, 4, 5, 5, 6, 7, 8])), flags: UInt32(pick([0, 1, 2, 3, 255])),
            buffer_size: UInt32(pick([0, 1, 4096, 1 << 18, 0xFFFF_FFFF])),
            forwarded: UInt32(truncatingIfNeeded: pick([0, 1, 5000, any])))
        let place = SimulatedGuest.Layout.transmitBuffers + UInt64.random(in: 0..<1000, using: &noise)
        try guest.write(header.bytes, to: place)
        let index = UInt16.random(in: 0..<SimulatedGuest.queueSize, using: &noise)
        try guest.setDescriptor(1, index, .init(address: place, count: UInt32(pick([44, 48, 4140, 60_044]))))
        try guest.offer(1, index)
    }

    /// The host's programs do what they do.
    private static func act(
        _ guest: SimulatedGuest, _ listener: Int32, _ hosts: inout [SharedDescriptor], _ noise: inout Noise
    ) throws {
        switch Int.random(in: 0..<6, using: &noise) {
        case 0:
            let host = lx_accept_now(listener)
            if host >= 0 { hosts.append(SharedDescriptor(owning: host)) }
        case 1:
            guard let host = hosts.randomElement(using: &noise) else { return }
            _ = StreamSocket.send([UInt8](repeating: 1, count: 5000)[...], over: host.raw)
        case 2:
            guard let host = hosts.randomElement(using: &noise) else { return }
            let bytes = received(from: host.raw, 70_000)
            #expect(!bytes.contains(SimulatedGuest.nobodys) || bytes.count < 16 || !isNobodys(bytes))
        case 3:
            if hosts.count > 8 { hosts.remove(at: .random(in: 0..<hosts.count, using: &noise)) }
        default: return
        }
    }

    /// Whether 16 bytes in a row are those that lie around the guest's memory.
    private static func isNobodys(_ bytes: [UInt8]) -> Bool {
        var run = 0
        for byte in bytes {
            run = byte == SimulatedGuest.nobodys ? run + 1 : 0
            if run == 16 { return true }
        }
        return false
    }

    private static func check(_ guest: SimulatedGuest) throws {
        let layout = SimulatedGuest.Layout.self
        let before = try HostSystem.read(guest.memory.raw, named: "guest", at: 0, count: Int(layout.offset))
        let after = try HostSystem.read(
            guest.memory.raw, named: "guest", at: layout.offset + layout.size, count: Int(layout.end))
        #expect(before.allSatisfy { $0 == SimulatedGuest.nobodys })
        #expect(after.allSatisfy { $0 == SimulatedGuest.nobodys })
    }

    @Test(arguments: [5, 6] as [UInt64])
    func `a front-end that says anything is served or let go`(seed: UInt64) throws {
        try withTemporaryDirectory { directory in
            let guest = try SimulatedGuest(in: directory)
            var noise = Noise(seed: seed)
            for _ in 0..<10_000 {
                if guest.device.frontEnd == nil { try guest.reconnect() }
                let size = [0, 4, 8, 8, 8, 12, 20, 40, 40, 72, 200].randomElement(using: &noise) ?? 0
                var payload = (0..<size).map { _ in UInt8(truncatingIfNeeded: noise.next() & 3) }
                if size == 72, Bool.random(using: &noise) {
                    payload =
                        [2, 0, 0, 0, 0, 0, 0, 0]
                        + (0..<8).flatMap { _ in
                            (Self.addresses.randomElement(using: &noise) ?? 0).littleEndianBytes
                        }
                }
                let request = UInt32.random(in: 0..<42, using: &noise)
                let all = [guest.memory.raw, guest.calls[0].raw, guest.kicks[1].raw]
                let passed = (0..<Int.random(in: 0..<3, using: &noise)).map { _ in all.randomElement(using: &noise) ?? 0
                }
                let claimed = UInt32(Int.random(in: 0..<50, using: &noise) == 0 ? size + 3 : size)
                let flags: UInt32 = Int.random(in: 0..<100, using: &noise) == 0 ? 7 : 9
                let head = [request, flags, claimed].flatMap(\.littleEndianBytes)
                do { try guest.sendRaw(head + payload, passed) } catch { continue }
                lx_eventfd_raise(guest.kicks[1].raw)
                _ = try guest.device.turn(timeoutMilliseconds: 0)
                _ = received(from: guest.socket.raw, 4096)
            }
            try Self.check(guest)
            try guest.reconnect()
            try guest.transmit(.data, guest: 1, host: 1)
            #expect(try guest.receive().map(\.operation) == [.reset])
        }
    }
}
