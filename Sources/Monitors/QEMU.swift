public import GuestModel

/// QEMU, as Debian's qemu-system-x86_64: a microvm for guests with virtio-mmio, a PC for those that need PCI.
///
/// See qemu(1); the machine types are those of docs/system/i386 of QEMU.
public struct QEMU: Monitor {
    /// `qemu`
    public let name = "qemu"
    /// The name of the program.
    public let aliases = ["qemu-system-x86_64"]
    /// What its option `-kernel` takes, and disks with a boot loader.
    public let bootProtocols = [BootProtocol.pvh, .multiboot, .bzImage, .disk]
    /// KVM is used where it works.
    public let hostNeeds: [HostNeed] = []
    /// Its code, heap and translated instructions. Page tables have 8 bytes for each 4 KiB, twice with KVM.
    public let memory = MemoryLimits(least: 2, most: 1 << 20, step: 1, overhead: 48, mappedByOne: 128)
    /// The program, with its firmware.
    public let form = MonitorForm.external(
        MonitorProgram(
            names: ["qemu-system-x86_64"], dataDirectories: ["/usr/share/qemu", "/usr/share/seabios"],
            accelerators: [.kvm, .tcg], takesDescriptors: true, control: .qmp, calls: QEMUCalls.all,
            fileCalls: QEMUCalls.files
        ).with(.vhostUser))

    /// By a vhost-user device, or by itself.
    public let fileSharing = FileSharing.allCases

    /// Creates the monitor.
    public init() {}

    /// No default devices, no configuration of the host's, no display, QEMU's own sandbox on top.
    public func arguments(for launch: MonitorLaunch) throws(GuestError) -> [String] {
        let machine = try QEMUMachine(for: launch)
        var arguments = [
            "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-S",
            "-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
            "-machine", machine.options + (Self.sharesMemory(launch) ? ",memory-backend=memory" : ""), "-m",
            "\(launch.memoryMiB)M", "-smp", "\(launch.processors)",
        ]
        // Otherwise the devices speak the language from before version 1.0 of the specification.
        if machine.bus == "device" { arguments += ["-global", "virtio-mmio.force-legacy=false"] }
        arguments += Self.processor(launch)
        arguments += ["-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console"]
        arguments += ["-chardev", "socket,id=control,fd=\(launch.control)", "-mon", "chardev=control,mode=control"]
        if let port = launch.hardware.exitPort {
            let base = "0x" + String(port.port, radix: 16)
            arguments += ["-device", "isa-debug-exit,iobase=\(base),iosize=\(port.bytes)"]
        }
        if Self.sharesMemory(launch) {
            arguments += ["-object", "memory-backend-memfd,id=memory,size=\(launch.memoryMiB)M,share=on"]
        }
        if let vsock = launch.vsock { arguments += Self.vsock(vsock, machine) }
        arguments += Self.devices(launch, machine)
        arguments += Self.share(launch, machine.bus) + Self.ports(launch, machine.bus)
        if launch.bootProtocol == .disk { return arguments }
        arguments += ["-kernel", MonitorLaunch.kernelPath]
        if launch.hasInitrd { arguments += ["-initrd", MonitorLaunch.initrdPath] }
        return arguments + ["-append", launch.commandLine]
    }

    /// It holds the guest (`-S`) until it has read the second one.
    public func startRequests(for launch: MonitorLaunch) throws(GuestError) -> [MonitorRequest] {
        [MonitorRequest("qmp_capabilities"), MonitorRequest("cont")]
    }

    /// The power button, where the guest has a use for it.
    public func stopRequest(for hardware: GuestHardware) -> MonitorRequest? {
        hardware.stopRequests.contains(.powerButton) ? MonitorRequest("system_powerdown") : nil
    }

    /// The device isa-debug-exit ends it with twice the guest's value and one; a machine that is switched off or reset ends
    /// it with 0, which after a signal stands for a guest that has obeyed.
    public func status(of code: Int32, exitPort: ExitPort?, askedBy signal: Int32?) -> Int32 {
        if let exitPort, code & 1 == 1 { return exitPort.status(of: UInt32(code >> 1)) }
        if code == 0, let signal { return 128 + signal }
        return code
    }

    private static func processor(_ launch: MonitorLaunch) -> [String] {
        switch launch.accelerator {
        // The buffer for translated instructions is limited, or it grows to a quarter of the guest's memory.
        case .tcg: ["-accel", "tcg,tb-size=32", "-cpu", "max"]
        case .kvm where launch.isProcessorVirtualised: ["-accel", "kvm", "-cpu", "host"]
        // A hypervisor in software has no IA32_ARCH_CAPABILITIES to set.
        case .kvm, .process: ["-accel", "kvm", "-cpu", "host,-arch-capabilities"]
        }
    }

    /// Whether another process is one of the guest's devices.
    private static func sharesMemory(_ launch: MonitorLaunch) -> Bool {
        if case .server = launch.share { return true }
        return launch.vsock != nil && launch.vsock?.isKernels == false
    }

    /// A virtio socket device that another process is, or the kernel.
    private static func vsock(_ vsock: MonitorLaunch.Vsock, _ machine: QEMUMachine) -> [String] {
        if vsock.isKernels {
            return [
                "-device",
                "vhost-vsock-\(machine.bus),guest-cid=\(vsock.guestCID),vhostfd=\(vsock.descriptor)",
            ]
        }
        return [
            "-chardev", "socket,id=vsock,fd=\(vsock.descriptor)",
            "-device", "vhost-user-vsock-\(machine.bus),chardev=vsock",
        ]
    }

    /// The devices, in the order in which the guest finds them on a PCI bus.
    private static func devices(_ launch: MonitorLaunch, _ machine: QEMUMachine) -> [String] {
        var (disks, networks) = (0, 0)
        return launch.devices.flatMap { device in
            switch device {
            case .disk(let disk):
                defer { disks += 1 }
                return Self.disk(disk, disks, machine)
            case .network(let network):
                defer { networks += 1 }
                return Self.network(network, networks, machine)
            }
        }
    }

    private static func disk(_ disk: MonitorLaunch.Disk, _ number: Int, _ machine: QEMUMachine) -> [String] {
        let set = number + 1
        let driver = disk.isDevice ? "host_device" : "file"
        let access = "read-only=\(disk.isReadOnly ? "on" : "off")"
        let file = "file.driver=\(driver),file.filename=/dev/fdset/\(set),file.locking=off"
        let sector = disk.sectorBytes == 512 ? "" : ",logical_block_size=\(disk.sectorBytes)"
        return [
            "-add-fd", "fd=\(disk.descriptor),set=\(set)",
            "-blockdev", "driver=raw,node-name=disk\(number),\(access),\(file)",
            "-device",
            "virtio-blk-\(machine.bus)\(machine.virtio),drive=disk\(number),serial=\(disk.name.prefix(20))\(sector)",
        ]
    }

    /// A tree of files, whose server reads and writes the guest's memory, or which is in the monitor's own root.
    private static func share(_ launch: MonitorLaunch, _ bus: String) -> [String] {
        switch launch.share {
        case nil: []
        case .server(let socket):
            [
                "-chardev", "socket,id=share,fd=\(socket)",
                "-device", "vhost-user-fs-\(bus),chardev=share,tag=\(MonitorLaunch.shareTag)",
            ]
        case .directory:
            [
                "-fsdev", "local,id=share,path=\(MonitorLaunch.sharePath),security_model=none,multidevs=remap",
                "-device", "virtio-9p-\(bus),fsdev=share,mount_tag=\(MonitorLaunch.shareTag)",
            ]
        }
    }

    private static func ports(_ launch: MonitorLaunch, _ bus: String) -> [String] {
        guard !launch.ports.isEmpty else { return [] }
        var arguments = ["-device", "virtio-serial-\(bus)"]
        for (number, port) in launch.ports.enumerated() {
            arguments += [
                "-chardev", "socket,id=port\(number),fd=\(port.descriptor)",
                "-device", "virtserialport,chardev=port\(number),name=\(port.name),nr=\(number + 1)",
            ]
        }
        return arguments
    }

    private static func network(_ network: MonitorLaunch.Network, _ number: Int, _ machine: QEMUMachine) -> [String] {
        let properties = "mac=\(network.hardwareAddressText),host_mtu=\(network.mtu)"
        // Option ROMs are for booting from the network.
        let rom = machine.bus == "pci" ? ",romfile=" : ""
        return [
            "-netdev", "tap,id=net\(number),fd=\(network.descriptor)",
            "-device", "virtio-net-\(machine.bus)\(machine.virtio),netdev=net\(number),\(properties)\(rom)",
        ]
    }
}

/// The machine that QEMU is to be for a guest.
struct QEMUMachine {
    /// A longer one runs into what the guest is told beside it, on a PC and by PVH: seen with QEMU 7.2.
    private static let longestPVHLine = 4096

    /// The value of `-machine`.
    let options: String
    /// The end of the names of virtio devices.
    let bus: String
    /// What all of these are told.
    let virtio: String

    /// The smallest machine on which the guest finds its devices and ends by its own means.
    init(for launch: MonitorLaunch) throws(GuestError) {
        let hardware = launch.hardware
        guard let transport = hardware.transports.first else {
            throw GuestError("the guest drives neither virtio-pci nor virtio-mmio devices")
        }
        if transport == .mmio && !hardware.needsPC && launch.bootProtocol != .disk {
            let acpi = hardware.needsACPI ? "on" : "off"
            let controllers = hardware.needsOneIOAPIC ? ",ioapic2=off" : ""
            options = "microvm,acpi=\(acpi),x-option-roms=off,isa-serial=on,graphics=off\(controllers)"
            bus = "device"
            virtio = ""
        } else {
            guard hardware.transports.contains(.pci) else {
                throw GuestError("the guest needs a PC, and drives no virtio-pci devices")
            }
            if launch.bootProtocol == .pvh, launch.commandLine.utf8.count > Self.longestPVHLine {
                throw GuestError(
                    "boot string of \(launch.commandLine.utf8.count) bytes is too long for a PC of QEMU's "
                        + "(at most \(Self.longestPVHLine))")
            }
            // Told that there are no graphics, SeaBIOS would write to the serial line.
            // What no guest has a driver for costs time to begin with.
            let (acpi, hpet) = (hardware.needsACPI ? "on" : "off", hardware.needsHPET ? "on" : "off")
            options =
                hardware.needsACPI && !hardware.needsPC
                ? "q35,vmport=off,smbus=off,sata=off,usb=off,hpet=\(hpet)"
                : "pc,vmport=off,usb=off,hpet=\(hpet),acpi=\(acpi)"
            bus = "pci"
            virtio = hardware.needsModernVirtio ? ",disable-legacy=on" : ""
        }
    }
}
