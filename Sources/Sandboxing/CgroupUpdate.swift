internal import HostSystem
public import OCISpec

extension Cgroup {
    /// The cgroups of a container that exists.
    ///
    /// - Parameter directories: Those in which its processes are, as its record has them.
    public init(existing directories: [String]) {
        let isUnified = directories.count == 1 && directories.contains(where: CgroupLayout.isUnified)
        let places = directories.map { directory in
            let name = CgroupLayout.controllers(of: directory).map(String.init)
            // Beside version 1 (hybrid) the version 2 tree has the controllers that it is given.
            guard name == ["unified"], CgroupLayout.isUnified(directory) else {
                return Place(directory: directory, controllers: name, isUnified: isUnified)
            }
            let bound = (try? readText("\(directory)/cgroup.controllers")) ?? ""
            return Place(
                directory: directory, controllers: bound.split(whereSeparator: \.isWhitespace).map(String.init),
                isUnified: true)
        }
        self.init(isUnified: isUnified, places: places, missing: [])
    }

    /// Changes limits of a container that runs; what `resources` does not say stays as it is.
    ///
    /// Rules about devices are passed over, like by runc: what may be used is decided when a container is made. When one
    /// limit cannot be set, those that were set before it are taken back.
    /// - Throws: ``HostSystem/Failure`` in runc's words where it has any; ``OCISpec/SpecError`` for a property that the
    ///   host's version of cgroups has no place for.
    public func update(_ resources: Resources) throws {
        var changes = resources
        changes.devices = []
        // Nothing could be run in a cgroup without any process, and systemd knows no such limit.
        if changes.pids?.limit == 0 { changes.pids?.limit = 1 }
        // No limit on memory is none on both, as with runc.
        if let limit = changes.memory?.limit, limit < 0, changes.memory?.swap ?? 0 == 0 { changes.memory?.swap = -1 }
        if isUnified { try complete(&changes) }
        try checkPlaces(for: changes)
        let before = values(of: changes)
        do {
            try apply(changes)
        } catch {
            for (path, value) in before.reversed() { try? writeControlFile(path, value) }
            throw explained(error, changes)
        }
    }

    /// What version 2 has in one file or counts together must be said together: the missing half is the present value.
    private func complete(_ changes: inout Resources) throws(Failure) {
        if var cpu = changes.cpu, cpu.period ?? 0 != 0, cpu.quota ?? 0 == 0 {
            cpu.quota = limit("cpu.max")
            changes.cpu = cpu
        }
        guard var memory = changes.memory, memory.swap ?? 0 > 0, memory.limit ?? 0 == 0 else { return }
        guard let present = limit("memory.max"), present > 0 else {
            throw Failure("unable to set swap limit without memory limit")
        }
        memory.limit = present
        changes.memory = memory
    }

    /// The first number in a file of the only directory; -1 for `max`, nil where there is no such file.
    private func limit(_ file: String) -> Int64? {
        guard let directory = places.first?.directory, let text = try? readText("\(directory)/\(file)") else {
            return nil
        }
        let word = text.prefix { !$0.isWhitespace }
        return word == "max" ? -1 : Int64(word)
    }

    /// Version 2 ends processes until a limit holds that is too low; version 1 refuses it by itself.
    ///
    /// See config-linux.md "Memory" of the runtime spec, checkBeforeUpdate.
    /// - Throws: ``HostSystem/Failure`` in runc's words.
    func checkUsage(_ changes: Resources) throws(Failure) {
        guard isUnified, let memory = changes.memory, memory.checkBeforeUpdate == true,
            let usage = limit("memory.current")
        else { return }
        if let swap = memory.swap, swap > 0, swap <= usage {
            throw Failure("rejecting memory+swap limit \(swap) <= usage \(usage)")
        }
        if let limit = memory.limit, limit > 0, limit <= usage {
            throw Failure("rejecting memory limit \(limit) <= usage \(usage)")
        }
    }

    /// The present values of what will be written, as far as they can be written back: not those by device.
    private func values(of changes: Resources) -> [(path: String, value: String)] {
        settings(for: changes).compactMap { setting in
            guard let directory = directory(of: setting), !setting.value.contains(":") else { return nil }
            let path = "\(directory)/\(setting.file)"
            guard let text = try? readText(path), !text.contains(":") else { return nil }
            return (path, String(text.prefix { $0 != "\n" }))
        }
    }

    /// The kernel's refusal of a memory limit, with what it refuses to say.
    private func explained(_ error: Failure, _ changes: Resources) -> Failure {
        guard let cause = error.cause as? HostError, let wanted = changes.memory?.limit, wanted > 0, !isUnified,
            let directory = places.first(where: { $0.controllers.contains("memory") })?.directory
        else { return error }
        func number(_ file: String) -> Int64 {
            (try? readText("\(directory)/\(file)")).flatMap { Int64($0.prefix { $0 != "\n" }) } ?? 0
        }
        if cause.isBusy {
            let usage = number("memory.usage_in_bytes")
            let peak = number("memory.max_usage_in_bytes")
            return Failure("unable to set memory limit to \(wanted) (current usage: \(usage), peak usage: \(peak))")
        }
        let total = number("memory.memsw.limit_in_bytes")
        if cause.isInvalid, changes.memory?.swap ?? 0 == 0, total > 0, wanted > total {
            return Failure(
                "unable to set memory limit to \(wanted), above the limit of \(total) on memory and swap: set both")
        }
        return error
    }
}
