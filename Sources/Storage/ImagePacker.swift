internal import HostSystem
internal import OCIBundle

/// A container image to be packed: a unikernel and the files beside it in one layer, on top of nothing.
///
/// See the OCI image specification, image-layout.md, manifest.md and config.md.
public struct ImagePacker {
    /// A file of the image.
    public struct File: Sendable {
        let source: String
        /// Its path in the image.
        public let path: String
        let isExecutable: Bool

        /// - Parameters:
        ///   - source: Its path on the host.
        ///   - path: Its absolute path in the image.
        public init(source: String, path: String, isExecutable: Bool = false) {
            self.source = source
            self.path = path
            self.isExecutable = isExecutable
        }
    }

    /// The image's name with its tag.
    public var name: String
    /// The files, of which the first is what is run.
    public var files: [File]
    /// What is in `/urunc.json`, beside the path of the unikernel.
    public var metadata: [(key: String, value: String)] = []
    /// Arguments after the unikernel's name.
    public var arguments: [String] = []
    /// Variables of the environment, as `NAME=VALUE`.
    public var environment: [String] = []
    /// Labels of the configuration, which are annotations of the manifest as well: engines pass on the one or the other.
    public var labels: [(key: String, value: String)] = []

    /// An image of `files`.
    ///
    /// - Parameter name: Without a host it gets `localhost/` in front, without a tag `:latest` after it, so that every
    ///   engine finds it by one name.
    public init(name: String, files: [File]) {
        let parts = name.split(separator: "/")
        let isTagged = parts.last?.utf8.contains(UInt8(ascii: ":")) ?? false
        let hasHost =
            parts.count > 1 && (parts[0] == "localhost" || parts[0].utf8.contains { $0 == 0x2E || $0 == 0x3A })
        self.name = (hasHost ? "" : "localhost/") + name + (isTagged ? "" : ":latest")
        self.files = files
    }

    /// Writes the image: as an archive, where the path ends with `.tar`, else as a directory.
    ///
    /// The same image always has the same bytes. An archive is there as a whole or not at all; a directory has to be
    /// empty, or to hold an image already.
    ///
    /// - Returns: The digest of the manifest.
    /// - Throws: ``HostSystem/HostError`` or ``HostSystem/Failure`` that names the file.
    public func pack(to output: String) throws -> String {
        let metadata = try metadataFile()
        var hash = SHA256()
        var size: UInt64 = 0
        try writeLayer(metadata) { bytes in
            hash.update(bytes)
            size += UInt64(bytes.count)
        }
        let layer = Blob(digest: hash.digest(), size: size)
        let (members, digest) = documents(layer)
        // What is not the layer again is not the image.
        func write(_ sink: @escaping ([UInt8]) throws -> Void) throws {
            var again = SHA256()
            try writeLayer(metadata) { bytes in
                again.update(bytes)
                try sink(bytes)
            }
            guard again.digest() == layer.digest else {
                throw Failure("a file of the image changed while it was packed")
            }
        }
        if output.hasSuffix(".tar") {
            try archive(output, members, layer, write)
        } else {
            try directory(output, members, layer, write)
        }
        return "sha256:\(digest)"
    }
}

// MARK: the layer

extension ImagePacker {
    /// What says that the image is a unikernel, in the form that urunc expects too: its values in base64.
    private var marks: [(key: String, value: String)] {
        ([("com.urunc.unikernel.binary", files.first?.path ?? "")] + metadata).map { key, value in
            (key, key.hasPrefix("com.urunc.") ? encodeBase64(Array(value.utf8)) : value)
        }
    }

    /// The bytes of `/urunc.json`, for engines that pass on neither labels nor annotations.
    private func metadataFile() throws -> [UInt8] {
        JSONValue.object(JSONObject(marks.map { ($0.key, .string($0.value)) })).bytes(indented: true) + [10]
    }

    /// Writes the layer: the directories above the files, and the files, sorted by name.
    private func writeLayer(_ metadata: [UInt8], _ sink: @escaping ([UInt8]) throws -> Void) throws {
        let stream = TarStream(sink)
        var directories: Set<String> = []
        for file in files {
            let parts = pathParts(file.path)
            for count in parts.indices { directories.insert(parts[..<count].joined(separator: "/")) }
        }
        for directory in directories.sorted() where !directory.isEmpty { try stream.directory(directory) }
        for file in files.sorted(by: { $0.path < $1.path }) {
            let source = try open(file.source, flags: [.readOnly, .nonBlocking])
            let status = try status(of: source.raw)
            guard status.kind == .regular else { throw Failure("\(file.source) is no regular file") }
            let name = pathParts(file.path).joined(separator: "/")
            try stream.begin(name, size: status.size, mode: file.isExecutable ? 0o755 : 0o644)
            var left = status.size
            while left > 0 {
                let bytes = try readSome(source.raw, named: file.source)
                guard !bytes.isEmpty, bytes.count <= left else {
                    throw Failure("\(file.source) changed while it was read")
                }
                left -= UInt64(bytes.count)
                try sink(bytes)
            }
            try stream.end(size: status.size)
        }
        try stream.file("urunc.json", metadata)
        try stream.finish()
    }
}

// MARK: the documents

/// A part of the image by its content.
private struct Blob {
    let digest: String
    let size: UInt64

    var path: String { "blobs/sha256/\(digest)" }

    func descriptor(_ type: String) -> JSONObject {
        ["mediaType": .string(type), "digest": .string("sha256:\(digest)"), "size": JSONValue(size)]
    }
}

extension ImagePacker {
    private typealias Member = (name: String, bytes: [UInt8])

    private static let imageTypes = "application/vnd.oci.image."

    /// All files but the layer, and the digest of the manifest.
    private func documents(_ layer: Blob) -> (members: [Member], digest: String) {
        var members: [Member] = []
        func store(_ document: JSONObject) -> Blob {
            let bytes = JSONValue.object(document).bytes()
            let blob = Blob(digest: SHA256.digest(of: bytes), size: UInt64(bytes.count))
            members.append((blob.path, bytes))
            return blob
        }
        let pairs = JSONObject((labels + marks).map { ($0.key, .string($0.value)) })
        let config = store(configuration(layer, pairs))
        var manifest: JSONObject = [
            "schemaVersion": 2, "mediaType": .string(Self.imageTypes + "manifest.v1+json"),
            "config": .object(config.descriptor(Self.imageTypes + "config.v1+json")),
            "layers": [.object(layer.descriptor(Self.imageTypes + "layer.v1.tar"))],
        ]
        if !pairs.members.isEmpty { manifest["annotations"] = .object(pairs) }
        let stored = store(manifest)
        members += entryPoints(stored, config: config, layer)
        return (members, stored.digest)
    }

    /// The files by which engines find the manifest; the last of them makes it an image.
    private func entryPoints(_ manifest: Blob, config: Blob, _ layer: Blob) -> [Member] {
        var entry = manifest.descriptor(Self.imageTypes + "manifest.v1+json")
        // containerd names the image by the first, podman and skopeo by the second.
        entry["annotations"] = [
            "io.containerd.image.name": .string(name), "org.opencontainers.image.ref.name": .string(name),
        ]
        let index: JSONValue = [
            "schemaVersion": 2, "mediaType": .string(Self.imageTypes + "index.v1+json"), "manifests": [.object(entry)],
        ]
        // docker before version 25 reads this in the place of index.json; the others prefer the layout.
        let former: JSONValue = [
            ["Config": .string(config.path), "RepoTags": [.string(name)], "Layers": [.string(layer.path)]]
        ]
        return [
            ("manifest.json", former.bytes()), ("oci-layout", Array(#"{"imageLayoutVersion":"1.0.0"}"#.utf8)),
            ("index.json", index.bytes()),
        ]
    }

    private func configuration(_ layer: Blob, _ labels: JSONObject) -> JSONObject {
        var process: JSONObject = ["Entrypoint": [.string(files.first?.path ?? "")]]
        if !arguments.isEmpty { process["Cmd"] = .array(arguments.map { .string($0) }) }
        if !environment.isEmpty { process["Env"] = .array(environment.map { .string($0) }) }
        if !labels.members.isEmpty { process["Labels"] = .object(labels) }
        return [
            "created": "1970-01-01T00:00:00Z", "architecture": "amd64", "os": "linux", "config": .object(process),
            "rootfs": ["type": "layers", "diff_ids": [.string("sha256:\(layer.digest)")]],
            "history": [["created": "1970-01-01T00:00:00Z"]],
        ]
    }
}

// MARK: the output

extension ImagePacker {
    private typealias LayerWriter = (@escaping ([UInt8]) throws -> Void) throws -> Void

    private static let newFile: OpenFlags = [.writeOnly, .create, .truncate, .noFollow]

    private func archive(_ output: String, _ members: [Member], _ layer: Blob, _ write: LayerWriter) throws {
        let temporary = output + ".tmp"
        do {
            let file = try open(temporary, flags: Self.newFile, mode: 0o666)
            let descriptor = file.raw
            let stream = TarStream { try writeAll($0, to: descriptor, named: temporary) }
            for directory in ["blobs", "blobs/sha256"] { try stream.directory(directory) }
            try stream.begin(layer.path, size: layer.size, mode: 0o644)
            try write { try writeAll($0, to: descriptor, named: temporary) }
            try stream.end(size: layer.size)
            for member in members { try stream.file(member.name, member.bytes) }
            try stream.finish()
            try renameFile(temporary, to: output)
        } catch {
            try? removeFile(temporary)
            throw error
        }
    }

    private func directory(_ output: String, _ members: [Member], _ layer: Blob, _ write: LayerWriter) throws {
        try makeDirectories(output, mode: 0o777)
        let directory = try open(output, flags: [.readOnly, .directory])
        let found = try entries(of: directory.raw, named: output)
        guard found.isEmpty || found.contains(where: { $0.name == "oci-layout" }) else {
            throw Failure("the directory \(output) has other files than an image's")
        }
        try makeDirectories("\(output)/blobs/sha256", mode: 0o777)
        do {
            let file = try open("\(output)/\(layer.path)", flags: Self.newFile, mode: 0o666)
            let descriptor = file.raw
            try write { try writeAll($0, to: descriptor, named: "\(output)/\(layer.path)") }
        } catch {
            try? removeFile("\(output)/\(layer.path)")
            throw error
        }
        // The index comes last: until then there is no image.
        for member in members { try replaceFile(member.name, in: directory.raw, with: member.bytes, mode: 0o666) }
    }
}
