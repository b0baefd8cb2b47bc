internal import HostSystem

extension Cgroup {
    /// Version 2: makes the controllers available in `directory`. One is there only when every directory above hands it
    /// down.
    ///
    /// All that there are, as other runtimes do it: engines read the figures of a container that has no limit, too.
    /// - Parameters:
    ///   - root: Where the hierarchy is mounted.
    ///   - needed: Those without which a limit could not be set.
    /// - Throws: ``HostSystem/Failure`` that says which of the needed ones cannot be had, and why.
    static func enableControllers(in directory: String, below root: String, needed: Set<String>) throws(Failure) {
        do throws(HostError) {
            let wanted = try names("\(root)/cgroup.controllers")
            if try names("\(directory)/cgroup.controllers").isSuperset(of: wanted) { return }
            var path = root
            for part in directory.dropFirst(root.count).split(separator: "/") {
                try handDown(in: path, needed: needed)
                path += "/\(part)"
            }
        } catch {
            throw Failure("cannot enable the controllers of cgroup \(directory)", cause: error)
        }
    }

    private static func handDown(in directory: String, needed: Set<String>) throws(HostError) {
        let file = "\(directory)/cgroup.subtree_control"
        let missing = try names("\(directory)/cgroup.controllers").subtracting(names(file)).sorted()
        if missing.isEmpty { return }
        do throws(HostError) {
            return try writeControlFile(file, missing.map { "+\($0)" }.joined(separator: " "))
        } catch {
            // A group with processes of its own hands down none, unless it becomes a threaded one: that its children could
            // not be used then is worse than no limits.
            if error.isBusy {
                if needed.isDisjoint(with: missing) { return }
                throw error
            }
            // One that cannot be handed down must not keep back the others.
            for controller in missing {
                do throws(HostError) {
                    try writeControlFile(file, "+\(controller)")
                } catch {
                    if needed.contains(controller) { throw error }
                }
            }
        }
    }

    private static func names(_ path: String) throws(HostError) -> Set<String> {
        Set(try readText(path).split { $0 == " " || $0 == "\n" }.map(String.init))
    }
}
