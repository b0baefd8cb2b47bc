internal import Criu
internal import HostSystem

/// What criu's log says about a failure.
struct CriuLog {
    /// Its path.
    let path: String

    /// Logs the errors in it, and adds to criu's answer what they say, if that says nothing itself, and where they are.
    func explain(_ error: any Error, to log: Log) -> Failure {
        guard let text = try? readText(path) else { return Failure("\(error)") }
        let lines = text.split(separator: "\n").compactMap { Self.message($0) }
        for line in lines.suffix(20) { log.warning("criu: \(line)") }
        var reason = ""
        // The last before criu's own conclusion, `Dumping FAILED.`
        if (error as? CriuRefusal)?.reason.isEmpty == true, let last = lines.last(where: { !$0.hasSuffix("FAILED.") }) {
            reason = ": \(last)"
        }
        return Failure("\(error)\(reason): log file: \(path)")
    }

    /// An error, without the time and the process at the beginning of the line; nil when the line is none.
    private static func message(_ line: Substring) -> Substring? {
        let start = line.prefix(while: { $0 == "(" || $0 == ")" || $0 == "." || $0 == ":" || $0 == " " || $0.isNumber })
        let rest = line[start.endIndex...]
        return rest.hasPrefix("Error (") ? rest : nil
    }
}
