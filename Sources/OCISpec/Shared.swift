/// Keeps a large value in one place and hands it on by reference.
///
/// A specification has hundreds of members. Were they all part of the values that hold one, every copy of such a value
/// would touch each member, and every type that holds one would bring the code for that along.
@propertyWrapper
public struct Shared<Value: Sendable>: Sendable {
    @usableFromInline
    final class Storage: Sendable {
        @usableFromInline let value: Value

        @usableFromInline init(_ value: Value) { self.value = value }
    }

    @usableFromInline var storage: Storage

    /// Stores a value.
    public init(wrappedValue: Value) { storage = Storage(wrappedValue) }

    /// The value; a new one leaves those alone that others hold.
    @inlinable public var wrappedValue: Value {
        _read { yield storage.value }
        set { storage = Storage(newValue) }
    }
}

extension Shared: Equatable where Value: Equatable {
    /// Whether the values are equal.
    public static func == (one: Shared, other: Shared) -> Bool {
        one.storage === other.storage || one.wrappedValue == other.wrappedValue
    }
}
