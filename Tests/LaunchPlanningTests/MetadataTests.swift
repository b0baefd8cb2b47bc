import GuestImages
import HostConfiguration
import HostSystem
import OCIBundle
import TestSupport
import Testing

@testable import LaunchPlanning

/// What comes of the metadata of one bundle.
struct MetadataRow: Sendable, CustomTestStringConvertible {
    let name: String
    let bundle: TestBundle
    /// Where the guest was found, its kernel, its framework and its boot string; nil for an ordinary container.
    let found: [String]?

    init(_ name: String, _ found: [String]?, _ bundle: TestBundle, _ change: (inout TestBundle) -> Void) {
        self.name = name
        self.found = found
        self.bundle = bundle.with(change)
    }

    var testDescription: String { name }

    func check() throws {
        let guest = try bundle.plan().guest
        #expect(
            guest.map {
                [$0.foundBy, $0.kernel, $0.framework, String(decoding: $0.commandLine, as: UTF8.self)]
            } == found)
    }
}

/// The forms in which urunc's and kraft's tools publish images, as engines hand them on.
@Suite struct PublishedImageTests {
    /// A root filesystem with a guest at `path` and nothing else.
    static func image(at path: String, _ change: (inout TestBundle) -> Void = { _ in }) -> TestBundle {
        TestBundle(Images.spt).with {
            $0.files = [(path, Images.spt.elf.image)]
            change(&$0)
        }
    }

    static let urunc = "com.urunc.unikernel."

    /// What bunny writes for `cmd: ["--hello=two words", "-l", "debug"]`: annotations of the manifest, in plain words.
    static let bunny = [
        ("\(urunc)unikernelType", "mirage"), ("\(urunc)cmdline", "--hello=two words -l debug"),
        ("\(urunc)hypervisor", "spt"), ("\(urunc)binary", "/.boot/kernel"), ("\(urunc)mountRootfs", "false"),
        ("\(urunc)unikernelVersion", "v4.8.0"),
    ]

    /// The same in /urunc.json, in base64.
    static let bunnyFile = """
        {"\(urunc)binary":"Ly5ib290L2tlcm5lbA==","\(urunc)cmdline":"LS1oZWxsbz10d28gd29yZHMgLWwgZGVidWc=",
        "\(urunc)hypervisor":"c3B0","\(urunc)mountRootfs":"ZmFsc2U=","\(urunc)unikernelType":"bWlyYWdl",
        "\(urunc)unikernelVersion":"djQuOC4w"}
        """

    /// What tools before bunny wrote, for a Rumprun guest with the image's root filesystem as its disk.
    static let bima = """
        {"\(urunc)binary":"L3VuaWtlcm5lbC9yZWRpcy5ocHQ=","\(urunc)cmdline":"cmVkaXMtc2VydmVyIC9kYXRhL2NvbmYvcmVkaXMuY29uZg==",
        "\(urunc)hypervisor":"c3B0","\(urunc)unikernelType":"cnVtcHJ1bg==","\(urunc)useDMBlock":"ZmFsc2U=",
        "\(urunc)unikernelVersion":"","\(urunc)block":"","\(urunc)initrd":""}
        """

    static let kernel = "/.boot/kernel"
    static let hello = ["--hello=two words", "-l", "debug"]

    static let rows: [MetadataRow] = [
        MetadataRow(
            "bunny's annotations by podman", ["annotations", kernel, "mirage", "\"--hello=two words\" -l debug"],
            image(at: kernel)
        ) {
            $0.annotations = bunny
            $0.arguments = hello
        },
        MetadataRow(
            "bunny's file by docker", ["/urunc.json", kernel, "mirage", "\"--hello=two words\" -l debug"],
            image(at: kernel)
        ) {
            $0.files.append(("/urunc.json", Array(bunnyFile.utf8)))
            $0.arguments = hello
        },
        MetadataRow(
            "bunny's file, and other arguments", ["/urunc.json", kernel, "mirage", "--hello=two words -l debug"],
            image(at: kernel)
        ) {
            $0.files.append(("/urunc.json", Array(bunnyFile.utf8)))
            $0.arguments = ["/bin/sh"]
        },
        MetadataRow(
            "no command line: the arguments", ["annotations", kernel, "mirage", "--hello=x -l debug"],
            image(at: kernel)
        ) {
            $0.annotations = bunny.filter { !$0.0.hasSuffix("cmdline") }
            $0.arguments = ["--hello=x", "-l", "debug"]
        },
        MetadataRow(
            "no command line: the image and its arguments", ["annotations", kernel, "mirage", "-l debug"],
            image(at: kernel)
        ) {
            $0.annotations = bunny.filter { !$0.0.hasSuffix("cmdline") }
            $0.arguments = [kernel, "-l", "debug"]
        },
        MetadataRow(
            "the file of older tools",
            [
                "/urunc.json", "/unikernel/redis.hpt", "rumprun",
                #"{"cmdline":"'redis-server' '/data/conf/redis.conf'"}"#,
            ],
            image(at: "/unikernel/redis.hpt")
        ) {
            $0.files.append(("/urunc.json", Array(bima.utf8)))
            $0.arguments = ["redis-server", "/data/conf/redis.conf"]
        },
        MetadataRow(
            "kraft's layout, its arguments alone",
            ["kraft's layout", "/unikraft/bin/kernel", "solo5", "-c /nginx/conf/nginx.conf"],
            image(at: "/unikraft/bin/kernel")
        ) { $0.arguments = ["-c", "/nginx/conf/nginx.conf"] },
        MetadataRow(
            "kraft's layout, the kernel as entry point",
            ["kraft's layout", "/unikraft/bin/kernel", "solo5", "-c /nginx/conf/nginx.conf"],
            image(at: "/unikraft/bin/kernel")
        ) { $0.arguments = ["/unikraft/bin/kernel", "-c", "/nginx/conf/nginx.conf"] },
        MetadataRow(
            "kraft's manifest by podman", ["annotations", "/unikraft/bin/kernel", "solo5", "/nginx"],
            image(at: "/unikraft/bin/kernel")
        ) {
            $0.arguments = ["/nginx"]
            $0.annotations = [
                ("org.unikraft.image.name", "nginx"), ("org.unikraft.kernel.version", "0.17.0"),
                ("sh.kraftkit.version", "0.9.4"), ("org.opencontainers.image.created", "2024-10-21T13:34:14Z"),
            ]
        },
        MetadataRow(
            "kraft's layers", ["annotations", "/k", "solo5", ""], image(at: "/k")
        ) {
            $0.arguments = ["/k"]
            $0.annotations = [("org.unikraft.kernel.image", "/k")]
        },
        MetadataRow("a program beside kraft's layout", nil, image(at: "/unikraft/bin/kernel")) {
            $0.files.append(("/bin/app", Images.program))
            $0.arguments = ["/bin/app"]
        },
    ]

    @Test("an image is understood as its tools meant it", arguments: rows)
    func understands(_ row: MetadataRow) throws { try row.check() }
}

/// The `vm` object of config.json, and what the operator allows.
@Suite struct MachineTests {
    static let guest = TestBundle(Images.spt).with {
        $0.files = [("/boot/kernel", Images.spt.elf.image)]
        $0.arguments = ["app", "x"]
    }

    static let rows: [MetadataRow] = [
        MetadataRow("kernel in the root filesystem", ["vm", "/boot/kernel", "solo5", "app x"], guest) {
            $0.machine = ["kernel": ["path": "/boot/kernel"]]
        },
        MetadataRow("parameters", ["vm", "/boot/kernel", "solo5", "quiet a=b"], guest) {
            $0.machine = ["kernel": ["path": "/boot/kernel", "parameters": ["quiet", "a=b"]]]
        },
        MetadataRow("annotations that agree", ["vm", "/boot/kernel", "mirage", "app x"], guest) {
            $0.machine = ["kernel": ["path": "/boot/kernel"], "hwConfig": ["vcpus": 1]]
            $0.annotations = [
                ("com.urunc.unikernel.unikernelType", "mirage"), ("org.swiftlet.unikernel.binary", "/boot/kernel"),
            ]
        },
        MetadataRow("the sandbox of a pod", nil, guest) {
            $0.machine = ["kernel": ["path": "/boot/kernel"]]
            $0.annotations = [("io.kubernetes.cri.container-type", "sandbox")]
        },
    ]

    @Test("the vm object names the guest", arguments: rows)
    func understands(_ row: MetadataRow) throws { try row.check() }

    @Test("its image is behind the first disk")
    func attachesTheImage() throws {
        let disks = Solo5Builder(target: 2, devices: [("disk", 1)])
        let bundle = TestBundle(disks).with {
            $0.files.append(("/images/disk.img", [1]))
            $0.machine = ["kernel": ["path": "/unikernel"], "image": ["path": "/images/disk.img", "format": "raw"]]
        }
        let block = try #require(try bundle.plan().guest?.blocks.first)
        #expect([block.name, block.foundBy, block.path] == ["disk", "/vm/image/path", "/images/disk.img"])
    }

    @Test("files of the host are a guest's where the operator allows it")
    func takesFilesOfTheHost() throws {
        try withTemporaryDirectory { directory in
            let kernel = "\(directory)/kernel"
            try write(Images.spt.elf.image, to: kernel)
            let bundle = TestBundle(Images.program).with { $0.arguments = ["app"] }
            let rows: [(name: String, bundle: TestBundle)] = [
                ("/vm/kernel/path", bundle.with { $0.machine = ["kernel": ["path": .string(kernel)]] }),
                (
                    "com.urunc.unikernel.bootKernel",
                    bundle.with { $0.annotations = [("com.urunc.unikernel.bootKernel", kernel)] }
                ),
                (
                    "org.swiftlet.unikernel.host-kernel",
                    bundle.with { $0.annotations = [("org.swiftlet.unikernel.host-kernel", kernel)] }
                ),
            ]
            for (name, bundle) in rows {
                #expect(throws: (any Error).self, "\(name) is not allowed") { try bundle.plan() }
                let allowed = bundle.with { $0.configuration = "[annotations]\nallow = [\"\(name)\"]\n" }
                #expect(try allowed.plan().guest?.kernel == kernel)
                // In a pod they would reach every container, so they are for none.
                let pod = allowed.with { $0.annotations.append(("io.kubernetes.cri.sandbox-id", "1")) }
                if !name.hasPrefix("/") { #expect(try pod.plan().guest == nil) }
            }
        }
    }

    @Test("everything that may be allowed is known, and nothing else")
    func knowsWhatIsRestricted() {
        let restricted = GuestName.allCases.filter(\.isRestricted).flatMap(\.names)
        let pointers = [
            GuestMark.kernelPointer, GuestMark.initrdPointer, "/vm/hypervisor/path", "/vm/hypervisor/parameters",
        ]
        #expect(Set(restricted + pointers) == Set(OperatorConfiguration.grantable))
    }
}

/// What is refused, with the name of what is wrong.
@Suite struct MetadataErrorTests {
    static let (own, urunc) = (PlanErrorTests.own, PublishedImageTests.urunc)
    static let guest = PlanErrorTests.guest
    static let file = "DIR/config.toml"

    static let rows: [RefusedPlan] = [
        RefusedPlan(
            "initrd that is missing",
            "initrd \"/nosuch\", named by \(urunc)initrd, is not in the root filesystem", PlanErrorTests.spt
        ) { $0.annotations = [("\(urunc)binary", "/unikernel"), ("\(urunc)initrd", "/nosuch")] },
        RefusedPlan(
            "initrd that is outside",
            "initrd \"/etc/passwd\", named by /vm/kernel/initrd, is not in the root filesystem", PlanErrorTests.spt
        ) { $0.machine = ["kernel": ["path": "/unikernel", "initrd": "/etc/passwd"]] },
        RefusedPlan(
            "initrd for a tender",
            "\(guest): solo5 guest takes no initial RAM disk (\(urunc)initrd)", PlanErrorTests.spt
        ) {
            $0.files.append(("/initrd", [1]))
            $0.annotations = [("\(urunc)binary", "/unikernel"), ("\(urunc)initrd", "L2luaXRyZA==")]
        },
        RefusedPlan(
            "initrd of kraft's for a tender",
            "cannot run /unikraft/bin/kernel as a unikernel: solo5 guest takes no initial RAM disk "
                + "(kraft's layout)", PublishedImageTests.image(at: "/unikraft/bin/kernel")
        ) {
            $0.files.append(("/unikraft/bin/initrd", [1]))
            $0.arguments = ["-c"]
        },
        RefusedPlan(
            "kernel that is missing", "unikernel \"/nosuch\", named by vm, is not in the root filesystem",
            PlanErrorTests.spt
        ) { $0.machine = ["kernel": ["path": "/nosuch"]] },
        RefusedPlan(
            "kernel of the host",
            "\(urunc)bootKernel is not allowed on this host (\"allow\" in \(file) names what is)", PlanErrorTests.spt
        ) { $0.annotations = [("\(urunc)bootKernel", "/boot/vmlinuz")] },
        RefusedPlan(
            "initrd of the host",
            "\(own)host-initrd is not allowed on this host (\"allow\" in \(file) names what is)", PlanErrorTests.spt
        ) { $0.annotations = [("\(own)host-initrd", "/boot/initrd")] },
        RefusedPlan(
            "program of the monitor",
            "\(own)monitor-path is not allowed on this host (\"allow\" in \(file) names what is)", PlanErrorTests.spt
        ) { $0.annotations = [("\(own)monitor-path", "/usr/bin/spt")] },
        RefusedPlan(
            "hypervisor",
            "/vm/hypervisor/path is not allowed on this host (\"allow\" in \(file) names what is)", PlanErrorTests.spt
        ) { $0.machine = ["kernel": ["path": "/unikernel"], "hypervisor": ["path": "/usr/bin/qemu"]] },
        RefusedPlan(
            "hypervisor's parameters",
            "/vm/hypervisor/parameters is not allowed on this host (\"allow\" in \(file) names what is)",
            PlanErrorTests.spt
        ) {
            $0.machine = [
                "kernel": ["path": "/unikernel"], "hypervisor": ["path": "/usr/bin/spt", "parameters": ["-S"]],
            ]
            $0.configuration = "[annotations]\nallow = [\"/vm/hypervisor/path\"]"
        },
        RefusedPlan(
            "a tender's program that is missing",
            "\(guest): monitor solo5-spt is not installed: no solo5-spt in $PATH", PlanErrorTests.spt
        ) {
            $0.annotations = [("\(own)monitor", "solo5-spt")]
            $0.host = HostFacts(kvmProblem: nil, isProcessorVirtualised: true) { _ in nil }
        },
        RefusedPlan(
            "processors of a tender",
            "\(guest): solo5 guest uses at most 1 processors, not 4 (/vm/hwConfig/vcpus)", PlanErrorTests.spt
        ) { $0.machine = ["kernel": ["path": "/unikernel"], "hwConfig": ["vcpus": 4]] },
        RefusedPlan(
            "monitor that is switched off",
            "\(guest): monitor spt is switched off in \(file); monitor solo5-spt is not installed: no solo5-spt in $PATH",
            PlanErrorTests.spt
        ) {
            $0.configuration = "[monitors.spt]\nenabled = false"
            $0.host = HostFacts(kvmProblem: nil, isProcessorVirtualised: true) { _ in nil }
        },
        RefusedPlan(
            "a read-only disk of an external tender",
            "\(guest): monitor solo5-spt writes to block devices, and 'disk' can only be read",
            TestBundle(Solo5Builder(target: 2, devices: [("disk", 1)]))
        ) {
            $0.files.append(("/disk", [1]))
            $0.annotations = [("\(own)monitor", "solo5-spt"), ("\(own)block-read-only.disk", "true")]
        },
        RefusedPlan(
            "a volume of an external tender",
            "\(guest): monitor solo5-spt writes to block devices, and 'disk' can only be read",
            TestBundle(Solo5Builder(target: 2, devices: [("disk", 1)]))
        ) {
            $0.files.append(("/disk/file", [1]))
            $0.annotations = [("\(own)monitor", "solo5-spt")]
        },
        RefusedPlan(
            "a macvtap of an external tender",
            "monitor solo5-spt opens taps by their names, which none of network mode \"macvtap\" has: choose another one",
            PlanErrorTests.spt
        ) { $0.annotations = [("\(own)monitor", "solo5-spt"), ("\(own)network-mode", "macvtap")] },
        RefusedPlan(
            "wrong configuration", "\(file):1: expected a key or a table, found \"?\"", PlanErrorTests.spt
        ) { $0.configuration = "?" },
    ]

    @Test("metadata that cannot be followed is refused with its name", arguments: rows)
    func refuses(_ row: RefusedPlan) { #expect(message { _ = try row.bundle.plan() } == row.message) }

    @Test("what is in kraft's place is never an ordinary program")
    func refusesKraftPrograms() {
        let bundle = TestBundle(Images.program).with {
            $0.files = [("/unikraft/bin/kernel", Images.program)]
            $0.arguments = ["/unikraft/bin/kernel"]
        }
        let reason = message { _ = try bundle.plan() }
        #expect(reason.hasPrefix("/unikraft/bin/kernel, named as a unikernel by kraft's layout, is none of: "))
    }

    @Test("the configuration is not read for an ordinary container")
    func leavesOrdinaryContainers() throws {
        let bundle = TestBundle(Images.program).with { $0.configuration = "?" }
        #expect(try bundle.plan().guest == nil)
    }
}

/// Containers of a pod that its annotations reach although they are not meant.
@Suite struct PodTests {
    static let pods = ["io.kubernetes.cri.sandbox-id", "io.kubernetes.cri-o.SandboxID"]
    static let marks: [[(String, String)]] = [
        [("com.urunc.unikernel.binary", "/guest"), ("com.urunc.unikernel.initrd", "/initrd")],
        [("org.unikraft.kernel.image", "/unikraft/bin/kernel")],
        [("org.unikraft.kernel.version", "0.17.0")],
        [("com.urunc.unikernel.unikernelType", "mirage"), ("com.urunc.unikernel.hypervisor", "spt")],
        [("org.swiftlet.unikernel.initrd", "/initrd")],
        [("com.urunc.unikernel.bootKernel", "/boot/vmlinuz")],
    ]

    @Test("sidecars stay ordinary whatever the pod's annotations say", arguments: pods)
    func leavesSidecars(pod: String) throws {
        for mark in Self.marks {
            let sidecar = TestBundle(Images.program).with {
                $0.annotations = mark + [(pod, "1")]
                // Nobody asks the operator either.
                $0.configuration = "?"
            }
            #expect(try sidecar.plan().guest == nil, "\(mark)")
        }
    }

    @Test("so does the pause container, even if it holds a guest")
    func leavesSandboxes() throws {
        for mark in Self.marks {
            let pause = PublishedImageTests.image(at: "/unikraft/bin/kernel").with {
                $0.files.append(("/pause", Images.program))
                $0.files.append(("/urunc.json", Array(PublishedImageTests.bunnyFile.utf8)))
                $0.arguments = ["/pause"]
                $0.environment = ["SWIFTLET_UNIKERNEL=/unikraft/bin/kernel"]
                $0.annotations = mark + [("io.kubernetes.cri.container-type", "sandbox")]
            }
            #expect(try pause.plan().guest == nil, "\(mark)")
        }
    }
}

/// Whole plans for images with Unikraft guests, in the forms in which the tools publish them.
@Suite struct GoldenImagePlanTests {
    /// An image that takes parameters for files and network.
    static let unikraft: [UInt8] = {
        var builder = UnikraftBuilder(version: "0.17.0~5ab1a2b")
        builder.libraries = ["libvfscore", "libuknetdev"]
        builder.parameterSections = [".uk_libparam_params_libvfscore", ".uk_libparam_params_libuknetdev"]
        return builder.elf.image
    }()
    static let urunc = PublishedImageTests.urunc
    static let nginx = ["-c", "/nginx/conf/nginx.conf"]

    static func image(at path: String, initrd: String, _ change: (inout TestBundle) -> Void) -> TestBundle {
        TestBundle(unikraft).with {
            $0.files = [(path, unikraft), (initrd, Array("070701".utf8))]
            $0.arguments = nginx
            change(&$0)
        }
    }

    static let bunny = [
        ("\(urunc)unikernelType", "unikraft"), ("\(urunc)cmdline", "-c /nginx/conf/nginx.conf"),
        ("\(urunc)hypervisor", "qemu"), ("\(urunc)binary", "/.boot/kernel"), ("\(urunc)mountRootfs", "false"),
        ("\(urunc)unikernelVersion", "v0.15.0"), ("\(urunc)initrd", "/.boot/rootfs"),
    ]

    static let bunnyFile = """
        {"\(urunc)unikernelType":"dW5pa3JhZnQ=","\(urunc)cmdline":"LWMgL25naW54L2NvbmYvbmdpbnguY29uZg==",
        "\(urunc)hypervisor":"cWVtdQ==","\(urunc)binary":"Ly5ib290L2tlcm5lbA==","\(urunc)mountRootfs":"ZmFsc2U=",
        "\(urunc)unikernelVersion":"djAuMTUuMA==","\(urunc)initrd":"Ly5ib290L3Jvb3Rmcw=="}
        """

    static let rows: [PlanRow] = [
        PlanRow(
            "image-bunny-annotations", image(at: "/.boot/kernel", initrd: "/.boot/rootfs") { $0.annotations = bunny }),
        PlanRow(
            "image-bunny-file",
            image(at: "/.boot/kernel", initrd: "/.boot/rootfs") {
                $0.files.append(("/urunc.json", Array(bunnyFile.utf8)))
            }),
        PlanRow(
            "image-kraft-layout", image(at: "/unikraft/bin/kernel", initrd: "/unikraft/bin/initrd") { _ in }),
        PlanRow(
            "image-kraft-entry-point",
            image(at: "/unikraft/bin/kernel", initrd: "/unikraft/bin/initrd") {
                $0.arguments = ["/unikraft/bin/kernel"] + nginx
            }),
        PlanRow(
            "image-kraft-manifest",
            image(at: "/unikraft/bin/kernel", initrd: "/unikraft/bin/initrd") {
                $0.annotations = [("org.unikraft.image.name", "nginx"), ("org.unikraft.kernel.version", "0.17.0")]
            }),
        PlanRow(
            "image-vm-object",
            image(at: "/boot/kernel", initrd: "/boot/initrd") {
                $0.files.append(("/boot/disk", Array(repeating: 0, count: 512)))
                $0.machine = [
                    "hypervisor": ["path": "/opt/qemu/bin/qemu-system-x86_64", "parameters": ["-d", "guest_errors"]],
                    "kernel": ["path": "/boot/kernel", "initrd": "/boot/initrd", "parameters": ["-c", "/nginx.conf"]],
                    "image": ["path": "/boot/disk", "format": "raw"], "hwConfig": ["vcpus": 1, "memory": 134_217_728],
                ]
                $0.configuration = "[annotations]\nallow = [\"/vm/hypervisor/path\", \"/vm/hypervisor/parameters\"]\n"
            }),
    ]

    @Test("the plan of a published image is the recorded one", arguments: rows)
    func plans(_ row: PlanRow) throws { try row.check() }

    @Test("bunny's two forms, and kraft's, mean the same")
    func agree() throws {
        func plan(_ name: String) throws -> GuestPlan? { try Self.rows.first { $0.name == name }?.bundle.plan().guest }
        let (annotations, file) = (try plan("image-bunny-annotations"), try plan("image-bunny-file"))
        #expect(annotations != nil)
        #expect(annotations?.boot == file?.boot)
        #expect(annotations?.program == file?.program)
        let (alone, entry) = (try plan("image-kraft-layout"), try plan("image-kraft-entry-point"))
        #expect(alone != nil)
        #expect(alone?.commandLine == entry?.commandLine)
        // podman passes nothing but the manifest's annotations on.
        #expect(try alone?.program?.initrd == plan("image-kraft-manifest")?.program?.initrd)
    }
}
