import HostSystem
import Lifecycle

enum Check: Command {
    static let name = "check"

    static let format = Option(
        "format", value: .choice(["text", "json"]), preset: "text", help: "format of the report")
    static let bundle = Option(
        "bundle", "b", value: .directory("DIR"), help: "say as well what would be made of this bundle")

    static let declaration = Declaration(
        name: name, summary: "report what this host can run",
        description: [
            """
            Looks at the kernel, at cgroups, at /dev/kvm and /dev/net/tun and at the monitors that are installed, whose \
            programs are asked for their version, and says of each whether it can be used, and if not why. With --bundle \
            also what create would make of it: which monitor would run which guest with what attached, or why it is \
            refused. Nothing is changed.
            """,
            """
            The exit status is 0 when containers can run, and the bundle if there is one, else 1.
            """,
        ],
        options: [bundle, BundleOptions.config, format],
        examples: [
            .init(line: "swiftlet check", meaning: "see what is missing"),
            .init(line: "swiftlet check --bundle /srv/hello", meaning: "see what would run it"),
        ])

    static func run(_ arguments: Arguments, _ context: CommandContext) throws -> Int32 {
        let runtime = try context.runtime()
        let findings = runtime.check()
        let bundle = arguments.text(bundle).map { path in
            Result { try runtime.plan(bundle: path, configFile: arguments.text(BundleOptions.config)) }
        }
        let isJSON = arguments.text(format) == "json"
        try context.output(
            isJSON
                ? json(findings, bundle).text(indented: true) + "\n"
                : text(findings, bundle).joined(separator: "\n") + "\n")
        let canRun = canRunContainers(findings)
        if case .failure = bundle { return 1 }
        return canRun ? 0 : 1
    }

    private static func canRunContainers(_ findings: [HostFinding]) -> Bool {
        !findings.contains { $0.isRequired && !$0.isThere }
    }

    private static let groups = ["host", "guests", "monitors"]

    private static func json(_ findings: [HostFinding], _ bundle: Result<JSONValue, any Error>?) -> JSONValue {
        var document: JSONObject = ["containers": JSONValue.bool(canRunContainers(findings))]
        for group in groups {
            document[group] = .array(
                findings.filter { $0.group == group }.map {
                    [
                        "name": .string($0.name), "usable": .bool($0.isThere), "detail": .string($0.detail),
                        "required": .bool($0.isRequired),
                    ]
                })
        }
        switch bundle {
        case .success(let plan): document["bundle"] = ["plan": plan]
        case .failure(let error): document["bundle"] = ["error": .string("\(error)")]
        case nil: break
        }
        return .object(document)
    }

    private static func text(_ findings: [HostFinding], _ bundle: Result<JSONValue, any Error>?) -> [String] {
        var lines = ["containers \(canRunContainers(findings) ? "can" : "cannot") run on this host"]
        for group in groups {
            lines += ["", group]
            for finding in findings where finding.group == group {
                let remark = finding.isRequired && !finding.isThere ? " (no container runs without it)" : ""
                lines.append("  \(finding.isThere ? "yes" : "no ")  \(finding.name): \(finding.detail)\(remark)")
            }
        }
        guard let bundle else { return lines }
        lines += ["", "bundle"]
        switch bundle {
        case .success(let plan): lines += describe(plan).map { "  yes  \($0)" }
        case .failure(let error): lines.append("  no   \(error)")
        }
        return lines
    }

    /// A plan in words.
    private static func describe(_ plan: JSONValue) -> [String] {
        func word(_ value: JSONValue?) -> String { value?.string ?? "" }
        guard let guest = plan["guest"] else {
            let arguments = plan["process"]?["args"]?.array?.compactMap(\.string) ?? []
            return [
                arguments.isEmpty
                    ? "container without a program" : "ordinary container: \(arguments.joined(separator: " "))"
            ]
        }
        var lines = [
            "guest of \(word(guest["framework"])): \(word(guest["kernel"])), found by \(word(guest["foundBy"]))",
            "monitor: \(word(guest["monitor"]?["name"])), \(guest["memoryMiB"]?.text() ?? "") MiB",
        ]
        for device in guest["devices"]?.array ?? [] {
            let place = device["path"]?.string.map { ": \($0)" } ?? ""
            lines.append("\(word(device["kind"])) \(word(device["name"]))\(place)")
        }
        let leftOut = guest["mountsLeftOut"]?.array?.compactMap(\.string) ?? []
        if !leftOut.isEmpty { lines.append("mounts left out: \(leftOut.joined(separator: " "))") }
        return lines
    }
}
