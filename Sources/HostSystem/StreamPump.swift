internal import CLinux

/// A child process that passes bytes on from one descriptor to another and does nothing but wait for either.
///
/// It ends with what it reads from, or with its parent. When what it writes to has gone, it goes on reading: nobody is to
/// wait for a reader that will not come.
public enum StreamPump {
    /// What becomes of the bytes. In a frame they follow their number, four bytes with the lowest first; an empty frame
    /// is the end.
    public enum Form {
        /// They are passed on as they are.
        case plain
        /// They are put into frames.
        case intoFrames
        /// They are taken out of frames.
        case outOfFrames
    }

    /// Starts the process; returns its pid.
    public static func start(from source: Int32, to target: Int32, _ form: Form = .plain) throws(HostError) -> Int32 {
        let parent = currentProcess()
        let child = try cloneProcess(namespaces: 0)
        guard child == 0 else { return child }
        do throws(HostError) {
            try endWithParent(parent)
            let (from, to) = (try duplicate(source).release(), try duplicate(target).release())
            try duplicate(from, to: 0)
            try duplicate(to, to: 1)
            try closeDescriptors(from: 2)
        } catch {
            exitNow(1)
        }
        switch form {
        case .plain, .intoFrames: passOn(form)
        case .outOfFrames: takeOut()
        }
        exitNow(0)
    }

    private static func passOn(_ form: Form) {
        var isOpen = true
        while let bytes = try? readSome(0, named: "stream"), !bytes.isEmpty {
            let framed = form == .intoFrames ? machineBytes(UInt32(bytes.count)) + bytes : bytes
            if isOpen { isOpen = (try? writeAll(framed, to: 1, named: "stream")) != nil }
        }
        if form == .intoFrames, isOpen { try? writeAll(machineBytes(UInt32(0)), to: 1, named: "stream") }
    }

    private static func takeOut() {
        var (isOpen, left) = (true, 0)
        var head: [UInt8] = []
        while let bytes = try? readSome(0, named: "stream"), !bytes.isEmpty {
            var rest = bytes[...]
            while !rest.isEmpty {
                if left > 0 {
                    let part = rest.prefix(left)
                    if isOpen { isOpen = (try? writeAll(Array(part), to: 1, named: "stream")) != nil }
                    left -= part.count
                    rest = rest.dropFirst(part.count)
                    continue
                }
                head.append(rest.removeFirst())
                guard head.count == 4, let count = head.machineNumber(UInt32.self, at: 0) else { continue }
                head = []
                left = Int(count)
                if left == 0 { return }
            }
        }
    }
}

/// Makes a pipe, close-on-exec. See pipe2(2).
public func makePipe() throws(HostError) -> (reading: Int32, writing: Int32) {
    var pair: (Int32, Int32) = (-1, -1)
    // SAFETY: a tuple of two Int32 has the layout of int[2].
    let result = unsafe withUnsafeMutableBytes(of: &pair) {
        unsafe lx_pipe($0.assumingMemoryBound(to: Int32.self).baseAddress)
    }
    try check("pipe2", "", result)
    return pair
}

/// Writes everything to its file systems. See sync(2).
public func synchronise() { lx_sync() }
