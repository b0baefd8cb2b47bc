internal import GuestModel

/// How much a Unikraft guest takes; a build may be configured to take more or less, these are the defaults.
struct UnikraftLimits {
    /// LIBUKBOOT_CMDLINE_MAX_LEN, less the terminating NUL.
    static let mostBytes = 4095
    /// LIBUKBOOT_MAXNBARGS: what is beyond is dropped without a word, so it must not be reached.
    static let mostWords = 60
    /// What is left for the path that a loader puts in front.
    static let loaderBytes = 256

    let bytes: Int
    let words: Int

    /// Checks that the process's arguments have room behind `count` words and the end of the parameters.
    func check(_ arguments: [String], beside count: Int) throws(GuestError) {
        let most = words - count - 1
        guard arguments.count <= most else {
            throw GuestError(
                "argument \(most + 1) is one too many: a unikraft guest takes \(Self.mostWords) words altogether")
        }
    }
}

/// The words for Unikraft's libraries.
struct UnikraftParameters {
    private let boot: GuestBoot

    init(_ boot: GuestBoot) { self.boot = boot }

    /// All parameters, of the environment as much as has to be and has room beside `others`.
    func words(beside others: [String], _ limits: UnikraftLimits) throws(GuestError) -> [String] {
        var words: [String] = []
        if takes("uknetdev") { words += try network() }
        words += root()
        guard takes("posix_environ"), isAtLeast(0, 16, 0) else { return words }
        var room = limits.words - others.count - words.count
        var bytes = limits.bytes - (others + words).reduce(0) { $0 + $1.utf8.count + 1 }
        for (entry, mayBeLeftOut) in Self.ordered(boot.process.environment) {
            let word = try Self.variable(entry)
            guard room > 0, bytes >= word.utf8.count else {
                if mayBeLeftOut { continue }
                throw GuestError(
                    "environment variable \(BootWords.name(of: entry)) is too much: a unikraft guest takes "
                        + "\(UnikraftLimits.mostWords) words and \(limits.bytes) bytes altogether")
            }
            words.append(word)
            room -= 1
            bytes -= word.utf8.count + 1
        }
        return words
    }

    /// Whether the image has parameters of a library; where it does not tell, one that it has not is passed over.
    private func takes(_ library: String) -> Bool {
        boot.options.contains { $0 == "*" || $0.hasSuffix(library) }
    }

    private func isAtLeast(_ major: Int, _ minor: Int, _ patch: Int) -> Bool {
        // Who does not say is not older than the record that says it.
        guard let version = boot.version else { return true }
        let numbers = version.split { !$0.isNumber }.prefix(3).map { Int($0) ?? 0 } + [0, 0, 0]
        return !numbers.prefix(3).lexicographicallyPrecedes([major, minor, patch])
    }

    /// Addresses of version 4; there are no words for version 6.
    private func network() throws(GuestError) -> [String] {
        let connections = boot.network.connections
        guard let last = connections.lastIndex(where: { $0.interface?.address(version4: true) != nil }) else {
            return []
        }
        guard isAtLeast(0, 16, 1) else { return oldNetwork(connections[0].interface) }
        var words: [String] = []
        for connection in connections[...last] {
            // The values are those of devices in their order; an empty one leaves a device alone.
            guard let interface = connection.interface, let address = interface.address(version4: true) else {
                words.append("netdev.ip=")
                continue
            }
            let servers = boot.network.nameServers.filter(\.isVersion4).map(\.description)
            let gateway = interface.gateway(version4: true).map(\.description) ?? ""
            var parts = ["\(address)", gateway, servers.first ?? "", servers.dropFirst().first ?? "", try hostName()]
            while parts.last == "" { parts.removeLast() }
            words.append(Unikraft.quoted("netdev.ip=\(parts.joined(separator: ":"))"))
        }
        return words
    }

    private func hostName() throws(GuestError) -> String {
        let name = boot.process.hostName
        guard !name.contains(":") else {
            throw GuestError("host name \"\(name)\" holds a colon, which \(Unikraft.guest) cannot be given")
        }
        return name
    }

    /// Before 0.16.1 there was one device.
    private func oldNetwork(_ interface: GuestInterface?) -> [String] {
        guard let interface, let address = interface.address(version4: true) else { return [] }
        var words = ["netdev.ipv4_addr=\(address.address)"]
        if let gateway = interface.gateway(version4: true) { words.append("netdev.ipv4_gw_addr=\(gateway)") }
        return words + ["netdev.ipv4_subnet_mask=\(NetworkAddress.mask(prefixLength: address.prefixLength))"]
    }

    /// What is shared with the host becomes the root file system, or else the initial RAM disk.
    private func root() -> [String] {
        guard takes("vfscore"), boot.hasInitrd || boot.sharedRoot != nil else { return [] }
        let tag = MonitorLaunch.shareTag
        if isAtLeast(0, 16, 0) {
            return [boot.sharedRoot == nil ? "vfs.fstab=initrd0:/:extract" : "vfs.fstab=\(tag):/:9pfs"]
        }
        return boot.sharedRoot == nil ? ["vfs.rootfs=initrd"] : ["vfs.rootfs=9pfs", "vfs.rootdev=\(tag)"]
    }

    /// One variable. Given one by one, they fill the slots in turn; a list in brackets would end at a closing one.
    private static func variable(_ entry: String) throws(GuestError) -> String {
        guard !entry.hasPrefix("[") else {
            throw BootWords.cannotPass(variable: entry, "begins with a bracket", to: Unikraft.guest)
        }
        guard !entry.utf8.contains(0) else {
            throw BootWords.cannotPass(variable: entry, "holds a NUL byte", to: Unikraft.guest)
        }
        return Unikraft.quoted("env.vars=\(entry)")
    }

    /// The environment, what a guest can best do without at the end: a build has few slots, eight if nobody chose, and
    /// drops what is beyond. Those that Kubernetes makes for every service may be left out altogether.
    private static func ordered(_ environment: [String]) -> [(entry: String, mayBeLeftOut: Bool)] {
        let suffix = "_SERVICE_HOST"
        let services = environment.map(BootWords.name(of:)).filter { $0.hasSuffix(suffix) }
            .map { $0.dropLast(suffix.count) }
        func isLink(_ entry: String) -> Bool {
            let name = BootWords.name(of: entry)
            return services.contains { service in
                guard name.hasPrefix(service) else { return false }
                let rest = name.dropFirst(service.count)
                return rest == suffix || rest.hasPrefix("_SERVICE_PORT") || rest == "_PORT" || rest.hasPrefix("_PORT_")
            }
        }
        let engines = ["PATH", "HOSTNAME", "TERM", "HOME", "container"]
        func rank(_ entry: String) -> Int {
            isLink(entry) ? 2 : engines.contains { $0 == BootWords.name(of: entry) } ? 1 : 0
        }
        return (0...2).flatMap { wanted in
            environment.filter { rank($0) == wanted }.map { ($0, wanted == 2) }
        }
    }
}
