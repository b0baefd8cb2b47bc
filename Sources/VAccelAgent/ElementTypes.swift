import VAccelProtocol

extension Tensor.Element {
    /// The type with a framework's number; nil for text, complex numbers and what is not known.
    ///
    /// TensorFlow's are those of TF_DataType, TensorFlow Lite's those of TfLiteType, which the protocol's own names of them
    /// do not match, Torch's those of vAccel's `torch.h`.
    init?(_ number: UInt64, of interface: ModelCall.Interface) {
        guard let found = Self.numbers(of: interface).first(where: { $0.number == number })?.element else { return nil }
        self = found
    }

    /// The framework's number; nil where it has none.
    func number(of interface: ModelCall.Interface) -> UInt64? {
        Self.numbers(of: interface).first { $0.element == self }?.number
    }

    private static func numbers(of interface: ModelCall.Interface) -> [(number: UInt64, element: Self)] {
        switch interface {
        case .tensorflow:
            [
                (1, .float32), (2, .float64), (3, .int32), (4, .uint8), (5, .int16), (6, .int8), (9, .int64),
                (10, .bool),
                (17, .uint16), (19, .float16), (22, .uint32), (23, .uint64),
            ]
        case .tensorflowLite:
            [
                (1, .float32), (2, .int32), (3, .uint8), (4, .int64), (6, .bool), (7, .int16), (9, .int8),
                (10, .float16),
                (11, .float64), (13, .uint64), (16, .uint32), (17, .uint16),
            ]
        case .torch:
            [
                (1, .uint8), (2, .int8), (3, .int16), (4, .int32), (5, .int64), (6, .float16), (7, .float32),
            ]
        }
    }
}

extension Tensor {
    /// A guest's tensor.
    ///
    /// - Throws: ``CallFailure`` with `EINVAL` when the data is not as long as the shape says.
    init(_ wire: WireTensor, of interface: ModelCall.Interface) throws(CallFailure) {
        guard let element = Element(wire.type, of: interface) else { throw .operation(errno: 22) }
        self.init(element: element, dimensions: wire.dimensions, data: wire.content)
        guard expectedSize == data.count else { throw .operation(errno: 22) }
    }

    /// The tensor as the guest's framework has it.
    ///
    /// - Throws: ``CallFailure`` with `ENOTSUP` when the framework has no number for the type of its elements, `EIO` when a
    ///   worker gave another number of bytes than the shape needs.
    func wire(of interface: ModelCall.Interface) throws(CallFailure) -> WireTensor {
        guard expectedSize == data.count else { throw .operation(errno: 5) }
        guard let number = element.number(of: interface) else { throw .operation(errno: 95) }
        return WireTensor(content: data, dimensions: dimensions, type: number)
    }
}

extension Model.Interface {
    /// The framework of a call.
    init(_ interface: ModelCall.Interface) {
        switch interface {
        case .tensorflow: self = .tensorflow
        case .tensorflowLite: self = .tensorflowLite
        case .torch: self = .torch
        }
    }
}
