/// A family of nf_tables: whose packets its tables see.
public enum PacketTableFamily: UInt8, Sendable {
    /// NFPROTO_NETDEV: those of single interfaces.
    case interface = 5
}

/// Messages of nf_tables, which go in batches. See the kernel's linux/netfilter/nf_tables.h and nfnetlink.h.
extension NetlinkMessage {
    /// What is asked for: NFT_MSG_*.
    public enum TableKind: UInt16, Sendable {
        case newTable = 0, tables, deleteTable
        case newChain
        case newRule = 6
    }

    /// NFNL_SUBSYS_NFTABLES
    private static let tables: UInt16 = 10

    /// A question or an order.
    ///
    /// - Parameter attributes: Of the kind, numbers in the network's order.
    public init(_ kind: TableKind, _ family: PacketTableFamily, flags: Flags = [], _ attributes: [UInt8]) {
        let head = [family.rawValue, 0, 0, 0]
        self.init(type: Self.tables << 8 | kind.rawValue, flags: flags, body: head + attributes)
    }

    /// The attributes of one of these messages.
    public var ofTables: [(kind: UInt16, value: [UInt8])] { attributes(after: 4) }

    static let (beginOfTables, endOfTables) = (boundary(type: 16), boundary(type: 17))

    /// NFNL_MSG_BATCH_BEGIN or NFNL_MSG_BATCH_END, with whose changes these are.
    private static func boundary(type: UInt16) -> NetlinkMessage {
        NetlinkMessage(type: type, flags: [], body: [0, 0] + machineBytes(tables.bigEndian))
    }
}
