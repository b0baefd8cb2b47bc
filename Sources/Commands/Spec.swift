import HostSystem

enum Spec: Command {
    static let name = "spec"

    static let bundle = Option(
        "bundle", "b", value: .directory("DIR"), preset: "the current directory",
        help: "path of the bundle to write config.json in")
    static let rootless = Option("rootless", help: "write a configuration for a container without root privileges")
    static let unikernel = Option("unikernel", help: "write a configuration for a unikernel at /unikernel")

    static let declaration = Declaration(
        name: name, summary: "write a configuration to start from",
        description: [
            """
            Writes config.json: a shell on a terminal in namespaces of its own, with few capabilities and a read-only \
            root filesystem in the directory rootfs. A file that is there already is left alone.
            """
        ],
        options: [bundle, rootless, unikernel],
        examples: [
            .init(line: "swiftlet spec --unikernel --bundle /srv/hello", meaning: "describe a unikernel in /srv/hello")
        ])

    static func run(_ arguments: Arguments, _ context: CommandContext) throws -> Int32 {
        let isRootless = arguments.isOn(rootless)
        let text = SpecTemplate(
            isRootless: isRootless, isUnikernel: arguments.isOn(unikernel),
            user: isRootless ? effectiveUser() : 0, group: isRootless ? effectiveGroup() : 0
        ).document.text(indented: true)
        let directory = arguments.text(bundle) ?? ""
        do throws(HostError) {
            try Program.writeNewFile(directory.isEmpty ? "config.json" : "\(directory)/config.json", text + "\n")
        } catch {
            // runc's words, which its users search for.
            guard error.isAlreadyThere else { throw error }
            throw Failure("File config.json exists. Remove it first")
        }
        return 0
    }
}
