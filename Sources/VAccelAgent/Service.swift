import HostLibraries
import HostSystem
import VAccelProtocol

/// Carries out requests: sessions and resources here, operations by back-ends.
final class Service {
    /// Takes the answer of a request, at once or later, and what is to live until it was sent.
    typealias Answer = (Result<Reply, CallFailure>, Ledger.Charge?) -> Void

    private let table: SessionTable
    private let backends: BackendPool
    private let log: Log

    init(settings: AgentSettings, ledger: Ledger, backends: BackendPool, log: Log) {
        table = SessionTable(limits: settings.limits, ledger: ledger)
        (self.backends, self.log) = (backends, log)
        table.forgotten = { [backends] resource, backend in backends.unload(resource, by: backend) }
    }

    /// Carries out a request.
    func carryOut(
        _ request: Request, _ generation: Generation, charge: Ledger.Charge?, answer: @escaping Answer
    ) {
        do throws(CallFailure) {
            if let reply = try now(request, generation) { return answer(.success(reply), charge) }
            try later(request, generation, charge, answer)
        } catch {
            answer(.failure(error), nil)
        }
    }

    /// What needs no back-end.
    private func now(_ request: Request, _ generation: Generation) throws(CallFailure) -> Reply? {
        switch request {
        case .createSession(let flags):
            return .session(try table.create(flags: flags, short: generation.hasShortSessions))
        case .updateSession(let session, let flags): try table.update(session, flags: flags)
        case .destroySession(let session): try table.destroy(session)
        case .registerResource(let registration): return try register(registration)
        case .unregisterResource(let resource, let session): try table.unregister(resource, from: session)
        case .destroyResource(let resource): try table.destroy(resource: resource)
        case .syncResource(let resource): return .blobs(try table.resource(resource).blobs)
        case .profile(let session):
            _ = try table.flags(of: session)
            return .profile
        default: return nil
        }
        return .empty
    }

    private func register(_ registration: Registration) throws(CallFailure) -> Reply {
        if registration.onlyCreates { return .resource(try table.create(registration)) }
        _ = try table.flags(of: registration.session)
        let isNew = registration.resource <= 0
        let resource = isNew ? try table.create(registration) : registration.resource
        try table.register(resource, with: registration.session)
        return .registered(resource)
    }

    private func later(
        _ request: Request, _ generation: Generation, _ charge: Ledger.Charge?, _ answer: @escaping Answer
    ) throws(CallFailure) {
        switch request {
        case .classify(let session, let image):
            let flags = try table.flags(of: session)
            perform(.image(.classify, image), flags, charge, answer) { (result) throws(CallFailure) in
                guard case .image(let text, _) = result else { throw .operation(errno: 5) }
                // Upstream's size. A guest with a longer buffer would take what comes after it.
                return .tags(Bytes(text: text, size: Self.tagsSize))
            }
        case .generic(let call):
            let flags = try table.flags(of: call.session)
            let generic = try GenericOperation(call, generation)
            perform(generic.operation, flags, charge, answer) { (result) throws(CallFailure) in
                try generic.reply(result)
            }
        case .loadModel(let interface, let session, let model):
            try load(interface, session, model, charge, answer)
        case .unloadModel(let interface, let session, let model):
            try unload(interface, session, model, charge, answer)
        case .runModel(let call, let loads): try run(call, loads: loads, charge, answer)
        default: throw .operation(errno: 38)
        }
    }

    /// Bytes of the answer to ImageClassification.
    private static let tagsSize = 1024

    private func perform(
        _ operation: Operation, _ flags: UInt32, model: Model? = nil, by backend: String? = nil,
        _ charge: Ledger.Charge?, _ answer: @escaping Answer,
        reply: @escaping (OperationResult) throws(CallFailure) -> Reply
    ) {
        backends.perform(operation, flags: flags, model: model, by: backend, charge: charge) { [log] result, kept in
            do throws(CallFailure) {
                switch result {
                case .failure(let error):
                    log.debug("operation failed: \(error)")
                    throw .operation(errno: error.errno)
                case .success(let result): answer(.success(try reply(result)), kept ?? charge)
                }
            } catch { answer(.failure(error), nil) }
        }
    }

    // MARK: models

    private func model(
        _ interface: ModelCall.Interface, _ session: Int64, _ id: Int64
    ) throws(CallFailure) -> (flags: UInt32, resource: SessionTable.Resource, model: Model) {
        let words = [ModelCall.Interface.tensorflow: "TensorFlow", .tensorflowLite: "TensorFlow Lite", .torch: "Torch"]
        let resource = try table.resource(id, named: "\(words[interface] ?? "") model")
        let flags = try table.flags(of: session)
        guard resource.sessions.contains(session) else { throw .operation(errno: 22) }
        let files = resource.blobs.map { (name: $0.name, content: $0.content) }
        return (flags, resource, Model(key: id, interface: Model.Interface(interface), files: files))
    }

    private func load(
        _ interface: ModelCall.Interface, _ session: Int64, _ id: Int64, _ charge: Ledger.Charge?,
        _ answer: @escaping Answer
    ) throws(CallFailure) {
        let (flags, resource, model) = try model(interface, session, id)
        var backend = resource.load?.backend ?? ""
        if backend.isEmpty { backend = try backends.name(for: .model, flags: flags) }
        perform(.load(model), flags, by: backend, charge, answer) { [table, backend] (_) throws(CallFailure) in
            table.note((interface, backend), of: id)
            return .loaded(interface)
        }
    }

    private func unload(
        _ interface: ModelCall.Interface, _ session: Int64, _ id: Int64, _ charge: Ledger.Charge?,
        _ answer: @escaping Answer
    ) throws(CallFailure) {
        let (flags, resource, _) = try model(interface, session, id)
        guard let load = resource.load, load.interface == interface else { throw .operation(errno: 22) }
        table.note(nil, of: id)
        perform(.unload(key: id), flags, by: load.backend, charge, answer) { (_) throws(CallFailure) in
            .unloaded(interface)
        }
    }

    private func run(
        _ call: ModelCall, loads: Bool, _ charge: Ledger.Charge?, _ answer: @escaping Answer
    ) throws(CallFailure) {
        let interface = call.interface
        let (flags, resource, model) = try model(interface, call.session, call.model)
        if resource.load == nil {
            guard loads else { throw .operation(errno: 22) }
            table.note((interface, try backends.name(for: .model, flags: flags)), of: call.model)
        }
        var inputs: [Tensor] = []
        for tensor in call.tensors { inputs.append(try Tensor(tensor, of: interface)) }
        let count = Int(call.outputCount)
        let run = ModelRun(
            key: call.model, inputs: inputs, inputNames: call.inputNames, outputNames: call.outputNames,
            outputCount: count)
        let backend = try table.resource(call.model).load?.backend
        perform(.run(run), flags, model: model, by: backend, charge, answer) { (result) throws(CallFailure) in
            guard case .tensors(let tensors) = result, tensors.count == count else { throw .operation(errno: 5) }
            var outputs: [WireTensor] = []
            for tensor in tensors { outputs.append(try tensor.wire(of: interface)) }
            return .tensors(outputs)
        }
    }
}
