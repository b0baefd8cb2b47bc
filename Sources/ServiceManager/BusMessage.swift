/// Builds the little-endian bytes of D-Bus values. See the D-Bus specification, "Marshaling (Wire Format)".
struct BusWriter {
    private(set) var bytes: [UInt8] = []

    mutating func align(_ boundary: Int) {
        while bytes.count % boundary != 0 { bytes.append(0) }
    }

    mutating func integer<Number: FixedWidthInteger>(_ value: Number) {
        align(Number.bitWidth / 8)
        for shift in stride(from: 0, to: Number.bitWidth, by: 8) {
            bytes.append(UInt8(truncatingIfNeeded: value >> Number(shift)))
        }
    }

    /// A string or an object's path: length, bytes, NUL.
    mutating func string(_ value: String) {
        integer(UInt32(value.utf8.count))
        bytes += Array(value.utf8) + [0]
    }

    mutating func signature(_ value: String) {
        bytes.append(UInt8(value.utf8.count))
        bytes += Array(value.utf8) + [0]
    }

    /// An array whose elements begin at multiples of `alignment`; the padding before the first is not part of its length.
    mutating func array(alignment: Int, _ fill: (inout BusWriter) -> Void) {
        integer(UInt32(0))
        let length = bytes.count - 4
        align(alignment)
        let start = bytes.count
        fill(&self)
        let size = UInt32(bytes.count - start)
        for index in 0..<4 { bytes[length + index] = UInt8(truncatingIfNeeded: size >> UInt32(8 * index)) }
    }

    mutating func value(_ value: BusValue) {
        switch value {
        case .bool(let flag): integer(UInt32(flag ? 1 : 0))
        case .byte(let number): bytes.append(number)
        case .int32(let number): integer(number)
        case .uint32(let number): integer(number)
        case .int64(let number): integer(number)
        case .uint64(let number): integer(number)
        case .double(let number): integer(number.bitPattern)
        case .string(let text): string(text)
        case .strings(let texts): array(alignment: 4) { for text in texts { $0.string(text) } }
        case .bytes(let content): array(alignment: 1) { for byte in content { $0.integer(byte) } }
        case .numbers(let numbers): array(alignment: 4) { for number in numbers { $0.integer(number) } }
        }
    }

    mutating func variant(_ content: BusValue) {
        signature(content.signature)
        value(content)
    }

    /// `a(sv)`: what systemd takes as properties.
    mutating func properties(_ properties: [UnitProperty]) {
        array(alignment: 8) {
            for property in properties {
                $0.align(8)
                $0.string(property.name)
                $0.variant(property.value)
            }
        }
    }
}

/// Reads D-Bus values; every read is nil when there are not enough bytes.
struct BusReader {
    private let bytes: [UInt8]
    private let isBigEndian: Bool
    private(set) var position: Int

    init(_ bytes: [UInt8], from position: Int = 0, isBigEndian: Bool = false) {
        self.bytes = bytes
        self.position = position
        self.isBigEndian = isBigEndian
    }

    mutating func align(_ boundary: Int) { position = (position + boundary - 1) / boundary * boundary }

    mutating func byte() -> UInt8? {
        guard position < bytes.count else { return nil }
        defer { position += 1 }
        return bytes[position]
    }

    mutating func uint32() -> UInt32? {
        align(4)
        var value: UInt32 = 0
        for index in 0..<4 {
            guard let next = byte() else { return nil }
            value |= UInt32(next) << UInt32(8 * (isBigEndian ? 3 - index : index))
        }
        return value
    }

    mutating func string() -> String? {
        guard let length = uint32() else { return nil }
        return text(Int(length))
    }

    mutating func signature() -> String? {
        guard let length = byte() else { return nil }
        return text(Int(length))
    }

    private mutating func text(_ length: Int) -> String? {
        guard length < bytes.count - position else { return nil }
        defer { position += length + 1 }
        return String(decoding: bytes[position..<position + length], as: UTF8.self)
    }
}

/// A D-Bus message, with the header fields that matter here. See the specification, "Message Format".
struct BusMessage: Equatable {
    enum Kind: UInt8 {
        case call = 1
        case reply = 2
        case error = 3
        case signal = 4
    }

    var kind: Kind
    var serial: UInt32
    var path = ""
    var interface = ""
    var member = ""
    var destination = ""
    var errorName = ""
    var replySerial: UInt32 = 0
    var signature = ""
    var body: [UInt8] = []

    /// The numbers of header fields, with the type of each.
    private static var fields: [(code: UInt8, type: String, key: WritableKeyPath<BusMessage, String>)] {
        [
            (1, "o", \.path), (2, "s", \.interface), (3, "s", \.member), (4, "s", \.errorName),
            (6, "s", \.destination), (8, "g", \.signature),
        ]
    }

    var bytes: [UInt8] {
        var writer = BusWriter()
        // Little-endian, kind, no flags, version 1.
        for byte in [UInt8(ascii: "l"), kind.rawValue, 0, 1] { writer.integer(byte) }
        writer.integer(UInt32(body.count))
        writer.integer(serial)
        writer.array(alignment: 8) { array in
            for (code, type, key) in Self.fields where !self[keyPath: key].isEmpty {
                array.align(8)
                array.integer(code)
                array.signature(type)
                type == "g" ? array.signature(self[keyPath: key]) : array.string(self[keyPath: key])
            }
            guard replySerial != 0 else { return }
            array.align(8)
            array.integer(UInt8(5))
            array.signature("u")
            array.integer(replySerial)
        }
        writer.align(8)
        return writer.bytes + body
    }

    /// How long the message at the beginning of `bytes` is; nil when that is not there yet, 0 when it is no message.
    static func size(_ bytes: [UInt8]) -> Int? {
        guard bytes.count >= 16 else { return nil }
        guard bytes[0] == UInt8(ascii: "l") || bytes[0] == UInt8(ascii: "B"), bytes[3] == 1 else { return 0 }
        var reader = BusReader(bytes, from: 4, isBigEndian: bytes[0] == UInt8(ascii: "B"))
        guard let body = reader.uint32(), reader.uint32() != nil, let fields = reader.uint32() else { return nil }
        // The specification's own limits.
        guard fields <= 1 << 26, body <= 1 << 27 else { return 0 }
        return (16 + Int(fields) + 7) / 8 * 8 + Int(body)
    }

    init(kind: Kind, serial: UInt32) {
        self.kind = kind
        self.serial = serial
    }

    /// Reads one whole message; nil when it is none.
    init?(_ bytes: [UInt8]) {
        let isBigEndian = bytes.first == UInt8(ascii: "B")
        var reader = BusReader(bytes, from: 4, isBigEndian: isBigEndian)
        guard bytes.count >= 16, let kind = Kind(rawValue: bytes[1]), let size = reader.uint32(),
            let serial = reader.uint32(), let length = reader.uint32()
        else { return nil }
        self.init(kind: kind, serial: serial)
        let end = reader.position + Int(length)
        while reader.position < end {
            reader.align(8)
            guard let code = reader.byte(), let type = reader.signature() else { return nil }
            switch type {
            case "u":
                guard let value = reader.uint32() else { return nil }
                if code == 5 { replySerial = value }
            case "s", "o", "g":
                guard let value = type == "g" ? reader.signature() : reader.string() else { return nil }
                if let field = Self.fields.first(where: { $0.code == code }) { self[keyPath: field.key] = value }
            default: return nil
            }
        }
        reader.align(8)
        guard reader.position + Int(size) <= bytes.count else { return nil }
        body = Array(bytes[reader.position..<reader.position + Int(size)])
    }
}
