import HostSystem
import OCISpec
import Testing

private func decode(_ text: String) throws -> RuntimeSpec {
    try RuntimeSpec.decode(parseJSON(Array(text.utf8), named: "config.json"))
}

@Suite struct RuntimeSpecTests {
    @Test func decodesWhatRuncSpecWrites() throws {
        let spec = try decode(runcSpec)
        #expect(spec.ociVersion == "1.0.2-dev")
        #expect(spec.hostname == "runc")
        #expect(spec.root == root("rootfs", readonly: true))
        let process = try #require(spec.process)
        #expect(process.terminal)
        #expect(process.user == User(uid: 0, gid: 0))
        #expect(process.args == ["sh"])
        #expect(process.env.last == "TERM=xterm")
        #expect(process.cwd == "/")
        #expect(process.capabilities?.bounding == ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"])
        #expect(process.capabilities?.inheritable == [])
        #expect(process.rlimits == [Rlimit(type: .openFiles, soft: 1024, hard: 1024)])
        #expect(process.noNewPrivileges)
        #expect(process.oomScoreAdj == nil)
        #expect(spec.mounts.map(\.destination) == ["/proc", "/dev"])
        #expect(spec.mounts[0] == Mount(destination: "/proc", type: "proc", source: "proc"))
        #expect(spec.mounts[1].options == ["nosuid", "strictatime", "mode=755", "size=65536k"])
        #expect(spec.hooks.isEmpty)
        let linux = try #require(spec.linux)
        #expect(linux.namespaces.map(\.type) == [.pid, .network, .ipc, .uts, .mount])
        #expect(linux.namespace(.pid)?.path == nil)
        #expect(linux.namespace(.user) == nil)
        #expect(linux.resources?.devices == [DeviceRule(allow: false, access: "rwm")])
        #expect(linux.maskedPaths == ["/proc/acpi", "/proc/kcore"])
        #expect(linux.readonlyPaths == ["/proc/bus", "/proc/sys"])
    }

    @Test func decodesAPodmanLikeDocument() throws {
        let spec = try decode(podmanLike.text(indented: true))
        let linux = try #require(spec.linux)
        let seccomp = try #require(linux.seccomp)
        #expect(seccomp.defaultAction == .errno)
        #expect(seccomp.defaultErrnoRet == 38)
        #expect(seccomp.architectures == [.x86_64, .x86, .x32])
        #expect(seccomp.syscalls.count == 41)
        #expect(seccomp.syscalls[7].names == (0..<20).map { "call_7_\($0)" })
        #expect(seccomp.syscalls[7].errnoRet == nil)
        #expect(
            seccomp.syscalls[40].args == [
                SeccompArgument(index: 1, value: 0xFFFF_FFFF_FFFF_FFFF, valueTwo: 8, op: .maskedEqual)
            ])
        #expect(spec.mounts.count == 60)
        #expect(spec.annotations.entries.count == 60)
        #expect(spec.annotations["io.example.key.59"] == "value 59")
        #expect(spec.annotations["io.example.key.60"] == nil)
        #expect(linux.cgroupsPath == "machine.slice:libpod:0123")
        #expect(linux.rootfsPropagation == .rslave)
        #expect(spec.hooks[.poststop].map(\.timeout) == [10])
    }

    @Test func decodesEveryProcessProperty() throws {
        let process = try #require(try decode(#"{"ociVersion":"1.3.0","process":\#(fullProcess)}"#).process)
        #expect(process.consoleSize == ConsoleSize(height: 25, width: 80))
        #expect(process.user.umask == 0o27)
        #expect(process.user.additionalGids == [5, 4_294_967_295])
        #expect(process.rlimits[0].hard == .max)
        #expect(process.apparmorProfile == "profile")
        #expect(process.oomScoreAdj == -500)
        #expect(process.selinuxLabel == "label")
        #expect(process.ioPriority == IOPriority(class: .idle, priority: 7))
        #expect(process.execCPUAffinity?.initial == "0-1")
        #expect(process.execCPUAffinity?.final == "2")
        let scheduler = try #require(process.scheduler)
        #expect(scheduler.policy == .deadline)
        #expect(scheduler.flags == [.reclaim, .resetOnFork])
        #expect([scheduler.runtime, scheduler.deadline, scheduler.period] == [1, 2, 3])
        #expect(scheduler.nice == -20)
    }

    @Test func decodesEveryResource() throws {
        let text = #"{"ociVersion":"1.3.0","linux":{"resources":\#(fullResources)}}"#
        let resources = try #require(try decode(text).linux?.resources)
        #expect(resources.devices[0].major == 1)
        #expect(resources.devices[0].minor == nil)
        #expect(resources.devices[0].type == .character)
        let memory = try #require(resources.memory)
        #expect([memory.limit, memory.reservation, memory.swap, memory.kernel, memory.kernelTCP] == [-1, 2, 3, 4, 5])
        #expect(memory.swappiness == 60)
        #expect([memory.disableOOMKiller, memory.useHierarchy, memory.checkBeforeUpdate] == [true, false, true])
        let cpu = try #require(resources.cpu)
        #expect([cpu.shares, cpu.burst, cpu.period, cpu.realtimePeriod] == [.max, 2, 3, 4])
        #expect([cpu.quota, cpu.realtimeRuntime, cpu.idle] == [-1, 5, 1])
        #expect([cpu.cpus, cpu.mems] == ["0-3", "0"])
        #expect(resources.pids?.limit == 100)
        let blockIO = try #require(resources.blockIO)
        #expect(blockIO.weight == 500)
        #expect(blockIO.leafWeight == 10)
        #expect(blockIO.weightDevice == [WeightDevice(major: 8, minor: 0, weight: 300)])
        #expect(blockIO.throttleReadBpsDevice == [ThrottleDevice(major: 8, minor: 1, rate: 11)])
        #expect(blockIO.throttleWriteBpsDevice == [ThrottleDevice(major: 8, minor: 2, rate: 12)])
        #expect(blockIO.throttleReadIOPSDevice == [ThrottleDevice(major: 8, minor: 3, rate: 13)])
        #expect(blockIO.throttleWriteIOPSDevice == [ThrottleDevice(major: 8, minor: 4, rate: 14)])
        #expect(resources.hugepageLimits == [HugepageLimit(pageSize: "2MB", limit: 9_223_372_036_854_772_000)])
        #expect(resources.network?.classID == 1_048_577)
        #expect(resources.network?.priorities == [InterfacePriority(name: "eth0", priority: 500)])
        #expect(resources.rdma == [RDMALimit(device: "mlx5_1", hcaHandles: 3, hcaObjects: nil)])
        #expect(resources.unified["hugetlb.1GB.max"] == "1073741824")
    }

    @Test func decodesTheRestOfLinux() throws {
        let linux = try #require(try decode(#"{"ociVersion":"1.3.0","linux":\#(fullLinux)}"#).linux)
        #expect(linux.uidMappings == [IDMapping(containerID: 0, hostID: 100_000, size: 65536)])
        #expect(linux.gidMappings == [IDMapping(containerID: 0, hostID: 200_000, size: 1)])
        #expect(linux.sysctl == ["net.ipv4.ip_forward": "1", "kernel.msgmax": ""])
        #expect(linux.namespaces == [Namespace(type: .time), Namespace(type: .user, path: "/proc/1/ns/user")])
        #expect(linux.devices[0].fileMode == 0o666)
        #expect(linux.devices[0].uid == 7)
        #expect(linux.devices[0].gid == 8)
        #expect(linux.devices[1] == DeviceNode(path: "/run/pipe", type: .fifo, major: 0, minor: 0))
        #expect(linux.netDevices == [NetDevice(hostName: "eth0", name: "net0"), NetDevice(hostName: "eth1")])
        #expect(linux.intelRdt?.closID == "guaranteed")
        #expect(linux.intelRdt?.schemata == ["L3:0=7f0", "MB:0=20"])
        #expect(linux.intelRdt?.l3CacheSchema == "L3:0=f")
        #expect(linux.intelRdt?.memBwSchema == "MB:0=20")
        #expect(linux.intelRdt?.enableMonitoring == true)
        #expect(linux.memoryPolicy?.mode == .weightedInterleave)
        #expect(linux.memoryPolicy?.nodeNumbers == [0, 1, 2, 3])
        #expect(linux.memoryPolicy?.flags == [.staticNodes])
        #expect(linux.personality?.domain == .linux32)
        #expect(
            linux.timeOffsets == [
                TimeOffset(clock: .monotonic, secs: 172_800), TimeOffset(clock: .boottime, secs: -1, nanosecs: 5),
            ])
        #expect(linux.mountLabel == "label")
        #expect(linux.seccomp?.flags == [.log, .waitKillable])
        #expect(linux.seccomp?.listenerPath == "/run/agent.sock")
        #expect(linux.seccomp?.listenerMetadata == "data")
        #expect(linux.seccomp?.syscalls[0].errnoRet == 4)
    }

    @Test(arguments: ["hwConfig", "hwconfig"])
    func decodesAVirtualMachineWithEitherSpelling(hardware: String) throws {
        let vm = try #require(try decode(vmDocument.replacing("HARDWARE", with: hardware)).vm)
        #expect(vm.hypervisor?.path == "/usr/bin/vmm")
        #expect(vm.hypervisor?.parameters == ["opts1=foo"])
        #expect(vm.kernel.path == "/boot/vmlinuz")
        #expect(vm.kernel.parameters == ["hello world"])
        #expect(vm.kernel.initrd == "/boot/initrd")
        #expect(vm.image?.format == .qcow2)
        #expect(vm.hwConfig?.vcpus == 2)
        #expect(vm.hwConfig?.memory == 4_194_304)
        #expect(vm.hwConfig?.deviceTree == "/d.dtb")
        #expect(vm.hwConfig?.dtdevs == ["node"])
        #expect(vm.hwConfig?.iomems == [VirtualMachineSpec.IOMemory(firstMFN: 12288, nrMFNs: 1)])
        #expect(vm.hwConfig?.irqs == [11])
    }

    @Test func treatsNullAndEmptyStringsAsAbsentAndIgnoresUnknownProperties() throws {
        let spec = try decode(
            #"{"ociVersion":"1.2.0","process":null,"hostname":"","mounts":null,"annotations":{"a":null,"b":""},"x":[1]}"#
        )
        #expect(spec.process == nil)
        #expect(spec.hostname == nil)
        #expect(spec.mounts.isEmpty)
        #expect(spec.annotations == ["b": ""])
    }

    @Test(arguments: ["1.0.0", "1.2.1", "1.3.0+dev", "1.0.2-dev", "1.0.0-rc.5", "1.0.0-alpha-x.7z.92+b.01"])
    func acceptsVersionOne(version: String) throws {
        #expect(try decode(#"{"ociVersion":"\#(version)"}"#).ociVersion == version)
    }

    @Test func decodesProcessAndResourcesAlone() throws {
        let process = try Process.decode(["cwd": "/tmp", "args": ["id"]], named: "process.json")
        #expect(process.args == ["id"])
        let resources = try Resources.decode(["pids": ["limit": 3]], named: "-")
        #expect(resources.pids?.limit == 3)
        #expect(throws: SpecError.self) { try Process.decode([], named: "process.json") }
    }

    private func root(_ path: String, readonly: Bool) -> Root {
        var root = Root(path: path)
        root.readonly = readonly
        return root
    }
}

@Suite struct StateDocumentTests {
    @Test func writesTheSpecificationsProperties() {
        var state = ContainerStateDocument(
            ociVersion: "1.2.1", id: "c1", status: .running, pid: 42, bundle: "/b", annotations: ["k": "v"])
        let head = #"{"ociVersion":"1.2.1","id":"c1","status":"#
        #expect(state.json.text() == head + #""running","pid":42,"bundle":"/b","annotations":{"k":"v"}}"#)
        state.status = .stopped
        state.pid = 0
        state.annotations = [:]
        #expect(state.json.text() == head + #""stopped","bundle":"/b"}"#)
    }
}
