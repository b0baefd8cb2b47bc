internal import CLinux

/// A counter that the kernel raises when something happens. See eventfd(2).
public func eventCounter() throws(HostError) -> Descriptor {
    Descriptor(owning: try check("eventfd", "", lx_eventfd()))
}

/// Whether a counter of ``eventCounter()`` was raised since it was last asked. See eventfd(2).
public func takeEvents(_ counter: Int32) throws(HostError) -> Bool {
    try check("read", "eventfd", lx_eventfd_take(counter)) > 0
}

/// Waits until one of `descriptors` can be read, until the kernel has changed the content of the file open as `changing`
/// since it was last read, or until `timeout` milliseconds have passed.
///
/// See poll(2), POLLPRI: files of sysfs and of cgroups tell so. An interruption counts as nothing having happened.
/// - Returns: For each descriptor whether it can be read; whether the file has changed.
public func waitForNotice(
    _ descriptors: [Int32], changing: Int32?, timeout: Int32
) throws(HostError) -> (readable: [Bool], changed: Bool) {
    var polled = descriptors.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
    if let changing { polled.append(pollfd(fd: changing, events: Int16(POLLPRI), revents: 0)) }
    // SAFETY: the array's own count is passed.
    let result = unsafe polled.withUnsafeMutableBufferPointer {
        unsafe lx_poll($0.baseAddress, UInt($0.count), timeout)
    }
    if result == -EINTR { return (descriptors.map { _ in false }, false) }
    try check("poll", "", result)
    let ready = polled.map { $0.revents != 0 }
    return (Array(ready.prefix(descriptors.count)), changing != nil && ready.last == true)
}
