internal import HostSystem

/// A document that is JSON but not what the runtime specification says: where, why, and where that is written.
public struct SpecError: Error, Equatable, CustomStringConvertible {
    /// The document, as a user knows it: `config.json`.
    public let document: String
    /// The place as a JSON pointer (RFC 6901): `/linux/namespaces/2/type`; empty for the whole document.
    public let pointer: String
    /// What is wrong there.
    public let reason: String
    /// The runtime specification's file and section: `config-linux.md#namespaces`.
    public let section: String

    /// Creates an error for the place that `pointer` names.
    public init(document: String = "config.json", pointer: String, reason: String, section: String) {
        self.document = document
        self.pointer = pointer
        self.reason = reason
        self.section = section
    }

    /// `config.json: /process/args/0: expected a string, found a number (runtime-spec config.md, process)`
    ///
    /// Always one line of a bearable length: control characters that came from the document are escaped, and of a very
    /// long reason the middle is left out.
    public var description: String {
        let parts = section.split(separator: "#").joined(separator: ", ")
        let reason = bounded(self.reason)
        let line = "\(document): \(pointer.isEmpty ? "" : "\(pointer): ")\(reason) (runtime-spec \(parts))"
        guard line.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else { return line }
        return line.unicodeScalars.reduce(into: "") { text, scalar in
            text += scalar.value < 0x20 || scalar.value == 0x7F ? scalar.escaped(asASCII: true) : String(scalar)
        }
    }
}
