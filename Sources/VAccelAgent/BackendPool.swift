import HostLibraries
import HostSystem
import VAccelProtocol

/// The back-ends in use: those in the agent, and the workers of the others.
final class BackendPool {
    private let chosen: [BackendDescription]
    private let settings: AgentSettings
    private let log: Log
    private var local: [String: any Backend] = [:]
    /// In the order of `chosen`; their tokens are their places above ``firstToken``.
    private(set) var workers: [Worker] = []
    private var offered: [String: Set<Operation.Kind>] = [:]

    /// The token of the first worker in the event set.
    static let firstToken: UInt64 = 1 << 32

    init(_ chosen: [BackendDescription], settings: AgentSettings, regions: RegionPool, events: EventSet, log: Log) {
        (self.chosen, self.settings, self.log) = (chosen, settings, log)
        workers = chosen.enumerated().filter { $0.element.placement == .worker }.map { index, description in
            Worker(
                description, token: Self.firstToken + UInt64(index), settings: settings, regions: regions,
                events: events,
                log: log)
        }
    }

    /// The worker with this token.
    func worker(_ token: UInt64) -> Worker? {
        let index = token - Self.firstToken
        guard index < UInt64(chosen.count) else { return nil }
        return workers.first { $0.description.name == chosen[Int(index)].name }
    }

    /// The back-end for a kind of operation: the first that has it and that the session's hints name, else the first that
    /// has it.
    ///
    /// - Throws: ``CallFailure`` with `ENOTSUP` when none has it.
    func name(for kind: Operation.Kind, flags: UInt32) throws(CallFailure) -> String {
        let able = chosen.filter { offers($0, kind) }
        let hinted = able.first { $0.hints & flags != 0 }
        guard let found = hinted ?? able.first else { throw .operation(errno: 95) }
        return found.name
    }

    private func offers(_ description: BackendDescription, _ kind: Operation.Kind) -> Bool {
        if let known = offered[description.name] { return known.contains(kind) }
        let kinds = Set(Operation.Kind.allCases.filter { description.offers($0, settings.backend) })
        offered[description.name] = kinds
        return kinds.contains(kind)
    }

    /// Carries out an operation.
    ///
    /// - Parameters:
    ///   - model: For a run: the model, in case that a new worker does not know it.
    ///   - backend: The name of the back-end; nil for the one that the session's hints lead to.
    func perform(
        _ operation: Operation, flags: UInt32, model: Model?, by backend: String?, charge: Ledger.Charge?,
        done: @escaping (Result<OperationResult, OperationError>, Ledger.Charge?) -> Void
    ) {
        let name: String
        do throws(CallFailure) {
            if let backend { name = backend } else { name = try self.name(for: operation.kind, flags: flags) }
        } catch { return done(.failure(.unsupported("no back-end for \(operation.kind)")), nil) }
        if let worker = workers.first(where: { $0.description.name == name }) {
            return worker.perform(Worker.Job(operation: operation, model: model, charge: charge, done: done))
        }
        do throws(OperationError) {
            done(.success(try localBackend(name).perform(operation, in: ResultRoom())), nil)
        } catch { done(.failure(error), nil) }
    }

    private func localBackend(_ name: String) throws(OperationError) -> any Backend {
        if let backend = local[name] { return backend }
        guard let description = chosen.first(where: { $0.name == name }) else { throw .unsupported("no \(name)") }
        do {
            let backend = try description.make(settings.backend)
            local[name] = backend
            return backend
        } catch { throw (error as? OperationError) ?? .library("\(error)") }
    }

    /// Lets a back-end forget a model of which the resource is gone.
    func unload(_ key: Int64, by backend: String) {
        if let worker = workers.first(where: { $0.description.name == backend }), !worker.hasLoaded(key) { return }
        perform(.unload(key: key), flags: 0, model: nil, by: backend, charge: nil) { _, _ in }
    }

    /// Lets workers forget regions that are gone.
    func forget(_ regions: [UInt32]) {
        guard !regions.isEmpty else { return }
        for worker in workers { worker.forget(regions) }
    }

    /// Ends all workers.
    func end() { for worker in workers { worker.end() } }
}
