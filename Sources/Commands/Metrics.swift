import HostSystem
import Lifecycle

enum Metrics: Command {
    static let name = "metrics"

    static let output = Option(
        "output", "o", value: .file("FILE"), preset: "standard output",
        help: "file to put the figures in, whole at every moment")

    static let declaration = Declaration(
        name: name, summary: "print figures of all containers for Prometheus",
        description: [
            """
            Prints what is known of the containers whose state is below the directory given with the global option --root, in \
            Prometheus's text format: status and guest, memory, processor time and processes as their cgroups count them, and \
            how long each step of create and start took. A textfile collector reads it from a file.
            """
        ],
        options: [output],
        examples: [
            .init(
                line: "swiftlet metrics -o /var/lib/prometheus/node-exporter/swiftlet.prom",
                meaning: "put the figures where Prometheus's node exporter looks for them")
        ])

    static func run(_ arguments: Arguments, _ context: CommandContext) throws -> Int32 {
        var page = MetricsPage()
        let runtime = try context.runtime()
        for container in try runtime.list() {
            // It may go at any moment.
            page.add(
                container, statistics: (try? runtime.statistics(id: container.id))?["data"],
                trace: try? runtime.trace(id: container.id))
        }
        guard let path = arguments.text(output) else {
            try context.output(page.text)
            return 0
        }
        guard !path.isEmpty else { throw UsageError("invalid output: an empty path names no file") }
        try replaceFile(path, with: [UInt8](page.text.utf8), mode: 0o644)
        return 0
    }
}

/// Figures in Prometheus's text format, version 0.0.4: a family of lines for each metric.
struct MetricsPage {
    private struct Metric {
        let name: String
        let type: String
        let help: String
        var lines = ""
    }

    private var metrics = [
        Metric(name: "container_info", type: "gauge", help: "A container, its status and guest; always 1."),
        Metric(name: "container_cpu_seconds_total", type: "counter", help: "Processor time of its processes."),
        Metric(name: "container_memory_bytes", type: "gauge", help: "Memory charged to its cgroup."),
        Metric(name: "container_memory_limit_bytes", type: "gauge", help: "The most memory that may be."),
        Metric(name: "container_processes", type: "gauge", help: "Processes and threads in its cgroup."),
        Metric(name: "command_seconds", type: "gauge", help: "How long a command took that made or started it."),
        Metric(name: "step_seconds", type: "gauge", help: "How long a step of such a command took."),
    ]

    /// Adds the figures of one container: those of its cgroups as `events` has them, and its time line.
    mutating func add(_ container: ContainerSummary, statistics: JSONValue?, trace: ContainerTrace?) {
        let own = [("container", container.id)]
        add("container_info", own + [("status", container.status), ("guest", trace?.guest ?? "")], "1")
        if let used = statistics?["cpu"]?["usage"]?["total"]?.integer(as: Int64.self) {
            add("container_cpu_seconds_total", own, Self.seconds(used))
        }
        if let memory = statistics?["memory"]?["usage"] {
            add("container_memory_bytes", own, memory["usage"])
            // Without a limit the kernel's is no figure of this machine's.
            if let limit = memory["limit"]?.integer(as: UInt64.self), limit < 1 << 62 {
                add("container_memory_limit_bytes", own, "\(limit)")
            }
        }
        add("container_processes", own, statistics?["pids"]?["current"])
        for command in trace?.commands ?? [] {
            let labels = own + [("command", command.name)]
            add("command_seconds", labels, Self.seconds(command.ended - command.began))
            for step in command.steps {
                add("step_seconds", labels + [("step", step.name)], Self.seconds(step.duration))
            }
        }
    }

    /// All of it.
    var text: String {
        metrics.filter { !$0.lines.isEmpty }.map {
            "# HELP swiftlet_\($0.name) \($0.help)\n# TYPE swiftlet_\($0.name) \($0.type)\n\($0.lines)"
        }.joined()
    }

    private mutating func add(_ name: String, _ labels: [(String, String)], _ value: JSONValue?) {
        if let value = value?.integer(as: UInt64.self) { add(name, labels, "\(value)") }
    }

    private mutating func add(_ name: String, _ labels: [(String, String)], _ value: String) {
        guard let index = metrics.firstIndex(where: { $0.name == name }) else { return }
        let words = labels.map { "\($0)=\"\($1)\"" }.joined(separator: ",")
        metrics[index].lines += "swiftlet_\(name){\(words)} \(value)\n"
    }

    private static func seconds(_ nanoseconds: Int64) -> String {
        "\(nanoseconds / 1_000_000_000).\(padded(String(nanoseconds % 1_000_000_000), 9))"
    }
}
