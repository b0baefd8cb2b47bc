internal import CLinux

/// Whether descriptor `number` is open in this process.
public func isOpen(_ number: Int32) -> Bool { lx_is_open(number) != 0 }

/// The number that the next descriptor gets, found with the help of one that is open. See fcntl(2) F_DUPFD_CLOEXEC.
public func nextDescriptor(beside open: Int32) throws(HostError) -> Int32 {
    Descriptor(owning: try check("fcntl", "descriptor \(open)", lx_dup_cloexec(open, 0))).raw
}

/// The descriptors from 3 through `last` that the caller left open: all that the runtime opens itself is close-on-exec.
///
/// - Throws: ``HostError`` when procfs does not say.
public func inheritedDescriptors(through last: Int64) throws(HostError) -> [Int32] {
    let directory = try open("/proc/self/fd", flags: [.readOnly, .directory])
    let numbers = try entries(of: directory.raw, named: "/proc/self/fd").compactMap { Int32($0.name) }
    return numbers.filter { $0 >= 3 && Int64($0) <= last && lx_is_inherited($0) != 0 }.sorted()
}

/// Closes every descriptor from `first` on. See close_range(2).
public func closeDescriptors(from first: Int32) throws(HostError) {
    try check("close_range", "\(first)..", lx_close_range(UInt32(first), UInt32.max, 0))
}

/// Closes every descriptor but the standard ones and these.
public func closeDescriptors(except kept: [Int32]) throws(HostError) {
    var first: Int32 = 3
    for number in Set(kept).sorted() where number >= first {
        if number > first { try closeDescriptors(from: first, through: number - 1) }
        first = number + 1
    }
    try closeDescriptors(from: first)
}

/// Closes the descriptors from `first` through `last`. See close_range(2).
public func closeDescriptors(from first: Int32, through last: Int32) throws(HostError) {
    try check("close_range", "\(first)..\(last)", lx_close_range(UInt32(first), UInt32(last), 0))
}

/// Makes `copy` the same open file as `descriptor`, kept across exec. See dup2(2).
public func duplicate(_ descriptor: Int32, to copy: Int32) throws(HostError) {
    try check("dup2", "descriptor \(descriptor)", lx_dup3(descriptor, copy))
}

/// Another descriptor for the same open file, at least `least`, close-on-exec. See fcntl(2) F_DUPFD_CLOEXEC.
public func duplicate(_ descriptor: Int32, from least: Int32 = 3) throws(HostError) -> Descriptor {
    Descriptor(owning: try check("fcntl", "descriptor \(descriptor)", lx_dup_cloexec(descriptor, least)))
}
