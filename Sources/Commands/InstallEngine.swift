import EngineConfiguration
import HostSystem

enum InstallEngine: Command {
    static let name = "install-engine"

    static let preset = Option("default", help: "make it the runtime of containers that name none")
    static let dryRun = Option("dry-run", help: "show the difference and change nothing")
    static let undo = Option("undo", help: "take the changes back")
    static let runtimePath = Option(
        "runtime-path", value: .file("PATH"), preset: "this program", help: "path of the runtime for the engine")
    static let config = Option(
        "config", value: .file("FILE"), preset: "the engine's usual one", help: "the engine's configuration")

    static let declaration = Declaration(
        name: name, summary: "make an engine know this runtime",
        description: [
            """
            Adds the runtime under the name swiftlet to the configuration of an engine, and shows what changes there: for \
            containerd and cri a handler in /etc/containerd/config.toml that passes on the annotations of unikernels, for \
            podman a file in /etc/containers/containers.conf.d, for docker a runtime in /etc/docker/daemon.json. All that \
            others have written stays as it is. Once more it changes nothing.
            """,
            """
            What the file was before is kept beside it, with .before-swiftlet after its name. With --undo the file becomes \
            that again, or where others have changed it since, loses what was added. A file that cannot be understood is \
            left alone. No engine is started anew; the last line says how.
            """,
        ],
        options: [preset, dryRun, undo, runtimePath, config],
        positionals: [Positional("engine", .choice(Engine.allCases.map(\.rawValue)))],
        examples: [
            .init(line: "swiftlet install-engine docker --dry-run", meaning: "see what would be changed"),
            .init(line: "swiftlet install-engine cri", meaning: "make a handler for Kubernetes"),
            .init(line: "swiftlet install-engine cri --undo", meaning: "remove it"),
        ])

    static func run(_ arguments: Arguments, _ context: CommandContext) throws -> Int32 {
        let word = arguments.positionals.first ?? ""
        guard let engine = Engine(rawValue: word) else {
            let engines = ArgumentParser.alternatives(Engine.allCases.map(\.rawValue))
            throw UsageError("invalid engine: \(word) (must be \(engines))")
        }
        let file = try EngineFile(arguments.text(config) ?? engine.usualFile)
        var wanted: [UInt8]?
        if arguments.isOn(undo) {
            let before = try file.before()
            let rest = try file.content.map { content throws(Failure) in
                try EngineEntry.removed(engine, from: content, before: before, named: file.path)
            }
            wanted = rest == [] && before == nil ? nil : rest
        } else {
            let path = try arguments.text(runtimePath) ?? readLink("/proc/self/exe")
            guard canExecute(path) else { throw Failure("cannot execute the runtime '\(path)'") }
            let entry = try EngineEntry(engine, path: path, isDefault: arguments.isOn(preset))
            wanted = try entry.installed(in: file.content ?? [], named: file.path)
        }
        guard wanted != file.content else {
            try context.output("\(file.path): nothing to change\n")
            return 0
        }
        try context.output(LineDifference.unified(file.content, wanted, path: file.path))
        if arguments.isOn(dryRun) { return 0 }
        let others = try file.content.map { content throws(Failure) in
            try EngineEntry.removed(engine, from: content, before: nil, named: file.path)
        }
        try file.write(wanted, keeping: !arguments.isOn(undo) && others == file.content)
        try context.output(engine.reload.map { "the engine reads it after: \($0)\n" } ?? "")
        return 0
    }
}

/// An engine's configuration on disk.
private struct EngineFile {
    /// The largest file that is read, in bytes.
    private static let largest = 1 << 20

    /// Where the file really is: a link to it stays one.
    let path: String
    /// nil when there is no such file.
    let content: [UInt8]?
    private let status: FileStatus?

    /// What the file was before; nil when nothing was kept.
    func before() throws(HostError) -> [UInt8]? {
        do throws(HostError) {
            let file = try open(backup, flags: .readOnly)
            return try readAll(file.raw, named: backup, limit: Self.largest)
        } catch {
            guard error.isNotFound else { throw error }
            return nil
        }
    }

    private var backup: String { path + ".before-swiftlet" }

    init(_ path: String) throws {
        var found: (path: String, content: [UInt8], status: FileStatus)?
        do {
            let file = try open(path, flags: [.readOnly, .nonBlocking])
            let status = try HostSystem.status(of: file.raw)
            guard status.kind == .regular else { throw Failure("\(path) is no regular file") }
            let content = try readAll(file.raw, named: path, limit: Self.largest)
            found = (try absolutePath(of: file.raw), content, status)
        } catch let error as HostError where error.isNotFound {}
        self.path = try found?.path ?? absolutePath(path)
        content = found?.content
        status = found?.status
    }

    /// Writes another content, or removes the file.
    ///
    /// - Parameter keeping: Whether the content so far is to be kept; else what was kept is removed when it is there again.
    func write(_ wanted: [UInt8]?, keeping: Bool) throws {
        let kept = try before()
        if keeping { try keep(content) }
        do {
            try write(wanted)
        } catch {
            if keeping { try? keep(kept) }
            throw error
        }
    }

    private func keep(_ content: [UInt8]?) throws {
        if let content { try replaceFile(backup, with: content, like: status) } else { try? removeFile(backup) }
    }

    private func write(_ wanted: [UInt8]?) throws {
        guard let wanted else { return try removeFile(path) }
        let isRestored = try wanted == before()
        if content == nil, let parent = parentPath(path) { _ = try makeDirectories(parent, mode: 0o755) }
        try replaceFile(path, with: wanted, mode: 0o644, like: status)
        if isRestored { try removeFile(backup) }
    }
}
