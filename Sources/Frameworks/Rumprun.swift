public import GuestModel

/// Rumprun unikernels on Solo5: the boot string is a JSON object.
///
/// See doc/config.md of rumprun. Its parser (jsmn) looks at tokens as they are written and undoes no escape.
public struct Rumprun: Framework {
    /// `rumprun`
    public let name = "rumprun"
    /// It has no other name.
    public let aliases: [String] = []

    /// Creates the framework.
    public init() {}

    /// The guest in `candidate`: a Solo5 binary that is said to be Rumprun's, or holds the rump kernel's start-up.
    public func recognise(_ candidate: GuestCandidate) throws -> Guest? {
        guard try Solo5Image.isGuest(candidate, of: self, symbol: "rump_init") else { return nil }
        return try Solo5Image.guest(in: candidate, of: name)
    }

    /// The object with command line, environment, host name, working directory, the first interface
    /// and where to mount the first disk.
    public func bootString(_ boot: GuestBoot) throws(GuestError) -> [UInt8] {
        let process = boot.process
        var members = [("cmdline", "\"\(try Self.commandLine(of: process))\"")]
        for entry in process.environment { members.append(("env", "\"\(try Self.plain(entry, "environment"))\"")) }
        if !process.hostName.isEmpty {
            members.append(("hostname", "\"\(try Self.plain(process.hostName, "host name"))\""))
        }
        if process.workingDirectory != "/" {
            members.append(("cwd", "\"\(try Self.plain(process.workingDirectory, "working directory"))\""))
        }
        if let net = Self.network(boot.network) { members.append(("net", net)) }
        if let place = process.blockMountPoint {
            let point = try Self.plain(place, "mount point")
            members.append(
                ("blk", #"{"source":"etfs","path":"/dev/ld0a","fstype":"blk","mountpoint":"\#(point)"}"#))
        }
        let text = members.map { "\"\($0.0)\":\($0.1)" }.joined(separator: ",")
        return try Solo5Image.bootString(["{\(text)}"])
    }

    /// A command line given with the image, which has the program's name; else each word in single quotes, in which a
    /// backslash lets `"` and `\` stand for themselves, and JSON sees a string.
    private static func commandLine(of process: GuestProcess) throws(GuestError) -> String {
        if let line = process.commandLine { return try plain(line, "command line") }
        var words: [String] = []
        for (index, word) in process.arguments.enumerated() { words.append(try quoted(word, index)) }
        return words.joined(separator: " ")
    }

    private static func quoted(_ word: String, _ index: Int) throws(GuestError) -> String {
        for character in word.unicodeScalars where character == "'" || character.value < 32 {
            let name = character == "'" ? "a single quote" : "a control character"
            throw GuestError("argument \(index) holds \(name), which a rumprun guest cannot be given")
        }
        let escaped = word.unicodeScalars.map { $0 == "\"" || $0 == "\\" ? "\\\($0)" : "\($0)" }
        return "'\(escaped.joined())'"
    }

    /// A value that reaches the guest as it is written: it has nothing that JSON would want escaped.
    private static func plain(_ text: String, _ what: String) throws(GuestError) -> String {
        for character in text.unicodeScalars where character == "\"" || character == "\\" || character.value < 32 {
            throw GuestError(
                "\(what) \"\(text)\" holds a quote, backslash or control character, "
                    + "which a rumprun guest cannot be given")
        }
        return text
    }

    /// There is room for one interface, with one address: IPv4 if it has one.
    private static func network(_ network: GuestNetwork) -> String? {
        guard let interface = network.connections.first?.interface else { return nil }
        let isVersion4 = interface.address(version4: true) != nil
        guard let address = interface.address(version4: isVersion4) else { return nil }
        var members = [
            ("if", "ukvmif0"), ("cloner", "True"), ("type", isVersion4 ? "inet" : "inet6"), ("method", "static"),
            ("addr", "\(address.address)"),
        ]
        if let gateway = interface.gateway(version4: isVersion4) {
            // NetBSD takes no gateway outside the interface's network.
            members += [("mask", "\(address.prefixLength(reaching: gateway))"), ("gw", "\(gateway)")]
        } else {
            members.append(("mask", "\(address.prefixLength)"))
        }
        return "{\(members.map { "\"\($0.0)\":\"\($0.1)\"" }.joined(separator: ","))}"
    }
}
