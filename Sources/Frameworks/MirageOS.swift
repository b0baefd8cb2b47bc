public import GuestModel

/// MirageOS unikernels on Solo5: words for Cmdliner, the network as options.
///
/// The boot string is split by the library parse-argv, the options are those of mirage 4 (lib_runtime, Mirage_runtime).
public struct MirageOS: Framework {
    /// `mirage`
    public let name = "mirage"
    /// The name some tools write.
    public let aliases = ["mirageos"]

    /// Creates the framework.
    public init() {}

    /// The guest in `candidate`: a Solo5 binary that is said to be MirageOS's, or holds OCaml's start-up.
    public func recognise(_ candidate: GuestCandidate) throws -> Guest? {
        guard try Solo5Image.isGuest(candidate, of: self, symbol: "caml_startup") else { return nil }
        return try Solo5Image.guest(in: candidate, of: name)
    }

    /// Options for the network, then the words of the process. There are none for environment and working directory.
    public func bootString(_ boot: GuestBoot) throws(GuestError) -> [UInt8] {
        let process = boot.process
        var words: [String] = []
        for (index, connection) in boot.network.connections.enumerated() {
            guard let interface = connection.interface else { continue }
            // The first device has the options without a name, further ones those of their group.
            words += Self.options(of: interface, prefix: index == 0 ? "--" : "--\(connection.device)-")
        }
        if let line = process.commandLine { return try Solo5Image.bootString(words + [line]) }
        for (index, word) in process.arguments.enumerated().dropFirst() {
            guard !word.isEmpty else {
                throw GuestError("argument \(index) is empty, which a mirage guest cannot be given")
            }
            // Here, where the process's words are counted alone.
            guard !word.utf8.contains(0) else { throw Solo5Image.nulByte(in: index) }
            words.append(Self.quoted(word))
        }
        return try Solo5Image.bootString(words)
    }

    private static func options(of interface: GuestInterface, prefix: String) -> [String] {
        var words: [String] = []
        for (version, isVersion4) in [("ipv4", true), ("ipv6", false)] {
            guard let address = interface.address(version4: isVersion4) else { continue }
            words.append("\(prefix)\(version)=\(address)")
            if let gateway = interface.gateway(version4: isVersion4) {
                words.append("\(prefix)\(version)-gateway=\(gateway)")
            }
        }
        return words
    }

    /// A word as parse-argv takes it for one: in double quotes a backslash lets the next character stand for itself.
    static func quoted(_ word: String) -> String {
        let isPlain = word.utf8.allSatisfy { $0 > 32 && $0 != 34 && $0 != 39 && $0 != 92 }
        if isPlain { return word }
        let escaped = word.unicodeScalars.map { $0 == "\"" || $0 == "\\" ? "\\\($0)" : "\($0)" }
        return "\"\(escaped.joined())\""
    }
}
