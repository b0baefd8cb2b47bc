import HostSystem
import Lifecycle

enum List: Command {
    static let name = "list"

    static let format = Option(
        "format", "f", value: .choice(["table", "json"]), preset: "table", help: "format of the list")
    static let quiet = Option("quiet", "q", help: "print names only")

    static let declaration = Declaration(
        name: name, summary: "list containers",
        description: ["Lists the containers whose state is below the directory given with the global option --root."],
        options: [format, quiet],
        examples: [.init(line: "swiftlet list --format json", meaning: "list containers for a program to read")])

    static func run(_ arguments: Arguments, _ context: CommandContext) throws -> Int32 {
        let runtime = try context.runtime()
        // A directory that somebody names is there; nobody may have needed the usual one yet.
        if let root = context.globals.text(GlobalOptions.root) { _ = try open(root, flags: .directory) }
        let containers = try runtime.list()
        if arguments.isOn(quiet) {
            try context.output(containers.map { $0.id + "\n" }.joined())
        } else if arguments.text(format) == "json" {
            try context.output(JSONValue.array(containers.map(document)).text() + "\n")
        } else {
            try context.output(table(containers))
        }
        return 0
    }

    private static func document(_ container: ContainerSummary) -> JSONValue {
        var object: JSONObject = [
            "ociVersion": .string(container.ociVersion), "id": .string(container.id),
            "pid": JSONValue(container.pid), "status": .string(container.status),
            "bundle": .string(container.bundle), "rootfs": .string(container.rootfs),
            "created": .string(container.created),
        ]
        if !container.annotations.isEmpty {
            object["annotations"] = .object(JSONObject(container.annotations.map { (key: $0.0, value: .string($0.1)) }))
        }
        object["owner"] = .string(container.owner)
        return .object(object)
    }

    private static func table(_ containers: [ContainerSummary]) -> String {
        let rows = containers.map { container in
            [
                container.id, String(container.pid), container.status, container.bundle, container.created,
                container.owner,
            ]
        }
        return columns([["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"]] + rows)
    }
}

/// Rows of a table as runc's table writer sets them: columns at least 12 wide, with 3 spaces after the widest entry.
func columns(_ rows: [[String]]) -> String {
    let count = rows.map(\.count).max() ?? 0
    let widths = (0..<count).map { column in
        max(12, 3 + (rows.map { $0.indices.contains(column) ? $0[column].unicodeScalars.count : 0 }.max() ?? 0))
    }
    return rows.map { row in
        row.enumerated().map { column, text in
            let padding = column == row.count - 1 ? 0 : widths[column] - text.unicodeScalars.count
            return text + String(repeating: " ", count: padding)
        }.joined() + "\n"
    }.joined()
}
