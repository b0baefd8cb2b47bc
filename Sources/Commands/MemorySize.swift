import HostSystem

/// Amounts of memory as runc reads them: `67108864`, `64M`, `1.5 GiB`; units are powers of 1024.
enum MemorySize {
    /// The number of bytes, or -1 for `-1`.
    ///
    /// - Throws: ``HostSystem/Failure`` in the words of runc's library.
    static func bytes(_ text: String, option: String) throws(Failure) -> Int64 {
        if text == "-1" { return -1 }
        func refusal(_ reason: String) -> Failure { Failure("invalid value for \(option): \(reason)") }
        let digits = text.utf8.prefix {
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || $0 == UInt8(ascii: ".")
        }
        guard let number = Double(String(Substring(digits))), digits.first != UInt8(ascii: ".") else {
            throw refusal("invalid size: '\(text)'")
        }
        var suffix = text.dropFirst(digits.count)
        if suffix.first == " " { suffix = suffix.dropFirst() }
        guard let shift = shift(suffix.lowercased()) else { throw refusal("invalid suffix: '\(suffix)'") }
        let size = number * Double(UInt64(1) << shift)
        guard size < 0x1p63 else { throw refusal("'\(text)' is more than 8 EiB") }
        return Int64(size)
    }

    /// The power of two that a unit stands for.
    private static func shift(_ unit: String) -> UInt64? {
        if unit.isEmpty || unit == "b" { return 0 }
        guard let index = Array("kmgtp").firstIndex(where: { unit.first == $0 }),
            ["", "b", "ib"].contains(unit.dropFirst())
        else { return nil }
        return UInt64(index + 1) * 10
    }
}
