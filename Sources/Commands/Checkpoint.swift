import HostSystem
import Lifecycle

/// The options that `checkpoint` and `restore` have in common.
enum CriuArguments {
    static let imagePath = Option(
        "image-path", value: .directory("DIR"), preset: "checkpoint in the current directory",
        help: "directory of the images")
    static let workPath = Option(
        "work-path", value: .directory("DIR"), preset: "that of the images",
        help: "directory of criu's log and of files that it works with")
    static let tcpEstablished = Option("tcp-established", help: "allow open TCP connections")
    static let externalUnixSockets = Option("ext-unix-sk", help: "allow Unix sockets to processes outside")
    static let shellJob = Option("shell-job", help: "allow processes of a session that begins outside")
    static let fileLocks = Option("file-locks", help: "allow file locks")
    static let cgroupsMode = Option(
        "manage-cgroups-mode", value: .text("soft|full|strict|ignore"), preset: "soft",
        help: "what is done about cgroups")
    static let emptyNamespace = Option(
        "empty-ns", value: .text("network"), help: "namespace whose content is not kept; the network's never is")
    static let deduplication = Option("auto-dedup", help: "keep memory that several images have once only")
    static let lazyPages = Option("lazy-pages", help: "fetch memory when it is used")

    static let description = """
        The work is done by the program criu(8), which is looked for in $PATH and has to be run by root. Where it \
        fails, its log in the work directory tells why. A file for criu's own settings can be named with the annotation \
        org.criu.config; /etc/criu/runc.conf is read unless that is given.
        """
}

extension CheckpointOptions {
    /// What was given of the options that both commands have.
    convenience init(_ arguments: Arguments) {
        self.init()
        imagePath = arguments.text(CriuArguments.imagePath) ?? ""
        workPath = arguments.text(CriuArguments.workPath)
        establishedConnections = arguments.isOn(CriuArguments.tcpEstablished)
        externalUnixSockets = arguments.isOn(CriuArguments.externalUnixSockets)
        shellJob = arguments.isOn(CriuArguments.shellJob)
        fileLocks = arguments.isOn(CriuArguments.fileLocks)
        cgroupsMode = arguments.text(CriuArguments.cgroupsMode) ?? ""
        emptyNamespaces = arguments.texts(CriuArguments.emptyNamespace)
        deduplication = arguments.isOn(CriuArguments.deduplication)
        lazyPages = arguments.isOn(CriuArguments.lazyPages)
    }
}

enum Checkpoint: Command {
    static let name = "checkpoint"

    static let parentPath = Option(
        "parent-path", value: .directory("DIR"),
        help: "directory of an earlier checkpoint's images, relative to that of the images")
    static let leaveRunning = Option("leave-running", help: "let the container go on")
    static let preDump = Option("pre-dump", help: "save memory only, and let the container go on")
    static let tcpSkipInFlight = Option("tcp-skip-in-flight", help: "leave out TCP connections that are being made")
    static let linkRemap = Option("link-remap", help: "give files without a name one meanwhile")
    static let statusDescriptor = Option(
        "status-fd", value: .number("FD"), help: "descriptor that gets a zero byte when memory can be fetched")
    static let pageServer = Option(
        "page-server", value: .text("ADDRESS:PORT"), help: "page server that the memory is sent to")

    static let declaration = Declaration(
        name: name, summary: "checkpoint a running container",
        description: [
            """
            Saves the processes of a container, which restore brings back, and deletes the container unless it is to \
            go on. A unikernel is refused.
            """, CriuArguments.description,
        ],
        options: [
            CriuArguments.imagePath, CriuArguments.workPath, parentPath, leaveRunning, preDump,
            CriuArguments.tcpEstablished, tcpSkipInFlight, linkRemap, CriuArguments.externalUnixSockets,
            CriuArguments.shellJob, CriuArguments.fileLocks, CriuArguments.cgroupsMode, CriuArguments.emptyNamespace,
            CriuArguments.deduplication, CriuArguments.lazyPages, statusDescriptor, pageServer,
        ],
        positionals: [.container],
        examples: [
            .init(
                line: "swiftlet checkpoint --image-path /var/tmp/hello hello",
                meaning: "save the container hello and delete it")
        ])

    static func run(_ arguments: Arguments, _ context: CommandContext) throws -> Int32 {
        let options = CheckpointOptions(arguments)
        options.parentPath = arguments.text(parentPath) ?? ""
        options.leaveRunning = arguments.isOn(leaveRunning)
        options.preDump = arguments.isOn(preDump)
        options.skipInFlight = arguments.isOn(tcpSkipInFlight)
        options.linkRemap = arguments.isOn(linkRemap)
        options.statusDescriptor = arguments.number(statusDescriptor)
        options.pageServer = arguments.text(pageServer) ?? ""
        try context.runtime().checkpoint(id: context.containerID(arguments), options: options)
        return 0
    }
}
