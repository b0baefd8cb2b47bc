public import HostSystem

/// The cgroups of one container: made, limited, joined, emptied and removed.
///
/// See cgroups(7) and config-linux.md "Control groups" of the runtime spec. Works with version 1 (also when a version 2
/// tree is mounted beside it) and with version 2.
public struct Cgroup {
    /// One directory of the container, with the controllers that are limited there; none for version 2.
    struct Place {
        let directory: String
        let controllers: [String]
    }

    let isUnified: Bool
    let places: [Place]
    /// The directories that were made, outermost first.
    public let made: [String]
    /// The files through which a process places itself.
    let membershipFiles: DescriptorSet

    /// The directories in which the container's processes are.
    public var directories: [String] { places.map(\.directory) }

    /// Makes the container's cgroups.
    ///
    /// - Parameter path: `linux.cgroupsPath`; absolute from the mount point, relative to the runtime's own cgroup, or
    ///   nil for `/ID`.
    /// - Parameter recorded: Called with the directories before each is made, so that a crash leaves none unknown.
    /// - Throws: ``HostSystem/HostError``; what was made is removed again.
    static func make(path: String?, id: String) throws -> Cgroup {
        let layout = try CgroupLayout.detect()
        var made = [String]()
        var places = [Place]()
        let files = DescriptorSet()
        do {
            for hierarchy in layout.hierarchies {
                let directory = place(path ?? "/\(id)", in: hierarchy)
                made += try makeDirectories(directory, mode: 0o755)
                places.append(Place(directory: directory, controllers: hierarchy.controllers))
                if hierarchy.controllers.contains("cpuset") { try inheritCpuset(directory, from: hierarchy.mountPoint) }
                if layout.isUnified { try enableControllers(directory) }
                // A thread that moves itself through version 1's `tasks` needs no global lock in the kernel.
                let entry = layout.isUnified ? "cgroup.procs" : "tasks"
                files.add(try open("\(directory)/\(entry)", flags: .writeOnly))
            }
        } catch {
            remove(made.reversed())
            throw error
        }
        return Cgroup(isUnified: layout.isUnified, places: places, made: made, membershipFiles: files)
    }

    /// A container without cgroups: where the caller may not make any and asks for no limit.
    static var none: Cgroup { Cgroup(isUnified: false, places: [], made: [], membershipFiles: DescriptorSet()) }

    private static func place(_ path: String, in hierarchy: CgroupLayout.Hierarchy) -> String {
        let parts = path.split(separator: "/").filter { $0 != "." && $0 != ".." }
        let own = path.hasPrefix("/") ? [] : hierarchy.ownPath.split(separator: "/").filter { $0 != ".." }
        return ([hierarchy.mountPoint] + (own + parts).map(String.init)).joined(separator: "/")
    }

    /// A new version 1 cpuset has no CPUs and takes no process until it has.
    private static func inheritCpuset(_ directory: String, from top: String) throws(HostError) {
        guard directory != top, let parent = parentPath(directory) else { return }
        for file in ["cpuset.cpus", "cpuset.mems"] {
            let path = "\(directory)/\(file)"
            guard try readText(path).allSatisfy(\.isWhitespace) else { continue }
            try inheritCpuset(parent, from: top)
            let value = try readText("\(parent)/\(file)")
            try writeControlFile(path, String(value.prefix { !$0.isNewline }))
        }
    }

    /// Version 2: a controller is there only when every directory above hands it down.
    private static func enableControllers(_ directory: String) throws(HostError) {
        var path = CgroupLayout.mountRoot
        for part in directory.dropFirst(CgroupLayout.mountRoot.count).split(separator: "/") {
            let available = try readText("\(path)/cgroup.controllers").split { $0 == " " || $0 == "\n" }
            // One by one: a controller that cannot be handed down must not keep back the others.
            for controller in available { try? writeControlFile("\(path)/cgroup.subtree_control", "+\(controller)") }
            path += "/\(part)"
        }
    }

    /// Puts the calling process into the cgroups; the numbers are ``membershipFiles``, open since before it was made.
    static func enter(_ entries: [Int32]) throws(HostError) {
        for entry in entries { try writeAll([UInt8(ascii: "0")], to: entry, named: "cgroup") }
    }

    /// The directory whose controller is `controller`; for version 2 the only one.
    func directory(of controller: String) -> String? {
        places.first { isUnified || $0.controllers.contains(controller) }?.directory
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

    private static func children(_ path: String) -> [String] {
        guard let directory = try? open(path, flags: .directory),
            let names = try? entries(of: directory.raw, named: path)
        else { return [] }
        return names.filter { (try? status(of: $0, in: directory.raw).kind) == .directory }
    }

    /// Removes empty cgroups in the given order, innermost first; one that is busy or gone already is left.
    public static func remove(_ directories: some Sequence<String>) {
        for directory in directories { try? removeDirectory(directory) }
    }

    /// Removes a container's cgroups with all below, killing what is left in them.
    ///
    /// - Throws: ``HostSystem/HostError`` with EBUSY when a process in them does not end within five seconds.
    public static func destroy(_ directories: [String], made: [String]) throws(HostError) {
        for directory in directories {
            var tries = 0
            while true {
                do throws(HostError) {
                    for child in children(directory) { try destroy(["\(directory)/\(child)"], made: []) }
                    try removeDirectory(directory)
                    break
                } catch {
                    if error.isNotFound { break }
                    guard error.isBusy, tries < 500 else { throw error }
                }
                for pid in processes(in: [directory]) { try? sendSignal(Signal.kill, to: pid) }
                tries += 1
                _ = try waitUntilReadable([], timeout: tries < 20 ? 1 : 10)
            }
        }
        remove(made.reversed())
    }
}
