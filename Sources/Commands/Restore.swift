import HostSystem
import Lifecycle

enum Restore: Command {
    static let name = "restore"

    static let noPivot = Option(
        "no-pivot", standing: .ignored("criu changes the root directory"), help: "change it without pivot_root")
    static let securityProfile = Option(
        "lsm-profile", value: .text("TYPE:NAME"), help: "LSM profile of the processes, instead of the one that they had"
    )
    static let mountContext = Option(
        "lsm-mount-context", value: .text("CONTEXT"), help: "LSM context of mounts, instead of the one that they had")

    static let declaration = Declaration(
        name: name, summary: "restore a container from a previous checkpoint",
        description: [
            """
            Makes the container anew from its bundle and what checkpoint has saved, and lets it go on; waits for its \
            end, deletes it and returns its exit status, as run does. Its standard descriptors, where they were pipes, \
            become those of this command.
            """, CriuArguments.description,
        ],
        options: [
            BundleOptions.bundle, CriuArguments.imagePath, CriuArguments.workPath, BundleOptions.consoleSocket,
            BundleOptions.pidFile, Run.detach, Run.noSubreaper, noPivot, CriuArguments.tcpEstablished,
            CriuArguments.externalUnixSockets, CriuArguments.shellJob, CriuArguments.fileLocks,
            CriuArguments.cgroupsMode, CriuArguments.emptyNamespace, CriuArguments.deduplication,
            CriuArguments.lazyPages, securityProfile, mountContext,
        ],
        positionals: [.newContainer],
        examples: [
            .init(
                line: "swiftlet restore --bundle /srv/hello --image-path /var/tmp/hello hello",
                meaning: "bring the container hello back, and wait for its end")
        ])

    static func run(_ arguments: Arguments, _ context: CommandContext) throws -> Int32 {
        var options = RestoreOptions()
        options.criu = CheckpointOptions(arguments)
        options.criu.securityProfile = arguments.text(securityProfile) ?? ""
        options.criu.mountContext = arguments.text(mountContext) ?? ""
        options.bundle = BundleOptions.bundlePath(arguments)
        options.pidFile = arguments.text(BundleOptions.pidFile)
        options.consoleSocket = arguments.text(BundleOptions.consoleSocket)
        options.detach = arguments.isOn(Run.detach)
        return try context.runtime().restore(id: context.containerID(arguments), options: options)
    }
}
