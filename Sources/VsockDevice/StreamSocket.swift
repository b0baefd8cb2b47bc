internal import CLinux
internal import HostSystem

/// Calls on the host's sockets, none of which ever waits.
enum StreamSocket {
    /// What a call came to.
    enum Outcome: Equatable {
        /// So many bytes were moved; 0 for the end of what is received.
        case moved(Int)
        /// None, for now.
        case wouldBlock
        /// None ever again.
        case failed
    }

    private static func outcome(_ result: Int) -> Outcome {
        if result >= 0 { return .moved(result) }
        return result == -Int(EAGAIN) ? .wouldBlock : .failed
    }

    /// Sends what is in `ranges`.
    static func send(_ ranges: [MemoryRange], over socket: Int32) -> Outcome {
        // SAFETY: the array's own count is passed, and what it names is the guest's memory.
        outcome(unsafe ranges.withUnsafeBufferPointer { unsafe lx_send_ranges(socket, $0.baseAddress, $0.count) })
    }

    /// Receives into `ranges`.
    static func receive(_ ranges: [MemoryRange], from socket: Int32) -> Outcome {
        // SAFETY: the array's own count is passed, and what it names is the guest's memory.
        outcome(unsafe ranges.withUnsafeBufferPointer { unsafe lx_receive_ranges(socket, $0.baseAddress, $0.count) })
    }

    /// Sends `bytes`.
    static func send(_ bytes: ArraySlice<UInt8>, over socket: Int32) -> Outcome {
        // SAFETY: the slice's own count is passed.
        outcome(unsafe bytes.withUnsafeBufferPointer { unsafe lx_stream_send(socket, $0.baseAddress, $0.count) })
    }

    /// Receives at most `limit` bytes, or looks at them only.
    static func receive(_ limit: Int, from socket: Int32, peek: Bool = false) -> (outcome: Outcome, bytes: [UInt8]) {
        var result = 0
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
            // SAFETY: the kernel writes at most the buffer's length.
            result = unsafe lx_stream_receive(socket, buffer.baseAddress, buffer.count, peek ? 1 : 0)
            count = max(0, result)
        }
        return (outcome(result), bytes)
    }

    /// The bytes of `ranges`, which may be the guest's: they may have changed afterwards.
    static func copy(_ ranges: [MemoryRange], count: Int) -> [UInt8] {
        unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            // SAFETY: the ranges hold `count` bytes, as the callers have counted, and so does the buffer.
            unsafe ranges.withUnsafeBufferPointer { unsafe lx_gather($0.baseAddress, buffer.baseAddress, count) }
            initialized = count
        }
    }
}

extension [MemoryRange] {
    /// What is behind the first `count` bytes.
    func dropping(_ count: Int) -> [MemoryRange] {
        var rest: [MemoryRange] = []
        _ = self[...].append(to: &rest, skipping: count, limit: .max)
        return rest
    }
}

extension StreamSocket {
    /// Ends one or both directions. See shutdown(2); a socket whose other end has gone has nothing left to end.
    static func shutdown(_ socket: Int32, _ directions: Shutdown) {
        if directions.contains(.receive) { _ = lx_shutdown(socket, 0) }
        if directions.contains(.send) { _ = lx_shutdown(socket, 1) }
    }
}

extension StreamSocket {
    /// Writes zeros to the first `count` bytes of `ranges`, which hold as many.
    static func clear(_ ranges: ArraySlice<MemoryRange>, count: Int) {
        let zeros = [UInt8](repeating: 0, count: count)
        // SAFETY: the ranges are the guest's memory and hold `count` bytes, as do the zeros.
        unsafe ranges.withUnsafeBufferPointer { ranges in
            unsafe zeros.withUnsafeBufferPointer { unsafe lx_scatter(ranges.baseAddress, $0.baseAddress, count) }
        }
    }
}
