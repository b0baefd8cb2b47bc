internal import HostSystem

/// systemd's service manager: units that live as long as their processes, made and changed over D-Bus.
///
/// See org.freedesktop.systemd1(5). Of the system where the caller is root, else of the caller's own session.
public final class ServiceManager {
    private static let service = "org.freedesktop.systemd1"
    private static let manager = "org.freedesktop.systemd1.Manager"
    private static let object = "/org/freedesktop/systemd1"

    private let bus: BusConnection

    /// Connects to systemd.
    ///
    /// - Throws: ``HostSystem/Failure`` that says so when systemd does not run or cannot be reached.
    public init() throws {
        guard exists("/run/systemd/system") else {
            throw Failure("cannot use systemd for cgroups: systemd does not run on this host")
        }
        let session = Program.environment("XDG_RUNTIME_DIR") ?? "/run/user/\(effectiveUser())"
        let isSystem = effectiveUser() == 0
        let (direct, shared) =
            isSystem
            ? ("/run/systemd/private", "/run/dbus/system_bus_socket")
            : ("\(session)/systemd/private", "\(session)/bus")
        do {
            // systemd itself needs no bus, and tells such a caller of every job.
            if let direct = try? BusConnection(to: direct) {
                bus = direct
                return
            }
            bus = try BusConnection(to: shared)
            let daemon = "org.freedesktop.DBus"
            _ = try bus.call(daemon, "/org/freedesktop/DBus", daemon, "Hello")
            _ = try bus.call(daemon, "/org/freedesktop/DBus", daemon, "AddMatch", signature: "s") {
                $0.string("type='signal',interface='\(Self.manager)',member='JobRemoved'")
            }
            _ = try bus.call(Self.service, Self.object, Self.manager, "Subscribe")
        } catch {
            throw Failure("cannot reach systemd", cause: error)
        }
    }

    /// Makes a transient unit and waits until it is there.
    public func start(_ unit: String, _ properties: [UnitProperty]) throws {
        do {
            try wait(for: unit) {
                try bus.call(
                    Self.service, Self.object, Self.manager, "StartTransientUnit", signature: "ssa(sv)a(sa(sv))"
                ) {
                    $0.string(unit)
                    $0.string("replace")
                    $0.properties(properties)
                    // No units beside it.
                    $0.array(alignment: 8) { _ in }
                }
            }
        } catch {
            throw Failure("cannot make systemd unit \(unit)", cause: error)
        }
    }

    /// Changes properties of a unit, until the next start of the system.
    public func set(_ unit: String, _ properties: [UnitProperty]) throws {
        do {
            _ = try bus.call(Self.service, Self.object, Self.manager, "SetUnitProperties", signature: "sba(sv)") {
                $0.string(unit)
                $0.value(.bool(true))
                $0.properties(properties)
            }
        } catch {
            throw Failure("cannot set properties of systemd unit \(unit)", cause: error)
        }
    }

    /// Stops a unit and forgets it; one that is not there any more is no error.
    public func stop(_ unit: String) throws {
        do {
            try wait(for: unit) {
                try bus.call(Self.service, Self.object, Self.manager, "StopUnit", signature: "ss") {
                    $0.string(unit)
                    $0.string("replace")
                }
            }
        } catch let error as BusError where error.isNoSuchUnit {
            return
        } catch {
            throw Failure("cannot stop systemd unit \(unit)", cause: error)
        }
        // One that failed is kept until somebody has seen it.
        _ = try? bus.call(Self.service, Self.object, Self.manager, "ResetFailedUnit", signature: "s") {
            $0.string(unit)
        }
    }

    /// The cgroup below which the manager keeps its units, as a path from the mount point; empty for the root.
    public func rootCgroup() throws -> String {
        let properties = "org.freedesktop.DBus.Properties"
        let answer = try bus.call(Self.service, Self.object, properties, "Get", signature: "ss") {
            $0.string(Self.manager)
            $0.string("ControlGroup")
        }
        var reader = BusReader(answer.body)
        guard reader.signature() == "s", let path = reader.string() else {
            throw Failure("cannot read where systemd keeps cgroups")
        }
        return path == "/" ? "" : path
    }

    /// Begins a job and waits for its end.
    private func wait(for unit: String, _ begin: () throws -> BusMessage) throws {
        var reader = BusReader(try begin().body)
        guard let job = reader.string() else { throw Failure("systemd named no job") }
        let deadline = monotonicNanoseconds() + 30_000_000_000
        let end = try bus.signal("JobRemoved", until: deadline) {
            var reader = BusReader($0.body)
            _ = reader.uint32()
            return reader.string() == job
        }
        var words = BusReader(end.body)
        _ = words.uint32()
        let (_, _, result) = (words.string(), words.string(), words.string())
        guard result == "done" else { throw Failure("its job ended with '\(result ?? "nothing")'") }
    }
}
