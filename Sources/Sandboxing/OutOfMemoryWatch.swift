public import HostSystem

/// Tells when the kernel had to end a process of a container because its memory limit was reached.
///
/// See the kernel's documents cgroup-v1/memory "OOM Control" and cgroup-v2 "memory.events".
public struct OutOfMemoryWatch: ~Copyable {
    /// The eventfd of version 1, or the open memory.events of version 2.
    private let notice: Descriptor
    private let isUnified: Bool
    private let directory: String
    private var killed: UInt64

    /// Begins to watch.
    ///
    /// - Parameter directories: Those in which the container's processes are, as its record has them.
    /// - Throws: ``HostSystem/Failure`` when the memory controller is not there, or cannot tell.
    public init(of directories: [String]) throws {
        let cgroup = Cgroup(existing: directories)
        guard
            let directory = cgroup.places.first(where: { cgroup.isUnified || $0.controllers.contains("memory") })?
                .directory
        else { throw Failure("memory controller missing") }
        let begun = try Self.begin(directory, isUnified: cgroup.isUnified)
        killed = cgroup.isUnified ? (try? Self.kills(begun)) ?? 0 : 0
        notice = begun
        self.directory = directory
        isUnified = cgroup.isUnified
    }

    private static func begin(_ directory: String, isUnified: Bool) throws(Failure) -> Descriptor {
        do throws(HostError) {
            return try isUnified ? open("\(directory)/memory.events", flags: .readOnly) : register(directory)
        } catch {
            throw Failure("cannot watch for a lack of memory", cause: error)
        }
    }

    /// Version 1 raises a counter; the kernel holds what it was told about as long as the counter is open.
    private static func register(_ directory: String) throws(HostError) -> Descriptor {
        let counter = try eventCounter()
        let subject = try open("\(directory)/memory.oom_control", flags: .readOnly)
        try writeControlFile("\(directory)/cgroup.event_control", "\(counter.raw) \(subject.raw)")
        return counter
    }

    private static func kills(_ events: borrowing Descriptor) throws(HostError) -> UInt64 {
        let bytes = try read(events.raw, named: "memory.events", at: 0, count: 4096)
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") where line.hasPrefix("oom_kill ") {
            return UInt64(line.dropFirst(9)) ?? 0
        }
        return 0
    }

    /// Waits until memory was lacking, one of `descriptors` can be read, or `timeout` milliseconds have passed.
    ///
    /// - Returns: Whether memory was lacking, and for each descriptor whether it can be read.
    public mutating func wait(_ descriptors: [Int32], timeout: Int32) throws(HostError) -> (lacked: Bool, [Bool]) {
        let others = isUnified ? descriptors : descriptors + [notice.raw]
        let (readable, _) = try waitForNotice(others, changing: isUnified ? notice.raw : nil, timeout: timeout)
        return (try hasHappened(), Array(readable.prefix(descriptors.count)))
    }

    private mutating func hasHappened() throws(HostError) -> Bool {
        guard isUnified else {
            // The end of the cgroup raises the counter as well.
            return try takeEvents(notice.raw) && exists("\(directory)/cgroup.event_control")
        }
        // A cgroup that is gone has nothing to read.
        guard let now = try? Self.kills(notice), now > killed else { return false }
        killed = now
        return true
    }
}
