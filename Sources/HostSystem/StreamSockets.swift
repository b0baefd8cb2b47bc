internal import CLinux

/// Listens for streams at a path, or at an abstract name that begins with NUL. See unix(7). Never blocks.
public func listenForStreams(unix name: String) throws(HostError) -> Descriptor {
    let bytes = Array(name.utf8).map { CChar(bitPattern: $0) }
    // SAFETY: the array's own count is passed.
    let result = unsafe bytes.withUnsafeBufferPointer { unsafe lx_listen_unix($0.baseAddress, $0.count) }
    return Descriptor(owning: try check("bind", name.first == "\0" ? "@\(name.dropFirst())" : name, result))
}
