public import HostLibraries

/// A tensor as the guest's framework numbers its types.
public struct WireTensor: Equatable, Sendable {
    /// The elements.
    public var content: Bytes
    /// The shape.
    public var dimensions: [Int64]
    /// The framework's number of the type of elements.
    public var type: UInt64

    /// Creates a tensor; the parameters are the properties.
    public init(content: Bytes, dimensions: [Int64], type: UInt64) {
        (self.content, self.dimensions, self.type) = (content, dimensions, type)
    }

    init(_ bytes: Bytes) throws(WireError) {
        (content, dimensions, type) = ([], [], 0)
        var reader = WireReader(bytes)
        while let field = try reader.next() {
            switch field.number {
            case 1: content = field.value.content
            case 2: try field.value.append(to: &dimensions, limit: Most.dimensions)
            case 3: type = field.value.uint64
            default: break
            }
        }
    }

    var encoded: WireBuffer {
        var message = WireBuffer()
        message.add(1, content)
        message.add(2, packed: dimensions)
        message.add(3, type)
        return message
    }
}

/// The message that runs a model.
public struct ModelCall: Equatable, Sendable {
    /// The framework whose call it is.
    public enum Interface: Equatable, Sendable {
        /// The frameworks of the protocol.
        case tensorflow, tensorflowLite, torch
    }

    /// The framework.
    public var interface: Interface
    /// The session.
    public var session: Int64 = 0
    /// The resource that holds the model.
    public var model: Int64 = 0
    /// Names of nodes, of TensorFlow only.
    public var inputNames: [String] = [], outputNames: [String] = []
    /// The inputs.
    public var tensors: [WireTensor] = []
    /// How many outputs there is room for; TensorFlow has the names instead.
    public var outputCount: UInt64 = 0

    init(_ bytes: Bytes, _ interface: Interface, _ generation: Generation) throws(WireError) {
        self.interface = interface
        var reader = WireReader(bytes)
        while let field = try reader.next() {
            switch (field.number, interface) {
            case (1, _): session = field.value.int64
            case (2, _): model = field.value.int64
            case (3, .tensorflow), (3, .torch): break  // options of the run, in a format of the framework
            case (4, .tensorflow): try add(field.value, to: &inputNames)
            case (5, .tensorflow) where generation == .current: try add(field.value, to: &outputNames)
            case (6, .tensorflow) where generation != .current: try add(field.value, to: &outputNames)
            case (5, .tensorflow), (6, .tensorflow), (3, .tensorflowLite), (4, .torch): try addTensor(field.value)
            case (4, .tensorflowLite), (5, .torch): outputCount = field.value.uint64
            default: break
            }
        }
        if interface == .tensorflow { outputCount = UInt64(outputNames.count) }
        guard outputCount <= UInt64(Most.tensors) else { throw .tooMany(Most.tensors) }
    }

    private mutating func addTensor(_ value: WireReader.Value) throws(WireError) {
        guard tensors.count < Most.tensors else { throw .tooMany(Most.tensors) }
        tensors.append(try WireTensor(value.content))
    }

    private func add(_ node: WireReader.Value, to names: inout [String]) throws(WireError) {
        guard names.count < Most.tensors else { throw .tooMany(Most.tensors) }
        var reader = WireReader(node.content)
        var name = ""
        while let field = try reader.next() {
            if field.number == 1 { name = field.value.text }
        }
        names.append(name)
    }
}
