import GuestImages
import HostSystem
import TestSupport
import Testing

@testable import LaunchPlanning

/// A bundle, and the file in Tests/Golden/plans that holds its plan as `swiftlet plan` prints it.
struct PlanRow: Sendable, CustomTestStringConvertible {
    let name: String
    let bundle: TestBundle

    init(_ name: String, _ bundle: TestBundle, _ change: (inout TestBundle) -> Void = { _ in }) {
        self.name = name
        self.bundle = bundle.with(change)
    }

    var testDescription: String { name }

    func check() throws {
        let actual = try bundle.plan().json.text(indented: true) + "\n"
        #expect(try GoldenFiles("Tests/Golden/plans").expected("\(name).json", actual: actual) == actual)
    }
}

@Suite struct GoldenPlanTests {
    static let (spt, hvt) = (TestBundle(Images.spt), TestBundle(Images.hvt))
    static let twoDisks = Solo5Builder(target: 2, devices: [("service", 2), ("disk", 1), ("second", 1)])
    static let filing = {
        var builder = UnikraftBuilder()
        builder.parameterSections = [".uk_libparam_params_libvfscore"]
        return builder
    }()
    static let urunc =
        #"{"com.urunc.unikernel.binary":"L3VuaWtlcm5lbA==","com.urunc.unikernel.cmdline":"b25lIHR3bw=="}"#

    static let rows: [PlanRow] = [
        PlanRow("solo5-spt", spt),
        PlanRow("solo5-spt-arguments", spt) {
            $0.arguments = ["/unikernel", "--ipv4=10.0.0.2/24", "two  words", "", "\u{fc}\"\n"]
        },
        PlanRow("solo5-spt-search-path", spt) {
            $0.files = [("/opt/guest", Images.spt.elf.image)]
            $0.arguments = ["guest"]
            $0.environment = ["PATH=/bin:/opt"]
        },
        PlanRow("solo5-spt-annotations", spt) {
            $0.arguments = ["/bin/sh", "unused"]
            $0.annotations = [
                ("org.swiftlet.unikernel.binary", "/unikernel"), ("org.swiftlet.unikernel.type", "mirage"),
                ("org.swiftlet.unikernel.monitor", "spt"),
                ("org.swiftlet.unikernel.cmdline", "from  annotations"),
            ]
        },
        PlanRow("solo5-spt-urunc-json", spt) {
            $0.files.append(("/urunc.json", Array(urunc.utf8)))
            $0.arguments = ["/bin/sh"]
        },
        PlanRow("solo5-spt-environment", spt) {
            $0.arguments = ["/bin/sh", "-c", "true"]
            $0.environment = ["SWIFTLET_UNIKERNEL=/unikernel", "SWIFTLET_MONITOR=spt"]
        },
        PlanRow("solo5-spt-memory-limit", spt) { $0.memoryLimit = 64 << 20 },
        PlanRow("solo5-spt-blocks", TestBundle(twoDisks)) {
            $0.files += [("/disk.img", [1]), ("/data", [1])]
            $0.annotations = [("org.swiftlet.unikernel.block-sector-size.disk", "4096")]
            $0.mounts = [
                ["destination": "/proc", "type": "proc", "source": "proc"],
                ["destination": "/srv/second", "type": "bind", "source": "/etc/passwd", "options": ["rbind", "ro"]],
            ]
        },
        PlanRow("solo5-spt-block-annotations", TestBundle(twoDisks)) {
            $0.files += [("/a", [1])]
            $0.annotations = [
                ("org.swiftlet.unikernel.block.second", "/data/passwd"), ("com.urunc.unikernel.block", "L2E="),
                ("org.swiftlet.unikernel.block-read-only.disk", "true"), ("com.urunc.unikernel.blkMntPoint", "/data"),
                ("com.urunc.unikernel.unikernelType", "rumprun"),
            ]
            $0.mounts = [["destination": "/data", "source": "/etc", "options": ["bind"]]]
        },
        PlanRow("solo5-spt-volume", TestBundle(twoDisks)) {
            $0.files += [("/disk/file", [1]), ("/second/file", [1])]
        },
        PlanRow("program", TestBundle(Images.program)) { $0.arguments = ["/unikernel", "one", "two"] },
        PlanRow("program-that-is-missing", spt) { $0.arguments = ["/nosuch"] },
        PlanRow("program-sandbox", spt) {
            $0.annotations = [
                ("org.swiftlet.unikernel.binary", "/unikernel"), ("io.kubernetes.cri.container-type", "sandbox"),
            ]
        },
        PlanRow("program-sidecar", TestBundle(Images.program)) {
            $0.annotations = [
                ("com.urunc.unikernel.binary", "/guest"), ("io.kubernetes.cri.container-type", "container"),
                ("io.kubernetes.cri.sandbox-id", "1"),
            ]
        },
        PlanRow("solo5-spt-program", TestBundle(twoDisks)) {
            $0.files += [("/disk.img", [1]), ("/second", [1])]
            $0.annotations = [
                ("org.swiftlet.unikernel.monitor-path", "/opt/solo5-spt"),
                ("org.swiftlet.unikernel.block-sector-size.second", "4096"),
            ]
            $0.configuration = "[annotations]\nallow = [\"org.swiftlet.unikernel.monitor-path\"]"
        },
        PlanRow("solo5-hvt-program", hvt) {
            $0.arguments = ["/unikernel", "two  words"]
            $0.annotations = [("com.urunc.unikernel.hypervisor", "hvt")]
            $0.configuration = "[monitors.hvt]\nenabled = false"
        },
        PlanRow("solo5-hvt", hvt),
        PlanRow("solo5-hvt-memory-limit", hvt) { $0.memoryLimit = 63 << 20 },
        PlanRow("solo5-hvt-large", hvt) { $0.memoryLimit = 64 << 30 },
        PlanRow("solo5-hvt-annotations", hvt) { $0.annotations = [("com.urunc.unikernel.hypervisor", "hvt")] },
        PlanRow("qemu-pvh", TestBundle(Images.pvh)) { $0.arguments = ["/unikernel", "one", "two  words"] },
        PlanRow("qemu-pvh-without-kvm", TestBundle(Images.pvh)) {
            $0.host = HostFacts(kvmProblem: "open /dev/kvm: no such file or directory", isProcessorVirtualised: true) {
                $0.first.map { "/usr/bin/\($0)" }
            }
        },
        PlanRow("qemu-pvh-software-kvm", TestBundle(Images.pvh)) {
            $0.memoryLimit = 256 << 20
            $0.host = HostFacts(kvmProblem: nil, isProcessorVirtualised: false) { $0.first.map { "/usr/bin/\($0)" } }
        },
        PlanRow("qemu-pvh-disks", TestBundle(Images.pvh)) {
            $0.files += [("/image", [1]), ("/data/file", [1])]
            $0.annotations = [
                ("com.urunc.unikernel.block", "/image"), ("org.swiftlet.unikernel.block.data", "/data"),
                ("org.swiftlet.unikernel.block-sector-size.data", "4096"),
            ]
            $0.mounts = [
                ["destination": "/dev/words", "type": "bind", "source": "/etc/passwd", "options": ["bind", "ro"]],
                ["destination": "/dev/shm", "type": "tmpfs", "source": "shm"],
            ]
        },
        PlanRow("qemu-solo5-virtio", TestBundle(Solo5Builder(target: 3, code: multibootHeader() + [0xF4]))),
        PlanRow("firecracker-disks", TestBundle(Images.pvh)) {
            $0.files.append(("/image", [1]))
            $0.arguments = ["/unikernel", "one", "two  words"]
            $0.memoryLimit = 64 << 20
            $0.annotations = [
                ("com.urunc.unikernel.hypervisor", "firecracker"), ("com.urunc.unikernel.block", "/image"),
            ]
        },
        PlanRow("cloud-hypervisor-disks", TestBundle(Images.pvh)) {
            $0.files.append(("/image", [1]))
            $0.arguments = ["/unikernel", "one", "two  words"]
            $0.memoryLimit = 64 << 20
            $0.annotations = [
                ("com.urunc.unikernel.hypervisor", "cloud-hypervisor"), ("com.urunc.unikernel.block", "/image"),
                ("org.swiftlet.unikernel.vsock", "true"),
            ]
        },
        PlanRow("firecracker-vsock", TestBundle(Images.pvh)) {
            $0.annotations = [
                ("com.urunc.unikernel.hypervisor", "firecracker"), ("org.swiftlet.unikernel.vsock", "true"),
            ]
        },
        PlanRow("qemu-unikraft", TestBundle(UnikraftBuilder().elf.image)) {
            $0.arguments = ["/unikernel", "-c", "/nginx.conf"]
        },
        PlanRow("qemu-unikraft-shared-root", TestBundle(filing.elf.image)) {
            $0.annotations = [("com.urunc.unikernel.mountRootfs", "true")]
            $0.mounts = [
                ["destination": "/proc", "type": "proc", "source": "proc"],
                ["destination": "/etc/hosts", "type": "bind", "source": "/etc/hosts", "options": ["rbind", "ro"]],
                ["destination": "/srv", "type": "bind", "source": "/etc", "options": ["rbind"]],
                ["destination": "/dev/shm", "type": "bind", "source": "/etc", "options": ["rbind"]],
            ]
        },
    ]

    @Test("a bundle's plan is the recorded one", arguments: rows)
    func plans(_ row: PlanRow) throws { try row.check() }
}
