import HostLibraries
import HostSystem
import VAccelProtocol

/// A guest's sessions and resources. Their numbers are random, and valid on all connections of the agent.
final class SessionTable {
    /// A session.
    struct Session {
        /// Hints which back-end to take.
        var flags: UInt32
        /// The resources that are registered with it.
        var resources: Set<Int64> = []
    }

    /// A resource: files in memory.
    struct Resource {
        let blobs: [Blob]
        let type: UInt32
        /// The sessions it is registered with.
        var sessions: Set<Int64> = []
        /// Whether it lives without a session, as the oldest generation has it.
        var isLasting: Bool
        /// Once it was loaded as a model: how, and by which back-end.
        var load: (interface: ModelCall.Interface, backend: String)?
        /// Its bytes on the ledger.
        let charge: Ledger.Charge
    }

    private let limits: Limits
    private let ledger: Ledger
    private(set) var sessions: [Int64: Session] = [:]
    private(set) var resources: [Int64: Resource] = [:]
    /// Is told about resources that are gone.
    var forgotten: (_ resource: Int64, _ backend: String) -> Void = { _, _ in }

    init(limits: Limits, ledger: Ledger) { (self.limits, self.ledger) = (limits, ledger) }

    /// A new number above 0 that is in use nowhere.
    private func number(short: Bool = false) throws(CallFailure) -> Int64 {
        while true {
            guard let random = try? randomNumber() else { throw CallFailure.operation(errno: 5) }
            let number = Int64(random >> (short ? 33 : 1))
            if number > 0, sessions[number] == nil, resources[number] == nil { return number }
        }
    }

    // MARK: sessions

    /// Creates a session. `short`: with a number of 31 bits.
    func create(flags: UInt32, short: Bool) throws(CallFailure) -> Int64 {
        // EUSERS, as upstream.
        guard sessions.count < limits.sessions else { throw CallFailure.operation(errno: 87) }
        let id = try number(short: short)
        sessions[id] = Session(flags: flags)
        return id
    }

    /// A session's hints.
    func flags(of id: Int64) throws(CallFailure) -> UInt32 {
        guard let session = sessions[id] else { throw CallFailure(.notFound, "Unknown session \(id)") }
        return session.flags
    }

    /// Changes a session's hints.
    func update(_ id: Int64, flags: UInt32) throws(CallFailure) {
        _ = try self.flags(of: id)
        sessions[id]?.flags = flags
    }

    /// Forgets a session, and the resources that no other has.
    func destroy(_ id: Int64) throws(CallFailure) {
        _ = try flags(of: id)
        for resource in sessions[id]?.resources ?? [] { release(resource, from: id) }
        sessions[id] = nil
    }

    // MARK: resources

    /// A resource.
    func resource(_ id: Int64, named what: String = "resource") throws(CallFailure) -> Resource {
        guard let resource = resources[id] else { throw CallFailure(.notFound, "Unknown \(what) \(id)") }
        return resource
    }

    /// Creates a resource of blobs. What the guest calls them is a label: nothing is opened.
    func create(_ registration: Registration) throws(CallFailure) -> Int64 {
        guard !registration.hasPaths else {
            throw CallFailure(.invalidArgument, "paths and URLs are not opened: send the content", errno: 22)
        }
        guard !registration.blobs.isEmpty else {
            throw CallFailure(.invalidArgument, "No paths or blobs provided", errno: 22)
        }
        guard registration.blobs.allSatisfy({ $0.content.count == Int($0.size) }) else {
            throw CallFailure(.invalidArgument, "a blob's size is not that of its data", errno: 22)
        }
        guard resources.count < limits.resources else { throw CallFailure.operation(errno: 87) }
        // Those in regions are on the ledger with these.
        let size = registration.blobs.reduce(0) { $0 + (keepsFrame($1) ? 0 : $1.content.count) }
        // ENOMEM
        guard let charge = ledger.charge(size) else { throw CallFailure.operation(errno: 12) }
        let blobs = registration.blobs.map { blob in
            keepsFrame(blob) ? blob : Blob(name: blob.name, content: Bytes(blob.content.array))
        }
        let id = try number()
        resources[id] = Resource(
            blobs: blobs, type: registration.type, isLasting: registration.onlyCreates, charge: charge)
        return id
    }

    /// Whether a blob stays where its frame was received: a small one must not keep the frames around it.
    private func keepsFrame(_ blob: Blob) -> Bool {
        blob.content.lease != nil && blob.content.count > Channel.sharedSize
    }

    /// Registers a resource with a session.
    func register(_ resource: Int64, with session: Int64) throws(CallFailure) {
        _ = try flags(of: session)
        _ = try self.resource(resource)
        sessions[session]?.resources.insert(resource)
        resources[resource]?.sessions.insert(session)
    }

    /// Takes a resource from a session, and forgets it when no session has it any more.
    func unregister(_ resource: Int64, from session: Int64) throws(CallFailure) {
        _ = try flags(of: session)
        let found = try self.resource(resource)
        guard found.sessions.contains(session) else { throw CallFailure.operation(errno: 22) }
        sessions[session]?.resources.remove(resource)
        release(resource, from: session)
    }

    /// Forgets a resource, whoever has it.
    func destroy(resource id: Int64) throws(CallFailure) {
        for session in try resource(id).sessions { sessions[session]?.resources.remove(id) }
        forget(id)
    }

    /// Notes how a resource was loaded; nil when it was unloaded.
    func note(_ load: (interface: ModelCall.Interface, backend: String)?, of id: Int64) { resources[id]?.load = load }

    private func release(_ resource: Int64, from session: Int64) {
        resources[resource]?.sessions.remove(session)
        if let left = resources[resource], left.sessions.isEmpty, !left.isLasting { forget(resource) }
    }

    private func forget(_ id: Int64) {
        if let load = resources.removeValue(forKey: id)?.load { forgotten(id, load.backend) }
    }
}
