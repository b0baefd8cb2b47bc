internal import CLinux

/// The header of a packet. See the virtio specification 1.2, 5.10.6.
typealias PacketHeader = lx_vsock_header

extension PacketHeader {
    /// VIRTIO_VSOCK_OP_*
    enum Operation: UInt16 {
        case request = 1, response, reset, shutdown, data, creditUpdate, creditRequest
    }

    /// How many bytes it has in a chain.
    static let size = Int(LX_VSOCK_HEADER_SIZE)
    /// VIRTIO_VSOCK_TYPE_STREAM
    static let stream: UInt16 = 1
    /// The host's context id, VMADDR_CID_HOST.
    static let hostCID: UInt64 = 2

    /// What it says; nil for a number that the specification does not know.
    var meaning: Operation? { Operation(rawValue: operation) }

    /// What makes a connection unique between a guest and its host.
    var key: UInt64 { UInt64(source_port) << 32 | UInt64(destination_port) }

    /// The answer that ends a connection which is none, or not any more.
    var rejection: PacketHeader {
        PacketHeader(
            source_cid: destination_cid, destination_cid: source_cid, source_port: destination_port,
            destination_port: source_port, length: 0, type: type, operation: Operation.reset.rawValue, flags: 0,
            buffer_size: 0, forwarded: 0)
    }

    /// Reads a header from the beginning of `ranges`; nil when they are shorter.
    init?(_ ranges: ArraySlice<MemoryRange>, count: Int) {
        guard count >= Self.size else { return nil }
        var header = PacketHeader()
        // SAFETY: the ranges are the guest's memory and hold `count` bytes, which are no fewer than are copied.
        unsafe ranges.withUnsafeBufferPointer { unsafe lx_gather($0.baseAddress, &header, Self.size) }
        self = header
    }

    /// Writes the header to the beginning of `ranges`, which have to be at least as long.
    func write(to ranges: ArraySlice<MemoryRange>) {
        var header = self
        // SAFETY: the ranges are the guest's memory; the callers take no chain that is shorter than a header.
        unsafe ranges.withUnsafeBufferPointer { unsafe lx_scatter($0.baseAddress, &header, Self.size) }
    }
}

/// What a side will not do any more: VIRTIO_VSOCK_SHUTDOWN_F_RECEIVE and _SEND.
struct Shutdown: OptionSet {
    let rawValue: UInt32
    static let receive = Shutdown(rawValue: 1)
    static let send = Shutdown(rawValue: 2)
    static let both: Shutdown = [.receive, .send]
}

extension ArraySlice<MemoryRange> {
    /// Appends what is behind the first `skipped` bytes, at most `limit` bytes of it; returns how many.
    func append(to ranges: inout [MemoryRange], skipping skipped: Int, limit: Int) -> Int {
        var (skipped, left) = (skipped, limit)
        for range in self where left > 0 {
            if range.count <= skipped {
                skipped -= range.count
                continue
            }
            let piece = Swift.min(range.count - skipped, left)
            ranges.append(MemoryRange(address: range.address + UInt(skipped), count: piece))
            skipped = 0
            left -= piece
        }
        return limit - left
    }
}
