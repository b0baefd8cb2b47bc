internal import HostSystem

/// A table of nftables that leads the packets of two interfaces to each other, before anything else of the network namespace
/// sees them.
///
/// Unlike a queue of tc(8) it is set without the kernel's taking the interface out of work for a moment, in which all is
/// lost that it sends. It works for whoever owns the network namespace.
public struct ForwardTable: Equatable, Sendable {
    /// The interface that a guest has, and the guest's tap, by number.
    public let interface, tap: Int32

    /// Tells these tables from all others.
    private static let mark = "swiftlet"
    private static let family = PacketTableFamily.interface

    /// The table of an interface and a tap.
    public init(interface: Int32, tap: Int32) { (self.interface, self.tap) = (interface, tap) }

    /// The one with this name; nil when it is none.
    private init?(name: [UInt8]) {
        let words = String(decoding: name.prefix { $0 != 0 }, as: UTF8.self).split(separator: "-")
        guard words.count == 3, words[0] == Self.mark, let interface = Int32(words[1]), let tap = Int32(words[2])
        else { return nil }
        self.init(interface: interface, tap: tap)
    }

    private var name: String { "\(Self.mark)-\(interface)-\(tap)" }

    /// Whether it is sure to belong to a guest that has gone.
    var isStale: Bool { !NetworkLinks.exists(tap) }

    /// Those in the namespace of the calling process; none where the kernel has no nf_tables.
    static func all() throws(HostError) -> [ForwardTable] {
        do throws(HostError) {
            return try NetlinkSocket(.netfilter).listTables(family).compactMap {
                ForwardTable(name: NetlinkMessage.value(1, in: $0.ofTables))
            }
        } catch {
            guard error.isUnsupported || error.isUnknownProtocol || error.isPermission else { throw error }
            return []
        }
    }

    /// Makes it.
    ///
    /// - Parameters:
    ///   - interfaceName: The interface's name.
    ///   - tapName: The tap's name; nil when something else decides about what the guest sends.
    func make(_ interfaceName: String, tapName: String?) throws(HostError) {
        var changes = [NetlinkMessage(.newTable, Self.family, flags: .createNew, Self.text(1, name))]
        changes += forward(from: interfaceName, to: tap)
        if let tapName { changes += forward(from: tapName, to: interface) }
        try NetlinkSocket(.netfilter).perform(all: changes, "forward packets of", interfaceName)
    }

    /// Removes it; that it has gone is no error.
    func remove() throws(HostError) {
        do throws(HostError) {
            let order = NetlinkMessage(.deleteTable, Self.family, Self.text(1, name))
            try NetlinkSocket(.netfilter).perform(all: [order], "remove table", name)
        } catch {
            guard error.isNotFound else { throw error }
        }
    }

    /// A chain of one interface's ingress with one rule: `fwd to`.
    private func forward(from source: String, to target: Int32) -> [NetlinkMessage] {
        let (ingress, first): (UInt32, UInt32) = (0, 0)
        let hook = Self.number(1, ingress) + Self.number(2, first) + Self.text(3, source)
        let chain =
            Self.text(1, name) + Self.text(3, source) + NetlinkMessage.attribute(4, hook) + Self.text(7, "filter")
        // NFT_REG_1
        let register: UInt32 = 1
        let value = NetlinkMessage.attribute(2, NetlinkMessage.attribute(1, machineBytes(target)))
        let expressions =
            Self.expression("immediate", Self.number(1, register) + value)
            + Self.expression("fwd", Self.number(1, register))
        let rule = Self.text(1, name) + Self.text(2, source) + NetlinkMessage.attribute(4, expressions)
        return [
            NetlinkMessage(.newChain, Self.family, flags: .createNew, chain),
            NetlinkMessage(.newRule, Self.family, flags: .createNew, rule),
        ]
    }

    /// NFTA_LIST_ELEM with NFTA_EXPR_NAME and NFTA_EXPR_DATA.
    private static func expression(_ name: String, _ data: [UInt8]) -> [UInt8] {
        NetlinkMessage.attribute(1, text(1, name) + NetlinkMessage.attribute(2, data))
    }

    private static func number(_ kind: UInt16, _ number: UInt32) -> [UInt8] {
        NetlinkMessage.attribute(kind, machineBytes(number.bigEndian))
    }

    private static func text(_ kind: UInt16, _ text: String) -> [UInt8] {
        NetlinkMessage.attribute(kind, [UInt8](text.utf8) + [0])
    }
}
