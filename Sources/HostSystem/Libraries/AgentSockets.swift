internal import CLinux
public import HostSystem

/// Listens for streams at an IPv4 address in host order. See ip(7). Never blocks.
public func listenForStreams(ipv4 address: UInt32, port: UInt16) throws(HostError) -> Descriptor {
    Descriptor(owning: try check("bind", "port \(port)", lx_listen_tcp(address, port)))
}

/// Listens for streams of virtual machines at a port. See vsock(7). Never blocks.
public func listenForStreams(vsockPort port: UInt32) throws(HostError) -> Descriptor {
    Descriptor(owning: try check("bind", "vsock port \(port)", lx_listen_vsock(port)))
}

/// Takes over a listening stream socket that this process was started with.
///
/// - Throws: ``HostSystem/HostError`` with `ENOTSOCK` for anything else.
public func adoptListener(_ number: Int32) throws(HostError) -> Descriptor {
    guard lx_listens(number) != 0 else {
        throw HostError(call: "listening socket", subject: "descriptor \(number)", errno: ENOTSOCK)
    }
    let adopted = Descriptor(owning: number)
    try check("fcntl", "descriptor \(number)", lx_unblock(number))
    try check("fcntl", "descriptor \(number)", lx_close_on_exec(number))
    return adopted
}

/// Takes the next connection, which never blocks; nil when none waits. See accept4(2).
public func acceptStream(_ listener: Int32) throws(HostError) -> Descriptor? {
    let result = lx_accept_stream(listener)
    if result == -EAGAIN || result == -ECONNABORTED { return nil }
    let socket = Descriptor(owning: try check("accept", "", result))
    lx_no_delay(socket.raw)
    return socket
}

/// The number of the virtual machine at the other end of a vsock connection; 0 for another kind of socket. See vsock(7).
public func peerMachine(of socket: Int32) -> UInt32 { lx_peer_cid(socket) }

/// What a read without waiting came to.
public enum Received: Equatable, Sendable {
    /// So many bytes, at least one.
    case bytes(Int)
    /// Nothing is there now.
    case nothing
    /// The other end sends no more.
    case end
}

/// `count` bytes of any value but for the first ones, for a caller that fills them all before it reads one.
///
/// Memory that is not filled is not touched.
public func bytesToFill(_ count: Int, beginningWith first: ArraySlice<UInt8> = []) -> [UInt8] {
    unsafe [UInt8](unsafeUninitializedCapacity: max(count, first.count)) { buffer, filled in
        // SAFETY: the buffer has room for `first`; a byte without a value of its own is still one.
        unsafe first.withUnsafeBytes { unsafe UnsafeMutableRawBufferPointer(buffer).copyMemory(from: $0) }
        filled = max(count, first.count)
    }
}

/// Reads at most `limit` bytes into `bytes` from `offset` on, without waiting. See recv(2).
public func receiveNow(
    _ socket: Int32, into bytes: inout [UInt8], at offset: Int, limit: Int = .max
) throws(HostError) -> Received {
    guard offset < bytes.count else { return .nothing }
    // SAFETY: `rest` covers bytes from `offset` on, which the slice checks, and no more than those are written.
    let size = unsafe bytes.withUnsafeMutableBytes { whole in
        let end = offset + min(limit, whole.count - offset)
        let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: whole[offset..<end])
        return unsafe lx_receive_now(socket, rest.baseAddress, rest.count)
    }
    if size == -EAGAIN { return .nothing }
    return try check("recv", "", size) == 0 ? .end : .bytes(size)
}

/// Reads at least one byte into `bytes` from `offset` on, or `.end`. Waits for it. See recv(2).
public func receiveSome(_ socket: Int32, into bytes: inout [UInt8], at offset: Int) throws(HostError) -> Received {
    // SAFETY: `rest` covers the bytes from `offset` on, which the slice checks, and no more than those are written.
    let size = unsafe bytes.withUnsafeMutableBytes { whole in
        let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: whole[offset...])
        return unsafe lx_receive_some(socket, rest.baseAddress, rest.count)
    }
    return try check("recv", "", size) == 0 ? .end : .bytes(size)
}

/// Writes as much of `bytes` as the socket takes without waiting, 0 when it takes none.
///
/// A closed other end is `EPIPE`, not a signal. `more`: more follows at once. See send(2).
public func sendNow(_ bytes: Bytes, to socket: Int32, more: Bool) throws(HostError) -> Int {
    // SAFETY: the bytes' own address and count.
    let size = unsafe bytes.withUnsafeStorage { unsafe lx_send_now(socket, $0.baseAddress, $0.count, more ? 1 : 0) }
    return size == -EAGAIN ? 0 : try check("send", "", size)
}

/// The most pieces that ``sendNow(_:file:to:more:)`` takes at once.
public let mostPieces = 8

/// Writes as much of the pieces, one after the other, as the socket takes without waiting, 0 when it takes none.
///
/// A closed other end is `EPIPE`, not a signal. See sendmsg(2), unix(7) SCM_RIGHTS.
/// - Parameters:
///   - pieces: What to send; those behind the first ``mostPieces`` are left for later.
///   - file: A descriptor to go along with the first byte; nil for none.
///   - more: More follows at once.
public func sendNow(
    _ pieces: ArraySlice<Bytes>, file: Int32? = nil, to socket: Int32, more: Bool
) throws(HostError) -> Int {
    var places = unsafe [iovec]()
    let size = unsafe withPlaces(pieces.prefix(mostPieces), &places) { places in
        // SAFETY: the places are those of the pieces, which live for the call, and as many as is said.
        unsafe lx_send_pieces(socket, &places, Int32(places.count), file ?? -1, more ? 1 : 0)
    }
    return size == -EAGAIN ? 0 : try check("send", "", size)
}

/// Calls `body` with the addresses and lengths of all pieces.
private func withPlaces(_ pieces: ArraySlice<Bytes>, _ places: inout [iovec], _ body: (inout [iovec]) -> Int) -> Int {
    guard let piece = pieces.first else { return unsafe body(&places) }
    return unsafe piece.withUnsafeStorage { bytes in
        // SAFETY: the kernel only reads there.
        let address = unsafe UnsafeMutableRawPointer(mutating: bytes.baseAddress)
        unsafe places.append(iovec(iov_base: address, iov_len: bytes.count))
        return unsafe withPlaces(pieces.dropFirst(), &places, body)
    }
}

/// Reads at least one byte into `bytes`, or `.end`, and a descriptor that came along, -1 where there is none; the caller
/// closes it. Waits for it. See recvmsg(2), unix(7) SCM_RIGHTS.
public func receiveSome(
    _ socket: Int32, into bytes: inout [UInt8], at offset: Int, file: inout Int32
) throws(HostError) -> Received {
    // SAFETY: `rest` covers the bytes from `offset` on, which the slice checks, and no more than those are written; the
    // descriptor's place lives for the call.
    let size = unsafe bytes.withUnsafeMutableBytes { whole in
        let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: whole[offset...])
        return unsafe lx_receive_with_descriptor(socket, rest.baseAddress, rest.count, &file)
    }
    return try check("recvmsg", "", size) == 0 ? .end : .bytes(size)
}

/// Writes all of `bytes`, waiting as long as it takes. See send(2).
public func sendAll(_ bytes: Bytes, to socket: Int32) throws(HostError) {
    var rest = bytes
    while !rest.isEmpty {
        // SAFETY: the bytes' own address and count.
        let size = unsafe rest.withUnsafeStorage { unsafe lx_send(socket, $0.baseAddress, $0.count) }
        rest = rest.dropFirst(try check("send", "", size))
    }
}

/// Lets a socket take up to `bytes` that the other end has not read, as far as this process may. See socket(7) SO_SNDBUF.
public func setSendBuffer(of socket: Int32, bytes: Int32) { lx_set_send_buffer(socket, bytes) }

/// Random bytes of the kernel as a number. See getrandom(2).
public func randomNumber() throws(HostError) -> UInt64 {
    var number: UInt64 = 0
    // SAFETY: the pointer is to eight bytes.
    let size = unsafe withUnsafeMutableBytes(of: &number) { unsafe lx_random($0.baseAddress, $0.count) }
    try check("getrandom", "", size)
    return number
}

/// Has the allocator keep at most 16 MiB for later, until ``HostSystem/giveMemoryBack()``. For a program with one thread. See mallopt(3).
public func keepLittleMemory() { lx_frugal_allocator() }

/// Makes a child process that is a copy of this one. For a program with one thread. See fork(2).
///
/// - Returns: The child's pid in the parent, 0 in the child.
public func forkProcess() throws(HostError) -> Int32 { try check("fork", "", lx_fork()) }
