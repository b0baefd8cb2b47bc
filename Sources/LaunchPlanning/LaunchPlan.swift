public import GuestModel
public import HostSystem

/// What will be run in a container, decided before the host is touched.
///
/// A plain value: `swiftlet plan` prints it, golden files pin it, `create` carries it out.
public struct LaunchPlan: Equatable, Sendable {
    /// What process 1 of the container becomes.
    public enum Workload: Equatable, Sendable {
        /// The program of config.json's `process`.
        case process(ProgramPlan)
        /// A supervisor with a monitor that runs a guest.
        case guest(GuestPlan)
        /// Nothing, for config.json has no `process`: the container can be created, not started.
        case nothing
    }

    /// What is run.
    public let workload: Workload

    /// The guest, when the container holds one.
    public var guest: GuestPlan? {
        if case .guest(let plan) = workload { return plan }
        return nil
    }

    /// The plan as `swiftlet plan` prints it.
    public var json: JSONValue {
        switch workload {
        case .process(let program): ["workload": "process", "process": program.json]
        case .guest(let guest):
            guest.machine.map { ["workload": "vm", "vm": guest.json, "process": $0.json] }
                ?? ["workload": "guest", "guest": guest.json]
        case .nothing: ["workload": "nothing"]
        }
    }
}

/// An ordinary program.
public struct ProgramPlan: Equatable, Sendable {
    /// Its arguments, the program's name first.
    public let arguments: [String]
    /// Its working directory.
    public let workingDirectory: String

    var json: JSONValue { ["args": JSONValue(arguments), "cwd": .string(workingDirectory)] }
}

/// A guest and the monitor that will run it.
public struct GuestPlan: Equatable, Sendable {
    /// The framework that recognised the guest.
    public let framework: String
    /// How the guest was found: `annotations`, `/urunc.json`, `environment`, `program`.
    public let foundBy: String
    /// The image's path in the root filesystem.
    public let kernel: String
    /// The path in the root filesystem of what is booted in its place, with the image as its initial RAM disk; nil where
    /// the image is booted itself.
    public let loader: String?
    /// The monitor's name.
    public let monitor: String
    /// How the monitor is run.
    public let form: MonitorForm
    /// The program of an external monitor; nil for an embedded one.
    public let program: MonitorPlan?
    /// What the monitor needs of the host.
    public let hostNeeds: [HostNeed]
    /// How the guest is started.
    public let bootProtocol: BootProtocol
    /// The guest's memory in MiB.
    public let memoryMiB: UInt64
    /// What the guest is told, as far as it is known before the network is.
    public let boot: GuestBoot
    /// Its boot string without a terminating NUL, as far as it is known before the network is.
    public let commandLine: [UInt8]
    /// What is the guest's of a network that it shares.
    public let network: NetworkShare
    /// The devices the guest declares.
    public let devices: [GuestDevice]
    /// What is behind its block devices, in its own order.
    public let blocks: [BlockPlan]
    /// The destinations of mounts that the guest is not given, because engines mount them in every container.
    public let mountsLeftOut: [String]
    /// How the guest reaches a vAccel agent; nil when it does not.
    public let accelerator: AcceleratorPlan?
    /// Its virtio socket device; nil when it has none.
    public private(set) var vsock: VsockPlan?
    /// What runs an ordinary image; nil for a guest of the image's own.
    public var machine: MachinePlan?
    /// The container's root filesystem, where the guest has it by files; nil where it has not.
    public var sharedRoot: SharedRoot?

    /// The same plan with what is known of its virtio socket device now.
    public func with(_ vsock: VsockPlan?) -> GuestPlan {
        var plan = self
        plan.vsock = vsock
        return plan
    }

    /// The names of the guest's network devices, in its own order.
    public var networkDevices: [String] { devices.filter { $0.kind == .network }.map(\.name) }

    /// The network devices that `start` makes: the guest's own, or one for each interface that it finds.
    public var wiring: [String] {
        program?.hardware == nil || !devices.isEmpty ? networkDevices : [Self.everyInterface]
    }

    /// Stands for as many network devices as there are interfaces.
    public static let everyInterface = "*"

    private func json(of device: GuestDevice) -> JSONValue {
        if let block = blocks.first(where: { $0.name == device.name }) { return block.json }
        return ["name": .string(device.name), "kind": .string(device.kind.rawValue)]
    }

    private var monitorJSON: JSONValue {
        var json: JSONObject = ["name": .string(monitor)]
        if case .embedded(let tender) = form { json["embedded"] = .string(tender.rawValue) }
        if let program {
            json["program"] = .string(program.path)
            let arguments = try? arguments(of: program, networks: [], commandLine: commandLine)
            json["arguments"] = JSONValue(arguments ?? [])
            let requests = try? startRequests(of: program, networks: [], commandLine: commandLine)
            let told = (requests ?? []).filter { !$0.body.isEmpty }.compactMap { request -> JSONValue? in
                let body = try? parseJSON([UInt8](request.body.utf8), named: request.name)
                return body.map { ["request": .string(request.name), "body": $0] }
            }
            if !told.isEmpty { json["requests"] = .array(told) }
            json["accelerator"] = .string(program.acceleration.accelerator.rawValue)
            if let reason = program.acceleration.reason { json["whyNotKVM"] = .string(reason) }
            json["processors"] = JSONValue(program.processors)
            if let initrd = program.initrd {
                json["initrd"] = .string(initrd.isOnHost ? initrd.path : "rootfs:\(initrd.path)")
            }
        }
        return .object(json)
    }

    var json: JSONValue {
        var json = content
        if let loader { json["loader"] = .string(loader) }
        if let accelerator { json["vaccel"] = accelerator.json }
        if let vsock { json["vsock"] = vsock.json }
        if let sharedRoot { json["sharedRoot"] = sharedRoot.json }
        return .object(json)
    }

    private var content: JSONObject {
        [
            "framework": .string(framework),
            "foundBy": .string(foundBy),
            "kernel": .string(kernel),
            "monitor": monitorJSON,
            "bootProtocol": ["name": .string(bootProtocol.name), "version": JSONValue(bootProtocol.version)],
            "hostNeeds": JSONValue(hostNeeds.map(\.rawValue)),
            "memoryMiB": JSONValue(memoryMiB),
            "commandLine": .string(String(decoding: commandLine, as: UTF8.self)),
            "network": [
                "mode": .string(network.mode.rawValue),
                "addresses": JSONValue(network.addresses.map(\.description)), "ports": JSONValue(network.portTexts),
            ],
            "nameServers": JSONValue(boot.network.nameServers.map(\.description)),
            "devices": .array(devices.isEmpty ? blocks.map(\.json) : devices.map(json(of:))),
            "mountsLeftOut": JSONValue(mountsLeftOut),
        ]
    }
}
