import Commands

/// What a command line printed and returned.
final class Capture {
    var output = ""
    var error = ""
    var status: Int32 = -1

    /// Runs `swiftlet` with these arguments; nothing reaches the standard streams of the test.
    static func run(_ arguments: String...) -> Capture { run(arguments) }

    static func run(_ arguments: [String]) -> Capture {
        let capture = Capture()
        capture.status = Swiftlet.run(
            ["swiftlet"] + arguments, output: { capture.output += $0 }, standardError: { capture.error += $0 })
        return capture
    }

    /// The message of the first log line in text form, without its quotes.
    var message: String? {
        guard let line = error.split(separator: "\n").first, let start = line.firstRange(of: "level=error msg=") else {
            return nil
        }
        let value = line[start.upperBound...]
        guard value.hasPrefix("\"") else { return String(value) }
        return String(value.dropFirst().dropLast()).replacing("\\\"", with: "\"")
    }
}
