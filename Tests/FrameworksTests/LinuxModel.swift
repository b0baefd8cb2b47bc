/// What a Linux kernel makes of its command line, from the documented rules of kernel-parameters.rst and of
/// lib/cmdline.c: words before `--` with an equals sign that the kernel does not know go into the environment of the first
/// program, those behind it are its arguments.
struct LinuxModel {
    /// What the kernel itself is told.
    private(set) var parameters: [(name: String, value: [UInt8])] = []
    /// The environment, each variable once.
    private(set) var environment: [[UInt8]] = [Array("HOME=/".utf8), Array("TERM=linux".utf8)]
    /// The first program's arguments.
    private(set) var arguments: [[UInt8]] = []
    /// Whether the kernel panics for too many of either.
    var hasTooMany: Bool { environment.count > 32 || arguments.count > 32 }

    private static let known = ["console", "panic", "reboot", "quiet", "root", "rw", "init", "rdinit", "ip"]

    init(_ line: [UInt8]) {
        var rest = line[...]
        var isBehind = false
        while let word = Self.next(&rest) {
            let isEnd = word.value == nil && word.name == [0x2D, 0x2D]
            if isEnd {
                // A second end stops the arguments.
                if isBehind { break }
                isBehind = true
            } else if isBehind {
                arguments.append(word.whole)
            } else if Self.known.contains(String(decoding: word.name, as: UTF8.self)) {
                parameters.append((String(decoding: word.name, as: UTF8.self), word.value ?? []))
            } else if word.value == nil {
                arguments.append(word.whole)
            } else if !word.name.contains(0x2E) {
                set(word.whole, name: word.name)
            }
        }
    }

    private mutating func set(_ entry: [UInt8], name: [UInt8]) {
        let place = environment.firstIndex { $0.starts(with: name + [0x3D]) }
        if let place { environment[place] = entry } else { environment.append(entry) }
    }

    private struct Word {
        var name: [UInt8]
        var value: [UInt8]?
        var whole: [UInt8] { value.map { name + [0x3D] + $0 } ?? name }
    }

    /// Takes the next word, the way the kernel overwrites its line with zeros.
    private static func next(_ rest: inout ArraySlice<UInt8>) -> Word? {
        let blanks: Set<UInt8> = [0x20, 0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0xA0]
        rest = rest.drop { blanks.contains($0) }
        guard !rest.isEmpty else { return nil }
        let opened = rest.first == 0x22
        if opened { rest = rest.dropFirst() }
        // Where it ends: the first blank with an even number of quotes in front, the opening one included.
        var quotes = opened ? 1 : 0
        var text: [UInt8] = []
        while let byte = rest.first, !(blanks.contains(byte) && quotes % 2 == 0) {
            if byte == 0x22 { quotes += 1 }
            text.append(byte)
            rest = rest.dropFirst()
        }
        let split = text.indices.dropFirst().first { text[$0] == 0x3D }
        guard let split else { return Word(name: trimmed(text, opened)) }
        var value = Array(text[(split + 1)...])
        if value.first == 0x22 {
            value.removeFirst()
            return Word(name: Array(text[..<split]), value: trimmed(value, true))
        }
        return Word(name: Array(text[..<split]), value: trimmed(value, opened))
    }

    private static func trimmed(_ text: [UInt8], _ isQuoted: Bool) -> [UInt8] {
        isQuoted && text.last == 0x22 ? Array(text.dropLast()) : text
    }

    /// The value of the kernel's last parameter of that name.
    func parameter(_ name: String) -> String? {
        parameters.last { $0.name == name }.map { String(decoding: $0.value, as: UTF8.self) }
    }
}
