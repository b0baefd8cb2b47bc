import HostSystem
import Lifecycle

/// One bar of a container's time line: a command, one of its steps, or the time in between.
struct TraceRow {
    enum Kind {
        case command, step, pause
    }

    let kind: Kind
    let name: String
    /// Nanoseconds since the first command began.
    let began: Int64
    /// In nanoseconds.
    let duration: Int64

    /// What is done in it; empty for one that this version does not know.
    var meaning: String {
        switch kind {
        case .command: ""
        case .step: Self.meanings.first { $0.name == name }?.meaning ?? ""
        case .pause: "whoever called the runtime, as an engine that connects networks"
        }
    }

    /// What each step is.
    static let meanings: [(name: String, meaning: String)] = [
        ("read-only-copy", "the runtime begins anew from a file that no container can write to"),
        ("configuration", "config.json is read and checked"),
        ("plan", "the image is looked at and the monitor chosen"),
        ("files", "what the guest needs is opened, system call filters are compiled or found"),
        ("sandbox", "namespaces, mounts and cgroups are planned"),
        ("state", "the container's directory is made"),
        ("cgroups", "cgroups are made and limited"),
        ("clone", "process 1 is made"),
        ("namespaces", "it joins and makes namespaces"),
        ("mounts", "it mounts the container's file systems, before hooks"),
        ("hooks", "hooks of the host run"),
        ("container-hooks", "hooks in the container's namespaces run"),
        ("root", "its root and devices are furnished"),
        ("process", "it becomes the container's user, descriptors are closed"),
        ("record", "the container is written down as created"),
        ("container", "the container is found and its process 1 called"),
        ("network", "a joined network is prepared, taps are made and connected"),
        ("process-1", "process 1 has the word and the guest's devices"),
        ("agent", "who starts the vAccel agent is there"),
        ("vsock", "the guest's device for virtio sockets is there"),
        ("monitor", "the monitor's process is there and answers"),
        ("guest", "the guest is loaded and runs"),
        ("begun", "the program or guest has begun"),
    ]

    /// The rows of a time line, from above.
    static func rows(of trace: ContainerTrace) -> [TraceRow] {
        guard let origin = trace.commands.first?.began else { return [] }
        var rows = [TraceRow]()
        var former: Int64?
        for command in trace.commands {
            if let former, command.began > former {
                rows.append(
                    TraceRow(kind: .pause, name: "caller", began: former - origin, duration: command.began - former))
            }
            rows.append(
                TraceRow(
                    kind: .command, name: command.name, began: command.began - origin,
                    duration: command.ended - command.began))
            rows += command.steps.map {
                TraceRow(kind: .step, name: $0.name, began: $0.began - origin, duration: $0.duration)
            }
            former = command.ended
        }
        return rows
    }

    /// Nanoseconds as milliseconds: `12.345`.
    static func milliseconds(_ nanoseconds: Int64) -> String {
        let micro = (nanoseconds + 500) / 1000
        return "\(micro / 1000).\(padded(String(micro % 1000), 3))"
    }
}
