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
        guard var guest = try Solo5Image.guest(in: candidate, of: name) else {
            // Our own guests without a tender understand the same words.
            return try isNamed(by: candidate) ? PVH.ownGuest(in: candidate, of: name) : nil
        }
        if guest.devices.contains(where: { $0.kind == .network }) {
            guest.options = try Self.resolverOptions(of: candidate)
        }
        return guest
    }

    /// The option for name servers that the unikernel has, if it has one: another one it does not know, and ends.
    ///
    /// The option comes with the DNS client that is configured for a unikernel. Its name is in every unikernel of mirage 4.8
    /// or later that has a network; whether it can be used, the DNS client's module says.
    private static func resolverOptions(of candidate: GuestCandidate) throws -> [String] {
        let elf = try candidate.elf
        guard try elf.hasSymbol("camlDns_client_mirage", in: candidate.bytes) else { return [] }
        for option in ["dns-servers", "dns_servers"] {
            // As OCaml keeps a string: filled up to 8 bytes, the last of them says with how many.
            let fill = 7 - option.utf8.count % 8
            let string = Array(option.utf8) + [UInt8](repeating: 0, count: fill) + [UInt8(fill)]
            if try elf.hasAlignedData(string, in: candidate.bytes) { return [option] }
        }
        return []
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
        // Without an interface there is nobody to ask.
        if !words.isEmpty, let option = boot.options.first, !boot.network.nameServers.isEmpty {
            words.append("--\(option)=\(boot.network.nameServers.map(Self.resolver).joined(separator: ","))")
        }
        if let line = process.commandLine { return try Solo5Image.bootString(words + [line]) }
        for (index, word) in zip(process.words.indices, process.words) {
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

    /// A name server in the words of dns-client-mirage, by both protocols as MirageOS takes those of DHCP.
    private static func resolver(_ address: IPAddress) -> String {
        let place = address.isVersion4 ? "\(address)" : "[\(address)]:53"
        return "udp:\(place),tcp:\(place)"
    }

    /// A word as parse-argv takes it for one: in double quotes a backslash lets the next character stand for itself.
    static func quoted(_ word: String) -> String {
        let isPlain = word.utf8.allSatisfy { $0 > 32 && $0 != 34 && $0 != 39 && $0 != 92 }
        if isPlain { return word }
        let escaped = word.unicodeScalars.map { $0 == "\"" || $0 == "\\" ? "\\\($0)" : "\($0)" }
        return "\"\(escaped.joined())\""
    }
}
