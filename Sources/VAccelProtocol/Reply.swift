public import HostLibraries

/// What the agent answers, free of the generations' differences.
public enum Reply: Equatable, Sendable {
    /// Nothing to tell.
    case empty
    /// A new session, a new resource, a resource that is registered now.
    case session(Int64), resource(Int64), registered(Int64)
    /// A resource's content.
    case blobs([Blob])
    /// What an image shows: a text, NUL padded.
    case tags(Bytes)
    /// A model was loaded or unloaded.
    case loaded(ModelCall.Interface), unloaded(ModelCall.Interface)
    /// A model's outputs.
    case tensors([WireTensor])
    /// The arguments that were written: as many, in the same order, each with the same size as the guest sent them.
    case arguments([Argument], isUntyped: Bool)
    /// Times; there are none.
    case profile

    /// The method's message in a generation.
    public func encoded(_ generation: Generation) -> WireBuffer {
        var message = WireBuffer()
        switch self {
        case .empty, .profile: break
        case .registered where generation == .vaccelAgent: break
        case .session(let number), .resource(let number), .registered(let number): message.add(1, number)
        case .blobs(let blobs): for blob in blobs { message.add(1, message: blob.encoded) }
        case .tags(let text): message.add(1, text)
        case .loaded(.tensorflow) where generation == .vaccelAgent: message.add(1, always: [])
        case .unloaded(.tensorflow) where generation == .vaccelAgent: message.add(1, 1 as UInt64)
        case .loaded, .unloaded: break
        case .tensors(let tensors):
            for tensor in tensors { message.add(1, message: tensor.encoded) }
            message = Self.result(message, generation)
        case .arguments(let arguments, let isUntyped):
            for argument in arguments { message.add(1, message: argument.encoded(generation, isUntyped: isUntyped)) }
            message = Self.result(message, generation)
        }
        return message
    }

    /// The oldest generation has a message around what went well.
    private static func result(_ message: WireBuffer, _ generation: Generation) -> WireBuffer {
        guard generation == .vaccelAgent else { return message }
        var around = WireBuffer()
        around.add(2, message: message)
        return around
    }

    /// The message of a method that tells a failure itself, as the oldest generation does; nil where the status tells it.
    public static func encoded(_ failure: CallFailure, of method: String, _ generation: Generation) -> WireBuffer? {
        guard generation == .vaccelAgent, let field = fields[method] else { return nil }
        var error = WireBuffer()
        error.add(1, UInt64(failure.number))
        var message = WireBuffer()
        message.add(field, message: error)
        return message
    }

    private static let fields: [String: UInt64] = [
        "Genop": 1, "TensorflowModelLoad": 2, "TensorflowModelUnload": 2, "TensorflowModelRun": 1,
        "TensorflowLiteModelLoad": 1, "TensorflowLiteModelUnload": 1, "TensorflowLiteModelRun": 1,
        "TorchJitloadForward": 1,
    ]
}

extension Blob {
    /// Without name and type, as upstream answers.
    var encoded: WireBuffer {
        var message = WireBuffer()
        message.add(3, content)
        message.add(4, UInt64(size))
        return message
    }
}
