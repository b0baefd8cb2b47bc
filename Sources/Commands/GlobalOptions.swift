/// The options that stand before the command.
enum GlobalOptions {
    static let root = Option(
        "root", value: .directory("DIR"), preset: "/run/swiftlet, or $XDG_RUNTIME_DIR/swiftlet without root privileges",
        help: "directory for the state of containers; it should be on a tmpfs")
    static let log = Option(
        "log", value: .file("FILE"), preset: "standard error", help: "file to append log lines to")
    static let logFormat = Option(
        "log-format", value: .choice(["text", "json"]), preset: "text", help: "format of log lines")
    static let logLevel = Option(
        "log-level", value: .choice(["error", "warning", "info", "debug"]), preset: "info",
        help: "least important lines that are logged")
    static let debug = Option("debug", help: "log everything, same as --log-level debug")
    static let systemdCgroup = Option(
        "systemd-cgroup", help: "let systemd make cgroups; cgroupsPath is then of the form slice:prefix:name")
    static let cgroupManager = Option(
        "cgroup-manager", value: .choice(["cgroupfs", "systemd", "disabled"]), preset: "cgroupfs",
        help: "who makes cgroups")
    static let rootless = Option(
        "rootless", value: .optionalChoice(["true", "false", "auto"]), preset: "auto",
        help: "go on when cgroups may not be changed")
    static let criu = Option(
        "criu", value: .file("FILE"), standing: .ignored("it is looked for in $PATH, as runc does"),
        help: "path of the criu program")
    static let hostConfig = Option(
        "host-config", value: .file("FILE"), preset: "/etc/swiftlet/config.toml, which need not be there",
        help: "what guests may do on this host; only for root")
    static let version = Option("version", "v", help: "print the version")

    static var all: [Option] {
        [
            root, log, logFormat, logLevel, debug, systemdCgroup, cgroupManager, rootless, criu, hostConfig, version,
            Option.showHelp,
        ]
    }

    /// The synopsis of the program.
    static func synopsis(as name: String) -> String {
        "\(name) [global options] command [command options] [arguments...]"
    }
    /// One line about the program.
    static let summary = "Open Container Initiative runtime for containers and unikernels"
    /// Paragraphs about the program.
    static let description = [
        """
        swiftlet has the command line of runc. It is started by containerd, podman, docker or Kubernetes wherever they \
        expect runc, or by hand.
        """,
        """
        A container is made from a bundle: a directory with the file config.json and a root filesystem. When the root \
        filesystem holds a unikernel, swiftlet launches it in a virtual machine monitor inside the same sandbox that \
        every other container gets.
        """,
    ]
    /// What the exit status means.
    static let exitStatus = [
        ("0", "The command did what it was asked to do."),
        ("1", "It did not; the reason is on standard error and, with --log, in the log."),
        ("3", "There is no such command."),
        ("255", "The command exec could not begin the program; it was not run."),
        ("other", "The commands run and exec without --detach return the status of the process."),
    ]
    /// What is read from the environment.
    static let environment = [
        ("XDG_RUNTIME_DIR", "Where the state of containers is kept without root privileges, when --root is not given."),
        ("USER", "In a user namespace, any value but root means that XDG_RUNTIME_DIR is to be used."),
    ]
}
