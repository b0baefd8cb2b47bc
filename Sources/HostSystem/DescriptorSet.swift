internal import CLinux

/// Several open descriptors with one owner, in order.
///
/// An array cannot hold ``Descriptor`` values, which cannot be copied.
public final class DescriptorSet {
    /// The descriptors' numbers, for as long as the set lives and ``close()`` was not called.
    public private(set) var numbers: [Int32] = []

    /// Creates an empty set.
    public init() {}

    /// Takes ownership of a descriptor.
    public func add(_ descriptor: consuming Descriptor) { _ = hold(descriptor) }

    /// Takes ownership of a descriptor and returns its number.
    public func hold(_ descriptor: consuming Descriptor) -> Int32 {
        let number = descriptor.release()
        numbers.append(number)
        return number
    }

    /// Closes all of them now.
    public func close() {
        for number in numbers { _ = lx_close(number) }
        numbers = []
    }

    deinit { close() }
}
