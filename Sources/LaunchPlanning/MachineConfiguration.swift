internal import HostSystem
internal import OCIBundle
internal import OCISpec

/// The config.json of a container as the process 1 of its virtual machine carries it out: with what there is in the
/// machine, and without what is done outside of it.
///
/// See Specs/virtual-machines.md.
struct MachineConfiguration {
    /// The whole document.
    private(set) var json: JSONObject
    /// The numbers of the mounts that are shared with the host.
    private(set) var shared: [Int] = []

    /// File systems that a machine has itself.
    private static let types = ["proc", "sysfs", "devpts", "mqueue", "cgroup", "cgroup2", "tmpfs"]
    /// /dev/null, zero, full, random, urandom; tty, console, ptmx. See the kernel's admin-guide/devices.txt.
    private static let devices: [Int64: [Int64]] = [1: [3, 5, 7, 8, 9], 5: [0, 1, 2]]
    /// Properties of `linux` that are the machine's business.
    private static let properties = ["devices", "sysctl", "maskedPaths", "readonlyPaths", "personality", "timeOffsets"]
    /// Propagation leads nowhere from a machine; ids are mapped outside of it.
    private static let outside = [
        "private", "rprivate", "shared", "rshared", "slave", "rslave", "unbindable", "runbindable", "idmap", "ridmap",
    ]
    private static let ownSharedMemory: JSONValue = [
        "destination": "/dev/shm", "type": "tmpfs", "source": "shm",
        "options": ["nosuid", "noexec", "nodev", "mode=1777"],
    ]

    /// Translates the configuration of `bundle`.
    ///
    /// - Throws: ``OCISpec/SpecError`` for what no machine can have.
    init(_ bundle: borrowing Bundle) throws(SpecError) {
        let (spec, whole) = (bundle.spec, bundle.json)
        try Self.check(spec)
        json = ["ociVersion": .string(spec.ociVersion)]
        json["root"] = ["path": .string(MachinePlan.rootPlace), "readonly": .bool(spec.root?.readonly ?? false)]
        json["process"] = Self.process(whole["process"])
        var mounts: [JSONValue] = []
        for (number, mount) in spec.mounts.enumerated() {
            mounts.append(try translate(mount, number, whole["mounts"]?[number] ?? .null, bundle.path))
        }
        json["mounts"] = .array(mounts)
        json["linux"] = Self.linux(whole["linux"])
        if let hooks = whole["hooks"]?["startContainer"] { json["hooks"] = ["startContainer": hooks] }
    }

    /// Labels are the host's, and so are its processors.
    private static func process(_ process: JSONValue?) -> JSONValue? {
        guard var members = process?.object else { return nil }
        for name in ["apparmorProfile", "selinuxLabel", "execCPUAffinity", "oomScoreAdj"] { members[name] = nil }
        return .object(members)
    }

    /// The machine is the container's: only its processes, mounts and cgroups are apart from the machine's own.
    private static func linux(_ linux: JSONValue?) -> JSONValue {
        var members = JSONObject()
        for name in properties { members[name] = linux?[name] }
        if var seccomp = linux?["seccomp"]?.object {
            for name in ["listenerPath", "listenerMetadata"] { seccomp[name] = nil }
            members["seccomp"] = .object(seccomp)
        }
        if let limit = linux?["resources"]?["pids"] { members["resources"] = ["pids": limit] }
        let given = linux?["namespaces"]?.array?.filter { $0["type"]?.string == "time" } ?? []
        members["namespaces"] = .array([["type": "pid"], ["type": "mount"], ["type": "cgroup"]] + given)
        return .object(members)
    }

    // MARK: mounts

    private mutating func translate(
        _ mount: Mount, _ number: Int, _ whole: JSONValue, _ bundle: String
    ) throws(SpecError) -> JSONValue {
        func refuse(_ reason: String) -> SpecError {
            SpecError(
                pointer: "/mounts/\(number)",
                reason: "a virtual machine cannot be given \(mount.destination): \(reason)", section: "config.md#mounts"
            )
        }
        let destination = pathParts(mount.destination)
        guard mount.isBind else {
            guard let type = mount.type, Self.types.contains(type) else {
                throw refuse("file systems of type \(mount.type ?? "none") are the host's")
            }
            return whole
        }
        // Shared memory of others is in another machine's memory, or in the host's.
        if destination == ["dev", "shm"] { return Self.ownSharedMemory }
        guard destination != ["dev"] else { throw refuse("devices are the host's") }
        let source = mount.sourcePath(bundle: bundle)
        let kind: FileKind
        do throws(HostError) {
            kind = try followedStatus(of: source).kind
        } catch {
            throw refuse("\(error)")
        }
        guard kind == .regular || kind == .directory else {
            throw refuse("\(source) is neither a file nor a directory")
        }
        guard let type = try? fileSystemType(at: source), !FileSystemMagic.kernels.contains(type) else {
            throw refuse("\(source) is the host's kernel's")
        }
        shared.append(number)
        let options = mount.options.filter { !Self.outside.contains($0) }
        return [
            "destination": .string(mount.destination), "type": "bind",
            "source": .string("\(MachinePlan.mountPlace)/\(number)"),
            "options": JSONValue(options.contains { $0 == "bind" || $0 == "rbind" } ? options : ["bind"] + options),
        ]
    }

    // MARK: what cannot be had

    private static func check(_ spec: RuntimeSpec) throws(SpecError) {
        let linux = spec.linux ?? LinuxSpec()
        func refuse(_ pointer: String, _ reason: String, _ section: String) -> SpecError {
            SpecError(pointer: pointer, reason: "a virtual machine \(reason)", section: section)
        }
        guard let processes = linux.namespace(.pid), (processes.path ?? "").isEmpty else {
            throw refuse(
                "/linux/namespaces", "shares processes with nobody: it needs a PID namespace of its own",
                "config-linux.md#namespaces")
        }
        if linux.seccomp?.syscalls.contains(where: { $0.action == .notify }) == true {
            throw refuse("/linux/seccomp", "cannot ask an agent of the host's", "config-linux.md#seccomp")
        }
        for (number, device) in linux.devices.enumerated() where device.type != .fifo {
            guard device.type != .block, devices[device.major]?.contains(device.minor) == true else {
                throw refuse(
                    "/linux/devices/\(number)", "cannot be given \(device.path): devices are the host's",
                    "config-linux.md#devices")
            }
        }
        guard spec.mounts.contains(where: { pathParts($0.destination) == ["dev"] }) else {
            throw refuse("/mounts", "needs a mount at /dev, for nodes cannot be made in its root", "config.md#mounts")
        }
    }
}
