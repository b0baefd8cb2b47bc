public import GuestModel
internal import HostSystem

/// The interfaces of a network namespace that a guest can take over.
public struct NetworkSurvey {
    /// An interface with its number in the namespace.
    public struct Found: Sendable {
        /// Its number.
        public let index: Int32
        /// What it is.
        public var interface: GuestInterface
        /// Whether a guest has it by a link of ``GuestLinks``.
        public var isLinked = false
    }

    /// Ethernet interfaces with an address, in the order of their numbers.
    public let interfaces: [Found]

    /// Looks at the namespace of the calling process.
    public init() throws {
        let kernel = try NetlinkSocket()
        var found = try Self.links(kernel)
        if !found.isEmpty {
            try Self.addAddresses(kernel, &found)
            found.removeAll { $0.interface.addresses.isEmpty }
        }
        if !found.isEmpty { try Self.addRoutes(kernel, &found) }
        interfaces = found.sorted { $0.index < $1.index }
    }

    /// Ethernet interfaces that are none of the kernel's own ends of guests' devices. See rtnetlink(7), struct ifinfomsg.
    private static func links(_ kernel: borrowing NetlinkSocket) throws(HostError) -> [Found] {
        var found: [Found] = []
        var guests: Set<Int32> = []
        var above: [Int32: Int32] = [:]
        for message in try kernel.list(.links, [UInt8](repeating: 0, count: 16)) {
            let ethernet: UInt16 = 1
            guard message.body.machineNumber(UInt16.self, at: 2) == ethernet,
                let index = message.body.machineNumber(Int32.self, at: 4)
            else { continue }
            let link = Link(message)
            if GuestLinks.isOne(link.interface.name) {
                guests.insert(index)
                // A macvtap names the interface below it, the port of a bridge the bridge.
                if let below = link.below { above[below] = index }
            } else if !link.isTap && link.interface.hardwareAddress.count == 6 {
                if let bridge = link.master { above[index] = bridge }
                found.append(Found(index: index, interface: link.interface))
            }
        }
        for place in found.indices { found[place].isLinked = above[found[place].index].map(guests.contains) ?? false }
        return found
    }

    /// What a message says of a link.
    private struct Link {
        var interface = GuestInterface(name: "", hardwareAddress: [], mtu: 0)
        var isTap = false
        /// The link it is on, and the one it is a part of.
        var below, master: Int32?

        init(_ message: NetlinkMessage) {
            for attribute in message.attributes(after: 16) {
                switch attribute.kind {
                case 1: interface.hardwareAddress = attribute.value
                case 3: interface.name = String(decoding: attribute.value.dropLast(), as: UTF8.self)
                case 4: interface.mtu = attribute.value.machineNumber(UInt32.self, at: 0) ?? 0
                case 5: below = attribute.value.machineNumber(Int32.self, at: 0)
                case 10: master = attribute.value.machineNumber(Int32.self, at: 0)
                // IFLA_LINKINFO, IFLA_INFO_KIND
                case 18:
                    isTap = NetlinkMessage.attributes(in: attribute.value).contains {
                        $0.kind == 1 && $0.value.starts(with: "tun".utf8)
                    }
                default: break
                }
            }
        }
    }

    /// The addresses that reach further than the link. See rtnetlink(7), struct ifaddrmsg.
    private static func addAddresses(_ kernel: borrowing NetlinkSocket, _ found: inout [Found]) throws(HostError) {
        let linkScope: UInt8 = 253
        for message in try kernel.list(.addresses, [UInt8](repeating: 0, count: 8)) {
            guard message.body.count >= 8, let index = message.body.machineNumber(Int32.self, at: 4),
                let place = found.firstIndex(where: { $0.index == index })
            else { continue }
            let isVersion6 = message.body[0] == 10
            // A guest makes a link-local IPv6 address of its own.
            guard !isVersion6 || message.body[3] < linkScope else { continue }
            let attributes = message.attributes(after: 8)
            // IFA_LOCAL, where the link has two ends; else IFA_ADDRESS.
            guard let bytes = (attributes.first { $0.kind == 2 } ?? attributes.first { $0.kind == 1 })?.value,
                let address = IPAddress(bytes: bytes)
            else { continue }
            found[place].interface.addresses.append(NetworkAddress(address, prefixLength: message.body[1]))
        }
    }

    /// The unicast routes of the main table that are not the interface's own network. See rtnetlink(7), struct rtmsg.
    private static func addRoutes(_ kernel: borrowing NetlinkSocket, _ found: inout [Found]) throws(HostError) {
        let (mainTable, madeByKernel, unicast): (UInt8, UInt8, UInt8) = (254, 2, 1)
        for message in try kernel.list(.routes, [UInt8](repeating: 0, count: 12)) {
            guard message.body.count >= 12, message.body[4] == mainTable, message.body[5] != madeByKernel,
                message.body[7] == unicast
            else { continue }
            let attributes = message.attributes(after: 12)
            func value(_ kind: UInt16) -> [UInt8]? { attributes.first { $0.kind == kind }?.value }
            guard let index = value(4)?.machineNumber(Int32.self, at: 0),
                let place = found.firstIndex(where: { $0.index == index })
            else { continue }
            let everything = [UInt8](repeating: 0, count: message.body[0] == 10 ? 16 : 4)
            guard let destination = IPAddress(bytes: value(1) ?? everything) else { continue }
            found[place].interface.routes.append(
                GuestInterface.Route(
                    destination: NetworkAddress(destination, prefixLength: message.body[1]),
                    gateway: value(5).flatMap { IPAddress(bytes: $0) }))
        }
    }
}
