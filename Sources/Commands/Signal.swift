import HostSystem

/// The number of a signal given as a number, or as a name with or without `SIG` in any case.
///
/// Numbers reach from 0, which only asks whether the process is there, to 64. Real-time signals are
/// `RTMIN+n` and `RTMAX-n`. See signal(7); the numbers are those of x86-64 and arm64, as the C library counts them.
/// - Throws: ``Failure`` in runc's words.
func signalNumber(_ text: String) throws(Failure) -> Int32 {
    if let number = digits(text[...]) {
        guard number <= 64 else { throw Failure("unknown signal \"\(text)\"") }
        return number
    }
    let upper = text.uppercased()
    let name = upper.hasPrefix("SIG") ? String(upper.dropFirst(3)) : upper
    guard let number = ordinarySignal(name) ?? realTimeSignal(name) else {
        throw Failure("unknown signal \"\(text)\"")
    }
    return number
}

/// The names of the signals that are not real-time ones, at the place of their numbers.
let signalNames = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM",
    "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO",
    "PWR", "SYS",
]

private func ordinarySignal(_ name: String) -> Int32? {
    switch name {
    case "IOT": return 6
    case "CLD": return 17
    case "POLL": return 29
    default: return signalNames.firstIndex(of: name).map { Int32($0) + 1 }
    }
}

private func realTimeSignal(_ name: String) -> Int32? {
    // The C library keeps 32 and 33 to itself.
    let (first, last): (Int32, Int32) = (34, 64)
    let offset = name.dropFirst(5)
    guard let distance = offset.isEmpty ? 0 : digits(offset.dropFirst()), distance <= last - first else { return nil }
    switch (name.prefix(5), offset.first) {
    case ("RTMIN", nil), ("RTMIN", "+"): return first + distance
    case ("RTMAX", nil), ("RTMAX", "-"): return last - distance
    default: return nil
    }
}

/// The value of one or two decimal digits.
private func digits(_ text: Substring) -> Int32? {
    let isPlain = text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    return isPlain && (1...2).contains(text.utf8.count) ? Int32(text) : nil
}
