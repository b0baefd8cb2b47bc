/// The operator's log, in the two formats of logrus that engines read from runc: text and JSON lines.
///
/// A log file is opened for every line and closed again, so that no descriptor reaches a container and nothing is
/// created when nothing is written. Not for use after the root directory has changed: the path would then name a file
/// inside the container.
public final class Log {
    /// How much is worth a line; each level includes the ones before it.
    public enum Level: Int, Comparable, Sendable {
        case error, warning, info, debug

        /// The word in the log: `error`.
        public var name: String {
            switch self {
            case .error: "error"
            case .warning: "warning"
            case .info: "info"
            case .debug: "debug"
            }
        }

        /// Whether `left` is worth more than `right`.
        public static func < (left: Level, right: Level) -> Bool { left.rawValue < right.rawValue }
    }

    /// How a line is written.
    public enum Format: Sendable {
        /// `time="2026-01-02T03:04:05Z" level=error msg="what happened"`
        case text
        /// `{"level":"error","msg":"what happened","time":"2026-01-02T03:04:05Z"}`
        case json
    }

    private let path: String?
    private let format: Format
    private let level: Level
    private let standardError: (String) -> Void

    /// The reason why the log file could not be written to, once that has happened.
    ///
    /// It has been reported then: it went to standard error, like the lines from there on.
    public private(set) var failure: HostError?

    /// Creates a log that appends to the file at `path`, or writes to standard error when there is none.
    ///
    /// - Parameter standardError: Takes the lines for standard error; tests put their own here.
    public init(
        path: String? = nil, format: Format = .text, level: Level = .info,
        standardError: @escaping (String) -> Void = { _ = try? Program.write($0, to: .error) }
    ) {
        self.path = path
        self.format = format
        self.level = level
        self.standardError = standardError
    }

    /// Writes one line when `level` is wanted. A message that is not wanted is not even built.
    public func write(_ level: Level, _ message: @autoclosure () -> String) {
        guard level <= self.level else { return }
        append(line(level, message()))
    }

    /// Writes a line for debugging about a step of a command: what was done, for which container, and how long it took.
    public func step(_ step: String, of command: String, container: String, nanoseconds: Int64) {
        guard .debug <= level else { return }
        let fields: [(String, JSONValue)] = [
            ("command", .string(command)), ("container", .string(container)), ("duration_ns", .integer(nanoseconds)),
            ("step", .string(step)),
        ]
        append(line(.debug, "\(command): \(step) done", fields))
    }

    /// Writes a line for debugging.
    public func debug(_ message: @autoclosure () -> String) { write(.debug, message()) }

    /// Writes a line about something that works, but not as somebody may expect.
    public func warning(_ message: @autoclosure () -> String) { write(.warning, message()) }

    /// Reports the error that ends the program: in the log, and in plain words on standard error when the log is a file.
    ///
    /// Like runc: conmon reads standard error, the containerd shim the last line of the log file.
    public func fatal(_ message: String) {
        let message = bounded(message)
        write(.error, message)
        if path != nil, failure == nil { standardError(Self.oneLine(message) + "\n") }
    }

    /// Control characters escaped: a name or a text that came from an image must not write to the caller's terminal.
    private static func oneLine(_ message: String) -> String {
        guard message.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else { return message }
        return message.unicodeScalars.reduce(into: "") { text, scalar in
            text += scalar.value < 0x20 || scalar.value == 0x7F ? scalar.escaped(asASCII: true) : String(scalar)
        }
    }

    private func append(_ line: String) {
        guard let path else { return standardError(line) }
        do throws(HostError) {
            let file = try open(path, flags: [.writeOnly, .create, .append, .noControllingTerminal], mode: 0o644)
            try Program.write(line, to: file.raw)
        } catch {
            if failure == nil { standardError(self.line(.error, "the log cannot be written: \(error)")) }
            failure = error
            standardError(line)
        }
    }

    private func line(_ level: Level, _ message: String, _ fields: [(String, JSONValue)] = []) -> String {
        let time = WallClock.text(seconds: wallClockNanoseconds() / 1_000_000_000)
        return format.line(level, message, time: time, fields)
    }
}

extension Log.Format {
    /// One line of the log with its line feed, key order and quoting as logrus has them.
    ///
    /// - Parameter fields: What else it says, sorted by name.
    public func line(
        _ level: Log.Level, _ message: String, time: String, _ fields: [(key: String, value: JSONValue)] = []
    ) -> String {
        switch self {
        case .text:
            return fields.reduce("time=\"\(time)\" level=\(level.name) msg=\(Self.field(message))") { line, field in
                "\(line) \(field.key)=\(Self.field(field.value.string ?? field.value.text()))"
            } + "\n"
        case .json:
            let own: [(key: String, value: JSONValue)] = [
                ("level", .string(level.name)), ("msg", .string(message)), ("time", .string(time)),
            ]
            // logrus sorts all keys.
            let members = fields.isEmpty ? own : (own + fields).sorted { $0.key < $1.key }
            return JSONValue.object(JSONObject(members)).text() + "\n"
        }
    }

    /// A value of a text line: bare when it is one harmless word, else quoted like a Go string.
    static func field(_ value: String) -> String {
        let bare = value.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: "-._/@^+".utf8.contains(byte)
            }
        }
        return bare ? value : quoted(value)
    }

    /// `value` in double quotes, with everything escaped that could end the line or drive a terminal.
    static func quoted(_ value: String) -> String {
        var text = "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case "\0"..<" ", "\u{7F}": text += "\\x" + hexadecimal(scalar.value, digits: 2)
            case "\u{80}"..."\u{9F}", "\u{2028}", "\u{2029}": text += "\\u" + hexadecimal(scalar.value, digits: 4)
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text + "\""
    }

}

/// A number in hexadecimal, with at least so many digits.
public func hexadecimal(_ value: UInt32, digits: Int) -> String { padded(String(value, radix: 16), digits) }

/// A text with as many zeros in front that it has at least `width` characters, all of ASCII.
public func padded(_ text: String, _ width: Int) -> String {
    String(repeating: "0", count: max(0, width - text.utf8.count)) + text
}

/// The time of day as the log writes it.
public enum WallClock {
    /// RFC 3339 in UTC, from seconds since 1970: `2026-01-02T03:04:05Z`.
    ///
    /// Computed here because glibc's gmtime(3) reads the time zone files first. The calendar is the proleptic
    /// Gregorian one, counted in eras of 400 years that begin on the first of March.
    public static func text(seconds: Int64) -> String {
        let day = max(0, seconds) / 86_400
        let time = max(0, seconds) % 86_400
        let shifted = day + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let dayOfMonth = dayOfYear - (153 * marchMonth + 2) / 5 + 1
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        let date = "\(padded(year, 4))-\(padded(month, 2))-\(padded(dayOfMonth, 2))"
        return "\(date)T\(padded(time / 3600, 2)):\(padded(time / 60 % 60, 2)):\(padded(time % 60, 2))Z"
    }

    /// The same with nine digits of fraction, from nanoseconds since 1970: `2026-01-02T03:04:05.000000006Z`.
    public static func text(nanoseconds: Int64) -> String {
        let whole = text(seconds: nanoseconds / 1_000_000_000)
        return "\(whole.dropLast()).\(padded(nanoseconds % 1_000_000_000, 9))Z"
    }

    private static func padded(_ value: Int64, _ width: Int) -> String { HostSystem.padded(String(value), width) }
}
