internal import HostSystem

/// What the host's operator says of guests in /etc/swiftlet/config.toml; without that file, what holds then.
///
/// See Specs/configuration.md.
public struct OperatorConfiguration: Equatable, Sendable {
    /// What executes a guest's instructions under a monitor that leaves the choice.
    public enum Accelerator: String, CaseIterable, Sendable {
        /// KVM where it works for the guest, else the monitor itself.
        case auto
        /// KVM, or nothing.
        case kvm
        /// The monitor itself: QEMU's Tiny Code Generator.
        case tcg
    }

    /// What is said of one monitor.
    public struct MonitorSettings: Equatable, Sendable {
        /// The program's absolute path on the host; nil to look for it in the usual places.
        public var path: String?
        /// Whether guests may be run by it.
        public var isEnabled = true
        /// What executes the guest's instructions.
        public var accelerator = Accelerator.auto
        /// How many seconds a guest that can be asked to stop has for it after SIGTERM; 0 does not ask.
        public var stopSeconds: UInt32 = 10

        /// What holds when nothing is said.
        public init() {}
    }

    /// What is said of virtual machines for ordinary images.
    public struct MachineSettings: Equatable, Sendable {
        /// The kernel's absolute path; nil where there are no such machines.
        public var kernel: String?
        /// The directory of the kernel's modules; nil for a kernel that needs none.
        public var modules: String?
        /// A static swiftlet that becomes the machine's process 1; nil for this one.
        public var initProgram: String?
        /// The server of files, virtiofsd; nil to look for it where distributions have it.
        public var fileServer: String?

        /// What holds when nothing is said.
        public init() {}
    }

    /// The configuration's file, as messages name it.
    public var file: String
    /// What containers may say of their guests although it reaches beyond the sandbox: some of ``grantable``.
    public var allowed: [String] = []
    /// What is said of monitors, by their names.
    public var monitors: [String: MonitorSettings] = [:]
    /// What a guest gets in a container without a memory limit, in MiB: by default what the Solo5 tenders give.
    public var defaultMemoryMiB: UInt64 = 512

    /// What is said of vAccel.
    public var vaccel = VAccelSettings()
    /// What ordinary images find in a virtual machine.
    public var machines = MachineSettings()
    /// What is said of virtio sockets.
    public var vsock = VsockSettings()

    /// What holds when nothing is said.
    public init(file: String = OperatorConfiguration.usualFile) { self.file = file }

    /// Where the configuration is.
    public static let usualFile = "/etc/swiftlet/config.toml"

    /// The annotations, and as JSON pointers the properties of config.json, that choose files of the host or what runs
    /// on it. They are refused unless the operator allows them.
    public static let grantable = [
        "com.urunc.unikernel.bootInitrd", "com.urunc.unikernel.bootKernel", "org.swiftlet.unikernel.host-initrd",
        "org.swiftlet.unikernel.host-kernel", "org.swiftlet.unikernel.monitor-path", "/vm/hypervisor/parameters",
        "/vm/hypervisor/path", "/vm/kernel/initrd", "/vm/kernel/path",
    ]

    /// Whether a container may use the annotation or property `name` of ``grantable``.
    public func allows(_ name: String) -> Bool { allowed.contains(name) }

    /// What is said of the monitor `name`.
    public func settings(of monitor: String) -> MonitorSettings { monitors[monitor] ?? MonitorSettings() }
}

extension OperatorConfiguration {
    /// Decodes the text of a configuration's file.
    ///
    /// - Parameter monitors: The monitors that there are.
    /// - Throws: ``HostSystem/Failure`` with file, line and what was expected.
    init(_ bytes: [UInt8], named file: String, monitors: [String]) throws(Failure) {
        self.init(file: file)
        for table in try SettingsText.tables(in: bytes, named: file) {
            switch (table.name.first, table.name.count) {
            case (nil, _): try decode(table, []) { _, _ throws(Failure) in }
            case ("annotations", 1): try decodeAnnotations(table)
            case ("guest", 1): try decodeGuest(table)
            case ("vm", 1): try decodeMachines(table)
            case ("vsock", 1): try decodeVsock(table)
            case ("monitors", 2): try decodeMonitor(table, table.name[1], known: monitors)
            case ("vaccel", 1): try decodeVAccel(table)
            default:
                throw fault(
                    table.line,
                    "unknown table [\(table.name.joined(separator: "."))] "
                        + "(known are: annotations, guest, monitors.NAME, vaccel, vm, vsock)")
            }
        }
    }

    private mutating func decodeAnnotations(_ table: SettingsTable) throws(Failure) {
        try decode(table, ["allow"]) { setting, configuration throws(Failure) in
            guard case .texts(let names) = setting.value else {
                throw configuration.fault(setting, "an array of strings")
            }
            for name in names where !Self.grantable.contains(name) {
                throw configuration.fault(
                    setting.line,
                    "allow names \"\(name)\", which cannot be allowed "
                        + "(known are: \(Self.grantable.joined(separator: ", ")))")
            }
            configuration.allowed = names
        }
    }

    private mutating func decodeGuest(_ table: SettingsTable) throws(Failure) {
        try decode(table, ["default-memory-mib"]) { setting, configuration throws(Failure) in
            configuration.defaultMemoryMiB = UInt64(try configuration.number(setting, 1...(1 << 24)))
        }
    }

    private mutating func decodeMachines(_ table: SettingsTable) throws(Failure) {
        try decode(table, ["kernel", "modules", "init", "file-server"]) { setting, configuration throws(Failure) in
            let path = try configuration.absolutePath(setting)
            switch setting.key {
            case "kernel": configuration.machines.kernel = path
            case "modules": configuration.machines.modules = path
            case "init": configuration.machines.initProgram = path
            default: configuration.machines.fileServer = path
            }
        }
    }

    private mutating func decodeMonitor(_ table: SettingsTable, _ name: String, known: [String]) throws(Failure) {
        guard known.contains(name) else {
            throw fault(
                table.line, "there is no monitor \"\(name)\" (known are: \(known.joined(separator: ", ")))")
        }
        var monitor = MonitorSettings()
        try decode(table, ["path", "enabled", "accelerator", "stop-seconds"]) {
            setting, configuration throws(Failure) in
            switch setting.key {
            case "path": monitor.path = try configuration.absolutePath(setting)
            case "enabled":
                guard case .boolean(let isEnabled) = setting.value else {
                    throw configuration.fault(setting, "true or false")
                }
                monitor.isEnabled = isEnabled
            case "accelerator":
                guard case .text(let word) = setting.value, let accelerator = Accelerator(rawValue: word) else {
                    let words = Accelerator.allCases.map { "\"\($0.rawValue)\"" }
                    throw configuration.fault(setting, "one of \(words.joined(separator: ", "))")
                }
                monitor.accelerator = accelerator
            default: monitor.stopSeconds = UInt32(try configuration.number(setting, 0...3600))
            }
        }
        monitors[name] = monitor
    }

    /// Decodes a table's settings by `decodeOne`, to which no unknown key comes.
    mutating func decode(
        _ table: SettingsTable, _ keys: [String],
        _ decodeOne: (Setting, inout OperatorConfiguration) throws(Failure) -> Void
    ) throws(Failure) {
        let place = table.name.isEmpty ? "before the first table" : "in [\(table.name.joined(separator: "."))]"
        for setting in table.settings {
            guard keys.contains(setting.key) else {
                let known = keys.isEmpty ? "none is known there" : "known are: \(keys.joined(separator: ", "))"
                throw fault(setting.line, "unknown key \"\(setting.key)\" \(place) (\(known))")
            }
            try decodeOne(setting, &self)
        }
    }

    func number(_ setting: Setting, _ range: ClosedRange<Int64>) throws(Failure) -> Int64 {
        guard case .integer(let number) = setting.value, range.contains(number) else {
            throw fault(setting, "an integer from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    func fault(_ setting: Setting, _ expected: String) -> Failure {
        fault(setting.line, "\(setting.key): expected \(expected)")
    }

    private func fault(_ line: Int, _ reason: String) -> Failure { Failure("\(file):\(line): \(reason)") }
}
