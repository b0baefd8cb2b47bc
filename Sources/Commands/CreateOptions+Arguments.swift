import Lifecycle

/// The options that `create` and `run` have in common.
enum BundleOptions {
    static let bundle = Option(
        "bundle", "b", value: .directory("DIR"), preset: "the current directory", help: "path of the bundle")
    static let config = Option(
        "config", "f", value: .file("FILE"), preset: "config.json in the bundle",
        help: "configuration to use; a relative path starts at the current directory")
    static let consoleSocket = Option(
        "console-socket", value: .file("SOCKET"),
        help: "Unix socket that receives the descriptor of the container's terminal")
    static let pidFile = Option("pid-file", value: .file("FILE"), help: "file to write the process id to")
    static let pidfdSocket = Option(
        "pidfd-socket", value: .file("SOCKET"),
        help: "Unix socket that receives a process descriptor of the process")
    static let noPivot = Option(
        "no-pivot", help: "change the root directory without pivot_root, for a root filesystem on a ramdisk")
    static let noNewKeyring = Option(
        "no-new-keyring", help: "leave the container the session keyring of the caller")
    static let preserveDescriptors = Option(
        "preserve-fds", value: .number("N"), preset: "0",
        help: "how many descriptors after the first three the container keeps, besides those of $LISTEN_FDS")

    static let all = [
        bundle, config, consoleSocket, pidFile, pidfdSocket, noPivot, noNewKeyring, preserveDescriptors,
    ]

    /// The bundle that was named; an empty name is the current directory, as for runc.
    static func bundlePath(_ arguments: Arguments) -> String {
        let path = arguments.text(bundle) ?? ""
        return path.isEmpty ? "." : path
    }

    /// The paragraph about bundles that `create` and `run` share.
    static let description = """
        The bundle is a directory with the file config.json and the container's root filesystem; the command spec \
        writes such a file to start from. The name must be unique among the containers of one --root.
        """
}

extension CreateOptions {
    /// What was given on the command line of `create` or `run`.
    init(_ arguments: Arguments) {
        self.init(
            bundle: BundleOptions.bundlePath(arguments),
            configFile: arguments.text(BundleOptions.config),
            pidFile: arguments.text(BundleOptions.pidFile),
            consoleSocket: arguments.text(BundleOptions.consoleSocket),
            noPivot: arguments.isOn(BundleOptions.noPivot),
            noNewKeyring: arguments.isOn(BundleOptions.noNewKeyring),
            preserveDescriptors: arguments.number(BundleOptions.preserveDescriptors) ?? 0)
        pidfdSocket = arguments.text(BundleOptions.pidfdSocket)
    }
}
