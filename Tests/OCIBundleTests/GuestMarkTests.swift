import HostSystem
import OCIBundle
import OCISpec
import TestSupport
import Testing

/// What annotations, or the environment, say and what is understood of it: binary, framework, monitor, command line,
/// version and initial RAM disk.
struct MarkRow: Sendable, CustomTestStringConvertible {
    let said: [(String, String)]
    let understood: [String?]

    init(_ said: [(String, String)], _ understood: String?...) {
        self.said = said
        self.understood = understood.isEmpty ? [] : understood + Array(repeating: nil, count: 6 - understood.count)
    }

    var testDescription: String { said.map { "\($0)=\($1)" }.joined(separator: " ") }

    static func values(_ mark: GuestMark) -> [String?] {
        [mark.binary, mark.framework, mark.monitor, mark.commandLine, mark.version, mark[.initrd]?.value]
    }
}

@Suite struct GuestMarkTests {
    static let (own, peer) = ("org.swiftlet.unikernel.", "com.urunc.unikernel.")

    static let rows: [MarkRow] = [
        MarkRow([("\(own)binary", "/u")], "/u", nil, nil, nil),
        MarkRow([("\(own)type", "mirage")], nil, "mirage", nil, nil),
        MarkRow([("\(own)monitor", "hvt")], nil, nil, "hvt", nil),
        MarkRow([("\(own)cmdline", "a  b")], nil, nil, nil, "a  b"),
        MarkRow(
            [
                ("\(peer)binary", "/u"), ("\(peer)unikernelType", "rumprun"), ("\(peer)hypervisor", "spt"),
                ("\(peer)cmdline", "two words"),
            ],
            "/u", "rumprun", "spt", "two words"),
        MarkRow(
            [
                ("\(peer)binary", "L3VuaWtlcm5lbA=="), ("\(peer)unikernelType", "bWlyYWdl"),
                ("\(peer)hypervisor", "c3B0"), ("\(peer)cmdline", "aGVsbG8gd29ybGQ="),
            ],
            "/unikernel", "mirage", "spt", "hello world"),
        // What is decoded to control characters, or to no UTF-8, was no base64; nor is the URL alphabet.
        MarkRow([("\(peer)cmdline", "AAAA")], nil, nil, nil, "AAAA"),
        MarkRow([("\(peer)cmdline", "////")], nil, nil, nil, "////"),
        MarkRow([("\(peer)cmdline", "b25l")], nil, nil, nil, "one"),
        MarkRow([("\(peer)cmdline", "w7xuaQ==")], nil, nil, nil, "\u{fc}ni"),
        MarkRow([("\(peer)cmdline", "f39/")], nil, nil, nil, "f39/"),
        // swiftlet's own values are never decoded; several names may say the same.
        MarkRow([("\(own)cmdline", "b25l")], nil, nil, nil, "b25l"),
        MarkRow(
            [("\(peer)binary", "/u"), ("\(own)binary", "/u"), ("\(peer)hypervisor", "hvt")], "/u", nil, "hvt", nil),
        MarkRow([("\(peer)hypervisor", "aHZ0"), ("\(own)monitor", "hvt")], nil, nil, "hvt"),
        MarkRow(
            [
                ("\(peer)unikernelVersion", "v0.15.0"), ("\(peer)initrd", "L3VuaWtlcm5lbC9pbml0cmQ="),
                ("\(peer)mountRootfs", "false"),
            ],
            nil, nil, nil, nil, "0.15.0", "/unikernel/initrd"),
        MarkRow([("\(own)version", "v"), ("\(own)initrd", "/i")], nil, nil, nil, nil, "v", "/i"),
        // What kraft writes, which is never encoded.
        MarkRow(
            [
                ("org.unikraft.kernel.image", "/k"), ("org.unikraft.kernel.initrd", "/i"),
                ("org.unikraft.kernel.version", "0.17.0"), ("org.unikraft.image.name", "nginx"),
            ],
            "/k", nil, nil, nil, "0.17.0", "/i"),
        MarkRow([("org.unikraft.kernel.version", "0.17.0")], "/unikraft/bin/kernel", nil, nil, nil, "0.17.0"),
        MarkRow([("\(own)binary", ""), ("\(peer)binary", "/peer")], "/peer", nil, nil, nil),
        // An empty value counts as absent; other names say nothing.
        MarkRow([("\(own)binary", ""), ("\(peer)cmdline", "")]),
        MarkRow([("\(own)nosuch", "x"), ("unikernel", "/u"), ("org.unikraft.image.name", "nginx")]),
        MarkRow([]),
    ]

    @Test("annotations mark a guest", arguments: rows)
    func readsAnnotations(_ row: MarkRow) throws {
        let mark = try GuestMark.inConfiguration(specification(row.said))
        #expect(mark.map(MarkRow.values) ?? [] == row.understood)
        #expect(mark?.source == (row.understood.isEmpty ? nil : "annotations"))
    }

    @Test("/urunc.json has the same names", arguments: rows.filter { !$0.understood.isEmpty })
    func readsMetadata(_ row: MarkRow) throws {
        try withTemporaryDirectory { directory in
            let object = JSONObject(row.said.map { (key: $0, value: .string($1)) })
            try write(JSONValue.object(object).text(), to: "\(directory)/urunc.json")
            let mark = try GuestMark.inMetadata(of: RootFilesystem(path: directory, in: -1))
            #expect(mark.map(MarkRow.values) == row.understood)
            #expect(mark?.source == "/urunc.json")
        }
    }

    static let environments: [(environment: [String], understood: [String?])] = [
        (["PATH=/bin", "SWIFTLET_UNIKERNEL=/u"], ["/u", nil, nil, nil]),
        (["SWIFTLET_UNIKERNEL=/u", "SWIFTLET_MONITOR=hvt"], ["/u", nil, "hvt", nil]),
        (["SWIFTLET_UNIKERNEL=/a", "SWIFTLET_UNIKERNEL=/b"], ["/b", nil, nil, nil]),
        (["SWIFTLET_UNIKERNEL=/u=v"], ["/u=v", nil, nil, nil]),
        (["SWIFTLET_UNIKERNEL=L3VuaWtlcm5lbA=="], ["L3VuaWtlcm5lbA==", nil, nil, nil]),
        (["SWIFTLET_UNIKERNEL="], []),
        (["SWIFTLET_UNIKERNEL=/a", "SWIFTLET_UNIKERNEL="], []),
        (["SWIFTLET_MONITOR=hvt"], []),
        (["SWIFTLET_UNIKERNELS=/u", "XSWIFTLET_UNIKERNEL=/u"], []),
        ([], []),
    ]

    @Test("the environment marks a guest", arguments: environments)
    func readsEnvironment(environment: [String], understood: [String?]) {
        let mark = GuestMark.inEnvironment(environment)
        #expect(mark.map { Array(MarkRow.values($0).prefix(4)) } ?? [] == understood)
        #expect(mark?.source == (understood.isEmpty ? nil : "environment"))
    }
}

/// A specification with these annotations.
private func specification(_ annotations: [(String, String)] = []) -> RuntimeSpec {
    var spec = RuntimeSpec()
    spec.annotations = StringMap(annotations.map { (key: $0, value: $1) })
    return spec
}

@Suite struct ContradictionTests {
    static let (own, peer) = (GuestMarkTests.own, GuestMarkTests.peer)

    static let rows: [(said: [(String, String)], message: String)] = [
        (
            [("\(own)binary", "/own"), ("\(peer)binary", "/peer")],
            "annotations contradict each other: \(own)binary is \"/own\", \(peer)binary is \"/peer\""
        ),
        (
            [("\(own)monitor", "spt"), ("\(peer)hypervisor", "aHZ0")],
            "annotations contradict each other: \(own)monitor is \"spt\", \(peer)hypervisor is \"hvt\""
        ),
        (
            [("\(peer)binary", "/u"), ("org.unikraft.kernel.image", "/unikraft/bin/kernel")],
            "annotations contradict each other: \(peer)binary is \"/u\", org.unikraft.kernel.image is "
                + "\"/unikraft/bin/kernel\""
        ),
        (
            [("\(peer)binary", "/u"), ("\(peer)bootKernel", "/boot/k")],
            "annotations contradict each other: \(peer)binary names a file of the container, \(peer)bootKernel one of "
                + "the host"
        ),
        (
            [("\(own)initrd", "/i"), ("\(own)host-initrd", "/boot/i")],
            "annotations contradict each other: \(own)initrd names a file of the container, \(own)host-initrd one of "
                + "the host"
        ),
    ]

    @Test("names that contradict each other are an error that says both", arguments: rows)
    func refusesAnnotations(said: [(String, String)], message expected: String) {
        #expect(message { _ = try GuestMark.inConfiguration(specification(said)) } == expected)
    }

    @Test("so they are in /urunc.json, where an image may not name files of the host")
    func refusesMetadata() throws {
        try withTemporaryDirectory { directory in
            func reason(_ text: String) throws -> String {
                try write(text, to: "\(directory)/urunc.json")
                return message { _ = try GuestMark.inMetadata(of: RootFilesystem(path: directory, in: -1)) }
            }
            let two = #"{"com.urunc.unikernel.binary":"/u","org.swiftlet.unikernel.binary":"/v"}"#
            let contradiction = try reason(two)
            #expect(
                contradiction == "names in /urunc.json contradict each other: \(Self.own)binary is \"/v\", "
                    + "\(Self.peer)binary is \"/u\"")
            let host = #"{"com.urunc.unikernel.bootKernel":"/boot/k"}"#
            let choice = try reason(host)
            #expect(
                choice
                    == "/urunc.json has com.urunc.unikernel.bootKernel: an image may not choose files of the host")
        }
    }

    @Test("so they are among what is behind the first disk, and what is said of it")
    func refusesSettings() throws {
        try withTemporaryDirectory { directory in
            var spec = specification([("\(Self.own)block", "/a"), ("\(Self.peer)block", "/b")])
            spec.vm = VirtualMachineSpec(kernel: .init(path: "/k"))
            func reason(_ name: GuestName) -> String {
                message {
                    _ = try GuestSettings(spec, in: RootFilesystem(path: directory, in: -1)).value(name)
                }
            }
            #expect(
                reason(.block)
                    == "annotations contradict each other: \(Self.own)block is \"/a\", \(Self.peer)block is \"/b\"")
            spec.annotations = ["\(Self.peer)block": "/b"]
            spec.vm?.image = .init(path: "/d")
            #expect(
                reason(.block)
                    == "annotations contradict each other: /vm/image/path is \"/d\", \(Self.peer)block is \"/b\"")
            spec.annotations = ["\(Self.peer)mountRootfs": "true", "\(Self.peer)useDMBlock": "false"]
            #expect(reason(.mountRootFilesystem).hasSuffix("useDMBlock is \"false\""))
        }
    }
}

@Suite struct MachineMarkTests {
    static func specification(_ change: (inout VirtualMachineSpec) -> Void = { _ in }) -> RuntimeSpec {
        var machine = VirtualMachineSpec(kernel: .init(path: "/k"))
        change(&machine)
        var spec = RuntimeSpec()
        spec.vm = machine
        return spec
    }

    @Test("the vm object marks a guest")
    func reads() throws {
        var spec = Self.specification {
            $0.kernel.parameters = ["a=b", "c"]
            $0.kernel.initrd = "/i"
            $0.hypervisor = .init(path: "/usr/bin/qemu-system-x86_64")
            $0.hypervisor?.parameters = ["-S"]
            $0.image = .init(path: "/d")
            $0.hwConfig = .init()
            $0.hwConfig?.vcpus = 2
            $0.hwConfig?.memory = 1 << 30
        }
        spec.annotations = ["com.urunc.unikernel.unikernelType": "linux", "com.urunc.unikernel.binary": "/k"]
        let mark = try #require(try GuestMark.inConfiguration(spec))
        #expect(mark.source == "vm")
        #expect(MarkRow.values(mark) == ["/k", "linux", nil, "a=b c", nil, "/i"])
        #expect(mark[.binary]?.name == "/vm/kernel/path")
        #expect(mark.monitorParameters == ["-S"])
        #expect(mark.processors == 2)
        #expect(mark.memoryBytes == 1 << 30)
        #expect(mark.restricted == ["/vm/hypervisor/path", "/vm/hypervisor/parameters"])
    }

    static let wrong: [(spec: RuntimeSpec, message: String)] = [
        (
            specification { $0.image = .init(path: "/d", format: .qcow2) },
            "config.json: /vm/image/format: image format qcow2 is not supported: need raw (runtime-spec config-vm.md)"
        ),
        (
            specification { $0.hwConfig = .init(dtdevs: ["/x"]) },
            "config.json: /vm/hwConfig/dtdevs: a guest cannot be given the host's hardware (runtime-spec config-vm.md)"
        ),
        (
            specification { $0.hwConfig = .init(irqs: [1]) },
            "config.json: /vm/hwConfig/irqs: a guest cannot be given the host's hardware (runtime-spec config-vm.md)"
        ),
    ]

    @Test("what no guest is given is an error that names the property", arguments: wrong)
    func refuses(spec: RuntimeSpec, message expected: String) {
        #expect(message { _ = try GuestMark.inConfiguration(spec) } == expected)
    }

    @Test("the vm object and annotations may not contradict each other")
    func comparesWithAnnotations() {
        var spec = Self.specification()
        spec.annotations = ["com.urunc.unikernel.binary": "/u"]
        #expect(
            message { _ = try GuestMark.inConfiguration(spec) }
                == "annotations contradict each other: /vm/kernel/path is \"/k\", com.urunc.unikernel.binary is \"/u\"")
    }
}

extension VirtualMachineSpec.Image {
    fileprivate init(path: String, format: VirtualMachineSpec.ImageFormat) {
        self.init(path: path)
        self.format = format
    }
}

extension VirtualMachineSpec.HardwareConfig {
    fileprivate init(dtdevs: [String] = [], irqs: [UInt32] = []) {
        self.init()
        self.dtdevs = dtdevs
        self.irqs = irqs
    }
}

@Suite struct KraftLayoutTests {
    @Test("a kernel in kraft's place is a mark, with an initial RAM disk that is not empty")
    func reads() throws {
        try withTemporaryDirectory { directory in
            func mark() throws -> GuestMark? {
                try GuestMark.inKraftLayout(of: RootFilesystem(path: directory, in: -1))
            }
            #expect(try mark() == nil)
            try write("kernel", to: "\(directory)/unikraft/bin/kernel")
            try write("", to: "\(directory)/unikraft/bin/initrd")
            #expect(try mark().map(MarkRow.values) == ["/unikraft/bin/kernel", nil, nil, nil, nil, nil])
            try write("070701", to: "\(directory)/unikraft/bin/initrd")
            #expect(try mark()?[.initrd]?.value == "/unikraft/bin/initrd")
            #expect(try mark()?.source == "kraft's layout")
        }
    }
}

@Suite struct MetadataFileTests {
    /// The largest /urunc.json that is read.
    static let largest = 1 << 20
    static let sound = #"{"com.urunc.unikernel.binary":"/u"}"#

    static let wrong: [(content: String, message: String)] = [
        ("", "/urunc.json:1:1: no JSON value, the text is empty"),
        ("{", "/urunc.json:1:2: unexpected end of data"),
        ("{}", "/urunc.json in the root filesystem does not describe a unikernel"),
        ("[]", "/urunc.json in the root filesystem does not describe a unikernel"),
        (#""/u""#, "/urunc.json in the root filesystem does not describe a unikernel"),
        (
            #"{"com.urunc.unikernel.binary":5}"#,
            "/urunc.json in the root filesystem: com.urunc.unikernel.binary is no string"
        ),
        (
            #"{"com.urunc.unikernel.binary":"/u","com.urunc.unikernel.mountRootfs":true}"#,
            "/urunc.json in the root filesystem: com.urunc.unikernel.mountRootfs is no string"
        ),
        (
            #"{"com.urunc.unikernel.binary":null}"#,
            "/urunc.json in the root filesystem does not describe a unikernel"
        ),
        (
            sound + String(repeating: " ", count: largest + 1 - sound.count),
            "/urunc.json in the root filesystem has 1048577 bytes, at most 1048576 are read"
        ),
    ]

    @Test("a /urunc.json that says nothing sensible is an error", arguments: wrong)
    func refuses(content: String, message expected: String) throws {
        try withTemporaryDirectory { directory in
            try write(content, to: "\(directory)/urunc.json")
            #expect(
                message { _ = try GuestMark.inMetadata(of: RootFilesystem(path: directory, in: -1)) } == expected)
        }
    }

    @Test("a /urunc.json of the largest size is read")
    func readsTheLargest() throws {
        try withTemporaryDirectory { directory in
            let padding = String(repeating: " ", count: Self.largest - Self.sound.count)
            try write(Self.sound + padding, to: "\(directory)/urunc.json")
            #expect(try GuestMark.inMetadata(of: RootFilesystem(path: directory, in: -1))?.binary == "/u")
        }
    }

    @Test("what is no file of the root filesystem is no /urunc.json")
    func ignores() throws {
        try withTemporaryDirectory { directory in
            let root = "\(directory)/root"
            let place = "\(root)/urunc.json"
            try makeDirectory(root, mode: 0o755)
            try write(Self.sound, to: "\(directory)/outside.json")
            func mark() throws -> GuestMark? { try GuestMark.inMetadata(of: RootFilesystem(path: root, in: -1)) }
            #expect(try mark() == nil)
            for target in ["../outside.json", "\(directory)/outside.json", "urunc.json", "nosuch"] {
                try link(place, to: target)
                #expect(try mark() == nil, "a link to \(target)")
                try removeFile(place)
            }
            try makeFifo(place)
            #expect(try mark() == nil, "a fifo")
            try removeFile(place)
            try makeDirectory(place, mode: 0o755)
            #expect(try mark() == nil, "a directory")
        }
    }
}
