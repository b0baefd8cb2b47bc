/// An IPv4 or IPv6 address.
public struct IPAddress: Hashable, Sendable, CustomStringConvertible {
    /// Four or sixteen bytes, in the order of the network.
    public let bytes: [UInt8]

    /// The address with these bytes; nil when there are neither four nor sixteen.
    public init?(bytes: [UInt8]) {
        guard bytes.count == 4 || bytes.count == 16 else { return nil }
        self.bytes = bytes
    }

    /// The IPv4 address `a.b.c.d`.
    public init(version4 a: UInt8, _ b: UInt8, _ c: UInt8, _ d: UInt8) { bytes = [a, b, c, d] }

    /// Where every guest that reaches its vAccel agent by TCP finds it: link-local (RFC 3927), in nobody's use that is known.
    public static let vaccelAgent = IPAddress(version4: 169, 254, 83, 3)

    /// Whether it is an IPv4 address.
    public var isVersion4: Bool { bytes.count == 4 }

    /// Whether it leads back to whoever uses it: 127.0.0.0/8 (RFC 1122), ::1 (RFC 4291).
    public var isLoopback: Bool {
        isVersion4 ? bytes[0] == 127 : bytes.dropLast().allSatisfy { $0 == 0 } && bytes[15] == 1
    }

    /// `10.0.0.2`, or the canonical text of RFC 5952: `fd00::2`.
    public var description: String {
        if isVersion4 { return bytes.map(String.init).joined(separator: ".") }
        let groups = stride(from: 0, to: 16, by: 2).map { UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]) }
        let zeros = Self.longestRun(of: groups)
        func text(_ part: Range<Int>) -> String {
            groups[part].map { String($0, radix: 16) }.joined(separator: ":")
        }
        guard let zeros else { return text(0..<8) }
        return text(0..<zeros.lowerBound) + "::" + text(zeros.upperBound..<8)
    }

    /// The first of the longest runs of zeros, of at least two groups.
    private static func longestRun(of groups: [UInt16]) -> Range<Int>? {
        var longest: Range<Int>?
        var start = 0
        for index in 0...groups.count where index == groups.count || groups[index] != 0 {
            if index - start >= 2, index - start > longest?.count ?? 0 { longest = start..<index }
            start = index + 1
        }
        return longest
    }

    /// The address with this text; nil when it is none. An IPv6 address may end in an IPv4 one, not in a zone.
    public init?(_ text: some StringProtocol) {
        let bytes = text.utf8.contains(UInt8(ascii: ":")) ? Self.version6(String(text)) : Self.version4(text)
        guard let bytes else { return nil }
        self.bytes = bytes
    }

    private static func version4(_ text: some StringProtocol) -> [UInt8]? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var bytes: [UInt8] = []
        for part in parts {
            guard part.utf8.allSatisfy({ 48...57 ~= $0 }), let byte = UInt8(part) else { return nil }
            bytes.append(byte)
        }
        return bytes
    }

    private static func version6(_ text: String) -> [UInt8]? {
        // At most one "::", which stands for as many zeros as are missing.
        let halves = halves(of: text)
        guard let halves else { return nil }
        // An IPv4 address is the end of all.
        guard let head = groups(halves.head, mayEndDotted: halves.tail == nil) else { return nil }
        guard let tail = halves.tail else { return head.count == 16 ? head : nil }
        guard let end = groups(tail, mayEndDotted: true), head.count + end.count <= 14 else { return nil }
        return head + [UInt8](repeating: 0, count: 16 - head.count - end.count) + end
    }

    private static func halves(of text: String) -> (head: String, tail: String?)? {
        let bytes = Array(text.utf8)
        let colon = UInt8(ascii: ":")
        let gaps = (0..<max(0, bytes.count - 1)).filter { bytes[$0] == colon && bytes[$0 + 1] == colon }
        guard let gap = gaps.first else { return (text, nil) }
        guard gaps.count == 1 else { return nil }
        func half(_ part: ArraySlice<UInt8>) -> String { String(decoding: part, as: UTF8.self) }
        return (half(bytes[..<gap]), half(bytes[(gap + 2)...]))
    }

    private static func groups(_ text: String, mayEndDotted: Bool) -> [UInt8]? {
        if text.isEmpty { return [] }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        var bytes: [UInt8] = []
        for (index, part) in parts.enumerated() {
            if mayEndDotted, index == parts.count - 1, part.utf8.contains(UInt8(ascii: ".")) {
                guard let last = version4(part) else { return nil }
                bytes += last
                continue
            }
            guard 1...4 ~= part.utf8.count, part.utf8.first != UInt8(ascii: "+"), let group = UInt16(part, radix: 16)
            else { return nil }
            bytes += [UInt8(group >> 8), UInt8(truncatingIfNeeded: group)]
        }
        return bytes
    }
}

/// An address with the length of a network's prefix: an interface's own, or the network itself.
public struct NetworkAddress: Hashable, Sendable, CustomStringConvertible {
    /// The address.
    public let address: IPAddress
    /// How many of its bits name the network: 0 to 32, or to 128.
    public let prefixLength: UInt8

    /// The address in a network of that size.
    public init(_ address: IPAddress, prefixLength: UInt8) {
        self.address = address
        self.prefixLength = prefixLength
    }

    /// The address with this text, `10.0.0.2/24`; nil when it is none.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let address = IPAddress(parts[0]), let length = UInt8(parts[1]),
            Int(length) <= address.bytes.count * 8
        else { return nil }
        self.init(address, prefixLength: length)
    }

    /// `10.0.0.2/24`
    public var description: String { "\(address)/\(prefixLength)" }

    /// Whether `other` is in the network.
    public func contains(_ other: IPAddress) -> Bool {
        guard other.bytes.count == address.bytes.count else { return false }
        return (0..<Int(prefixLength)).allSatisfy { bit in
            (other.bytes[bit / 8] ^ address.bytes[bit / 8]) & (0x80 >> (bit % 8)) == 0
        }
    }
}
