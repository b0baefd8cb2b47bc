public import HostSystem

/// What is kept about a container between two commands: the content of `state.json` in its directory.
public struct ContainerRecord: Equatable, Sendable {
    /// The `ociVersion` of its config.json.
    public var ociVersion: String
    /// The container's id.
    public var id: String
    /// The bundle's absolute path.
    public var bundle: String
    /// The root filesystem's absolute path.
    public var rootfs: String
    /// The pid of its process 1 as the runtime's PID namespace numbers it; 0 until that exists.
    public var pid: Int32
    /// When that process started, in clock ticks after boot: guards against the number being used again.
    public var startTime: UInt64
    /// When the container was made, RFC 3339 in UTC.
    public var created: String
    /// The user id that made it.
    public var owner: UInt32
    /// Which guest framework and monitor it runs; empty for an ordinary container.
    public var guest: String
    /// The guest's memory in MiB; 0 for an ordinary container.
    public var guestMemoryMiB: UInt64
    /// The names of the guest's network devices, which `start` connects.
    public var networkDevices: [String]
    /// How these and the interfaces of its network namespace meet; empty for an ordinary container.
    public var networkMode: String
    /// The addresses and ports that the guest asks for among others in its network namespace.
    public var networkAddresses: [String], networkPorts: [String]
    /// The port at which the guest reaches its vAccel agent by TCP; 0 where it does not.
    public var agentPort: UInt16
    /// The network namespace that the container joined, by which its filters are found again; empty for one of its own.
    public var networkNamespace: String
    /// The number of that namespace's file: what is at the path later may be another one.
    public var networkNamespaceNumber: UInt64
    /// What `start` has set on interfaces: each a filter's interface, priority, and whether the queue is its own.
    public var redirects: JSONValue
    /// The numbers of the interfaces that no filter could stand at before `start` set any.
    public var bareInterfaces: [Int32]
    /// Whether the monitor opens its taps itself, so that they stay when it has gone; and their numbers since `start`.
    public var keepsTaps: Bool, taps: [Int32]
    /// The directory with the Unix sockets of the guest's virtio sockets; empty for a guest without.
    public var vsockDirectory: String
    /// The context id that the kernel's virtio sockets know the guest by; 0 for one that they do not know.
    public var vsockCID: UInt32
    /// The cgroup directories that were not there before it, outermost first.
    public var cgroups: [String]
    /// The cgroup directories its processes are in.
    public var processCgroups: [String]
    /// Whether its root is bound onto itself in the host's mount namespace, to be detached with all below it.
    public var boundRoot: Bool
    /// Whether its processes keep the session keyring of whoever starts them.
    public var noNewKeyring: Bool
    /// The socket of the agent that decides about system calls; empty where none does.
    public var listenerPath: String
    /// What that agent is told besides.
    public var listenerMetadata: String
    /// The systemd unit its processes are in; empty where systemd does not make its cgroups.
    public var unit: String
    /// The annotations of config.json, as an object.
    public var annotations: JSONValue
    /// The hooks that are still to be run, as config.json has them; `null` for none.
    public var hooks: JSONValue

    /// Creates the record of a container that does not exist yet.
    public init(ociVersion: String, id: String, bundle: String, rootfs: String, created: String, owner: UInt32) {
        self.ociVersion = ociVersion
        self.id = id
        self.bundle = bundle
        self.rootfs = rootfs
        self.created = created
        self.owner = owner
        pid = 0
        startTime = 0
        guest = ""
        guestMemoryMiB = 0
        networkDevices = []
        networkMode = ""
        networkAddresses = []
        networkPorts = []
        agentPort = 0
        networkNamespace = ""
        networkNamespaceNumber = 0
        redirects = .array([])
        bareInterfaces = []
        keepsTaps = false
        taps = []
        vsockDirectory = ""
        vsockCID = 0
        cgroups = []
        processCgroups = []
        unit = ""
        boundRoot = false
        noNewKeyring = false
        listenerPath = ""
        listenerMetadata = ""
        annotations = .object(JSONObject())
        hooks = .null
    }

    /// The file's content.
    public var json: JSONValue {
        .object([
            "ociVersion": .string(ociVersion),
            "id": .string(id),
            "bundle": .string(bundle),
            "rootfs": .string(rootfs),
            "pid": JSONValue(pid),
            "startTime": JSONValue(startTime),
            "created": .string(created),
            "owner": JSONValue(owner),
            "guest": .string(guest),
            "guestMemoryMiB": JSONValue(guestMemoryMiB),
            "networkDevices": JSONValue(networkDevices),
            "networkMode": .string(networkMode),
            "networkAddresses": JSONValue(networkAddresses),
            "networkPorts": JSONValue(networkPorts),
            "agentPort": JSONValue(agentPort),
            "networkNamespace": .string(networkNamespace),
            "networkNamespaceNumber": JSONValue(networkNamespaceNumber),
            "redirects": redirects,
            "bareInterfaces": .array(bareInterfaces.map { JSONValue($0) }),
            "keepsTaps": .bool(keepsTaps),
            "taps": .array(taps.map { JSONValue($0) }),
            "vsockDirectory": .string(vsockDirectory),
            "vsockCID": JSONValue(vsockCID),
            "cgroups": JSONValue(cgroups),
            "processCgroups": JSONValue(processCgroups),
            "unit": .string(unit),
            "boundRoot": .bool(boundRoot),
            "noNewKeyring": .bool(noNewKeyring),
            "listenerPath": .string(listenerPath),
            "listenerMetadata": .string(listenerMetadata),
            "annotations": annotations,
            "hooks": hooks,
        ])
    }

    /// The record in a file's content; nil when it is not one.
    public init?(json: JSONValue) {
        guard let version = json["ociVersion"]?.string, let id = json["id"]?.string,
            let bundle = json["bundle"]?.string, let rootfs = json["rootfs"]?.string,
            let pid = json["pid"]?.integer(as: Int32.self), let start = json["startTime"]?.integer(as: UInt64.self),
            let created = json["created"]?.string, let owner = json["owner"]?.integer(as: UInt32.self)
        else { return nil }
        self.init(ociVersion: version, id: id, bundle: bundle, rootfs: rootfs, created: created, owner: owner)
        self.pid = pid
        startTime = start
        guest = json["guest"]?.string ?? ""
        guestMemoryMiB = json["guestMemoryMiB"]?.integer() ?? 0
        func strings(_ name: String) -> [String] { json[name]?.array?.compactMap(\.string) ?? [] }
        networkDevices = strings("networkDevices")
        networkMode = json["networkMode"]?.string ?? ""
        networkAddresses = strings("networkAddresses")
        networkPorts = strings("networkPorts")
        agentPort = json["agentPort"]?.integer(as: UInt16.self) ?? 0
        networkNamespace = json["networkNamespace"]?.string ?? ""
        networkNamespaceNumber = json["networkNamespaceNumber"]?.integer() ?? 0
        redirects = json["redirects"] ?? redirects
        bareInterfaces = json["bareInterfaces"]?.array?.compactMap { $0.integer(as: Int32.self) } ?? []
        keepsTaps = json["keepsTaps"]?.bool ?? false
        taps = json["taps"]?.array?.compactMap { $0.integer(as: Int32.self) } ?? []
        vsockDirectory = json["vsockDirectory"]?.string ?? ""
        vsockCID = json["vsockCID"]?.integer(as: UInt32.self) ?? 0
        cgroups = json["cgroups"]?.array?.compactMap(\.string) ?? []
        processCgroups = json["processCgroups"]?.array?.compactMap(\.string) ?? []
        listenerPath = json["listenerPath"]?.string ?? ""
        listenerMetadata = json["listenerMetadata"]?.string ?? ""
        boundRoot = json["boundRoot"] == .bool(true)
        noNewKeyring = json["noNewKeyring"]?.bool ?? false
        unit = json["unit"]?.string ?? ""
        annotations = json["annotations"] ?? .object(JSONObject())
        hooks = json["hooks"] ?? .null
    }
}
