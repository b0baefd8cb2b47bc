/// What a Unikraft guest makes of its boot string, from the rules of its documentation: words, then parameters up to `--`.
struct UnikraftModel {
    /// The application's words, its own name first.
    private(set) var arguments: [[UInt8]] = []
    /// The values of each parameter, in order.
    private(set) var parameters: [(name: String, value: [UInt8])] = []

    /// The words of a line.
    ///
    /// Blanks end a word outside of quotes. Both kinds of quotes vanish. A backslash is an ordinary character between
    /// single quotes, makes a double quote or another backslash ordinary between double ones, and any character outside.
    static func words(_ line: [UInt8]) -> [[UInt8]] {
        enum Place { case between, plain, single, double }
        var words: [[UInt8]] = []
        var word: [UInt8] = []
        var place = Place.between
        func isBlank(_ byte: UInt8) -> Bool { [0x20, 0x0D, 0x0A, 0x09, 0x0B].contains(byte) }
        func finish() {
            // Quotes without anything between them leave no trace.
            if !word.isEmpty { words.append(word) }
            word = []
        }
        var rest = line[...]
        while let byte = rest.popFirst() {
            switch place {
            case .between where isBlank(byte): continue
            case .between, .plain:
                if isBlank(byte) {
                    finish()
                    place = .between
                } else if byte == 0x27 {
                    place = .single
                } else if byte == 0x22 {
                    place = .double
                } else if byte == 0x5C, let next = rest.popFirst() {
                    word.append(next)
                    place = .plain
                } else {
                    word.append(byte)
                    place = .plain
                }
            case .single:
                if byte == 0x27 { place = .plain } else { word.append(byte) }
            case .double:
                if byte == 0x22 {
                    place = .plain
                } else if byte == 0x5C, let next = rest.first, next == 0x22 || next == 0x5C {
                    rest.removeFirst()
                    word.append(next)
                } else {
                    word.append(byte)
                }
            }
        }
        finish()
        return words
    }

    /// Reads a line as a build does that takes `most` words, in a build with parameters or without.
    init(_ line: [UInt8], withParameters: Bool = true, most: Int = 60) {
        let words = Array(Self.words(line).prefix(most))
        guard let name = words.first else { return }
        let rest = Array(words.dropFirst())
        // An end of parameters right at the beginning is none.
        guard withParameters, let end = Self.end(rest), end > 0 else {
            arguments = words
            return
        }
        arguments = [name] + rest[(end + 1)...]
        var list: String?
        for word in rest[..<end] {
            if let name = list {
                list = add(listed: word, to: name)
                continue
            }
            guard let dot = word.firstIndex(of: 0x2E), let equals = word[dot...].firstIndex(of: 0x3D) else { continue }
            let name = String(decoding: word[..<equals], as: UTF8.self)
            let value = Array(word[(equals + 1)...])
            if value.first == 0x5B {
                list = value.count > 1 ? add(listed: Array(value.dropFirst()), to: name) : name
            } else {
                parameters.append((name, value))
            }
        }
    }

    /// Where the first `--` is that is in no list.
    private static func end(_ words: [[UInt8]]) -> Int? {
        var isInList = false
        for (index, word) in words.enumerated() {
            if isInList {
                isInList = word.last != 0x5D
            } else if word == [0x2D, 0x2D] {
                return index
            } else if let dot = word.firstIndex(of: 0x2E), let equals = word[dot...].firstIndex(of: 0x3D) {
                isInList = word[(equals + 1)...].first == 0x5B && (word.last != 0x5D || word.count == equals + 2)
            }
        }
        return nil
    }

    /// Adds a value of a list; nil when it was the last.
    private mutating func add(listed word: [UInt8], to name: String) -> String? {
        let isLast = word.last == 0x5D
        let value = isLast ? Array(word.dropLast()) : word
        if !value.isEmpty { parameters.append((name, value)) }
        return isLast ? nil : name
    }

    /// The values of a parameter.
    func values(_ name: String) -> [[UInt8]] { parameters.filter { $0.name == name }.map(\.value) }
}
