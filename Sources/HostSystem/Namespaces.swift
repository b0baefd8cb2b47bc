internal import CLinux

/// Leaves namespaces for new ones. See unshare(2).
public func unshareNamespaces(_ flags: UInt64) throws(HostError) {
    try check("unshare", "namespaces", lx_unshare(Int32(truncatingIfNeeded: flags)))
}

/// Opens the namespace at `path`, and makes sure that it is one of `type` (a CLONE_NEW* bit).
///
/// See ioctl_ns(2) NS_GET_NSTYPE. Does not wait for a writer where there is a fifo.
/// - Throws: ``HostError`` that says what else is there.
public func openNamespace(_ path: String, type: UInt64) throws(HostError) -> Descriptor {
    let found = try open(path, flags: [.readOnly, .nonBlocking, .noControllingTerminal])
    let kind = lx_namespace_type(found.raw)
    if kind == -ENOTTY { throw HostError(call: "\(path) is not a namespace", subject: "", errno: 0) }
    try check("NS_GET_NSTYPE", path, kind)
    guard UInt64(kind) == type else {
        throw HostError(call: "\(path) is a namespace of another type", subject: "", errno: 0)
    }
    return found
}

/// Joins the namespace open as `descriptor`, which must be of `type` (a CLONE_NEW* bit). See setns(2).
public func joinNamespace(_ descriptor: Int32, type: UInt64, path: String) throws(HostError) {
    try check("setns", path, lx_setns(descriptor, Int32(truncatingIfNeeded: type)))
}

/// Does something in the network namespace open as `descriptor`, and comes back.
///
/// - Throws: What `body` throws, or ``HostError`` when this process cannot go there, or not come back.
public func inNetworkNamespace<Result>(
    _ descriptor: Int32, path: String, _ body: () throws -> Result
) throws -> Result {
    let ownPath = "/proc/self/ns/net"
    let own = try open(ownPath, flags: .readOnly)
    try joinNamespace(descriptor, type: NamespaceFlag.network, path: path)
    let result = Swift.Result { try body() }
    try joinNamespace(own.raw, type: NamespaceFlag.network, path: ownPath)
    return try result.get()
}

/// Opens the user namespace that owns the namespace open as `descriptor`. See ioctl_ns(2), NS_GET_USERNS.
public func ownerOfNamespace(_ descriptor: Int32, path: String) throws(HostError) -> Descriptor {
    Descriptor(owning: try check("ioctl NS_GET_USERNS", path, lx_namespace_owner(descriptor)))
}

/// Sets the host name of this UTS namespace. See sethostname(2).
public func setHostName(_ name: String) throws(HostError) {
    // SAFETY: the kernel reads exactly the string's bytes during the call.
    try check("sethostname", name, unsafe lx_sethostname(name, name.utf8.count))
}

/// Sets the NIS domain name of this UTS namespace. See setdomainname(2).
public func setDomainName(_ name: String) throws(HostError) {
    // SAFETY: the kernel reads exactly the string's bytes during the call.
    try check("setdomainname", name, unsafe lx_setdomainname(name, name.utf8.count))
}
