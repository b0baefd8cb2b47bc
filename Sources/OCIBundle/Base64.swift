/// The characters of standard base64 text, each at its value.
private let alphabet = [UInt8]("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

/// The bytes of standard base64 text (RFC 4648 section 4, with padding); nil when it is not that.
///
/// - Parameter text: Characters of the alphabet, a multiple of four with the padding.
public func decodeBase64(_ text: String) -> [UInt8]? {
    let characters = [UInt8](text.utf8)
    guard !characters.isEmpty, characters.count % 4 == 0 else { return nil }
    let padding = characters.suffix(2).filter { $0 == UInt8(ascii: "=") }.count
    var bytes = [UInt8]()
    var group: UInt32 = 0
    for (index, character) in characters.enumerated() {
        let isPadding = index >= characters.count - padding
        guard let value = isPadding && character == UInt8(ascii: "=") ? 0 : sixBits(character) else { return nil }
        group = group << 6 | value
        guard index % 4 == 3 else { continue }
        bytes += [
            UInt8(truncatingIfNeeded: group >> 16), UInt8(truncatingIfNeeded: group >> 8),
            UInt8(truncatingIfNeeded: group),
        ]
        group = 0
    }
    return bytes.dropLast(padding)
}

private func sixBits(_ character: UInt8) -> UInt32? { alphabet.firstIndex(of: character).map(UInt32.init) }

/// Standard base64 text of bytes, with padding (RFC 4648 section 4).
public func encodeBase64(_ bytes: [UInt8]) -> String {
    var characters = [UInt8]()
    for start in stride(from: 0, to: bytes.count, by: 3) {
        let group = bytes[start..<min(start + 3, bytes.count)]
        let bits = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
        for index in 0..<4 {
            characters.append(index <= group.count ? alphabet[bits >> (18 - 6 * index) & 63] : UInt8(ascii: "="))
        }
    }
    return String(decoding: characters, as: UTF8.self)
}
