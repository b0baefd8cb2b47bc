public import HostSystem
public import OCISpec

/// What a container says about the guest in its root filesystem, and where it says so.
public struct GuestMark: Equatable, Sendable {
    /// Where it was found, as a message names it: `annotations`, `vm`, `/urunc.json`, `environment`, `kraft's layout`.
    public let source: String
    /// The arguments of the monitor's program.
    public var monitorParameters: [String] = []
    /// How many processors the guest is to have.
    public var processors: UInt32?
    /// How many bytes of memory the guest is to have.
    public var memoryBytes: UInt64?

    private var statements: [GuestName: GuestStatement] = [:]

    /// A mark that says nothing yet.
    init(source: String, _ statements: [GuestName: GuestStatement] = [:]) {
        self.source = source
        self.statements = statements
    }

    /// What is said of one thing, and by which name.
    public subscript(name: GuestName) -> GuestStatement? { statements[name] }

    /// The image's path in the root filesystem; nil for the program that the container runs.
    public var binary: String? { self[.binary]?.value }
    /// The framework's name.
    public var framework: String? { self[.framework]?.value }
    /// The framework's version, without the `v` that some write in front.
    public var version: String? {
        guard let text = self[.version]?.value else { return nil }
        return text.hasPrefix("v") && text.count > 1 ? String(text.dropFirst()) : text
    }
    /// The monitor's name.
    public var monitor: String? { self[.monitor]?.value }
    /// A command line for the guest, in place of the container's arguments.
    public var commandLine: String? { self[.commandLine]?.value }

    /// Whether all of `process.args` are for the guest even if the first is no name of its image, as urunc and kraft have
    /// it: they name the image, and an image's ENTRYPOINT and CMD are what the application is told.
    public var passesAllArguments: Bool {
        guard let name = self[.binary]?.name else { return false }
        return !name.hasPrefix(GuestName.ownPrefix) && source != Self.environmentSource
    }

    /// What is said that only the operator may let a container say: annotations, and properties as JSON pointers.
    public var restricted: [String] {
        var names = GuestName.marks.filter(\.isRestricted).compactMap { self[$0]?.name }
        if !monitorParameters.isEmpty { names.append(Self.parametersPointer) }
        return names
    }

    /// The image's and the initial RAM disk's property in config.json.
    public static let (kernelPointer, initrdPointer) = ("/vm/kernel/path", "/vm/kernel/initrd")
    static let (monitorPointer, parametersPointer) = ("/vm/hypervisor/path", "/vm/hypervisor/parameters")
    static let metadataPath = "/urunc.json"
    static let environmentSource = "environment"
}

// MARK: annotations and the vm object

extension GuestMark {
    /// The mark in config.json: the container's annotations together with the `vm` object; nil when there is none.
    ///
    /// The names are swiftlet's, those of images made for urunc, whose values are base64 or plain, and those of kraft.
    /// - Throws: ``HostSystem/Failure`` that names both when two of them contradict each other;
    ///   ``OCISpec/SpecError`` for what no guest is given.
    public static func inConfiguration(_ spec: RuntimeSpec) throws -> GuestMark? {
        let machine = spec.vm
        guard machine != nil || spec.annotations.contains(where: { isName($0.key) }) else { return nil }
        var mark = GuestMark(source: machine == nil ? "annotations" : "vm")
        for name in GuestName.marks {
            mark.statements[name] = try GuestStatement.find(
                name.names, in: "annotations", more: machine?.statements(of: name) ?? []
            ) { spec.annotations[$0] }
        }
        if let machine { try mark.take(machine) }
        mark.completeKraft()
        try mark.checkImages()
        return machine == nil && mark.statements.isEmpty ? nil : mark
    }

    private static func isName(_ key: String) -> Bool {
        [GuestName.ownPrefix, GuestName.uruncPrefix, GuestName.kraftPrefix].contains { key.hasPrefix($0) }
    }

    private mutating func take(_ machine: VirtualMachineSpec) throws(SpecError) {
        monitorParameters = machine.hypervisor?.parameters ?? []
        if let image = machine.image, image.format != .raw {
            throw Self.cannot("/vm/image/format", "image format \(image.format.rawValue) is not supported: need raw")
        }
        guard let hardware = machine.hwConfig else { return }
        let passed = [
            ("deviceTree", hardware.deviceTree == nil), ("dtdevs", hardware.dtdevs.isEmpty),
            ("iomems", hardware.iomems.isEmpty), ("irqs", hardware.irqs.isEmpty),
        ]
        if let (name, _) = passed.first(where: { !$0.1 }) {
            throw Self.cannot("/vm/hwConfig/\(name)", "a guest cannot be given the host's hardware")
        }
        processors = hardware.vcpus
        memoryBytes = hardware.memory
    }

    private static func cannot(_ pointer: String, _ reason: String) -> SpecError {
        SpecError(pointer: pointer, reason: reason, section: "config-vm.md")
    }

    /// Where only kraft says something, the kernel is in its place: the manifest of its images, all that podman passes on,
    /// does not name it.
    private mutating func completeKraft() {
        guard let name = statements.values.first?.name, statements[.binary] == nil,
            statements.values.allSatisfy({ $0.name.hasPrefix(GuestName.kraftPrefix) })
        else { return }
        statements[.binary] = GuestStatement(name: name, value: Self.kraftKernel)
    }

    /// There is one image and one initial RAM disk, here or there.
    private func checkImages() throws(Failure) {
        for (inside, outside) in [(GuestName.binary, GuestName.hostKernel), (.initrd, .hostInitrd)] {
            guard let one = self[inside], let other = self[outside] else { continue }
            throw Failure(
                "annotations contradict each other: \(one.name) names a file of the container, \(other.name) one of "
                    + "the host")
        }
    }
}

extension VirtualMachineSpec {
    /// What the `vm` object says of one thing.
    fileprivate func statements(of name: GuestName) -> [GuestStatement] {
        func said(_ pointer: String, _ value: String?) -> [GuestStatement] {
            guard let value, !value.isEmpty else { return [] }
            return [GuestStatement(name: pointer, value: value)]
        }
        return switch name {
        case .binary: said(GuestMark.kernelPointer, kernel.path)
        case .initrd: said(GuestMark.initrdPointer, kernel.initrd)
        case .commandLine: said("/vm/kernel/parameters", kernel.parameters.joined(separator: " "))
        case .monitorPath: said(GuestMark.monitorPointer, hypervisor?.path)
        default: []
        }
    }
}

// MARK: the other places

extension GuestMark {
    /// The mark in `/urunc.json` of the root filesystem; nil when there is no such file.
    ///
    /// - Throws: ``HostSystem/JSONError`` or ``HostSystem/Failure`` when the file is there and cannot be understood.
    public static func inMetadata(of root: borrowing RootFilesystem) throws -> GuestMark? {
        guard let json = try metadata(of: root) else { return nil }
        var mark = GuestMark(source: metadataPath)
        for name in GuestName.marks {
            mark.statements[name] = try GuestStatement.find(name.names, in: "names in \(metadataPath)") {
                json[$0]?.string
            }
        }
        if let statement = GuestName.marks.filter(\.isRestricted).compactMap({ mark[$0] }).first {
            throw Failure("\(metadataPath) has \(statement.name): an image may not choose files of the host")
        }
        mark.completeKraft()
        guard !mark.statements.isEmpty else {
            throw Failure("\(metadataPath) in the root filesystem does not describe a unikernel")
        }
        return mark
    }

    static func metadata(of root: borrowing RootFilesystem) throws -> JSONValue? {
        guard let file = try root.openFile(metadataPath) else { return nil }
        guard file.size <= largestMetadata else {
            throw Failure(
                "\(metadataPath) in the root filesystem has \(file.size) bytes, at most \(largestMetadata) are read")
        }
        let json = try parseJSON(try file.read(at: 0, count: Int(file.size)), named: metadataPath)
        for name in GuestName.allCases.flatMap(\.names) {
            guard let value = json[name], value != .null, value.string == nil else { continue }
            throw Failure("\(metadataPath) in the root filesystem: \(name) is no string")
        }
        return json
    }

    /// Takes over what `other` says and this mark does not; there is one initial RAM disk.
    public mutating func complete(from other: GuestMark) {
        let more = other.statements.filter { $0.key != .initrd || self[.hostInitrd] == nil }
        statements.merge(more) { own, _ in own }
    }

    /// The mark in the container's environment: `SWIFTLET_UNIKERNEL` and `SWIFTLET_MONITOR`; nil when there is none.
    public static func inEnvironment(_ environment: [String]) -> GuestMark? {
        func statement(_ name: String) -> GuestStatement? {
            let entry = environment.last { $0.hasPrefix(name + "=") }
            guard let value = entry?.dropFirst(name.count + 1), !value.isEmpty else { return nil }
            return GuestStatement(name: name, value: String(value))
        }
        guard let binary = statement("SWIFTLET_UNIKERNEL") else { return nil }
        var mark = GuestMark(source: environmentSource, [.binary: binary])
        mark.statements[.monitor] = statement("SWIFTLET_MONITOR")
        return mark
    }

    /// Where kraft puts the kernel.
    public static let kraftKernel = "/unikraft/bin/kernel"

    /// The mark that a root filesystem in kraft's layout is, whose kernel is at ``kraftKernel``.
    ///
    /// See oci/wellknown.go of kraftkit: an initial RAM disk, if there is one, has its place too, and may be empty.
    public static func inKraftLayout(of root: borrowing RootFilesystem) throws(HostError) -> GuestMark? {
        guard try root.openFile(kraftKernel) != nil else { return nil }
        let source = "kraft's layout"
        var mark = GuestMark(source: source, [.binary: GuestStatement(name: source, value: kraftKernel)])
        try mark.completeKraft(in: root)
        return mark
    }

    /// Adds the initial RAM disk of kraft's layout to a mark that leads to the kernel there and names none.
    public mutating func completeKraft(in root: borrowing RootFilesystem) throws(HostError) {
        let initrd = "/unikraft/bin/initrd"
        guard let kernel = statements[.binary], kernel.value == Self.kraftKernel, statements[.initrd] == nil,
            kernel.name.hasPrefix(GuestName.kraftPrefix) || kernel.name == source,
            let file = try root.openFile(initrd), file.size > 0
        else { return }
        statements[.initrd] = GuestStatement(name: kernel.name, value: initrd)
    }

    private static let largestMetadata: UInt64 = 1 << 20
}
