public import HostLibraries

/// An array of numbers with its shape.
public struct Tensor: Equatable, Sendable {
    /// The type of the elements.
    public enum Element: UInt8, Equatable, Sendable, CaseIterable {
        /// Numbers with the bits their names say; `bool` has a byte.
        case float16 = 1, float32, float64, int8, int16, int32, int64, uint8, uint16, uint32, uint64, bool

        /// Bytes of one element.
        public var size: Int {
            switch self {
            case .int8, .uint8, .bool: 1
            case .float16, .int16, .uint16: 2
            case .float32, .int32, .uint32: 4
            case .float64, .int64, .uint64: 8
            }
        }
    }

    /// The type of the elements.
    public var element: Element
    /// The shape; empty for a single number.
    public var dimensions: [Int64]
    /// The elements, little-endian, in row-major order.
    public var data: Bytes

    /// Creates a tensor; the parameters are the properties.
    public init(element: Element, dimensions: [Int64], data: Bytes) {
        (self.element, self.dimensions, self.data) = (element, dimensions, data)
    }

    /// How many bytes the shape needs; nil for a negative dimension or more than an Int counts.
    public var expectedSize: Int? {
        var size = element.size
        for dimension in dimensions {
            guard dimension >= 0, let length = Int(exactly: dimension) else { return nil }
            let (product, overflow) = size.multipliedReportingOverflow(by: length)
            guard !overflow else { return nil }
            size = product
        }
        return size
    }
}
