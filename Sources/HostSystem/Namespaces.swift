internal import CLinux

/// Leaves namespaces for new ones. See unshare(2).
public func unshareNamespaces(_ flags: UInt64) throws(HostError) {
    try check("unshare", "namespaces", lx_unshare(Int32(truncatingIfNeeded: flags)))
}

/// Joins the namespace open as `descriptor`, which must be of `type` (a CLONE_NEW* bit). See setns(2).
public func joinNamespace(_ descriptor: Int32, type: UInt64, path: String) throws(HostError) {
    try check("setns", path, lx_setns(descriptor, Int32(truncatingIfNeeded: type)))
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
