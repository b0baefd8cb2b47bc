public import HostSystem

/// A container engine whose configuration can name this runtime.
public enum Engine: String, CaseIterable, Sendable {
    /// containerd's configuration, for its container runtime interface; the same as ``cri``.
    case containerd
    case podman
    case docker
    /// The container runtime interface of containerd, which Kubernetes uses.
    case cri

    /// The file that is changed unless another one is named.
    public var usualFile: String {
        switch self {
        case .containerd, .cri: "/etc/containerd/config.toml"
        case .podman: "/etc/containers/containers.conf.d/swiftlet.conf"
        case .docker: "/etc/docker/daemon.json"
        }
    }

    /// What makes the engine read its configuration again; nil where every call reads it.
    public var reload: String? {
        switch self {
        case .containerd, .cri: "systemctl restart containerd"
        case .podman: nil
        case .docker: "systemctl reload docker"
        }
    }
}

/// The runtime as an engine is to know it.
public struct EngineEntry: Sendable {
    /// What engines call the runtime.
    public static let name = "swiftlet"
    /// What the names of annotations begin with that the runtime reads.
    public static let annotationPrefixes = ["org.swiftlet.", "com.urunc.unikernel.", "org.unikraft."]

    let engine: Engine
    let path: String
    let isDefault: Bool

    /// - Parameters:
    ///   - path: The runtime's absolute path.
    ///   - isDefault: Whether containers that name no runtime have this one.
    /// - Throws: ``HostSystem/Failure`` for a path that cannot be written in a configuration.
    public init(_ engine: Engine, path: String, isDefault: Bool) throws(Failure) {
        guard path.hasPrefix("/"), path.utf8.allSatisfy({ 0x20...0x7E ~= $0 && $0 != 0x22 && $0 != 0x5C }) else {
            throw Failure("'\(path)' is no absolute path of plain characters, quotes and backslashes not among them")
        }
        self.engine = engine
        self.path = path
        self.isDefault = isDefault
    }

    /// A configuration with the runtime in it, where it already is as it is to be.
    ///
    /// - Parameter bytes: The content of `file`; empty when it is not there.
    /// - Throws: ``HostSystem/Failure`` with file and line for what cannot be read or changed.
    public func installed(in bytes: [UInt8], named file: String) throws(Failure) -> [UInt8] {
        if engine == .docker { return try installedInJSON(bytes, named: file) }
        let others = try OwnLines.removed(from: bytes, named: file)
        var lines = OwnLines(try TOMLOutline(others, named: file))
        if engine == .podman {
            if isDefault { try lines.set(["engine"], "runtime", to: "\"\(Self.name)\"") }
            try lines.check(["engine", "runtimes", Self.name])
            try lines.set(["engine", "runtimes"], Self.name, to: "[\"\(path)\"]")
        } else {
            try addHandler(to: &lines)
        }
        return lines.applied()
    }

    /// A configuration without the runtime: as it was before, when nobody has changed anything else since.
    ///
    /// - Parameter before: What `file` was before the runtime was installed; nil when that is not known.
    /// - Returns: Empty bytes when nothing is left.
    /// - Throws: ``HostSystem/Failure`` with file and line for what cannot be read.
    public static func removed(
        _ engine: Engine, from bytes: [UInt8], before: [UInt8]?, named file: String
    ) throws(Failure) -> [UInt8] {
        if engine == .docker { return try removedFromJSON(bytes, before: before, named: file) }
        let rest = try OwnLines.removed(from: bytes, named: file)
        guard let before, rest == before || rest == before + [10] else { return rest }
        return before
    }
}

// MARK: containerd

extension EngineEntry {
    private func addHandler(to lines: inout OwnLines) throws(Failure) {
        let outline = lines.outline
        let plugin = try plugin(outline, &lines)
        let containerd = ["plugins", plugin, "containerd"]
        let runtimes = containerd + ["runtimes"]
        let handler = runtimes + [Self.name]
        try lines.check(handler)
        if isDefault { try lines.set(containerd, "default_runtime_name", to: "\"\(Self.name)\"") }
        // Whoever names one handler has to name the usual one as well.
        if outline.entries(below: runtimes).allSatisfy({ $0.path == runtimes }) {
            lines.append("[\(OwnLines.name(of: runtimes + ["runc"]))]\n  runtime_type = \"io.containerd.runc.v2\"\n")
        }
        // The kubelet and all handlers have to agree on who makes cgroups.
        let usesSystemd = outline.value(runtimes + ["runc", "options", "SystemdCgroup"]) == "true"
        let annotations = Self.annotationPrefixes.map { "\"\($0)*\"" }.joined(separator: ", ")
        lines.append(
            """
            [\(OwnLines.name(of: handler))]
              runtime_type = "io.containerd.runc.v2"
              pod_annotations = [\(annotations)]
              container_annotations = [\(annotations)]
              [\(OwnLines.name(of: handler + ["options"]))]
                BinaryName = "\(path)"
                SystemdCgroup = \(usesSystemd)

            """)
    }

    /// The name of the plug-in that has the handlers, by the version of the configuration.
    private func plugin(_ outline: TOMLOutline, _ lines: inout OwnLines) throws(Failure) -> String {
        let disabled = outline.entry(["disabled_plugins"])
        let names = outline.value(["disabled_plugins"])?.utf8.split { "[]\"', \t\r\n".utf8.contains($0) } ?? []
        if let disabled,
            names.contains(where: { $0.elementsEqual("cri".utf8) || $0.suffix(4).elementsEqual(".cri".utf8) })
        {
            throw outline.fault("the plug-in for the container runtime interface (cri) is switched off here", disabled)
        }
        switch outline.value(["version"]) {
        case "2": return "io.containerd.grpc.v1.cri"
        case "3", "4": return "io.containerd.cri.v1.runtime"
        case nil where outline.entries.isEmpty:
            lines.append("version = 2\n")
            return "io.containerd.grpc.v1.cri"
        case nil:
            throw outline.text.fault("expected \"version = 2\", 3 or 4: versions before that name no handlers", at: 0)
        case let version?:
            throw Failure("\(outline.text.file): version \(version) is not known (known are: 2 to 4)")
        }
    }
}

// MARK: docker

extension EngineEntry {
    private static let runtimes = "runtimes"
    private static let preset = "default-runtime"

    private func installedInJSON(_ bytes: [UInt8], named file: String) throws(Failure) -> [UInt8] {
        var bytes = bytes
        if bytes.allSatisfy({ $0 <= 0x20 }) { bytes = Array("{}\n".utf8) }
        var all = try JSONMembers(bytes, named: file, isWhole: true)
        let value = "{\"path\": \"\(path)\"}"
        if let runtimes = try all.object(Self.runtimes) {
            if try runtimes.object(Self.name)?.string("path") != path {
                bytes = runtimes.setting(Self.name, to: value)
            }
        } else {
            bytes = all.setting(Self.runtimes, to: "{\"\(Self.name)\": \(value)}")
        }
        guard isDefault else { return bytes }
        all = try JSONMembers(bytes, named: file)
        return all.string(Self.preset) == Self.name ? bytes : all.setting(Self.preset, to: "\"\(Self.name)\"")
    }

    private static func removedFromJSON(
        _ bytes: [UInt8], before: [UInt8]?, named file: String
    ) throws(Failure) -> [UInt8] {
        guard !bytes.allSatisfy({ $0 <= 0x20 }) else { return before ?? [] }
        let all = try JSONMembers(bytes, named: file, isWhole: true)
        let isDefault = all.string(preset) == name
        guard let path = try all.object(runtimes)?.object(name)?.string("path") else { return bytes }
        // What installing makes of the file as it was, is what is there: then nobody has changed anything since.
        if let before, let entry = try? EngineEntry(.docker, path: path, isDefault: isDefault),
            try entry.installed(in: before, named: file) == bytes
        {
            return before
        }
        var rest = bytes
        if isDefault {
            let former = try before.map { bytes throws(Failure) in try JSONMembers(bytes, named: file) }?.string(preset)
            rest = former.map { all.setting(preset, to: "\"\($0)\"") } ?? all.removing(preset)
        }
        if let runtimes = try JSONMembers(rest, named: file).object(runtimes) {
            rest = runtimes.removing(name)
            let isEmpty = runtimes.members.count == 1
            if isEmpty { rest = try JSONMembers(rest, named: file).removing(Self.runtimes) }
        }
        return try JSONMembers(rest, named: file).members.isEmpty && before == nil ? [] : rest
    }
}
