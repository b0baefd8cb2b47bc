/// A point of the lifecycle at which hooks run. See runtime-spec config.md, POSIX-platform hooks.
public enum HookKind: String, CaseIterable, Sendable {
    /// During `create`, after the namespaces are made, in the runtime's; deprecated, runs before `createRuntime`.
    case prestart
    /// During `create`, after the namespaces are made, in the runtime's.
    case createRuntime
    /// During `create`, in the container's namespaces, before the root is changed.
    case createContainer
    /// During `start`, in the container, before the program.
    case startContainer
    /// During `start`, after the program began, in the runtime's namespaces.
    case poststart
    /// During `delete`, in the runtime's namespaces.
    case poststop
}

/// The programs to run at points of the lifecycle, in order.
public struct Hooks: Equatable, Sendable {
    /// See `HookKind.prestart`.
    public var prestart: [Hook] = []
    /// See `HookKind.createRuntime`.
    public var createRuntime: [Hook] = []
    /// See `HookKind.createContainer`.
    public var createContainer: [Hook] = []
    /// See `HookKind.startContainer`.
    public var startContainer: [Hook] = []
    /// See `HookKind.poststart`.
    public var poststart: [Hook] = []
    /// See `HookKind.poststop`.
    public var poststop: [Hook] = []

    /// No hooks.
    public init() {}

    /// The hooks of one kind.
    public subscript(kind: HookKind) -> [Hook] {
        switch kind {
        case .prestart: prestart
        case .createRuntime: createRuntime
        case .createContainer: createContainer
        case .startContainer: startContainer
        case .poststart: poststart
        case .poststop: poststop
        }
    }

    /// Whether there is no hook of any kind.
    public var isEmpty: Bool { HookKind.allCases.allSatisfy { self[$0].isEmpty } }
}

extension Hooks: SpecObject {
    static let section = "config.md#posix-platform-hooks"

    init(_ object: SpecCursor) throws(SpecError) {
        prestart = try object.children("prestart")
        createRuntime = try object.children("createRuntime")
        createContainer = try object.children("createContainer")
        startContainer = try object.children("startContainer")
        poststart = try object.children("poststart")
        poststop = try object.children("poststop")
    }
}

/// One program to run.
public struct Hook: Equatable, Sendable {
    /// The program, an absolute path.
    public var path: String
    /// Its arguments including the name it is called by; empty means just `path`.
    public var args: [String] = []
    /// Its environment, `NAME=value`.
    public var env: [String] = []
    /// Seconds after which the hook is killed; nil waits for ever.
    public var timeout: Int?

    /// A hook without arguments.
    public init(path: String) {
        self.path = path
    }
}

extension Hook: SpecObject {
    static let section = "config.md#posix-platform-hooks"

    init(_ object: SpecCursor) throws(SpecError) {
        path = try object.required("path", object.absolutePath("path"))
        args = try object.strings("args")
        env = try object.strings("env")
        timeout = try object.integer("timeout", in: 1...Int.max)
    }
}
