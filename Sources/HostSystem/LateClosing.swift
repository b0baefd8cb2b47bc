internal import CLinux

/// Closes files whose end the kernel takes long over, without waiting for it.
///
/// The files go into the queue of a socket, and so does the socket. Once nobody has it any more in another way, the
/// kernel's collector of such circles ends it within milliseconds, on time of its own. A tap takes 15 to 20 ms to be taken
/// apart. What the queue does not take is closed at once. See unix(7), SCM_RIGHTS.
public func closeLater(_ descriptors: [Int32]) {
    guard !descriptors.isEmpty else { return }
    let pair = (try? SocketPair())?.take()
    if let pair {
        // One that does not fit is closed below, as the others are.
        for number in [pair.second] + descriptors { try? sendDescriptor(number, text: " ", over: pair.first) }
    }
    for number in descriptors { _ = Descriptor(owning: number) }
    guard let pair else { return }
    // In this order: the collector begins when a socket goes, and is to find the other one alone.
    _ = Descriptor(owning: pair.second)
    _ = Descriptor(owning: pair.first)
}

/// Copies of another process's descriptors that are open on the file with this path; the caller closes them. None where the
/// caller has no right to them, or the process has ended.
public func copyDescriptors(of path: String, from pidfd: Int32, process: Int32) -> [Int32] {
    let directory = "/proc/\(process)/fd"
    guard let opened = try? open(directory, flags: [.readOnly, .directory]),
        let names = try? entries(of: opened.raw, named: directory)
    else { return [] }
    return names.compactMap { entry in
        guard let number = Int32(entry.name), (try? readLink(entry.name, in: opened.raw)) == path else { return nil }
        let copy = lx_pidfd_copy(pidfd, number)
        return copy < 0 ? nil : copy
    }
}
