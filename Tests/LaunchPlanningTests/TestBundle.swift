import GuestImages
import HostConfiguration
import HostSystem
import OCIBundle
import TestSupport

@testable import LaunchPlanning

/// A bundle that is made, planned and removed again: `/unikernel` in the root filesystem, and a config.json around it.
struct TestBundle: Sendable {
    /// Files of the root filesystem, by their path in it.
    var files: [(path: String, bytes: [UInt8])] = []
    /// `process.args`; nil leaves `process` out.
    var arguments: [String]? = ["/unikernel"]
    /// `process.env`.
    var environment: [String] = []
    /// `annotations`.
    var annotations: [(String, String)] = []
    /// `mounts`.
    var mounts: [JSONValue] = []
    /// The object `vm`.
    var machine: JSONValue?
    /// The operator's configuration.
    var configuration = ""
    /// `linux.resources.memory.limit` in bytes.
    var memoryLimit: Int64?
    /// What the host has: KVM, a processor that virtualises, every monitor in /usr/bin.
    var host = HostFacts(kvmProblem: nil, isProcessorVirtualised: true) { $0.first.map { "/usr/bin/\($0)" } }

    /// A bundle with `image` as its unikernel.
    init(_ image: [UInt8]) { files = [("/unikernel", image)] }

    /// A bundle with a Solo5 unikernel.
    init(_ guest: Solo5Builder) { self.init(guest.elf.image) }

    /// The bundle, changed.
    func with(_ change: (inout TestBundle) -> Void) -> TestBundle {
        var bundle = self
        change(&bundle)
        return bundle
    }

    private var config: JSONValue {
        var config: JSONObject = ["ociVersion": "1.2.1", "root": ["path": "rootfs"]]
        if let arguments {
            config["process"] = ["args": JSONValue(arguments), "env": JSONValue(environment), "cwd": "/"]
        }
        if !annotations.isEmpty {
            config["annotations"] = .object(JSONObject(annotations.map { (key: $0, value: .string($1)) }))
        }
        if !mounts.isEmpty { config["mounts"] = .array(mounts) }
        if let machine { config["vm"] = machine }
        if let memoryLimit { config["linux"] = ["resources": ["memory": ["limit": JSONValue(memoryLimit)]]] }
        return .object(config)
    }

    /// Makes the bundle and plans its launch.
    func plan() throws -> LaunchPlan {
        var plan: LaunchPlan?
        try withTemporaryDirectory { directory in
            try makeDirectory("\(directory)/rootfs", mode: 0o755)
            try write(config.text(), to: "\(directory)/config.json")
            for file in files { try write(file.bytes, to: "\(directory)/rootfs\(file.path)", mode: 0o755) }
            try write(configuration, to: "\(directory)/config.toml")
            let file = ConfigurationFile("\(directory)/config.toml")
            do {
                plan = try planLaunch(Bundle(path: directory), on: host, configuration: file).plan
            } catch {
                // The directory has another name each time.
                let parts = "\(error)".split(separator: directory, omittingEmptySubsequences: false)
                throw Failure(parts.joined(separator: "DIR"))
            }
        }
        guard let plan else { throw Failure("no plan was made") }
        return plan
    }
}

extension HostFacts {
    /// A host of which this is known.
    init(
        kvmProblem: String?, isProcessorVirtualised: Bool, findProgram: @escaping @Sendable ([String]) -> String?
    ) {
        self.init()
        self.kvmProblem = { kvmProblem }
        self.isProcessorVirtualised = { isProcessorVirtualised }
        self.findProgram = findProgram
    }
}

/// Unikernels and programs.
enum Images {
    /// For the spt tender, and for the hvt one.
    static let (spt, hvt) = (Solo5Builder(target: 2), Solo5Builder(target: 1))

    /// For virtual machines: a note with a 32-bit entry, and that of the test guests.
    static var pvh: [UInt8] {
        var elf = ELFBuilder()
        elf.segments = [
            .init(flags: 5, address: 0x10_0000, bytes: [0xF4]),
            .init(
                type: 4, flags: 4, address: 0x20_0000,
                bytes: note("Xen", 18, [0, 0, 0x10, 0]) + note("Swiftlet", 1, Array("hello".utf8)), alignment: 4),
        ]
        return elf.image
    }

    /// An ELF file without Solo5's notes.
    static var program: [UInt8] {
        var elf = spt.elf
        elf.segments.removeLast(2)
        return elf.image
    }
}
