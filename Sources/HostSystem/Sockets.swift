internal import CLinux

/// Two connected sockets, close-on-exec.
public struct SocketPair: ~Copyable {
    /// One end.
    public let first: Descriptor
    /// The other end.
    public let second: Descriptor

    /// Makes a pair that keeps message boundaries (SOCK_SEQPACKET), or a pair of streams. See socketpair(2).
    public init(stream: Bool = false) throws(HostError) {
        var pair: (Int32, Int32) = (-1, -1)
        // SAFETY: a tuple of two Int32 has the layout of int[2].
        let result = unsafe withUnsafeMutableBytes(of: &pair) {
            let type = stream ? SOCK_STREAM : SOCK_SEQPACKET
            return unsafe lx_socketpair(Int32(type.rawValue), $0.assumingMemoryBound(to: Int32.self).baseAddress)
        }
        try check("socketpair", "", result)
        first = Descriptor(owning: pair.0)
        second = Descriptor(owning: pair.1)
    }

    /// Gives up both ends: the caller closes the returned numbers.
    public consuming func take() -> (first: Int32, second: Int32) {
        (first.release(), second.release())
    }
}

/// Listens at `path` with a socket that keeps message boundaries, or one for streams. See unix(7).
///
/// - Parameter path: At most 107 bytes; reach longer ones through ``descriptorPath(_:)`` of their directory.
public func listenUnix(at path: String, stream: Bool = false) throws(HostError) -> Descriptor {
    let type = stream ? SOCK_STREAM : SOCK_SEQPACKET
    // SAFETY: the string is NUL-terminated for the length of the call.
    return Descriptor(owning: try check("bind", path, unsafe lx_unix_listen(path, Int32(type.rawValue))))
}

/// Listens for TCP connections that come from one address alone: all other packets are dropped unseen. See tcp(7), socket(7).
///
/// - Parameters:
///   - address: The own address, four bytes.
///   - peer: The address that may connect, four bytes.
/// - Throws: ``HostError`` with `EADDRINUSE` when another socket listens there.
public func listenTCP(at address: [UInt8], port: UInt16, from peer: [UInt8]) throws(HostError) -> Descriptor {
    let place = address.map(String.init).joined(separator: ".") + ":\(port)"
    guard address.count == 4, peer.count == 4 else {
        throw HostError(call: "bind", subject: place, errno: HostError.invalid)
    }
    // SAFETY: both arrays have the four bytes that the call reads.
    return Descriptor(owning: try check("bind", place, unsafe lx_tcp_listen(address, port, peer)))
}

/// Receives datagrams that anybody sends to `path`, which must not be longer than for ``listenUnix(at:stream:)``. See unix(7).
public func receiveDatagrams(at path: String) throws(HostError) -> Descriptor {
    // SAFETY: the string is NUL-terminated for the length of the call.
    Descriptor(owning: try check("bind", path, unsafe lx_unix_receive_at(path)))
}

/// Sends one datagram to the Unix socket at `path`. See unix(7).
public func sendDatagram(_ text: String, to path: String) throws(HostError) {
    // SAFETY: the string is NUL-terminated for the length of the call.
    let opened = unsafe lx_unix_connect(path, Int32(SOCK_DGRAM.rawValue))
    let socket = Descriptor(owning: try check("connect", path, opened))
    try sendMessage([UInt8](text.utf8), to: socket.raw)
}

/// Connects to the listening Unix socket at `path`. See unix(7).
public func connectUnix(to path: String, stream: Bool) throws(HostError) -> Descriptor {
    let type = stream ? SOCK_STREAM : SOCK_SEQPACKET
    // SAFETY: the string is NUL-terminated for the length of the call.
    return Descriptor(owning: try check("connect", path, unsafe lx_unix_connect(path, Int32(type.rawValue))))
}

/// Waits for a connection. See accept4(2).
public func acceptConnection(_ listener: Int32) throws(HostError) -> Descriptor {
    Descriptor(owning: try check("accept", "", lx_accept(listener)))
}

/// Sends one message; a closed other end is `EPIPE`, not a signal. See send(2) MSG_NOSIGNAL.
public func sendMessage(_ bytes: [UInt8], to socket: Int32) throws(HostError) {
    // SAFETY: the array's own count is passed.
    try check("send", "", unsafe bytes.withUnsafeBufferPointer { unsafe lx_send(socket, $0.baseAddress, $0.count) })
}

/// Receives one message of at most 64 KiB; empty when the other end is closed. See recv(2).
public func receiveMessage(_ socket: Int32) throws(HostError) -> [UInt8] {
    var size = 0
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 65536) { buffer, count in
        // SAFETY: the kernel writes at most the buffer's length.
        size = unsafe lx_receive(socket, buffer.baseAddress, buffer.count)
        count = max(0, size)
    }
    try check("recv", "", size)
    return bytes
}

/// Passes an open file to the process at the other end, with `text` beside it. See unix(7) SCM_RIGHTS.
public func sendDescriptor(_ descriptor: Int32, text: String, over socket: Int32) throws(HostError) {
    // SAFETY: the string's own length is passed.
    try check("sendmsg", text, unsafe lx_send_descriptor(socket, descriptor, text, text.utf8.count))
}

/// Receives one message of at most 64 KiB and the open file beside it, -1 where there is none; the caller closes it.
///
/// See recvmsg(2), unix(7) SCM_RIGHTS.
public func receiveWithDescriptor(_ socket: Int32) throws(HostError) -> (bytes: [UInt8], descriptor: Int32) {
    var (size, descriptor) = (0, Int32(-1))
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 65536) { buffer, count in
        // SAFETY: the kernel writes at most the buffer's length; the descriptor's place lives for the call.
        size = unsafe lx_receive_with_descriptor(socket, buffer.baseAddress, buffer.count, &descriptor)
        count = max(0, size)
    }
    try check("recvmsg", "", size)
    return (bytes, descriptor)
}

/// Takes an open file that the other end passed. See unix(7) SCM_RIGHTS.
public func receiveDescriptor(over socket: Int32) throws(HostError) -> Descriptor {
    Descriptor(owning: try check("recvmsg", "", lx_receive_descriptor(socket)))
}
