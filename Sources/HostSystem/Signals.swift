internal import CLinux

/// Lets every signal that ends a process end this one with 128 plus its number, process 1 of a PID namespace too.
///
/// See signal(7) and pid_namespaces(7): process 1 gets no signal whose action is the default one.
public func exitOnSignals() { lx_exit_on_signals() }

/// A signal in words, in lower case as Go writes it: `killed`. See sigdescr_np(3).
public func signalText(_ signal: Int32) -> String {
    // SAFETY: the text is a constant of the C library, or NULL.
    guard let text = unsafe lx_signal_text(signal) else { return "signal \(signal)" }
    return unsafe String(cString: text).lowercased()
}

/// Sets every signal to its default action and unblocks all. See sigaction(2).
public func resetSignals() { lx_reset_signals() }

/// A descriptor from which this process's signals are read, all of them blocked from now on.
public struct SignalQueue: ~Copyable {
    /// The signalfd, to wait on with poll(2).
    public let descriptor: Descriptor

    /// Blocks all signals and opens the queue. See sigprocmask(2), signalfd(2).
    public init() throws(HostError) {
        try check("sigprocmask", "", lx_block_signals())
        descriptor = Descriptor(owning: try check("signalfd", "", lx_signalfd()))
    }

    /// The next signal's number; nil when none waits.
    public func next() throws(HostError) -> Int32? {
        let signal = lx_next_signal(descriptor.raw)
        if signal == -EAGAIN { return nil }
        return try check("read", "signalfd", signal)
    }
}

/// Waits until one of `descriptors` can be read, or `timeout` milliseconds have passed (-1: for ever).
///
/// See poll(2). An interruption counts as nothing being ready.
/// - Returns: For each descriptor whether it can be read or has been closed by its other end.
public func waitUntilReadable(_ descriptors: [Int32], timeout: Int32 = -1) throws(HostError) -> [Bool] {
    try waitForNotice(descriptors, changing: nil, timeout: timeout).readable
}

/// Gives back memory that can be had again: the allocator's free pages, and the program's text, which is in its file.
///
/// Each page of text that is needed afterwards costs a page fault. See malloc_trim(3), madvise(2) MADV_DONTNEED.
public func giveMemoryBack() { lx_give_memory_back() }

/// Waits until `descriptor` can be read, for processes that live long and do little.
///
/// Meanwhile memory that is not needed is given back: the allocator's, and the pages of the program's text. See poll(2)
/// and ``giveMemoryBack()``.
public func waitIdle(for descriptor: Int32) throws(HostError) {
    try check("poll", "", lx_wait_idle(descriptor))
}
