import HostSystem
import OCIBundle
import OCISpec
import TestSupport
import Testing

private func config(root: String?) -> String {
    var config: JSONObject = ["ociVersion": "1.2.1", "process": ["args": ["/bin/true"], "cwd": "/"]]
    if let root { config["root"] = ["path": .string(root)] }
    return JSONValue.object(config).text()
}

/// A bundle whose root filesystem is the directory `rootfs`.
private func withBundle(root: String? = "rootfs", _ body: (String) throws -> Void) throws {
    try withTemporaryDirectory { directory in
        try makeDirectories("\(directory)/bundle/rootfs", mode: 0o755)
        try makeDirectory("\(directory)/elsewhere", mode: 0o755)
        try write(config(root: root), to: "\(directory)/bundle/config.json")
        try body("\(directory)/bundle")
    }
}

@Suite struct BundleTests {
    @Test func opensARelativeRoot() throws {
        try withBundle { path in
            let bundle = try Bundle(path: path)
            let (place, root) = (bundle.path, bundle.rootPath)
            #expect(place == path)
            #expect(root == "\(path)/rootfs")
            #expect(bundle.spec.process?.args == ["/bin/true"])
            #expect(bundle.json["ociVersion"] == "1.2.1")
        }
    }

    @Test func opensAnAbsoluteRoot() throws {
        try withTemporaryDirectory { directory in
            try makeDirectory("\(directory)/elsewhere", mode: 0o755)
            try write(config(root: "\(directory)/elsewhere"), to: "\(directory)/bundle/config.json")
            let root = try Bundle(path: "\(directory)/bundle").rootPath
            #expect(root == "\(directory)/elsewhere")
        }
    }

    @Test("a bundle is found by a relative path, a link and a path with dots, and its own path is none of them")
    func resolvesItsPath() throws {
        try withBundle { path in
            let depth = try currentDirectoryPath().split(separator: "/").count
            let relative = String(repeating: "../", count: depth) + path.dropFirst()
            try link("\(path)-link", to: path)
            for way in [relative, "\(path)-link", "\(path)/", "\(path)/../bundle/."] {
                let bundle = try Bundle(path: way)
                let (place, root) = (bundle.path, bundle.rootPath)
                #expect(place == path)
                #expect(root == "\(path)/rootfs")
            }
        }
    }

    @Test func followsALinkInsideTheBundle() throws {
        try withBundle(root: "link") { path in
            try link("\(path)/link", to: "rootfs")
            let root = try Bundle(path: path).rootPath
            #expect(root == "\(path)/rootfs")
        }
    }

    static let refusedRoots: [(root: String, target: String?, reason: String)] = [
        ("../elsewhere", nil, "openat2 ../elsewhere: invalid cross-device link"),
        ("rootfs/../../elsewhere", nil, "openat2 rootfs/../../elsewhere: invalid cross-device link"),
        ("link", "../elsewhere", "openat2 link: invalid cross-device link"),
        ("link", "/tmp", "openat2 link: invalid cross-device link"),
        ("link", "link", "openat2 link: too many levels of symbolic links"),
        ("link/deeper", "..", "openat2 link/deeper: invalid cross-device link"),
        ("nosuch", nil, "openat2 nosuch: no such file or directory"),
        ("/no/such/place", nil, "openat /no/such/place: no such file or directory"),
        ("config.json", nil, "openat2 config.json: not a directory"),
        ("/etc/passwd", nil, "openat /etc/passwd: not a directory"),
    ]

    @Test("a root filesystem outside the bundle, or that is no directory, is refused", arguments: refusedRoots)
    func refusesRoot(root: String, target: String?, reason: String) throws {
        try withBundle(root: root) { path in
            if let target { try link("\(path)/link", to: target) }
            #expect(
                message { _ = try Bundle(path: path) }
                    == "config.json: /root/path: cannot open the root filesystem: \(reason)")
        }
    }

    @Test func needsARoot() throws {
        try withBundle(root: nil) { path in
            #expect(
                message { _ = try Bundle(path: path) }
                    == "config.json: /root: a container needs a root filesystem (runtime-spec config.md, root)")
        }
    }

    @Test func needsABundle() throws {
        try withBundle { path in
            for (place, reason) in [("nosuch", "no such file or directory"), ("config.json", "not a directory")] {
                #expect(
                    message { _ = try Bundle(path: "\(path)/\(place)") }
                        == "cannot open the bundle: openat \(path)/\(place): \(reason)")
            }
        }
    }
}

@Suite struct BundleConfigurationTests {
    /// The largest config.json that is read.
    static let largest = 4 << 20

    @Test("a config.json that cannot be read is told by its name and the reason")
    func refuses() throws {
        try withBundle { path in
            let place = "\(path)/config.json"
            func error() -> String { message { _ = try Bundle(path: path) } }
            try write("{\n  \"root\": nothing\n}", to: place)
            #expect(error().hasPrefix("config.json:2:"))
            try removeFile(place)
            #expect(
                error() == "cannot read the bundle's configuration: openat2 config.json: no such file or directory")
            try makeDirectory(place, mode: 0o755)
            #expect(error() == "cannot read the bundle's configuration: read config.json: is a directory")
            try removeDirectory(place)
            try write(config(root: "rootfs"), to: "\(path)/../elsewhere/config.json")
            try link(place, to: "../elsewhere/config.json")
            #expect(
                error() == "cannot read the bundle's configuration: openat2 config.json: invalid cross-device link")
        }
    }

    @Test("a config.json of the largest size is read, a larger one is refused")
    func limitsSize() throws {
        try withBundle { path in
            let text = config(root: "rootfs")
            let padding = String(repeating: " ", count: Self.largest - text.utf8.count)
            try write(text + padding, to: "\(path)/config.json")
            #expect(message { _ = try Bundle(path: path) } == "no error")
            try write(text + padding + " ", to: "\(path)/config.json")
            #expect(
                message { _ = try Bundle(path: path) }
                    == "cannot read the bundle's configuration: read config.json: file too large")
        }
    }

    @Test("another file may stand in for config.json, from anywhere")
    func readsAnotherFile() throws {
        try withBundle { path in
            let other = "\(path)/../elsewhere/other.json"
            try removeFile("\(path)/config.json")
            try write(config(root: "rootfs"), to: other)
            let root = try Bundle(path: path, configFile: other).rootPath
            #expect(root == "\(path)/rootfs")
            try write("[", to: other)
            #expect(message { _ = try Bundle(path: path, configFile: other) }.hasPrefix("\(other):1:"))
            #expect(
                message { _ = try Bundle(path: path, configFile: "/nosuch.json") }
                    == "cannot read the bundle's configuration: openat /nosuch.json: no such file or directory")
        }
    }
}
