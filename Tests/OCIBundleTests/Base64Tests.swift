import OCIBundle
import Testing

@Suite struct Base64Tests {
    static let sound: [(String, [UInt8])] = [
        // RFC 4648 section 10
        ("Zg==", Array("f".utf8)), ("Zm8=", Array("fo".utf8)), ("Zm9v", Array("foo".utf8)),
        ("Zm9vYg==", Array("foob".utf8)), ("Zm9vYmE=", Array("fooba".utf8)), ("Zm9vYmFy", Array("foobar".utf8)),
        ("AAAA", [0, 0, 0]), ("////", [255, 255, 255]), ("+/+/", [0xFB, 0xFF, 0xBF]),
        (
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
            [
                0x00, 0x10, 0x83, 0x10, 0x51, 0x87, 0x20, 0x92, 0x8B, 0x30, 0xD3, 0x8F, 0x41, 0x14, 0x93, 0x51, 0x55,
                0x97, 0x61, 0x96, 0x9B, 0x71, 0xD7, 0x9F, 0x82, 0x18, 0xA3, 0x92, 0x59, 0xA7, 0xA2, 0x9A, 0xAB, 0xB2,
                0xDB, 0xAF, 0xC3, 0x1C, 0xB3, 0xD3, 0x5D, 0xB7, 0xE3, 0x9E, 0xBB, 0xF3, 0xDF, 0xBF,
            ]
        ),
    ]

    @Test("standard base64 with padding is decoded", arguments: sound)
    func decodes(text: String, bytes: [UInt8]) {
        #expect(decodeBase64(text) == bytes)
    }

    @Test("bytes become the text that they come from", arguments: sound)
    func encodes(text: String, bytes: [UInt8]) {
        #expect(encodeBase64(bytes) == text)
    }

    @Test(
        "base64 has padding",
        arguments: [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")])
    func pads(text: String, encoded: String) {
        #expect(encodeBase64(Array(text.utf8)) == encoded)
    }

    @Test(
        "anything else is no base64",
        arguments: [
            "", "Z", "Zg", "Zg=", "Zm9v=", "Z===", "====", "Zg=v", "=m9v", "Zg==Zg==", "Zm9v\n", "Zm 9", "-_-_", "Zm9é",
            "Zm9\0",
        ])
    func refuses(text: String) {
        #expect(decodeBase64(text) == nil)
    }
}
