public import HostSystem

/// The OCI runtime specification's config.json for Linux and virtual machines, version 1.3.0.
///
/// Property names are the specification's. What is absent is nil, or empty where absence and emptiness mean the same.
/// See runtime-spec config.md.
public struct RuntimeSpec: Equatable, Sendable {
    /// The specification's version the bundle was written for: SemVer with major version 1.
    public var ociVersion: String
    /// What to run. `create` works without it, `start` does not.
    @Shared public var process: Process? = nil
    /// The container's root filesystem.
    public var root: Root?
    /// The host name in the container's UTS namespace.
    public var hostname: String?
    /// The NIS domain name in the container's UTS namespace.
    public var domainname: String?
    /// What to mount on top of the root filesystem, in this order.
    public var mounts: [Mount] = []
    /// Programs to run at points of the lifecycle.
    @Shared public var hooks = Hooks()
    /// Metadata of whoever wrote the document.
    public var annotations = StringMap()
    /// What only Linux has.
    @Shared public var linux: LinuxSpec? = nil
    /// What only virtual machines have.
    @Shared public var vm: VirtualMachineSpec? = nil

    /// An empty specification of that version.
    public init(ociVersion: String = "1.2.1") {
        self.ociVersion = ociVersion
    }

    /// Decodes a config.json. Unknown properties are ignored, as the specification demands.
    ///
    /// Throws at the first property with a wrong type, a value out of range or an unknown word, at a required one that
    /// is absent, and at what no host could satisfy: two namespaces of one type, a relative `process.cwd`.
    public static func decode(_ json: JSONValue, named document: String = "config.json") throws(SpecError)
        -> RuntimeSpec
    {
        try RuntimeSpec(SpecCursor(json, at: .document(document), section: section))
    }
}

extension RuntimeSpec: SpecObject {
    static let section = "config.md"

    init(_ object: SpecCursor) throws(SpecError) {
        ociVersion = try RuntimeSpec.version(object)
        process = try object.child("process")
        root = try object.child("root")
        hostname = try object.string("hostname")
        domainname = try object.string("domainname")
        mounts = try object.children("mounts")
        hooks = try object.child("hooks") ?? Hooks()
        annotations = try object.stringMap("annotations", section: "config.md#annotations")
        linux = try object.child("linux")
        vm = try object.child("vm")
    }

    private static func version(_ object: SpecCursor) throws(SpecError) -> String {
        let text = try object.requiredString("ociVersion")
        let place = object.place("ociVersion")
        let section = "config.md#specification-version"
        guard let major = majorOfSemanticVersion(text) else {
            throw SpecError(place, section, "'\(text)' is not a semantic version")
        }
        guard major == "1" else { throw SpecError(place, section, "version \(text) is not supported (known: 1.x)") }
        return text
    }
}

/// The major version of a text in the form of SemVer 2.0.0, nil for any other text. See semver.org.
private func majorOfSemanticVersion(_ text: String) -> Substring? {
    let withoutBuild = text.split(separator: "+", maxSplits: 1, omittingEmptySubsequences: false)
    let parts = withoutBuild[0].split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
    let numbers = parts[0].split(separator: ".", omittingEmptySubsequences: false)
    guard numbers.count == 3, numbers.allSatisfy(isVersionNumber) else { return nil }
    if parts.count == 2, !areIdentifiers(parts[1], numeric: isVersionNumber) { return nil }
    if withoutBuild.count == 2, !areIdentifiers(withoutBuild[1], numeric: { _ in true }) { return nil }
    return numbers[0]
}

private func isVersionNumber(_ text: Substring) -> Bool {
    isDigits(text) && (text == "0" || text.utf8.first != UInt8(ascii: "0"))
}

private func isDigits(_ text: Substring) -> Bool {
    !text.isEmpty && text.utf8.allSatisfy { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
}

private func areIdentifiers(_ text: Substring, numeric: (Substring) -> Bool) -> Bool {
    text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { identifier in
        guard !isDigits(identifier) else { return numeric(identifier) }
        return !identifier.isEmpty
            && identifier.unicodeScalars.allSatisfy { scalar in
                ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) || ("0"..."9").contains(scalar)
                    || scalar == "-"
            }
    }
}

/// The container's root filesystem. See runtime-spec config.md, root.
public struct Root: Equatable, Sendable {
    /// The directory, absolute or relative to the bundle.
    public var path: String
    /// Whether the container sees it read-only.
    public var readonly = false

    /// A writable root filesystem at that path.
    public init(path: String) {
        self.path = path
    }
}

extension Root: SpecObject {
    static let section = "config.md#root"

    init(_ object: SpecCursor) throws(SpecError) {
        path = try object.requiredString("path")
        readonly = try object.bool("readonly") ?? false
    }
}
