public import HostSystem
public import OCISpec

/// A bundle on disk: its directory, what its config.json says, and its root filesystem.
///
/// See bundle.md of the runtime spec. Everything below is opened through descriptors, so that nothing is resolved twice.
public struct Bundle: ~Copyable {
    /// The largest config.json that is read, in bytes.
    static let largestConfig = 4 << 20

    /// The bundle's absolute path.
    public let path: String
    /// What config.json says.
    public let spec: RuntimeSpec
    /// The bytes of config.json.
    public let configuration: [UInt8]
    /// The parsed config.json as it is, for what is handed on unread.
    public let json: JSONValue
    /// The root filesystem's absolute path.
    public let rootPath: String
    /// The root filesystem, opened with O_PATH.
    public let root: RootFilesystem

    /// Opens the bundle at `path`, relative to the current directory.
    ///
    /// - Parameter configFile: Another file than `config.json`, relative to the current directory.
    /// - Throws: ``HostSystem/Failure`` that names the file, ``HostSystem/JSONError`` or ``OCISpec/SpecError``.
    public init(path: String, configFile: String? = nil) throws {
        let directory = try Self.openDirectory(path)
        let (configuration, json) = try Self.readConfig(configFile, in: directory.raw)
        let spec = try RuntimeSpec.decode(json)
        guard let rootSpec = spec.root else {
            throw SpecError(pointer: "/root", reason: "a container needs a root filesystem", section: "config.md#root")
        }
        let root = try RootFilesystem(path: rootSpec.path, in: directory.raw)
        let (place, rootPlace) = (try absolutePath(of: directory.raw), try absolutePath(of: root.descriptor.raw))
        self.path = place
        self.rootPath = rootPlace
        self.configuration = configuration
        self.json = json
        self.spec = spec
        self.root = root
    }

    private static func openDirectory(_ path: String) throws(Failure) -> Descriptor {
        do throws(HostError) {
            return try open(path, flags: [.directory, .pathOnly])
        } catch {
            throw Failure("cannot open the bundle", cause: error)
        }
    }

    private static func readConfig(_ configFile: String?, in directory: Int32) throws -> ([UInt8], JSONValue) {
        do {
            let name = configFile ?? "config.json"
            let file =
                configFile == nil
                ? try openBeneath(directory, name, flags: .readOnly) : try open(name, flags: .readOnly)
            let bytes = try readAll(file.raw, named: name, limit: largestConfig)
            return (bytes, try parseJSON(bytes, named: name))
        } catch let error as HostError {
            throw Failure("cannot read the bundle's configuration", cause: error)
        }
    }
}
