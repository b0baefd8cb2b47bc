public import HostSystem

/// The freezer of a container's cgroups: it holds every process where it is, and lets all go on.
///
/// See the kernel's documents cgroup-v1/freezer-subsystem and cgroup-v2 "cgroup.freeze".
public struct CgroupFreezer: Equatable, Sendable {
    /// The directory that has it.
    public let directory: String
    /// Whether it is version 2's.
    public let isUnified: Bool

    /// How long freezing may take, in nanoseconds.
    private static let patience: Int64 = 10_000_000_000

    /// The freezer among a container's cgroup directories; nil where there is none.
    public init?(in directories: [String]) {
        if let directory = directories.first(where: { CgroupLayout.controllers(of: $0).contains("freezer") }) {
            self.init(directory: directory, isUnified: false)
        } else if directories.count == 1, let only = directories.first, CgroupLayout.isUnified(only) {
            self.init(directory: only, isUnified: true)
        } else {
            return nil
        }
    }

    init(directory: String, isUnified: Bool) {
        self.directory = directory
        self.isUnified = isUnified
    }

    /// Whether the container itself is held or about to be; not whether a cgroup above it is.
    public var isFrozen: Bool {
        let file = isUnified ? "cgroup.freeze" : "freezer.self_freezing"
        return (try? readText("\(directory)/\(file)"))?.utf8.first == UInt8(ascii: "1")
    }

    /// Holds every process; returns when all are held.
    ///
    /// - Throws: ``HostSystem/Failure`` when that does not come about within ten seconds; nothing is held then.
    public func freeze() throws(Failure) {
        do throws(HostError) {
            if try isUnified ? freezeUnified() : freezeLegacy(patience: Self.patience) { return }
        } catch {
            thaw()
            throw Failure("unable to freeze", cause: error)
        }
        thaw()
        throw Failure("unable to freeze: processes of \(directory) do not stop")
    }

    /// Holds as many processes as can be held in a moment, so that they cannot fork while they are being signalled.
    func freezeBriefly() {
        if isUnified {
            try? writeControlFile("\(directory)/cgroup.freeze", "1")
        } else {
            _ = try? freezeLegacy(patience: 20_000_000)
        }
    }

    /// Lets all processes go on; nothing happens when they are not held or the cgroup is gone.
    public func thaw() {
        let (file, value) = isUnified ? ("cgroup.freeze", "0") : ("freezer.state", "THAWED")
        try? writeControlFile("\(directory)/\(file)", value)
    }

    /// Lets all processes go on, those too that the container has frozen in cgroups of its own: what version 1 holds does
    /// not end, and process 1 of a PID namespace does not end before the others.
    public func thawAll() {
        thaw()
        for child in Cgroup.children(directory) {
            CgroupFreezer(directory: "\(directory)/\(child)", isUnified: isUnified).thawAll()
        }
    }

    private func freezeUnified() throws(HostError) -> Bool {
        try writeControlFile("\(directory)/cgroup.freeze", "1")
        let deadline = monotonicNanoseconds() + Self.patience
        while try !hasEvent("frozen") {
            guard monotonicNanoseconds() < deadline else { return false }
            try Self.rest(1)
        }
        return true
    }

    private func hasEvent(_ name: String) throws(HostError) -> Bool {
        try readText("\(directory)/cgroup.events").split(separator: "\n").contains("\(name) 1")
    }

    /// Version 1 may stay at FREEZING for good while processes keep coming: it has to be told again, and in between to
    /// let all go on for a moment.
    private func freezeLegacy(patience: Int64) throws(HostError) -> Bool {
        let path = "\(directory)/freezer.state"
        let deadline = monotonicNanoseconds() + patience
        var turn = 0
        while true {
            try writeControlFile(path, "FROZEN")
            if try readText(path).hasPrefix("FROZEN") { return true }
            guard monotonicNanoseconds() < deadline else { return false }
            turn += 1
            if turn % 50 == 0 {
                try writeControlFile(path, "THAWED")
                try Self.rest(10)
            } else if turn % 10 == 0 {
                try Self.rest(1)
            }
        }
    }

    private static func rest(_ milliseconds: Int32) throws(HostError) {
        _ = try waitUntilReadable([], timeout: milliseconds)
    }
}
