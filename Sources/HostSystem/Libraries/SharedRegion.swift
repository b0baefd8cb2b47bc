internal import CLinux
public import HostSystem

/// Memory that the agent shares with a worker: a file without a name, of a size that nobody can change.
///
/// Of requests only the agent writes: the other side cannot have a mapping that could be written to. Results are written
/// by the worker while the agent may read, so that the agent takes nothing from them that it acts upon. As the size is
/// fixed, neither can make the other's access fail. See memfd_create(2), fcntl(2) F_ADD_SEALS, mmap(2).
@safe public final class SharedRegion: @unchecked Sendable {
    /// Who writes to a region.
    public enum Purpose: UInt8, Sendable {
        /// The agent: what guests send.
        case requests = 1
        /// The worker: what it computes.
        case results
    }

    /// By which both sides call it.
    public let number: UInt32
    /// Bytes, a multiple of a page's.
    public let count: Int
    /// Who writes.
    public let purpose: Purpose
    /// Whatever is to live as long as the region.
    private let companion: AnyObject?
    @usableFromInline let base: UnsafeMutableRawPointer
    private let isWritable: Bool

    /// Bytes of a page.
    public static let page = 4096

    /// Makes a region, which no process that is made later has by itself.
    ///
    /// - Parameter companion: Whatever is to live as long as the region.
    /// - Throws: `HostError` when there is no memory or no descriptor left, or the kernel is older than 5.1.
    public init(number: UInt32, bytes: Int, purpose: Purpose, companion: AnyObject? = nil) throws(HostError) {
        let size = (max(1, bytes) + Self.page - 1) / Self.page * Self.page
        let fills: Int32 = purpose == .results ? 1 : 0
        let file = Descriptor(owning: try check("memfd_create", "\(size) bytes", lx_region_file(size, fills)))
        isWritable = purpose == .requests
        unsafe base = try Self.map(file.raw, size, isWritable: purpose == .requests, populates: purpose == .results)
        do throws(HostError) {
            // SAFETY: the range was mapped above.
            try unsafe check("madvise", "\(size) bytes", lx_region_keep_from_children(base, size))
            // After the mapping that may be written to, which is to be the only one.
            try check("fcntl", "\(size) bytes", lx_region_seal(file.raw, purpose == .requests ? 1 : 0))
        } catch {
            // SAFETY: mapped above, and nobody has it yet.
            unsafe lx_region_unmap(base, size)
            throw error
        }
        (self.number, self.purpose, self.companion, count) = (number, purpose, companion, size)
        self.file = file.release()
    }

    /// Maps a region of the agent's in a worker.
    ///
    /// - Throws: `HostError` when there is no address space left.
    public init(number: UInt32, bytes: Int, purpose: Purpose, received file: consuming Descriptor) throws(HostError) {
        isWritable = purpose == .results
        unsafe base = try Self.map(file.raw, bytes, isWritable: purpose == .results, populates: true)
        (self.number, self.purpose, count, companion) = (number, purpose, bytes, nil)
        self.file = nil
    }

    deinit {
        // SAFETY: mapped by the initializer; whoever has bytes of the region keeps it.
        unsafe lx_region_unmap(base, count)
        if let file { _ = Descriptor(owning: file) }
    }

    private static func map(
        _ file: Int32, _ size: Int, isWritable: Bool, populates: Bool
    ) throws(HostError) -> UnsafeMutableRawPointer {
        var address: UnsafeMutableRawPointer?
        // SAFETY: the place for the address lives for the call.
        let result = unsafe lx_region_map(file, size, isWritable ? 1 : 0, populates ? 1 : 0, &address)
        try check("mmap", "\(size) bytes", result)
        guard let found = unsafe address else {
            throw HostError(call: "mmap", subject: "\(size) bytes", errno: HostError.invalid)
        }
        return unsafe found
    }

    /// The file's descriptor, to be passed to a worker; nil in a worker.
    public let file: Int32?

    /// The byte at a place.
    @inlinable subscript(index: Int) -> UInt8 {
        precondition(index >= 0 && index < count)
        // SAFETY: checked above; the region is mapped for as long as this lives.
        return unsafe base.load(fromByteOffset: index, as: UInt8.self)
    }

    /// A part of the mapping.
    func buffer(_ range: Range<Int>) -> UnsafeBufferPointer<UInt8> {
        precondition(range.lowerBound >= 0 && range.upperBound <= count)
        // SAFETY: checked above.
        let start = unsafe (base + range.lowerBound).assumingMemoryBound(to: UInt8.self)
        return unsafe UnsafeBufferPointer(start: start, count: range.count)
    }

    /// A part of the mapping to write to; it ends the process where the region is the other side's to write.
    private func mutableBuffer(_ range: Range<Int>) -> UnsafeMutableBufferPointer<UInt8> {
        precondition(isWritable && range.lowerBound >= 0 && range.upperBound <= count)
        // SAFETY: checked above.
        let start = unsafe (base + range.lowerBound).assumingMemoryBound(to: UInt8.self)
        return unsafe UnsafeMutableBufferPointer(start: start, count: range.count)
    }

    /// Writes bytes at the beginning.
    public func begin(with bytes: ArraySlice<UInt8>) {
        // SAFETY: the buffer is as long as what is copied.
        unsafe bytes.withUnsafeBytes { source in
            let target = unsafe UnsafeMutableRawBufferPointer(mutableBuffer(0..<source.count))
            unsafe target.copyMemory(from: source)
        }
    }

    /// Calls `body` with a part of the region to write to.
    func withMutableSpan<Failure: Error>(
        _ range: Range<Int>, _ body: (inout MutableSpan<UInt8>) throws(Failure) -> Void
    ) throws(Failure) {
        // SAFETY: the range is checked; nobody else has this part while it is written.
        var span = unsafe MutableSpan(_unsafeElements: mutableBuffer(range))
        try body(&span)
    }

    /// Reads at most `limit` bytes of a socket to the places from `offset` to `end`, without waiting. See recv(2).
    public func receiveNow(_ socket: Int32, at offset: Int, end: Int, limit: Int) throws(HostError) -> Received {
        guard offset < end else { return .nothing }
        let place = unsafe mutableBuffer(offset..<offset + min(limit, end - offset))
        // SAFETY: the buffer's own address and length.
        let size = unsafe lx_receive_now(socket, place.baseAddress, place.count)
        if size == -EAGAIN { return .nothing }
        return try check("recv", "", size) == 0 ? .end : .bytes(size)
    }
}

/// A region while somebody uses it. Of a process with one thread, as the agent and its workers are.
public final class RegionLease: @unchecked Sendable {
    /// The region.
    public let region: SharedRegion
    private let giveBack: (SharedRegion) -> Void

    /// Takes a region; `giveBack` is called when nobody uses it any more.
    public init(_ region: SharedRegion, giveBack: @escaping (SharedRegion) -> Void = { _ in }) {
        (self.region, self.giveBack) = (region, giveBack)
    }

    deinit { giveBack(region) }
}

/// Where a worker puts results: in a region that the agent has too as far as there is room, else in arrays.
public final class ResultRoom {
    private let lease: RegionLease?
    private var used = 0

    /// Room in a region; without one all results are arrays.
    public init(_ lease: RegionLease? = nil) { self.lease = lease }

    /// A result of `count` bytes, which `body` writes. What it leaves out is of no certain value.
    public func result<Failure: Error>(
        _ count: Int, _ body: (inout MutableSpan<UInt8>) throws(Failure) -> Void
    ) throws(Failure) -> Bytes {
        // Arrays of a vector's alignment.
        let start = (used + 63) / 64 * 64
        if let lease, count >= SharedRegion.page, let bytes = Bytes(lease, offset: start, count: count) {
            used = start + count
            try lease.region.withMutableSpan(start..<used, body)
            return bytes
        }
        var array = [UInt8](repeating: 0, count: count)
        var span = array.mutableSpan
        try body(&span)
        return Bytes(array)
    }
}
