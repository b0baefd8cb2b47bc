import Testing

@testable import ServiceManager

@Suite struct BusMessageTests {
    /// A message as dbus-daemon's own tools show it, byte by byte.
    static let hello: [UInt8] =
        [
            0x6c, 1, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0x6e, 0, 0, 0,
            1, 1, 0x6f, 0, 0x15, 0, 0, 0,
        ] + Array("/org/freedesktop/DBus".utf8) + [0, 0, 0]
        + [2, 1, 0x73, 0, 0x14, 0, 0, 0] + Array("org.freedesktop.DBus".utf8) + [0, 0, 0, 0]
        + [3, 1, 0x73, 0, 5, 0, 0, 0] + Array("Hello".utf8) + [0, 0, 0]
        + [6, 1, 0x73, 0, 0x14, 0, 0, 0] + Array("org.freedesktop.DBus".utf8) + [0, 0, 0, 0]

    private static func message() -> BusMessage {
        var message = BusMessage(kind: .call, serial: 1)
        (message.path, message.interface) = ("/org/freedesktop/DBus", "org.freedesktop.DBus")
        (message.member, message.destination) = ("Hello", "org.freedesktop.DBus")
        return message
    }

    @Test("a call without arguments, byte by byte")
    func marshals() {
        // The length of the header's fields does not count the padding after the last.
        var expected = Self.hello
        expected[12] = UInt8(Self.hello.count - 16 - 3)
        #expect(Self.message().bytes == expected)
        #expect(BusMessage.size(expected) == expected.count)
        #expect(BusMessage(expected) == Self.message())
    }

    @Test("properties are an array of names and variants, each at a multiple of eight")
    func marshalsProperties() {
        var writer = BusWriter()
        writer.integer(UInt8(1))
        writer.properties([
            UnitProperty("A", .bool(true)), UnitProperty("PIDs", .numbers([7])), UnitProperty("B", .uint64(2)),
        ])
        #expect(
            writer.bytes
                == [
                    1, 0, 0, 0, 56, 0, 0, 0,
                    1, 0, 0, 0, 0x41, 0, 1, 0x62, 0, 0, 0, 0, 1, 0, 0, 0,
                    4, 0, 0, 0, 0x50, 0x49, 0x44, 0x73, 0, 2, 0x61, 0x75, 0, 0, 0, 0, 4, 0, 0, 0, 7, 0, 0, 0,
                    1, 0, 0, 0, 0x42, 0, 1, 0x74, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0,
                ].replacingLength())
    }

    @Test("what is not whole is waited for, what is no message is told")
    func tellsSizes() {
        let whole = Self.message().bytes
        #expect(BusMessage.size(Array(whole.prefix(15))) == nil)
        #expect(BusMessage.size(Array(whole.prefix(16))) == whole.count)
        #expect(BusMessage.size(Array("HTTP/1.1 400 Bad".utf8)) == 0)
        #expect(BusMessage(Array(whole.prefix(40))) == nil)
        var huge = whole
        huge[15] = 0xff
        #expect(BusMessage.size(huge) == 0)
    }

    @Test("an answer of the other byte order")
    func readsBigEndian() {
        let bytes: [UInt8] =
            [0x42, 2, 1, 1, 0, 0, 0, 6, 0, 0, 0, 9, 0, 0, 0, 15]
            + [5, 1, 0x75, 0, 0, 0, 0, 3, 8, 1, 0x67, 0, 1, 0x73, 0, 0] + [0, 0, 0, 1, 0x78, 0]
        let message = BusMessage(bytes)
        #expect(message?.replySerial == 3)
        #expect(message?.signature == "s")
        var reader = BusReader(message?.body ?? [], isBigEndian: true)
        #expect(reader.string() == "x")
    }
}

extension [UInt8] {
    /// The length of the array at byte 4 as it is: all that follows.
    fileprivate func replacingLength() -> [UInt8] {
        var bytes = self
        bytes[4] = UInt8(count - 8)
        return bytes
    }
}

@Suite struct BusValueTests {
    static let rows: [(String, BusValue?)] = [
        ("true", .bool(true)), (" false ", .bool(false)), ("5", .int32(5)), ("-5", .int32(-5)),
        ("uint64 123456789", .uint64(123_456_789)), ("int64 -1", .int64(-1)), ("byte 7", .byte(7)),
        ("uint32 8", .uint32(8)), ("1.5", .double(1.5)), ("double 2", .double(2)), ("'text'", .string("text")),
        ("\"it's\"", .string("it's")), (#"'it\'s'"#, .string("it's")), ("['a', 'b']", .strings(["a", "b"])),
        ("[]", .strings([])), ("['a'", nil), ("['a' 'b']", nil), ("text", nil), ("", nil), ("uint64 -1", nil),
        ("99999999999", nil), ("'a' b", nil), ("uint64 1 2", nil),
    ]

    @Test("values in the text format of GVariant", arguments: rows)
    func reads(text: String, value: BusValue?) { #expect(BusValue(text: text) == value) }
}
