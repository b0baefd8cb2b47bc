internal import HostSystem

/// Whether the kernel takes for the namespace's own what arrives at the loopback interface from 127.0.0.1 and from own
/// addresses, as it comes from a guest; nobody else can send anything there. See the kernel's ip-sysctl.rst.
struct LoopbackSettings: Equatable {
    private static let names = ["route_localnet", "accept_local"]
    private let values: [String]

    /// Both are taken.
    static let acceptFromGuests = LoopbackSettings(values: ["1", "1"])

    private init(values: [String]) { self.values = values }

    /// As they are in the namespace of the calling process.
    init() throws(HostError) {
        let procfs = try Procfs()
        var values: [String] = []
        for name in Self.names {
            values.append(try procfs.read(Self.path(name)) == "0" ? "0" : "1")
        }
        self.values = values
    }

    /// As ``note`` has them; nil when it is none.
    init?(note: String) {
        values = note.map(String.init)
        guard values.count == Self.names.count, values.allSatisfy({ $0 == "0" || $0 == "1" }) else { return nil }
    }

    /// Both in one word.
    var note: String { values.joined() }

    /// Makes them so.
    func putBack() throws(HostError) {
        let procfs = try Procfs()
        for (name, value) in zip(Self.names, values) { try procfs.write(value, to: Self.path(name)) }
    }

    private static func path(_ name: String) -> String { "sys/net/ipv4/conf/lo/\(name)" }
}
