import HostSystem
import Lifecycle

enum Exec: Command {
    static let name = "exec"

    static let process = Option(
        "process", "p", value: .file("FILE"), help: "file that describes the process as process in config.json does")
    static let cwd = Option("cwd", value: .text("DIR"), preset: "that of the container", help: "working directory")
    static let env = Option("env", "e", value: .text("NAME=VALUE"), help: "variable to add, any number of times")
    static let user = Option("user", "u", value: .text("UID[:GID]"), help: "whom the process runs as")
    static let additionalGids = Option(
        "additional-gids", "g", value: .text("GID"), help: "group to add, any number of times")
    static let capability = Option("cap", "c", value: .text("NAME"), help: "capability to add, any number of times")
    static let terminal = Option("tty", "t", help: "give the process a terminal")
    static let noNewPrivileges = Option("no-new-privs", help: "let the process gain no privileges")
    static let apparmor = Option("apparmor", value: .text("PROFILE"), help: "AppArmor profile of the process")
    static let label = Option("process-label", value: .text("LABEL"), help: "SELinux label of the process")
    static let cgroup = Option(
        "cgroup", value: .text("[CONTROLLER:]PATH"),
        help: "cgroup below the container's to run in, any number of times with different controllers")
    static let detach = Option("detach", "d", help: "return as soon as the program has begun")
    static let ignorePaused = Option("ignore-paused", help: "run it in a paused container, where it waits for resume")

    static let declaration = Declaration(
        name: name, summary: "run another process in a container",
        description: [
            """
            Runs a program in a container that is created or running, with the environment, user, capabilities and \
            limits of the container's own process unless options say otherwise; waits for its end and returns its exit \
            status. Signals sent to this command are passed on to the process. All words after the name of the \
            container are the program's. A unikernel has no processes, and is refused.
            """
        ],
        options: [
            process, cwd, env, user, additionalGids, capability, terminal, noNewPrivileges, apparmor, label, cgroup,
            detach, BundleOptions.consoleSocket, BundleOptions.pidFile, BundleOptions.pidfdSocket,
            BundleOptions.preserveDescriptors, ignorePaused, Run.noSubreaper,
        ],
        positionals: [.container, Positional("command", .program, optional: true)],
        examples: [
            .init(line: "swiftlet exec --tty hello sh", meaning: "a shell in the container hello"),
            .init(line: "swiftlet exec --process process.json hello", meaning: "run what the file describes"),
        ])

    static func run(_ arguments: Arguments, _ context: CommandContext) throws -> Int32 {
        do {
            return try context.runtime().exec(id: context.containerID(arguments), options: ExecOptions(arguments))
        } catch {
            throw StatusError(status: 255, cause: Failure("exec failed", cause: error))
        }
    }
}

extension ExecOptions {
    /// What was given on the command line.
    init(_ arguments: Arguments) {
        self.init()
        args = Array(arguments.positionals.dropFirst())
        processFile = arguments.text(Exec.process)
        cwd = arguments.text(Exec.cwd)
        env = arguments.texts(Exec.env)
        user = arguments.text(Exec.user)
        additionalGids = arguments.texts(Exec.additionalGids)
        capabilities = arguments.texts(Exec.capability)
        terminal = arguments.isOn(Exec.terminal)
        noNewPrivileges = arguments.flag(Exec.noNewPrivileges)
        apparmorProfile = arguments.text(Exec.apparmor)
        selinuxLabel = arguments.text(Exec.label)
        cgroups = arguments.texts(Exec.cgroup)
        detach = arguments.isOn(Exec.detach)
        ignorePaused = arguments.isOn(Exec.ignorePaused)
        pidFile = arguments.text(BundleOptions.pidFile)
        pidfdSocket = arguments.text(BundleOptions.pidfdSocket)
        consoleSocket = arguments.text(BundleOptions.consoleSocket)
        preserveDescriptors = arguments.number(BundleOptions.preserveDescriptors) ?? 0
    }
}
