internal import CCapability
internal import CLinux

/// Forbids this process and its children to gain privileges by execve. See prctl(2) PR_SET_NO_NEW_PRIVS.
public func setNoNewPrivileges() throws(HostError) {
    try check("prctl", "PR_SET_NO_NEW_PRIVS", lx_prctl(PR_SET_NO_NEW_PRIVS, 1, 0))
}

/// Sets the supplementary groups. See setgroups(2).
public func setGroups(_ groups: [UInt32]) throws(HostError) {
    // SAFETY: the array's own count is passed.
    try check("setgroups", "", unsafe groups.withUnsafeBufferPointer { unsafe lx_setgroups($0.count, $0.baseAddress) })
}

/// Sets the real, effective and saved group id. See setresgid(2).
///
/// The highest number is none: the kernel would leave the group as it is.
public func setGroup(_ gid: UInt32) throws(HostError) {
    try check("setresgid", "\(gid)", gid == .max ? -EINVAL : lx_setresgid(gid))
}

/// Sets the real, effective and saved user id. See setresuid(2).
///
/// The highest number is none: the kernel would leave the user as it is, who is root.
public func setUser(_ uid: UInt32) throws(HostError) {
    try check("setresuid", "\(uid)", uid == .max ? -EINVAL : lx_setresuid(uid))
}

/// Keeps the permitted capabilities when the user id stops being 0. See prctl(2) PR_SET_KEEPCAPS.
public func setKeepCapabilities(_ keep: Bool) throws(HostError) {
    try check("prctl", "PR_SET_KEEPCAPS", lx_prctl(PR_SET_KEEPCAPS, keep ? 1 : 0, 0))
}

/// Sets the mode bits that new files do not get. See umask(2).
public func setFileModeMask(_ mask: UInt32) { _ = lx_umask(mask) }

/// Sets a resource limit, `resource` being an RLIMIT_* number. See setrlimit(2).
public func setResourceLimit(_ resource: Int32, named name: String, soft: UInt64, hard: UInt64) throws(HostError) {
    try check("setrlimit", name, lx_setrlimit(resource, soft, hard))
}

/// Gives this process a new session keyring, so that it does not see its caller's keys. See keyctl(2).
public func joinNewSessionKeyring(named name: String) throws(HostError) {
    // SAFETY: the string is NUL-terminated for the length of the call.
    try check("keyctl", name, unsafe lx_join_session_keyring(name))
}

/// Starts a new session. See setsid(2).
public func startSession() throws(HostError) { try check("setsid", "", lx_setsid()) }

/// A set of capabilities by number, as the kernel's 64-bit masks hold it. See capabilities(7).
public struct CapabilitySet: Equatable, Sendable {
    /// Bit N stands for capability N.
    public var mask: UInt64

    /// Creates a set from a mask.
    public init(mask: UInt64 = 0) { self.mask = mask }

    /// Whether capability `number` is in the set.
    public func contains(_ number: Int32) -> Bool { mask & (1 << UInt64(number)) != 0 }
}

/// The number of a capability by its name in the runtime spec, `CAP_NET_ADMIN`; nil when libcap does not know it.
///
/// See cap_from_name(3).
public func capabilityNumber(_ name: String) -> Int32? {
    var value: cap_value_t = 0
    // SAFETY: both pointers live for the call.
    guard unsafe cap_from_name(name, &value) == 0 else { return nil }
    // libcap takes numbers, any case, and the beginning of a longer text as well.
    return name.hasPrefix("CAP_") && capabilityName(value) == name ? value : nil
}

/// The name of a capability as the runtime spec writes it; nil when libcap does not know the number.
public func capabilityName(_ number: Int32) -> String? {
    // SAFETY: the string is libcap's allocation, copied and given back by cap_free.
    guard let text = unsafe cap_to_name(number) else { return nil }
    defer { unsafe _ = cap_free(text) }
    return unsafe String(cString: text).uppercased()
}

/// The highest capability number of the running kernel. See /proc/sys/kernel/cap_last_cap.
public func lastCapability() -> Int32 { cap_max_bits() - 1 }

/// Drops every capability that is not in `kept` from the bounding set. See prctl(2) PR_CAPBSET_DROP.
///
/// What is not in the bounding set already is passed over, so that a process without CAP_SETPCAP may ask for what it has.
public func limitBoundingCapabilities(to kept: CapabilitySet) throws(HostError) {
    for number in 0...max(0, lastCapability()) where !kept.contains(number) {
        let result = lx_prctl(PR_CAPBSET_DROP, UInt(number), 0)
        if result < 0 && lx_prctl(PR_CAPBSET_READ, UInt(number), 0) == 0 { continue }
        try check("prctl", "PR_CAPBSET_DROP \(number)", result)
    }
}

/// Sets this process's effective, permitted and inheritable capabilities. See cap_set_proc(3), capset(2).
public func setCapabilities(effective: CapabilitySet, permitted: CapabilitySet, inheritable: CapabilitySet)
    throws(HostError)
{
    // SAFETY: `state` is libcap's allocation, used only here and given back by cap_free.
    guard let state = unsafe cap_init() else { throw HostError(call: "cap_init", subject: "", errno: ENOMEM) }
    defer { unsafe _ = cap_free(UnsafeMutableRawPointer(state)) }
    for (flag, set) in [(CAP_EFFECTIVE, effective), (CAP_PERMITTED, permitted), (CAP_INHERITABLE, inheritable)] {
        let values: [cap_value_t] = (0...max(0, lastCapability())).filter { set.contains($0) }
        guard !values.isEmpty else { continue }
        // SAFETY: the array's own count is passed.
        let result = unsafe cap_set_flag(state, flag, Int32(values.count), values, CAP_SET)
        try check("cap_set_flag", "", result)
    }
    let result = unsafe cap_set_proc(state)
    if result != 0 { throw HostError(call: "capset", subject: "", errno: EPERM) }
}

/// Replaces the ambient capabilities. See capabilities(7), prctl(2) PR_CAP_AMBIENT.
public func setAmbientCapabilities(_ set: CapabilitySet) throws(HostError) {
    // A kernel without ambient capabilities has none to clear.
    _ = lx_prctl(PR_CAP_AMBIENT, UInt(PR_CAP_AMBIENT_CLEAR_ALL), 0)
    for number in 0...max(0, lastCapability()) where set.contains(number) {
        if cap_set_ambient(number, CAP_SET) != 0 {
            throw HostError(call: "prctl", subject: "PR_CAP_AMBIENT \(number)", errno: EPERM)
        }
    }
}
