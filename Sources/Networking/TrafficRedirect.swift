public import HostSystem

/// Everything that arrives at one interface leaves by another: a filter of tc(8), set through rtnetlink(7).
///
/// The filter stands at the interface's ingress (tc-u32(8) that takes every packet, tc-mirred(8) egress redirect). Both
/// work in every network namespace whose owner the caller is, also without privileges on the host.
public struct TrafficRedirect: ~Copyable {
    /// Where on an interface this program's filter stands.
    public struct Place: Equatable, Sendable {
        /// The interface's number.
        public let interface: Int32
        /// The filter's priority, which no other filter of the interface has.
        public let priority: UInt16
        /// Whether the interface's queue for filters is this program's too.
        public let ownsQueue: Bool

        /// A place.
        public init(interface: Int32, priority: UInt16, ownsQueue: Bool) {
            self.interface = interface
            self.priority = priority
            self.ownsQueue = ownsQueue
        }
    }

    /// A filter that is there.
    private struct Filter {
        let priority: UInt16
        let isOwn: Bool
        /// Where an own filter sends packets; 0 when that interface is gone.
        let target: Int32
    }

    /// TC_H_CLSACT and TC_H_MIN_INGRESS.
    private static let queueParent: UInt32 = 0xFFFF_FFF1
    private static let queueHandle: UInt32 = 0xFFFF_0000
    private static let ingress: UInt32 = 0xFFFF_FFF2
    /// htons(ETH_P_ALL): every kind of packet.
    private static let everyProtocol: UInt32 = 0x0300
    private static let firstPriority: UInt16 = 0x5300
    /// Tells this program's filters from all others: TCA_ACT_COOKIE.
    private static let cookie = [UInt8]("swiftlet".utf8)

    private let kernel: NetlinkSocket

    /// For the interfaces of the namespace that the caller is in.
    public init() throws(HostError) { kernel = try NetlinkSocket() }

    /// Whether an interface's packets go to a guest that is still there.
    public func isTaken(_ interface: Int32) throws(HostError) -> Bool {
        try filters(of: interface).contains { $0.isOwn && $0.target != 0 }
    }

    /// Sends what arrives at `interface` out of `target`.
    ///
    /// Filters of guests that are gone are removed on the way.
    /// - Parameter name: The interface's name, for errors.
    public func add(from interface: Int32, to target: Int32, named name: String) throws(HostError) -> Place {
        let isNew = try makeQueue(interface, name)
        var present = isNew ? [] : try filters(of: interface)
        // With a guest's filter there, the queue was made for that.
        let ownsQueue = isNew || present.contains(where: \.isOwn)
        for stale in present where stale.isOwn && stale.target == 0 {
            try removeFilter(interface, stale.priority, name)
        }
        present.removeAll { $0.isOwn && $0.target == 0 }
        var priority = Self.firstPriority
        while present.contains(where: { $0.priority == priority }) { priority += 1 }
        let body =
            Self.head(interface, parent: Self.ingress, info: UInt32(priority) << 16 | Self.everyProtocol)
            + Self.text(1, "u32") + NetlinkMessage.attribute(2, Self.everything(to: target))
        try kernel.perform(
            NetlinkMessage(.newFilter, flags: [.confirm, .create, .exclusive], body: body), "redirect traffic of",
            name)
        return Place(interface: interface, priority: priority, ownsQueue: ownsQueue)
    }

    /// Takes ``add(from:to:named:)`` back; that the interface or the filter has gone is no error.
    public func remove(_ place: Place) throws(HostError) {
        do throws(HostError) {
            let name = "link \(place.interface)"
            try removeFilter(place.interface, place.priority, name)
            guard place.ownsQueue, try filters(of: place.interface).isEmpty else { return }
            let body = Self.head(place.interface, parent: Self.queueParent, handle: Self.queueHandle)
            try kernel.perform(
                NetlinkMessage(.deleteQueue, flags: [.confirm], body: body), "remove filter queue of", name)
        } catch {
            guard error.isGoneFromNetwork else { throw error }
        }
    }

    /// Makes the queue that filters stand at; false when there is one, of this or of another kind.
    private func makeQueue(_ interface: Int32, _ name: String) throws(HostError) -> Bool {
        let body =
            Self.head(interface, parent: Self.queueParent, handle: Self.queueHandle) + Self.text(1, "clsact")
        do throws(HostError) {
            try kernel.perform(
                NetlinkMessage(.newQueue, flags: [.confirm, .create, .exclusive], body: body),
                "make a filter queue for", name)
            return true
        } catch {
            guard error.errno == HostError.fileExists else { throw error }
            return false
        }
    }

    private func removeFilter(_ interface: Int32, _ priority: UInt16, _ name: String) throws(HostError) {
        let body = Self.head(
            interface, parent: Self.ingress, info: UInt32(priority) << 16 | Self.everyProtocol)
        try kernel.perform(
            NetlinkMessage(.deleteFilter, flags: [.confirm], body: body), "remove redirect of", name)
    }

    private func filters(of interface: Int32) throws(HostError) -> [Filter] {
        try kernel.list(.filters, Self.head(interface, parent: Self.ingress)).compactMap { message -> Filter? in
            guard let info = message.body.machineNumber(UInt32.self, at: 16) else { return nil }
            let options = NetlinkMessage.attributes(in: NetlinkMessage.value(2, in: message.attributes(after: 20)))
            let actions = NetlinkMessage.attributes(in: NetlinkMessage.value(7, in: options))
            let action = NetlinkMessage.attributes(in: actions.first?.value ?? [])
            let redirect = NetlinkMessage.attributes(in: NetlinkMessage.value(2, in: action))
            return Filter(
                priority: UInt16(truncatingIfNeeded: info >> 16),
                isOwn: NetlinkMessage.value(6, in: action) == Self.cookie,
                target: NetlinkMessage.value(2, in: redirect).machineNumber(Int32.self, at: 24) ?? 0)
        }
    }

    /// struct tcmsg: family, interface, handle, parent, info.
    private static func head(_ interface: Int32, parent: UInt32, handle: UInt32 = 0, info: UInt32 = 0) -> [UInt8] {
        [0, 0, 0, 0] + machineBytes(interface) + machineBytes(handle) + machineBytes(parent) + machineBytes(info)
    }

    private static func text(_ kind: UInt16, _ text: String) -> [UInt8] {
        NetlinkMessage.attribute(kind, [UInt8](text.utf8) + [0])
    }

    /// TCA_U32_SEL with one key that is always true, and TCA_U32_ACT with a redirect.
    private static func everything(to target: Int32) -> [UInt8] {
        let (terminal, keys): (UInt8, UInt8) = (1, 1)
        let selector = [terminal, 0, keys, 0] + [UInt8](repeating: 0, count: 12 + 16)
        let (stolen, redirectOut): (UInt32, UInt32) = (4, 1)
        // struct tc_mirred: index, capability, action, references, bindings, kind of redirect, interface.
        let redirect =
            [UInt8](repeating: 0, count: 8) + machineBytes(stolen) + [UInt8](repeating: 0, count: 8)
            + machineBytes(redirectOut) + machineBytes(target)
        let options = NetlinkMessage.attribute(2, redirect)
        let action = text(1, "mirred") + NetlinkMessage.attribute(2, options) + NetlinkMessage.attribute(6, cookie)
        return NetlinkMessage.attribute(5, selector)
            + NetlinkMessage.attribute(7, NetlinkMessage.attribute(1, action))
    }
}
