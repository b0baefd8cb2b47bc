internal import HostSystem

extension Failure {
    /// A failure to do what a property of config.json asks for.
    ///
    /// - Parameter pointer: The property's JSON pointer (RFC 6901): `/mounts/3`.
    init(at pointer: String, _ message: String, cause: (any Error)? = nil) {
        self.init("config.json: \(pointer): \(message)", cause: cause)
    }

    /// Does what a property asks for; a failure names it.
    static func naming(
        _ pointer: String, _ message: String, _ body: () throws(HostError) -> Void
    ) throws(Failure) {
        do throws(HostError) { try body() } catch { throw Failure(at: pointer, message, cause: error) }
    }

    /// A name as a part of a JSON pointer: `~` is `~0`, `/` is `~1`.
    static func pointerPart(_ name: String) -> String {
        guard name.utf8.contains(where: { $0 == UInt8(ascii: "~") || $0 == UInt8(ascii: "/") }) else { return name }
        return name.reduce(into: "") { text, character in
            switch character {
            case "~": text += "~0"
            case "/": text += "~1"
            default: text.append(character)
            }
        }
    }
}
