internal import ContainerState
internal import HostConfiguration
public import HostSystem
internal import LaunchPlanning
internal import OCIBundle
internal import OCISpec
internal import Sandboxing

/// The verbs of the command line.
///
/// See runtime.md "Operations" of the runtime spec. What a verb may do in which status:
///
/// | verb | creating | created | running | paused | stopped |
/// |---|---|---|---|---|---|
/// | start | error | yes | error | error | error |
/// | kill | error | yes | yes | yes | error |
/// | kill --all | yes | yes | yes | yes | yes |
/// | pause | error | yes | yes | error | error |
/// | resume | error | error | error | yes | error |
/// | delete | yes, once whoever makes it has ended | yes, as runc does | with force | with force | yes |
/// | state | yes | yes | yes | yes | yes |
public struct Runtime {
    let settings: RuntimeSettings
    let store: StateStore
    var log: Log { settings.log }

    /// Creates a runtime.
    public init(_ settings: RuntimeSettings) {
        self.settings = settings
        store = StateStore(root: settings.root, isTemporary: settings.isRootTemporary)
    }

    /// Where compiled seccomp filters are kept: nowhere for an ordinary user, who may not write to /run.
    var filterCache: FilterCache? {
        effectiveUser() == 0 && !Program.isInUserNamespace ? FilterCache(directory: "/run/swiftlet-filters") : nil
    }

    /// What the operator says of guests, not yet read.
    var hostConfiguration: ConfigurationFile { ConfigurationFile(settings.hostConfiguration) }

    /// The container's directory, and its record when there is a whole one.
    struct Container: ~Copyable {
        let directory: ContainerDirectory
        let record: ContainerRecord?

        /// A process that is held is there all the same, so the freezer is asked last.
        var status: ContainerStatus {
            get throws(HostError) {
                let status = try directory.status(record)
                guard let record, status == .created || status == .running else { return status }
                return CgroupFreezer(in: record.processCgroups)?.isFrozen == true ? .paused : status
            }
        }
    }

    /// Opens a container.
    ///
    /// - Throws: ``HostSystem/Failure`` with runc's words when there is none.
    func open(_ id: String, lock: Bool) throws -> Container {
        guard let container = try openIfThere(id, lock: lock) else { throw Failure("container does not exist: \(id)") }
        return container
    }

    /// Opens a container; nil when there is none.
    func openIfThere(_ id: String, lock: Bool) throws -> Container? {
        guard let directory = try store.open(id: id, lock: lock) else { return nil }
        let record = try directory.record()
        return Container(directory: directory, record: record)
    }

    /// Decides what a bundle would run, without doing it.
    ///
    /// - Returns: The launch plan.
    /// - Throws: The error that `create` would end with.
    public func plan(bundle: String, configFile: String?) throws -> JSONValue {
        let bundle = try Bundle(path: bundle, configFile: configFile)
        let plan = try planLaunch(
            bundle, configuration: hostConfiguration, inMachines: settings.runsMachines
        ).plan
        var spec = bundle.spec
        if plan.guest?.machine != nil { spec.leaveToMachine() }
        // Not made, only checked: what the sandbox refuses is found here as well.
        _ = try Sandbox(
            SandboxRequest(id: "plan", spec: spec, plan: plan, bundle: bundle.path, rootPath: bundle.rootPath))
        return plan.json
    }
}
