public import HostLibraries

/// What a guest asks its agent, free of the generations' differences.
public enum Request: Equatable, Sendable {
    /// The three calls of sessions; the flags are hints which back-end to take.
    case createSession(flags: UInt32)
    /// Changes the hints.
    case updateSession(Int64, flags: UInt32)
    /// Forgets a session.
    case destroySession(Int64)
    /// Creates a resource when it has number 0, then registers it with a session unless that has number 0.
    case registerResource(Registration)
    /// Takes a resource from a session.
    case unregisterResource(Int64, session: Int64)
    /// Forgets a resource.
    case destroyResource(Int64)
    /// Asks for a resource's content.
    case syncResource(Int64)
    /// Asks what an image shows.
    case classify(session: Int64, image: Bytes)
    /// Makes a resource ready to run as a model.
    case loadModel(ModelCall.Interface, session: Int64, model: Int64)
    /// The opposite.
    case unloadModel(ModelCall.Interface, session: Int64, model: Int64)
    /// Runs a model. `loads`: when it was not loaded, load it.
    case runModel(ModelCall, loads: Bool)
    /// A generic operation.
    case generic(GenericCall)
    /// Asks for times.
    case profile(session: Int64)

    /// Reads a method's message.
    ///
    /// - Throws: ``CallFailure`` for a method that there is none of, or a message that is none.
    public init(method: String, service: String, _ generation: Generation, _ bytes: Bytes) throws(CallFailure) {
        guard Self.methods(of: generation).contains(method) else { throw .unknownMethod(service, method) }
        do throws(WireError) {
            if let request = try Self.session(method, generation, bytes) {
                self = request
            } else if let request = try Self.resource(method, generation, bytes) {
                self = request
            } else if let request = try Self.model(method, generation, bytes) {
                self = request
            } else {
                self = try Self.other(method, generation, bytes)
            }
        } catch { throw CallFailure(.invalidArgument, error.description) }
    }

    private static func session(_ method: String, _ generation: Generation, _ bytes: Bytes) throws(WireError) -> Self? {
        switch method {
        case "CreateSession": return .createSession(flags: UInt32(truncatingIfNeeded: try Numbers(bytes).first))
        case "UpdateSession":
            let numbers = try Numbers(bytes)
            return .updateSession(numbers.first, flags: UInt32(truncatingIfNeeded: numbers.second))
        case "DestroySession": return .destroySession(try Numbers(bytes).first)
        default: return nil
        }
    }

    private static func resource(_ method: String, _ generation: Generation, _ bytes: Bytes) throws(WireError) -> Self?
    {
        switch (method, generation) {
        case ("RegisterResource", _): return .registerResource(try Registration(bytes, generation))
        case ("UnregisterResource", .vaccelAgent):
            let numbers = try Numbers(bytes)
            return .unregisterResource(numbers.second, session: numbers.first)
        case ("UnregisterResource", _):
            let numbers = try Numbers(bytes)
            return .unregisterResource(numbers.first, session: numbers.second)
        case ("SyncResource", .current): return .syncResource(try Numbers(bytes).first)
        case ("CreateResource", .vaccelAgent): return .registerResource(try Registration(creating: bytes))
        case ("DestroyResource", .vaccelAgent): return .destroyResource(try Numbers(bytes).first)
        default: return nil
        }
    }

    private static func model(_ method: String, _ generation: Generation, _ bytes: Bytes) throws(WireError) -> Self? {
        let isCurrent = generation == .current
        switch method {
        case "TensorflowModelLoad": return try load(.tensorflow, bytes)
        case "TensorflowModelUnload": return try unload(.tensorflow, bytes)
        case "TensorflowModelRun": return .runModel(try ModelCall(bytes, .tensorflow, generation), loads: false)
        case "TensorflowLiteModelLoad": return try load(.tensorflowLite, bytes)
        case "TensorflowLiteModelUnload": return try unload(.tensorflowLite, bytes)
        case "TensorflowLiteModelRun":
            return .runModel(try ModelCall(bytes, .tensorflowLite, generation), loads: false)
        case "TorchModelLoad" where isCurrent: return try load(.torch, bytes)
        case "TorchModelRun" where isCurrent: return .runModel(try ModelCall(bytes, .torch, generation), loads: false)
        case "TorchJitloadForward" where !isCurrent:
            return .runModel(try ModelCall(bytes, .torch, generation), loads: true)
        default: return nil
        }
    }

    private static func other(_ method: String, _ generation: Generation, _ bytes: Bytes) throws(WireError) -> Self {
        switch method {
        case "Genop": return .generic(try GenericCall(bytes, generation))
        case "GetProfiler", "GetTimers": return .profile(session: try Numbers(bytes).first)
        default: break
        }
        // ImageClassification
        var (session, image): (Int64, Bytes) = (0, [])
        var reader = WireReader(bytes)
        while let field = try reader.next() {
            if field.number == 1 { session = field.value.int64 }
            if field.number == 2 { image = field.value.content }
        }
        return .classify(session: session, image: image)
    }

    private static func load(_ interface: ModelCall.Interface, _ bytes: Bytes) throws(WireError) -> Self {
        let numbers = try Numbers(bytes)
        return .loadModel(interface, session: numbers.first, model: numbers.second)
    }

    private static func unload(_ interface: ModelCall.Interface, _ bytes: Bytes) throws(WireError) -> Self {
        let numbers = try Numbers(bytes)
        return .unloadModel(interface, session: numbers.first, model: numbers.second)
    }

    private static func methods(of generation: Generation) -> [String] {
        let common = [
            "CreateSession", "UpdateSession", "DestroySession", "RegisterResource", "UnregisterResource",
            "ImageClassification", "TensorflowModelLoad", "TensorflowModelUnload", "TensorflowModelRun",
            "TensorflowLiteModelLoad", "TensorflowLiteModelUnload", "TensorflowLiteModelRun", "Genop",
        ]
        return common
            + (generation == .current
                ? ["SyncResource", "TorchModelLoad", "TorchModelRun", "GetProfiler"]
                : ["TorchJitloadForward", "GetTimers"])
            + (generation == .vaccelAgent ? ["CreateResource", "DestroyResource"] : [])
    }
}

/// A message of nothing but numbers: its fields 1 and 2.
struct Numbers {
    private(set) var first: Int64 = 0
    private(set) var second: Int64 = 0

    init(_ bytes: Bytes) throws(WireError) {
        var reader = WireReader(bytes)
        while let field = try reader.next() {
            if field.number == 1 { first = field.value.int64 }
            if field.number == 2 { second = field.value.int64 }
        }
    }
}
