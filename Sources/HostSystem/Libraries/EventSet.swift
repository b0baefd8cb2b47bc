internal import CLinux
public import HostSystem

/// Descriptors of which some have news: readable, writable or closed. See epoll(7), level-triggered.
public final class EventSet {
    /// News about one descriptor.
    public struct Event: Sendable {
        /// What the descriptor was added with.
        public let token: UInt64
        /// Whether there is something to read, or the other end is gone.
        public let isReadable: Bool
        /// Whether something can be written.
        public let isWritable: Bool
        /// Whether the connection is gone in both directions, or broken.
        public let isClosed: Bool
    }

    private let descriptor: Descriptor
    private var bits = [UInt32](repeating: 0, count: 64)
    private var tokens = [UInt64](repeating: 0, count: 64)

    /// Creates an empty set. See epoll_create1(2).
    public init() throws(HostError) {
        descriptor = Descriptor(owning: try check("epoll_create1", "", lx_epoll()))
    }

    /// Adds a descriptor; a closed one leaves the set by itself. See epoll_ctl(2).
    public func add(_ number: Int32, token: UInt64, readable: Bool, writable: Bool = false) throws(HostError) {
        try control(1, number, token, readable, writable)
    }

    /// Changes what is waited for.
    public func change(_ number: Int32, token: UInt64, readable: Bool, writable: Bool) throws(HostError) {
        try control(3, number, token, readable, writable)
    }

    /// Takes a descriptor out.
    public func remove(_ number: Int32) { _ = lx_epoll_control(descriptor.raw, 2, number, 0, 0) }

    private func control(
        _ operation: Int32, _ number: Int32, _ token: UInt64, _ readable: Bool, _ writable: Bool
    ) throws(HostError) {
        let wanted = (readable ? Self.readable : 0) | (writable ? Self.writable : 0)
        let result = lx_epoll_control(descriptor.raw, operation, number, wanted, token)
        try check("epoll_ctl", "descriptor \(number)", result)
    }

    /// Waits at most `milliseconds`, -1 for ever, for news of up to 64 descriptors. See epoll_wait(2).
    public func wait(milliseconds: Int32) throws(HostError) -> [Event] {
        // SAFETY: both arrays have 64 elements, and at most 64 are written.
        let count = unsafe bits.withUnsafeMutableBufferPointer { bits in
            unsafe tokens.withUnsafeMutableBufferPointer { tokens in
                unsafe lx_epoll_wait(descriptor.raw, bits.baseAddress, tokens.baseAddress, 64, milliseconds)
            }
        }
        try check("epoll_wait", "", count)
        return (0..<Int(count)).map { event($0) }
    }

    private static let readable = UInt32(LX_READABLE), writable = UInt32(LX_WRITABLE), closed = UInt32(LX_CLOSED)

    private func event(_ index: Int) -> Event {
        let (found, token) = (bits[index], tokens[index])
        return Event(
            token: token, isReadable: found & (Self.readable | Self.closed) != 0,
            isWritable: found & Self.writable != 0, isClosed: found & Self.closed != 0)
    }
}
