public import HostSystem

/// What sends a guest's packets where they belong: tables of nftables, and filters of tc(8), set through netlink(7).
///
/// Each table and filter of this program can be told from all others, and which interface it serves, so that those of
/// guests that have gone are found.
public struct TrafficRedirect: ~Copyable {
    /// Which packets of an interface pass a filter: those that come in, or those that go out.
    public enum Direction: UInt32, Sendable {
        /// TC_H_MIN_INGRESS and TC_H_MIN_EGRESS below TC_H_CLSACT.
        case ingress = 0xFFFF_FFF2, egress
    }

    /// What of this program's leads an interface's packets to a guest.
    public enum Place: Equatable, Sendable {
        case filter(FilterPlace)
        case table(ForwardTable)
    }

    /// Where on an interface this program's filter stands.
    public struct FilterPlace: Equatable, Sendable {
        /// The interface's number.
        public let interface: Int32
        /// On its way in or out.
        public let direction: Direction
        /// The filter's priority, which no other filter of the interface has.
        public let priority: UInt16
        /// Whether the interface's queue for filters is this program's too.
        public let ownsQueue: Bool

        /// A place.
        public init(interface: Int32, direction: Direction, priority: UInt16, ownsQueue: Bool) {
            self.interface = interface
            self.direction = direction
            self.priority = priority
            self.ownsQueue = ownsQueue
        }
    }

    /// A filter that is there.
    private struct Filter {
        let priority: UInt16
        /// For one of this program's: the number of the tap it serves.
        let tap: Int32?
        /// Whether it is sure to belong to a guest that has gone.
        let isStale: Bool
        /// Whether it serves a guest that is still there.
        var isGuests: Bool { tap != nil && !isStale }
        /// Whether it only notes that the queue is this program's.
        let isNote: Bool
        /// For a program: its number, and what was noted with it.
        let program: UInt32?
        let note: String?
    }

    /// TC_H_CLSACT
    private static let queueParent: UInt32 = 0xFFFF_FFF1
    private static let queueHandle: UInt32 = 0xFFFF_0000
    /// htons(ETH_P_ALL): every kind of packet.
    private static let everyProtocol: UInt32 = 0x0300
    private static let firstPriority: UInt16 = 0x5300
    /// A note's priority, and the kind of packets it takes, which nobody sends: htons(ETH_P_802_EX1), for experiments.
    private static let note: UInt32 = 0x53FF << 16 | 0xB588
    /// Tells this program's filters from all others: TCA_ACT_COOKIE, and the beginning of TCA_BPF_NAME.
    private static let mark = [UInt8]("swiftlet".utf8)

    private let kernel: NetlinkSocket

    /// For the interfaces of the namespace that the caller is in.
    public init() throws(HostError) { kernel = try NetlinkSocket() }

    /// Whether an interface's packets go to a guest that is still there.
    public func isTaken(_ interface: Int32) throws(HostError) -> Bool {
        if try filters(of: interface, .ingress).contains(where: \.isGuests) { return true }
        return try ForwardTable.all().contains { $0.interface == interface && !$0.isStale }
    }

    /// The numbers of the programs of guests that are still there.
    func programs(of interface: Int32, _ direction: Direction) throws(HostError) -> [UInt32] {
        try filters(of: interface, direction).compactMap { $0.isGuests ? $0.program : nil }
    }

    /// Gives a guest all that arrives at an interface.
    ///
    /// - Parameters:
    ///   - tap: The guest's tap.
    ///   - tapName: Its name, to send out of the interface all that the guest sends; nil when a program decides about that.
    ///   - interface: The interface.
    ///   - name: Its name.
    public func hand(
        _ tap: Int32, named tapName: String?, all interface: Int32, named name: String
    ) throws(HostError) -> Place {
        let table = ForwardTable(interface: interface, tap: tap)
        do throws(HostError) {
            try table.make(name, tapName: tapName)
            return .table(table)
        } catch {
            // A kernel without that, for example. What follows has an error of its own where nothing can be done.
            if let tapName { _ = try add(from: tap, to: interface, named: tapName) }
            return try add(from: interface, to: tap, named: name)
        }
    }

    /// Removes the tables that lead an interface's packets to guests which have gone.
    public func removeStaleTables(of interface: Int32? = nil) throws(HostError) {
        for table in try ForwardTable.all() where table.isStale && table.interface == interface ?? table.interface {
            try table.remove()
        }
    }

    /// Sends all that arrives at `interface` out of `target`: a filter that takes every packet (tc-u32(8)) and a redirect
    /// (tc-mirred(8)), both of which work for whoever owns the network namespace.
    ///
    /// - Parameter name: The interface's name, for errors.
    private func add(from interface: Int32, to target: Int32, named name: String) throws(HostError) -> Place {
        try add("u32", Self.everything(to: target), to: interface, .ingress, named: name)
    }

    /// Has a program decide about an interface's packets (tc-bpf(8), direct action).
    ///
    /// - Parameters:
    ///   - program: A program of ``HostSystem/loadTrafficProgram(_:)``.
    ///   - tap: The interface of the guest that it serves.
    ///   - note: What was there before, for ``remove(_:)``; without colons.
    public func add(
        _ program: borrowing Descriptor, for tap: Int32, to interface: Int32, _ direction: Direction,
        named name: String, note: String = ""
    ) throws(HostError) -> Place {
        let directAction: UInt32 = 1
        let text = ":\(tap)" + (note.isEmpty ? "" : ":\(note)")
        let mark = NetlinkMessage.attribute(7, Self.mark + [UInt8](text.utf8) + [0])
        let options =
            NetlinkMessage.attribute(6, machineBytes(program.raw)) + mark
            + NetlinkMessage.attribute(8, machineBytes(directAction))
        return try add("bpf", options, to: interface, direction, named: name)
    }

    /// Sets a filter; those of guests that are gone are removed on the way.
    private func add(
        _ kind: String, _ options: [UInt8], to interface: Int32, _ direction: Direction, named name: String
    ) throws(HostError) -> Place {
        // A redirect needs packets on their way in alone. A queue for both ways has the kernel patch itself in twice as
        // many places when it is the machine's first, which takes milliseconds where processors are busy.
        let queue = kind == "u32" ? "ingress" : "clsact"
        let isNew = try makeQueue(queue, interface, name)
        let present = isNew ? [] : try filters(of: interface, direction)
        // With a guest's filter or a note there, the queue was made for that.
        let ownsQueue = isNew || present.contains { $0.tap != nil || $0.isNote }
        for stale in present where stale.isStale { try removeFilter(interface, direction, stale.priority, name) }
        if queue == "clsact", !present.isEmpty, present.allSatisfy(\.isStale) {
            // It may be that of a guest which had the interface alone.
            try removeQueue(interface, name)
            _ = try makeQueue(queue, interface, name)
        }
        var priority = Self.firstPriority
        while present.contains(where: { $0.priority == priority && !$0.isStale }) { priority += 1 }
        do throws(HostError) {
            try addFilter(
                kind, options, to: interface, direction, UInt32(priority) << 16 | Self.everyProtocol,
                "redirect traffic of", name)
        } catch {
            if isNew { try? removeQueue(interface, name) }
            throw error
        }
        return .filter(
            FilterPlace(interface: interface, direction: direction, priority: priority, ownsQueue: ownsQueue))
    }

    private func addFilter(
        _ kind: String, _ options: [UInt8], to interface: Int32, _ direction: Direction, _ info: UInt32,
        _ call: StaticString, _ name: String
    ) throws(HostError) {
        let body =
            Self.head(interface, parent: direction.rawValue, info: info) + Self.text(1, kind)
            + NetlinkMessage.attribute(2, options)
        try kernel.perform(.newFilter, body, flags: .createNew, call, name)
    }

    /// What was noted with the filters of guests, also of such that have gone.
    func notes(of interface: Int32, _ direction: Direction) throws(HostError) -> [String] {
        try filters(of: interface, direction).compactMap(\.note)
    }

    /// Takes a table or a filter back; that it has gone is no error.
    public func remove(_ place: Place) throws(HostError) {
        switch place {
        case .filter(let place): try remove(place)
        case .table(let table): try table.remove()
        }
    }

    /// Takes a filter back, and the queue with the last one; that any of them has gone is no error. With the last one that has
    /// a note, what that says is put back.
    private func remove(_ place: FilterPlace) throws(HostError) {
        let name = "link \(place.interface)"
        let noted =
            try place.direction == .egress ? filters(of: place.interface, .egress).filter { $0.note != nil } : []
        if let own = noted.first(where: { $0.priority == place.priority })?.note.flatMap(LoopbackSettings.init(note:)),
            noted.allSatisfy({ $0.priority == place.priority || $0.isStale })
        {
            try own.putBack()
        }
        do throws(HostError) {
            try removeFilter(place.interface, place.direction, place.priority, name)
        } catch {
            guard error.isGoneFromNetwork else { throw error }
        }
        if place.ownsQueue { try removeIfEmpty(place.interface) }
    }

    /// Takes back what guests left that have gone and whose places nobody knows: all over the namespace.
    public func removeStale() throws(HostError) {
        try removeStaleTables()
        for link in try kernel.list(.links, [UInt8](repeating: 0, count: 16)) {
            guard let interface = link.body.machineNumber(Int32.self, at: 4) else { continue }
            for direction in [Direction.ingress, .egress] {
                for filter in try filters(of: interface, direction) where filter.isStale {
                    try remove(
                        FilterPlace(
                            interface: interface, direction: direction, priority: filter.priority, ownsQueue: true))
                }
            }
        }
    }

    /// The interfaces of the namespace at which no filter can stand yet.
    public func interfacesWithoutQueue() throws(HostError) -> [Int32] {
        let taken = try interfacesWithQueue()
        return try kernel.list(.links, [UInt8](repeating: 0, count: 16)).compactMap {
            $0.body.machineNumber(Int32.self, at: 4)
        }.filter { !taken.contains($0) }
    }

    /// Removes the queues of these interfaces at which no filter stands: whoever made them died, or failed, before one did.
    public func removeEmptyQueues(of interfaces: [Int32]) throws(HostError) {
        for interface in try interfacesWithQueue() where interfaces.contains(interface) { try removeIfEmpty(interface) }
    }

    /// Makes queues for the filters that guests will have, before anybody waits for what these interfaces send: the kernel
    /// drops that for a moment. Each has a note that it is this program's; those that have a queue keep it as it is.
    public func prepareQueue(of interface: Int32, _ direction: Direction) throws(HostError) {
        let name = "link \(interface)"
        guard try makeQueue("clsact", interface, name) else { return }
        do throws(HostError) {
            try addFilter(
                "u32", NetlinkMessage.attribute(5, Self.everySelector), to: interface, direction, Self.note,
                "note queue of", name)
        } catch {
            try? removeQueue(interface, name)
            throw error
        }
    }

    /// Removes the queues of these interfaces that were prepared and at which no filter stands.
    public func removePreparedQueues(of interfaces: [Int32]) throws(HostError) {
        for interface in try interfacesWithQueue() where interfaces.contains(interface) {
            let present = try filters(of: interface, .ingress) + filters(of: interface, .egress)
            if !present.isEmpty, present.allSatisfy(\.isNote) { try removeQueue(interface, "link \(interface)") }
        }
    }

    private func removeIfEmpty(_ interface: Int32) throws(HostError) {
        do throws(HostError) {
            let present = try filters(of: interface, .ingress) + filters(of: interface, .egress)
            if present.allSatisfy(\.isNote) { try removeQueue(interface, "link \(interface)") }
        } catch {
            guard error.isGoneFromNetwork else { throw error }
        }
    }

    private func interfacesWithQueue() throws(HostError) -> [Int32] {
        try kernel.list(.queues, Self.head(0, parent: 0)).compactMap { message in
            guard message.body.machineNumber(UInt32.self, at: 12) == Self.queueParent else { return nil }
            return message.body.machineNumber(Int32.self, at: 4)
        }
    }

    /// Makes the queue that filters stand at; false when there is one, of this or of another kind.
    private func makeQueue(_ kind: String, _ interface: Int32, _ name: String) throws(HostError) -> Bool {
        let body = Self.head(interface, parent: Self.queueParent, handle: Self.queueHandle) + Self.text(1, kind)
        do throws(HostError) {
            try kernel.perform(.newQueue, body, flags: .createNew, "make a filter queue for", name)
            return true
        } catch {
            guard error.errno == HostError.fileExists else { throw error }
            return false
        }
    }

    private func removeQueue(_ interface: Int32, _ name: String) throws(HostError) {
        let body = Self.head(interface, parent: Self.queueParent, handle: Self.queueHandle)
        try kernel.perform(.deleteQueue, body, "remove filter queue of", name)
    }

    private func removeFilter(
        _ interface: Int32, _ direction: Direction, _ priority: UInt16, _ name: String
    ) throws(HostError) {
        let body = Self.head(
            interface, parent: direction.rawValue, info: UInt32(priority) << 16 | Self.everyProtocol)
        try kernel.perform(.deleteFilter, body, "remove redirect of", name)
    }

    private func filters(of interface: Int32, _ direction: Direction) throws(HostError) -> [Filter] {
        try kernel.list(.filters, Self.head(interface, parent: direction.rawValue)).compactMap { message in
            guard let info = message.body.machineNumber(UInt32.self, at: 16) else { return nil }
            let options = NetlinkMessage.attributes(in: NetlinkMessage.value(2, in: message.attributes(after: 20)))
            let words = Self.wordsOfProgram(options)
            let tap = Self.tapOfRedirect(options) ?? words.first.flatMap { Int32($0) }
            return Filter(
                priority: UInt16(truncatingIfNeeded: info >> 16), tap: tap,
                isStale: tap.map { !NetworkLinks.exists($0) } ?? false, isNote: info == Self.note,
                program: NetlinkMessage.value(11, in: options).machineNumber(UInt32.self, at: 0),
                note: words.count > 1 ? words[1] : nil)
        }
    }

    /// The interface that one of this program's redirects serves: 0 when that has gone.
    private static func tapOfRedirect(_ options: [(kind: UInt16, value: [UInt8])]) -> Int32? {
        let actions = NetlinkMessage.attributes(in: NetlinkMessage.value(7, in: options))
        let action = NetlinkMessage.attributes(in: actions.first?.value ?? [])
        guard NetlinkMessage.value(6, in: action) == mark else { return nil }
        let redirect = NetlinkMessage.attributes(in: NetlinkMessage.value(2, in: action))
        return NetlinkMessage.value(2, in: redirect).machineNumber(Int32.self, at: 24) ?? 0
    }

    /// What the name of one of this program's programs says: the tap that it serves, and a note.
    private static func wordsOfProgram(_ options: [(kind: UInt16, value: [UInt8])]) -> [String] {
        let name = NetlinkMessage.value(7, in: options).prefix { $0 != 0 }
        let words = String(decoding: name, as: UTF8.self).split(separator: ":").map(String.init)
        return words.first.map { Array($0.utf8) == mark } ?? false ? Array(words.dropFirst()) : []
    }

    /// struct tcmsg: family, interface, handle, parent, info.
    private static func head(_ interface: Int32, parent: UInt32, handle: UInt32 = 0, info: UInt32 = 0) -> [UInt8] {
        [0, 0, 0, 0] + machineBytes(interface) + machineBytes(handle) + machineBytes(parent) + machineBytes(info)
    }

    private static func text(_ kind: UInt16, _ text: String) -> [UInt8] {
        NetlinkMessage.attribute(kind, [UInt8](text.utf8) + [0])
    }

    /// The value of TCA_U32_SEL: one key that is always true.
    private static let everySelector: [UInt8] = {
        let (terminal, keys): (UInt8, UInt8) = (1, 1)
        return [terminal, 0, keys, 0] + [UInt8](repeating: 0, count: 12 + 16)
    }()

    /// TCA_U32_SEL, and TCA_U32_ACT with a redirect.
    private static func everything(to target: Int32) -> [UInt8] {
        let (stolen, redirectOut): (UInt32, UInt32) = (4, 1)
        // struct tc_mirred: index, capability, action, references, bindings, kind of redirect, interface.
        let redirect =
            [UInt8](repeating: 0, count: 8) + machineBytes(stolen) + [UInt8](repeating: 0, count: 8)
            + machineBytes(redirectOut) + machineBytes(target)
        let options = NetlinkMessage.attribute(2, redirect)
        let action = text(1, "mirred") + NetlinkMessage.attribute(2, options) + NetlinkMessage.attribute(6, mark)
        return NetlinkMessage.attribute(5, everySelector)
            + NetlinkMessage.attribute(7, NetlinkMessage.attribute(1, action))
    }
}
