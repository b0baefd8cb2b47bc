internal import CLibraries
public import HostSystem

/// The bytes of address space that this process uses, found without /proc by what RLIMIT_AS allows. See setrlimit(2).
///
/// No other thread may map memory meanwhile, for it might be refused.
/// - Throws: ``HostSystem/HostError`` when the limit cannot be read or put back.
public func addressSpaceInUse() throws(HostError) -> Int {
    let result = lx_address_space()
    guard result >= 0 else { throw HostError(call: "setrlimit", subject: "RLIMIT_AS", errno: Int32(-result)) }
    return result
}
