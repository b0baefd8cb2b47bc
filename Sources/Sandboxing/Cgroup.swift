public import HostSystem
internal import OCISpec

/// The cgroups of one container: made, limited, joined, emptied and removed.
///
/// See cgroups(7) and config-linux.md "Control groups" of the runtime spec. Works with version 1, with version 2, and
/// with a version 2 tree beside version 1 (hybrid), of which it takes a part only for limits that are to be had there.
public struct Cgroup {
    /// One directory of the container.
    struct Place {
        let directory: String
        /// The controllers that are limited there; none where the host uses version 2 alone, which has them all.
        let controllers: [String]
        /// Whether it is a version 2 directory.
        var isUnified = false
        /// Where its hierarchy is mounted.
        var mountPoint = CgroupLayout.mountRoot
        /// The runtime's own directory there.
        var own = CgroupLayout.mountRoot

        /// Whether it is the hierarchy's root, which is nobody's.
        var isRoot: Bool { directory == mountPoint }
    }

    /// Whether the host uses version 2 alone.
    let isUnified: Bool
    private(set) var places: [Place]
    /// What the container does without where the caller may not make it.
    private(set) var privilege = CgroupPrivilege()
    /// Where the container stays, in the hierarchies in which the caller may make nothing: with the runtime.
    private(set) var inherited: [String] = []
    /// The unit whose cgroup it is, where systemd makes it.
    public internal(set) var unit: SystemdUnit?
    /// The directories that were not there when the cgroups were planned, outermost first.
    public let missing: [String]
    /// The files through which a process places itself.
    let membershipFiles = DescriptorSet()

    /// The directories in which the container's processes are.
    public var directories: [String] { places.map(\.directory) }

    /// Whether the host has cgroups, the container's own or not.
    var hasHierarchies: Bool { !(places.isEmpty && inherited.isEmpty) }

    /// A container without cgroups: where the caller may not make any and asks for no limit.
    static var none: Cgroup { Cgroup(isUnified: false, places: [], missing: []) }

    /// Decides where the container's cgroups are; makes nothing.
    ///
    /// - Parameters:
    ///   - path: `linux.cgroupsPath`; absolute from the mount point, relative to the runtime's own cgroup (with version 2
    ///     the one above that, for a cgroup with processes hands no controllers down), or nil for the runtime's choice:
    ///     `/ID`, and for a caller without privileges, whose part of the tree, if any, is where the caller is, `ID`.
    ///   - resources: What is to be limited.
    ///   - rootless: What the user says about the caller's privileges; nil to find out.
    static func plan(
        path: String?, id: String, resources: Resources = Resources(), rootless: Bool? = nil
    ) throws(HostError) -> Cgroup {
        let layout = try CgroupLayout.detect()
        let named = path.flatMap { $0.isEmpty ? nil : $0 }
        let privilege = CgroupPrivilege(isPathGiven: named != nil, rootless: rootless)
        let wanted = named ?? (privilege.mayOmitCgroups ? id : "/\(id)")
        var places = layout.hierarchies.map { Place(wanted, in: $0, $0.controllers, isUnified: layout.isUnified) }
        if let hybrid = try layout.hybrid(for: resources) {
            places.append(Place(wanted, in: hybrid, hybrid.controllers, isUnified: true))
        }
        return Cgroup(
            isUnified: layout.isUnified, places: places, privilege: privilege,
            missing: places.flatMap { missing($0.directory) })
    }

    private static func missing(_ directory: String) -> [String] {
        guard !exists(directory) else { return [] }
        return (parentPath(directory).map { missing($0) } ?? []) + [directory]
    }

    /// Refuses cgroups that others use: ``destroy(_:missing:)`` ends every process in them and removes all below.
    ///
    /// An empty directory that somebody has made beforehand is taken, and removed with the container.
    func refuseUsed() throws(Failure) {
        for place in places where exists(place.directory) {
            // A process that entered it would never go on.
            let held = ["freezer.state": "FROZEN", "cgroup.freeze": "1"]
            for (file, state) in held where (try? readText("\(place.directory)/\(file)"))?.hasPrefix(state) == true {
                throw Failure("container's cgroup unexpectedly frozen: \(place.directory)")
            }
            do throws(HostError) {
                let processes = try readText("\(place.directory)/cgroup.procs")
                if processes.isEmpty && Self.children(place.directory).isEmpty && !place.isRoot { continue }
            } catch {
                throw Failure("cannot tell whether the container's cgroup is empty", cause: error)
            }
            throw Failure(
                at: "/linux/cgroupsPath",
                "the container's cgroup is not empty: \(place.directory) has processes or cgroups of others")
        }
    }

    /// Makes the cgroups, with what `resources` needs; for a caller without privileges those that it may make.
    ///
    /// When this throws, ``destroy(_:missing:)`` takes back what was made.
    mutating func make(for resources: Resources = Resources()) throws {
        var made = [Place]()
        for place in places {
            do {
                membershipFiles.add(try make(place, for: resources))
                made.append(place)
            } catch {
                guard (error as? HostError)?.isPermission == true, privilege.mayOmitCgroups else { throw error }
                inherited.append(place.own)
                try? removeDirectory(place.directory)
            }
        }
        places = made
    }

    /// Makes one directory; returns the file through which a process enters.
    private func make(_ place: Place, for resources: Resources) throws -> Descriptor {
        try makeDirectories(place.directory, mode: 0o755)
        if place.controllers.contains("cpuset") && !place.isUnified { try Self.inheritCpuset(place.directory) }
        if place.isUnified {
            let needed = Set(settings(for: resources).filter { !$0.isOptional }.map(\.controller))
            try Self.enableControllers(in: place.directory, below: place.mountPoint, needed: needed)
        }
        // A thread that moves itself through version 1's `tasks` needs no global lock in the kernel.
        let file = place.isUnified ? "cgroup.procs" : "tasks"
        return try open("\(place.directory)/\(file)", flags: .writeOnly)
    }

    /// A new version 1 cpuset has no CPUs and takes no process until it has.
    private static func inheritCpuset(_ directory: String) throws(HostError) {
        guard let parent = parentPath(directory), parent != CgroupLayout.mountRoot else { return }
        for file in ["cpuset.cpus", "cpuset.mems"] {
            let path = "\(directory)/\(file)"
            guard try readText(path).allSatisfy(\.isWhitespace) else { continue }
            try inheritCpuset(parent)
            let value = try readText("\(parent)/\(file)")
            try writeControlFile(path, String(value.prefix { !$0.isNewline }))
        }
    }

    /// Puts the calling process into the cgroups; the numbers are ``membershipFiles``, open since before it was made.
    static func enter(_ entries: [Int32]) throws(HostError) {
        for entry in entries { try writeAll([UInt8(ascii: "0")], to: entry, named: "cgroup") }
    }

    /// The directory of a setting's controller; nil where that is not mounted.
    func directory(of setting: Setting) -> String? {
        places.first {
            isUnified || $0.controllers.contains(setting.controller) || (setting.isOfUnifiedMap && $0.isUnified)
        }?.directory
    }

    /// Every process in the container's cgroups and below, as this PID namespace numbers them.
    public static func processes(in directories: [String]) -> [Int32] {
        var found = Set<Int32>()
        for directory in directories { collect(directory, &found) }
        return found.sorted()
    }

    private static func collect(_ path: String, _ found: inout Set<Int32>) {
        if let text = try? readText("\(path)/cgroup.procs") {
            for line in text.split(separator: "\n") { if let pid = Int32(line), pid > 0 { found.insert(pid) } }
        }
        for child in children(path) { collect("\(path)/\(child)", &found) }
    }

    static func children(_ path: String) -> [String] {
        guard let directory = try? open(path, flags: .directory),
            let found = try? entries(of: directory.raw, named: path)
        else { return [] }
        return found.filter(\.isDirectory).map(\.name)
    }

    /// Removes a container's cgroups with all below, killing what is left in them.
    ///
    /// - Parameters:
    ///   - directories: Those in which its processes are.
    ///   - missing: Those that were not there before it; removed if nobody else uses them.
    /// - Throws: ``HostSystem/HostError`` with EBUSY when a process in them does not end within five seconds.
    public static func destroy(_ directories: [String], missing: [String]) throws(HostError) {
        for directory in directories { try destroy(directory, of: directories) }
        for directory in missing.reversed() where !directories.contains(directory) { try? removeDirectory(directory) }
    }

    /// Removes one directory with all below.
    ///
    /// - Parameter directories: All of the container: its processes are in every one, and its freezer in one of them.
    private static func destroy(_ directory: String, of directories: [String]) throws(HostError) {
        for turn in 0... {
            do throws(HostError) {
                return try removeDirectory(directory)
            } catch {
                if error.isNotFound { return }
                guard error.isBusy, turn < 500 else { throw error }
            }
            signalAll(Signal.kill, in: directories, holding: turn > 1)
            CgroupFreezer(in: directories)?.thawAll()
            for child in children(directory) { try destroy("\(directory)/\(child)", of: directories) }
            _ = try waitUntilReadable([], timeout: turn < 20 ? 1 : 10)
        }
    }
}

extension Cgroup.Place {
    /// Where `path` is in one hierarchy.
    init(_ path: String, in hierarchy: CgroupLayout.Hierarchy, _ controllers: [String], isUnified: Bool) {
        func join(_ parts: [Substring]) -> String {
            ([hierarchy.mountPoint] + parts.map(String.init)).joined(separator: "/")
        }
        let own = hierarchy.ownPath.split(separator: "/").filter { $0 != ".." }
        let above = path.hasPrefix("/") ? [] : hierarchy.isUnified ? own.dropLast() : own
        let parts = path.split(separator: "/").filter { $0 != "." && $0 != ".." }
        self.init(
            directory: join(above + parts), controllers: controllers, isUnified: isUnified,
            mountPoint: hierarchy.mountPoint, own: join(own))
    }
}
