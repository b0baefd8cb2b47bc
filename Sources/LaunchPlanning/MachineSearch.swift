internal import Frameworks
internal import GuestModel
public import HostConfiguration
public import HostSystem
internal import OCIBundle
internal import OCISpec

/// What a virtual machine for ordinary images is made of on this host.
public struct MachineParts: Sendable {
    /// The kernel's path.
    public let kernel: String
    /// The directory of its modules.
    public let modules: String?
    /// The program that becomes the machine's process 1.
    public let initProgram: String
    /// The server of files.
    public let fileServer: String
    /// The file in which the initial RAM disk is kept, named by what it is made of.
    public let initrd: String

    private static let ownProgram = "/proc/self/exe"

    /// Finds the parts.
    ///
    /// - Throws: ``HostSystem/Failure`` that names the part that is missing, and where the operator says what it is.
    public init(_ configuration: OperatorConfiguration) throws(Failure) {
        let (settings, file) = (configuration.machines, configuration.file)
        guard let kernel = settings.kernel else {
            throw Failure("there is no kernel for virtual machines: \"kernel\" in [vm] of \(file) names one")
        }
        self.kernel = kernel
        modules = settings.modules
        fileServer = try FileServer.find(configuration)
        initProgram = settings.initProgram ?? Self.ownProgram
        do {
            let program = try Self.open(initProgram)
            guard try !ELFImage(program).segments.contains(where: { $0.type == ELFImage.Segment.interpreter }) else {
                throw Failure("it is no static executable (\"init\" in [vm] of \(file) names another swiftlet)")
            }
            initrd = try Self.directory() + "/" + Self.name(program.status, modules)
        } catch {
            throw Failure("\(initProgram) cannot become process 1 of a virtual machine", cause: error)
        }
    }

    /// The program, which may be a link: this one's own is procfs'.
    private static func open(_ path: String) throws -> OpenFile {
        let file = try HostSystem.open(path, flags: .readOnly)
        return try OpenFile(onHost: descriptorPath(file.raw))
    }

    /// Where initial RAM disks are kept: nobody else may write there.
    private static func directory() throws(Failure) -> String {
        if effectiveUser() == 0 && !Program.isInUserNamespace { return "/run/swiftlet-vm" }
        guard let directory = Program.environment("XDG_RUNTIME_DIR"), directory.hasPrefix("/") else {
            throw Failure("there is no directory for its initial RAM disk: XDG_RUNTIME_DIR is not set")
        }
        return "\(directory)/swiftlet-vm"
    }

    /// Names the content: what changes with the program or the modules, of which depmod writes a new list.
    private static func name(_ program: FileStatus, _ modules: String?) throws(HostError) -> String {
        var words = [program]
        if let modules { words.append(try followedStatus(of: "\(modules)/modules.dep")) }
        let texts = words.map { status in
            let device = status.fileSystemDevice
            return "\(device.major):\(device.minor)-\(status.inode)-\(status.size)-\(status.modified)"
        }
        return texts.joined(separator: "+")
    }
}

/// Looks for a wish to run an ordinary image in a virtual machine, and plans it.
struct MachineSearch {
    let file: ConfigurationFile
    /// Whether the operator wants it for every ordinary image.
    let always: Bool

    /// Finds the machine for `bundle`; nil for an ordinary container.
    ///
    /// - Throws: An error that says what is missing, or what of config.json no machine can have.
    func find(_ bundle: borrowing Bundle) throws -> FoundGuest? {
        guard let source = try MachineWish.source(bundle.spec, always: always) else { return nil }
        let configuration = try file.read(monitors: MonitorSurvey.names)
        do {
            let parts = try MachineParts(configuration)
            let image = try OpenFile(onHost: parts.kernel)
            let translated = try MachineConfiguration(bundle)
            let plan = MachinePlan(
                modules: parts.modules, initProgram: parts.initProgram, initrd: parts.initrd,
                fileServer: parts.fileServer, shared: translated.shared, configuration: .object(translated.json))
            return FoundGuest(
                guest: try Self.guest(image), image: image, foundBy: source, mark: nil, initrd: nil,
                process: GuestProcess(arguments: []), configuration: configuration, machine: plan)
        } catch let error as SpecError {
            throw error
        } catch {
            throw Failure("cannot run the image in a virtual machine", cause: error)
        }
    }

    private static func guest(_ image: OpenFile) throws -> Guest {
        let candidate = GuestCandidate(path: image.path, bytes: image, isMarked: true, framework: "linux")
        guard let kernel = try Linux().recognise(candidate) else {
            throw Failure("\(image.path) is no Linux kernel")
        }
        // Its process 1 takes signals and reports how it ended, by ports of its own.
        let hardware = GuestHardware(
            transports: [.pci], needsACPI: true, takesInitrd: true, mostProcessors: 64, hasVsock: true)
        return Guest(
            framework: "vm", path: image.path, bootProtocols: kernel.bootProtocols, devices: [], hardware: hardware,
            version: kernel.version, leastMemoryBytes: max(kernel.leastMemoryBytes, leastMemory))
    }

    /// With less, Debian's kernel does not get as far as to process 1 with its own initial RAM disk.
    private static let leastMemory: UInt64 = 96 << 20
}
