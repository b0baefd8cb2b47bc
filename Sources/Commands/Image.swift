import EngineConfiguration
import HostSystem
import Storage

enum Image: Command {
    static let name = "image"

    static let output = Option(
        "output", "o", value: .file("PATH"),
        help: "where the image goes: an archive if it ends with .tar, else a directory")
    static let tag = Option(
        "tag", "t", value: .text("NAME"), preset: "the unikernel's file name", help: "name of the image, with its tag")
    static let type = Option("type", value: .text("NAME"), help: "framework of the unikernel")
    static let monitor = Option("monitor", value: .text("NAME"), help: "monitor that runs the unikernel")
    static let commandLine = Option(
        "cmdline", value: .text("TEXT"), help: "command line of the unikernel, in the place of arguments")
    static let argument = Option("arg", value: .text("WORD"), help: "one more argument of the unikernel")
    static let environment = Option("env", value: .text("NAME=VALUE"), help: "one more variable of the environment")
    static let initrd = Option("initrd", value: .file("FILE"), help: "initial RAM disk")
    static let disk = Option(
        "disk", value: .text("[NAME=]FILE"), help: "content of the block device NAME, or of the first one")
    static let file = Option("file", value: .text("FILE=PATH"), help: "one more file, at PATH in the image")
    static let label = Option("label", value: .text("NAME=VALUE"), help: "one more label and annotation of the image")

    static let declaration = Declaration(
        name: name, summary: "pack a unikernel as a container image",
        description: [
            """
            Writes an image with one layer that has the unikernel as /unikernel: a directory in the form of the OCI image \
            specification, or an archive of one for "ctr image import", "podman load" and "docker load". The image says that \
            it is a unikernel in annotations, in labels and in /urunc.json, so that the runtime is told under every engine. \
            The same files and options always give the same bytes.
            """
        ],
        options: [
            output, tag, argument, commandLine, environment, type, monitor, initrd, disk, file, label,
        ],
        positionals: [Positional("action", .choice(["pack"])), Positional("unikernel", .file)],
        examples: [
            .init(line: "swiftlet image pack hello.spt -o hello.tar", meaning: "pack a unikernel for any engine"),
            .init(
                line: "swiftlet image pack kv.hvt --tag kv:1 --disk data.img --arg --port=80 -o kv",
                meaning: "one with a disk and an argument, as a directory"),
        ])

    static func run(_ arguments: Arguments, _ context: CommandContext) throws -> Int32 {
        let (action, kernel) = (arguments.positionals.first ?? "", arguments.positionals.last ?? "")
        guard action == "pack" else { throw UsageError("invalid action: \(action) (must be pack)") }
        guard let path = arguments.text(output), !path.isEmpty else { throw UsageError("image pack needs --output") }
        let base = kernel.split(separator: "/").last.map(String.init) ?? ""
        var packer = ImagePacker(
            name: arguments.text(tag) ?? String(base.prefix { $0 != "." }).lowercased(),
            files: [.init(source: kernel, path: "/unikernel", isExecutable: true)])
        packer.arguments = arguments.texts(argument)
        packer.environment = arguments.texts(environment)
        for variable in packer.environment { _ = try pair(variable, environment) }
        try addMarks(arguments, to: &packer)
        try addFiles(arguments, to: &packer)
        let digest = try packer.pack(to: path)
        try context.output("\(path): \(packer.name) \(digest)\n")
        return 0
    }

    /// What says which guest it is, and labels of other kinds.
    private static func addMarks(_ arguments: Arguments, to packer: inout ImagePacker) throws(UsageError) {
        for label in arguments.texts(label) {
            let pair = try pair(label, Self.label)
            let isMark = EngineEntry.annotationPrefixes.contains { pair.key.hasPrefix($0) }
            if isMark { packer.metadata.append(pair) } else { packer.labels.append(pair) }
        }
        for (option, key) in [(type, "unikernelType"), (monitor, "hypervisor"), (commandLine, "cmdline")] {
            if let value = arguments.text(option) { packer.metadata.append(("com.urunc.unikernel.\(key)", value)) }
        }
    }

    /// The files beside the unikernel.
    private static func addFiles(_ arguments: Arguments, to packer: inout ImagePacker) throws(UsageError) {
        if let initrd = arguments.text(initrd) { add(initrd, at: "/initrd", as: "initrd", to: &packer) }
        for disk in arguments.texts(disk) {
            if disk.utf8.contains(UInt8(ascii: "=")) {
                let (name, file) = try pair(disk, Self.disk)
                packer.files.append(.init(source: file, path: "/\(name)"))
            } else {
                add(disk, at: "/disk.img", as: "block", to: &packer)
            }
        }
        for file in arguments.texts(file) {
            let (source, place) = try pair(file, Self.file)
            packer.files.append(.init(source: source, path: place, isExecutable: canExecute(source)))
        }
        let paths = packer.files.map { pathParts($0.path).joined(separator: "/") }
        guard Set(paths).count == paths.count, !paths.contains("urunc.json") else {
            throw UsageError("two files of the image have the same path: \(paths.joined(separator: ", ")), urunc.json")
        }
    }

    private static func add(_ source: String, at path: String, as name: String, to packer: inout ImagePacker) {
        packer.files.append(.init(source: source, path: path))
        packer.metadata.append(("com.urunc.unikernel.\(name)", path))
    }

    /// The two sides of the first equals sign.
    private static func pair(_ text: String, _ option: Option) throws(UsageError) -> (key: String, value: String) {
        guard let sign = text.utf8.firstIndex(of: UInt8(ascii: "=")), sign != text.startIndex else {
            throw UsageError("invalid \(option.name): \(text) (must be \(option.placeholder ?? ""))")
        }
        return (String(text[..<sign]), String(text[text.utf8.index(after: sign)...]))
    }
}
