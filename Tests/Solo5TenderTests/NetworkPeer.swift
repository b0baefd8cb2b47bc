import HostSystem
import Solo5Tender

/// The other end of a guest's network device: a host of its own that speaks in whole frames.
struct NetworkPeer {
    static let guestMAC: [UInt8] = [2, 0, 0, 0, 0, 1]
    static let mac: [UInt8] = [2, 0, 0, 0, 0, 2]
    static let guestAddress: [UInt8] = [10, 0, 0, 2]
    static let address: [UInt8] = [10, 0, 0, 1]
    static let port: UInt16 = 40_000

    let socket: Int32

    func send(_ frame: [UInt8]) throws { try sendMessage(frame, to: socket) }

    /// What `part` makes of the next frame of which it makes something; nil when no frame came for two seconds.
    func receive<Part>(_ part: ([UInt8]) -> Part?) throws -> Part? {
        while try waitForNotice([socket], changing: nil, timeout: 2000).readable == [true] {
            if let found = part(try receiveMessage(socket)) { return found }
        }
        return nil
    }

    /// Sends the frame and returns the first answer of which `part` makes something.
    func ask<Part>(_ frame: [UInt8], _ part: ([UInt8]) -> Part?) throws -> Part? {
        try send(frame)
        return try receive(part)
    }
}

/// Numbers in network order.
func big(_ number: some FixedWidthInteger) -> [UInt8] {
    stride(from: number.bitWidth - 8, through: 0, by: -8).map { UInt8(truncatingIfNeeded: number >> $0) }
}

func checksum(_ bytes: [UInt8]) -> [UInt8] {
    var sum = 0
    for (index, byte) in bytes.enumerated() { sum += index % 2 == 0 ? Int(byte) << 8 : Int(byte) }
    while sum > 0xFFFF { sum = (sum & 0xFFFF) + (sum >> 16) }
    return big(~UInt16(sum))
}

/// Frames from the peer to the guest.
enum Frames {
    static func ethernet(_ type: UInt16, _ packet: [UInt8], to destination: [UInt8] = NetworkPeer.guestMAC) -> [UInt8] {
        destination + NetworkPeer.mac + big(type) + packet
    }

    /// Who has the guest's address?
    static var question: [UInt8] {
        ethernet(
            0x0806,
            [0, 1, 8, 0, 6, 4, 0, 1] + NetworkPeer.mac + NetworkPeer.address + [0, 0, 0, 0, 0, 0]
                + NetworkPeer.guestAddress, to: [UInt8](repeating: 0xFF, count: 6))
    }

    static func ipv4(_ proto: UInt8, _ payload: [UInt8]) -> [UInt8] {
        let start: [UInt8] = [0x45, 0] + big(UInt16(20 + payload.count)) + [0, 0, 0, 0, 64, proto]
        let addresses = NetworkPeer.address + NetworkPeer.guestAddress
        return ethernet(0x0800, start + checksum(start + addresses) + addresses + payload)
    }

    /// An echo request with this number; `damage` is added to its last byte after the checksum was computed.
    static func echo(_ number: UInt16, damage: UInt8 = 0) -> [UInt8] {
        let rest: [UInt8] = [0, 1] + big(number) + [1, 2, 3, 4, 5]
        return ipv4(1, [8, 0] + checksum([8, 0] + rest) + rest.dropLast() + [5 + damage])
    }

    static func segment(_ flags: UInt8, _ sequence: UInt32, _ acknowledgement: UInt32, _ text: String = "") -> [UInt8] {
        let start = big(NetworkPeer.port) + big(UInt16(8080)) + big(sequence) + big(acknowledgement)
        let middle: [UInt8] = [0x50, flags] + big(UInt16(30_000))
        let end: [UInt8] = [0, 0] + Array(text.utf8)
        let pseudo = NetworkPeer.address + NetworkPeer.guestAddress + [0, 6] + big(UInt16(20 + text.utf8.count))
        return ipv4(6, start + middle + checksum(pseudo + start + middle + end) + end)
    }
}

/// What the peer reads in the guest's frames.
enum Answers {
    /// The hardware address in an answer to `Frames.question`.
    static func mac(_ frame: [UInt8]) -> [UInt8]? {
        frame.count >= 42 && Array(frame[12..<14]) == [8, 6] && Array(frame[20..<22]) == [0, 2]
            ? Array(frame[22..<28]) : nil
    }

    /// The payload of an IPv4 packet of this protocol.
    static func payload(_ frame: [UInt8], _ proto: UInt8) -> [UInt8]? {
        guard frame.count >= 34, Array(frame[12..<14]) == [8, 0], frame[23] == proto else { return nil }
        return Array(frame[34..<(14 + Int(frame[16]) << 8 + Int(frame[17]))])
    }

    /// The number of an echo reply.
    static func echo(_ frame: [UInt8]) -> UInt16? {
        guard let payload = payload(frame, 1), payload.count == 13, payload[0] == 0, checksum(payload) == [0, 0] else {
            return nil
        }
        return UInt16(payload[6]) << 8 | UInt16(payload[7])
    }

    struct Segment: Equatable {
        static let nothing = Segment(flags: 0, sequence: 0, acknowledgement: 0, text: "")

        var flags: UInt8
        var sequence, acknowledgement: UInt32
        var text: String
    }

    static func segment(_ frame: [UInt8]) -> Segment? {
        guard let payload = payload(frame, 6), payload.count >= 20 else { return nil }
        let pseudo = NetworkPeer.guestAddress + NetworkPeer.address + [0, 6] + big(UInt16(payload.count))
        guard checksum(pseudo + payload) == [0, 0] else { return nil }
        func number(_ offset: Int) -> UInt32 { payload[offset..<(offset + 4)].reduce(0) { $0 << 8 | UInt32($1) } }
        return Segment(
            flags: payload[13], sequence: number(4), acknowledgement: number(8),
            text: String(decoding: payload.dropFirst(Int(payload[12] >> 4) * 4), as: UTF8.self))
    }
}
