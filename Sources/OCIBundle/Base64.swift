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

private func sixBits(_ character: UInt8) -> UInt32? {
    switch character {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(character - UInt8(ascii: "A"))
    case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(character - UInt8(ascii: "a")) + 26
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(character - UInt8(ascii: "0")) + 52
    case UInt8(ascii: "+"): 62
    case UInt8(ascii: "/"): 63
    default: nil
    }
}
