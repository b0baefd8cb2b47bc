internal import HostSystem

/// The cgroups that a joining process enters: the container's, or some below.
struct ExecCgroups {
    private let directories: [String]
    private let isUnified: Bool
    /// Whether a version 2 cgroup may be replaced by that of process 1.
    private let mayFollow: Bool
    private let containerPID: Int32

    /// - Parameter below: Paths of sub-cgroups by controller; the empty controller stands for all.
    /// - Throws: ``HostSystem/Failure`` in runc's words when a path leads out of the container's cgroup, or no directory
    ///   has the controller.
    init(_ directories: [String], below: [String: String], containerPID: Int32) throws(Failure) {
        var chosen = directories
        isUnified =
            !directories.isEmpty && (try? fileSystemType(at: CgroupLayout.mountRoot)) == FileSystemMagic.cgroup2
        for (controller, path) in below {
            let places = chosen.indices.filter {
                controller.isEmpty || CgroupLayout.controllers(of: directories[$0]).contains(Substring(controller))
            }
            if places.isEmpty && !controller.isEmpty {
                throw Failure("unknown controller \(controller) in SubCgroupPaths")
            }
            for place in places { chosen[place] = directories[place] + (try Self.subPath(path)) }
        }
        self.directories = chosen
        mayFollow = isUnified && below.isEmpty
        self.containerPID = containerPID
    }

    /// `a/../b` is `/b`, `/` is nothing.
    static func subPath(_ path: String) throws(Failure) -> String {
        var parts = [Substring]()
        for part in path.split(separator: "/") where part != "." {
            guard part == ".." else {
                parts.append(part)
                continue
            }
            if parts.popLast() == nil { throw Failure("bad sub cgroup path: \(path) is not a sub cgroup path") }
        }
        return parts.map { "/\($0)" }.joined()
    }

    /// Puts the calling process there.
    func enter() throws(Failure) {
        for directory in directories {
            do throws(HostError) {
                try enter(directory)
            } catch {
                if mayFollow, let other = containersCurrent, (try? enter(other)) != nil { continue }
                throw Failure("error adding pid \(currentProcess()) to cgroups", cause: error)
            }
        }
    }

    private func enter(_ directory: String) throws(HostError) {
        // A thread that moves itself through version 1's `tasks` needs no global lock in the kernel.
        do throws(HostError) {
            try writeControlFile("\(directory)/\(isUnified ? "cgroup.procs" : "tasks")", "0")
        } catch {
            guard error.isNotFound else { throw error }
            // No such cgroup: the error then names the file that runc's names.
            try writeControlFile("\(directory)/cgroup.procs", "0")
        }
    }

    /// Where process 1 is by now: it may have made its cgroup one that takes no processes, or have left it.
    private var containersCurrent: String? {
        guard let text = try? readText("/proc/\(containerPID)/cgroup") else { return nil }
        for line in text.split(separator: "\n") where line.hasPrefix("0::") {
            return CgroupLayout.mountRoot + line.dropFirst(3)
        }
        return nil
    }
}
