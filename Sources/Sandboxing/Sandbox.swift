public import HostSystem
public import LaunchPlanning
public import OCISpec

/// What is to be run in a sandbox, and how the caller wants it.
///
/// A class, because the copying of its many values would be much code.
public final class SandboxRequest {
    /// The container's id.
    public var id: String
    /// What config.json says.
    public var spec: RuntimeSpec
    /// What process 1 becomes.
    public var plan: LaunchPlan
    /// The bundle's absolute path.
    public var bundle: String
    /// The root filesystem's absolute path.
    public var rootPath: String
    /// chroot instead of pivot_root, for a root on an initial ramdisk.
    public var noPivot = false
    /// The container keeps the caller's session keyring.
    public var noNewKeyring = false
    /// The descriptors that the program keeps besides the standard ones.
    public var preservedDescriptors: [Int32] = []
    /// The engine's socket that takes the terminal's master.
    public var consoleSocket: Int32?
    /// Where compiled seccomp filters are kept; nil to compile anew.
    public var filterCache: FilterCache?
    /// Descriptors that a guest's supervisor needs.
    public var guestDescriptors: [Int32] = []
    /// What an external monitor finds in its root; nil for an embedded one.
    public var monitorRoot: MonitorRoot?
    /// What a virtual machine shares with the host; nil for any other guest.
    public var sharedTree: SharedTree?
    /// Whether cgroups that cannot be made are done without; nil to find out whether the caller is root of the host.
    public var rootless: Bool?
    /// systemd makes the cgroups.
    public var systemdCgroup = false
    /// Gets the steps.
    public var timeline: Timeline?

    /// Creates a request with runc's defaults.
    public init(id: String, spec: RuntimeSpec, plan: LaunchPlan, bundle: String, rootPath: String) {
        self.id = id
        self.spec = spec
        self.plan = plan
        self.bundle = bundle
        self.rootPath = rootPath
    }
}

/// A sandbox in the making: its cgroups, and process 1 once there is one.
///
/// One sandbox serves ordinary programs and monitors alike; they differ in the last step only.
public struct Sandbox {
    let settings: SandboxSettings
    private let timeline: Timeline?
    /// The container's cgroups.
    public var cgroup: Cgroup { settings.cgroup }
    /// What config.json asks for and the container does without.
    public let warnings: [String]
    /// Whether the hooks of `create` have begun to run.
    public private(set) var hooksBegan = false

    /// Checks the request; changes nothing on the host.
    ///
    /// - Throws: An error that says what cannot be done.
    public init(_ request: SandboxRequest) throws {
        let isGuest = request.plan.guest != nil
        // A guest never shares a mount namespace.
        let namespaces = try NamespacePlan(
            request.spec.linux?.namespaces ?? [], always: isGuest ? [.mount] : [], leftOut: isGuest ? [.mount] : [])
        if namespaces.new.contains(.user) { request.spec.linux?.mapCaller() }
        // As with runc and crun, a destination may be named as the host sees it.
        let root = request.rootPath + "/"
        for index in request.spec.mounts.indices where request.spec.mounts[index].destination.hasPrefix(root) {
            let path = request.spec.mounts[index].destination.utf8.dropFirst(root.utf8.count - 1)
            request.spec.mounts[index].destination = String(decoding: path, as: UTF8.self)
        }
        let linux = request.spec.linux ?? LinuxSpec()
        let process = request.spec.process ?? Process()
        var identity =
            isGuest
            ? ProcessIdentity(supervisorOf: process)
            : try ProcessIdentity(process, seccomp: linux.seccomp, cache: request.filterCache)
        // podman asks for it so: `--group-add keep-groups`.
        identity.keepsGroups = !isGuest && request.spec.annotations["run.oci.keep_original_groups"] == "1"
        try SpecChecks.check(request.spec, namespaces)
        try UserChecks(user: effectiveUser(), group: effectiveGroup()).check(request.spec, namespaces)
        if let guest = request.plan.guest {
            try SpecChecks.checkGuest(request.spec, namespaces, networkDevices: guest.wiring)
        }
        warnings = Self.warnings(request.spec, identity)
        timeline = request.timeline
        settings = SandboxSettings(
            request, namespaces, try Self.planCgroup(request), identity, ExecutionAttributes(process, linux))
    }

    /// The flags of the container's seccomp filter, as seccomp(2) takes them; nil without a profile.
    public var filterFlags: UInt32? { settings.spec.linux?.seccomp.map { SeccompProgram.flags($0) } }

    private static func warnings(_ spec: RuntimeSpec, _ identity: ProcessIdentity) -> [String] {
        var warnings = [String]()
        if !identity.unknownCapabilities.isEmpty {
            let names = identity.unknownCapabilities.joined(separator: " ")
            warnings.append("ignoring unknown or unavailable capabilities: [\(names)]")
        }
        for name in identity.refusedAmbient {
            warnings.append("can't raise ambient capability \(name): it is not both permitted and inheritable")
        }
        for mount in spec.mounts {
            let options = MountOptions(mount)
            guard options.isBind, !options.data.isEmpty else { continue }
            let names = options.data.joined(separator: ",")
            warnings.append(
                "ignoring options of the mount at \(mount.destination), which a bind mount has not: \(names)")
        }
        if let label = spec.linux?.mountLabel, !label.isEmpty, !SecurityLabels.hasSELinux {
            warnings.append("ignoring linux.mountLabel \"\(label)\": SELinux is not enabled")
        }
        return warnings
    }

    private static func planCgroup(_ request: SandboxRequest) throws -> Cgroup {
        let linux = request.spec.linux ?? LinuxSpec()
        let cgroup: Cgroup
        if request.systemdCgroup {
            let unit = try SystemdUnit(path: linux.cgroupsPath, id: request.id)
            _ = try SystemdUnit.annotated(request.spec.annotations)
            cgroup = try Cgroup.plan(unit: unit)
        } else {
            do throws(HostError) {
                cgroup = try Cgroup.plan(
                    path: linux.cgroupsPath, id: request.id, resources: linux.resources ?? Resources(),
                    rootless: request.rootless)
            } catch {
                // A container without limits can do without cgroups, where a host has none.
                if linux.resources == nil { return .none }
                throw Failure("cannot find this host's cgroups", cause: error)
            }
        }
        try cgroup.refuseUsed()
        if let resources = linux.resources { try cgroup.checkPlaces(for: resources) }
        return cgroup
    }

    /// The path of the network namespace that the container joins, and the number of the file that was found there.
    public var joinedNetwork: (path: String, number: UInt64)? {
        get throws(HostError) {
            guard let joined = settings.namespaces.joined.first(where: { $0.type == .network }) else { return nil }
            return (joined.path, try status(of: joined.descriptor).inode)
        }
    }

    /// Makes the container's cgroups and sets their limits.
    ///
    /// A caller without privileges, who may make none, gets a container without, unless it has limits.
    /// - Throws: An error that says what cannot be made. What was made so far is left to ``Cgroup/destroy(_:missing:)``.
    public mutating func makeCgroups() throws {
        // systemd makes a unit around a process that exists.
        guard settings.cgroup.unit == nil else { return }
        var resources = settings.spec.linux?.resources ?? Resources()
        do {
            try settings.cgroup.make(for: resources)
        } catch {
            throw Failure("unable to apply cgroup configuration", cause: error)
        }
        guard settings.cgroup.hasHierarchies else { return }
        // A container for which nothing is said about devices has those that every container has, as with runc.
        if resources.devices.isEmpty { resources.devices = [DeviceRule(allow: false)] }
        try settings.cgroup.apply(resources)
    }

    /// Whether the container's mounts are made in the caller's own mount namespace, for config.json lists none.
    public var sharesMounts: Bool { !settings.namespaces.isSeparate(.mount) }

    /// Mounts the root directory onto itself, so that all of a container that shares its mounts is below one mount of its
    /// own, which ``unbindRoot(_:)`` detaches.
    public func bindRoot() throws {
        do throws(HostError) {
            let root = try RootSwitch.bindRoot(settings.rootPath)
            try mount(nil, at: descriptorPath(root.raw), flags: [.private, .recursive])
        } catch {
            throw Failure("cannot bind the root filesystem", cause: error)
        }
    }

    /// Takes ``bindRoot()`` back, with all that was mounted below.
    public static func unbindRoot(_ path: String) throws { try detachMount(path) }

    /// Makes process 1 and furnishes its sandbox; when it returns, process 1 waits for `start`.
    ///
    /// - Parameters:
    ///   - listener: Where process 1 waits; the caller's copy may be closed afterwards.
    ///   - known: Called with the pid as soon as there is one.
    ///   - guest: Runs a guest's supervisor, in process 1.
    /// - Throws: The reason process 1 gives, or that of a hook. Process 1 is gone then.
    public mutating func makeProcess(
        listener: Int32, known: (Int32) throws -> Void, guest: (StartConnection) -> Never
    ) throws -> Int32 {
        settings.mappedMounts = try IDMappedMounts(
            settings.spec, settings.bundle, rootPath: settings.rootPath, settings.namespaces,
            isGuest: settings.isGuest && settings.sharedTree == nil)
        settings.preparedDevices = settings.spec.linux.flatMap {
            PreparedDevices($0, settings.namespaces, isGuest: settings.isGuest)
        }
        let pair = try SocketPair()
        let pid = try ProcessCloning(namespaces: settings.namespaces).clone()
        let (ours, theirs) = pair.take()
        if pid == 0 {
            _ = Descriptor(owning: ours)
            ContainerInit(
                settings: settings, channel: InitChannel(socket: Descriptor(owning: theirs)), listener: listener
            )
            .run(guest: guest)
        }
        timeline?.mark("clone")
        _ = Descriptor(owning: theirs)
        settings.cgroup.membershipFiles.close()
        do {
            try known(pid)
            if let unit = settings.cgroup.unit {
                try settings.cgroup.start(unit, pid: pid, id: settings.id, settings.spec)
            }
            try attend(pid, InitChannel(socket: Descriptor(owning: ours)))
            return pid
        } catch {
            endChild(pid)
            throw error
        }
    }

    private mutating func attend(_ pid: Int32, _ channel: consuming InitChannel) throws {
        if settings.namespaces.new.contains(.user) {
            try IDMappings.write(settings.spec.linux ?? LinuxSpec(), for: pid)
        }
        try channel.send(.proceed(pid: pid))
        while true {
            switch try channel.receive() {
            case .ready(let steps):
                timeline?.include(steps)
                return
            case .failed(let reason): throw Failure(reason)
            case .runHooks:
                try NetworkDevices.move(settings.spec.linux?.netDevices ?? [], to: pid)
                try runHooks(pid)
                timeline?.mark("hooks")
                try channel.send(.proceed(pid: pid))
            case .proceed, nil: throw endedEarly(pid)
            }
        }
    }

    private func endedEarly(_ pid: Int32) -> Failure {
        let words = "the container's process ended before it was ready"
        switch try? waitForChild(pid)?.end {
        case .signaled(Signal.kill) where settings.spec.linux?.resources?.memory?.limit ?? 0 > 0:
            return Failure(at: "/linux/resources/memory/limit", "\(words): signal 9: is the limit too low?")
        case .signaled(let signal): return Failure("\(words): signal \(signal)")
        case .exited(let status): return Failure("\(words): exit status \(status)")
        case nil: return Failure("\(words): no status")
        }
    }

    /// Runs the hooks that find the namespaces of process `pid` made and nothing of the container begun.
    public mutating func runHooks(_ pid: Int32) throws(Failure) {
        hooksBegan = !settings.spec.hooks.isEmpty
        let state = ContainerStateDocument(
            ociVersion: settings.spec.ociVersion, id: settings.id, status: .created, pid: pid, bundle: settings.bundle,
            annotations: settings.spec.annotations)
        let runner = HookRunner(state: state)
        try runner.run(settings.spec.hooks.prestart, kind: .prestart)
        try runner.run(settings.spec.hooks.createRuntime, kind: .createRuntime)
    }
}
