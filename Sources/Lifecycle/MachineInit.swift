internal import HostSystem
internal import LaunchPlanning
internal import Networking
internal import Storage

/// swiftlet as process 1 of a virtual machine: makes the machine what a container would have been, runs the program as an
/// ordinary container of this machine's, and tells the host how it ended.
///
/// See Specs/virtual-machines.md.
public enum MachineInit {
    /// Whether this process is that.
    public static var isWanted: Bool {
        Program.arguments.first == MachinePlan.initName && currentProcess() == 1
    }

    /// Does it, and switches the machine off.
    public static func run() -> Never {
        do {
            try mountKernelFileSystems()
            try loadModules()
            let host = try MachineHost()
            do {
                try MachineProgram(host).run()
            } catch {
                host.say(["failed": .string("\(error)")])
            }
        } catch {
            // To the console, which the host reads.
            try? Program.write("swiftlet-init: \(error)\n", to: .error)
        }
        // The monitor is ended by whoever was told, or here.
        try? powerOff()
        exitNow(1)
    }

    private static func mountKernelFileSystems() throws(HostError) {
        try mount("proc", at: "/proc", type: "proc", flags: [.noSetUserID, .noDevices, .noExecute])
        try mount("sysfs", at: "/sys", type: "sysfs", flags: [.noSetUserID, .noDevices, .noExecute])
        try mount("devtmpfs", at: "/dev", type: "devtmpfs", flags: [.noSetUserID, .noExecute])
        try? mount(
            "cgroup2", at: "/sys/fs/cgroup", type: "cgroup2", flags: [.noSetUserID, .noDevices, .noExecute])
    }

    private static func loadModules() throws(HostError) {
        try loadModules(MachineInitrd.order)
        if try hasVsock() { try loadModules(MachineInitrd.vsockOrder) }
    }

    /// Whether the machine has a virtio socket device: the number 19 of the virtio specification 1.2, 5.
    private static func hasVsock() throws(HostError) -> Bool {
        let devices = "/sys/bus/virtio/devices"
        let directory = try open(devices, flags: .directory)
        for device in try entries(of: directory.raw, named: devices).map(\.name) {
            if try readText("\(devices)/\(device)/device").hasPrefix("0x0013") { return true }
        }
        return false
    }

    private static func loadModules(_ list: String) throws(HostError) {
        for name in try readText(list).split(separator: "\n").map(String.init) {
            let file = try open("\(MachineInitrd.modules)/\(name)", flags: .readOnly)
            try loadModule(file.raw, named: name, isCompressed: !name.hasSuffix(".ko"))
        }
    }
}

/// The machine's ports: the conversation with the host, and the program's standard descriptors.
struct MachineHost {
    /// The port of the conversation.
    let control: Int32
    /// Standard input, output and error.
    let streams: [Int32]

    private static let patienceMilliseconds: Int32 = 10_000

    /// Opens the ports, which come a moment after their driver.
    init() throws {
        var opened: [Int32] = []
        for number in 1...MachinePlan.ports.count { opened.append(try Self.open(number)) }
        control = opened[0]
        streams = Array(opened.dropFirst())
    }

    private static func open(_ number: Int) throws -> Int32 {
        for _ in 0..<(patienceMilliseconds / 10) {
            let devices = try HostSystem.open("/dev", flags: .directory)
            let names = try entries(of: devices.raw, named: "/dev").map(\.name)
            let port = names.first { $0.hasPrefix("vport") && $0.hasSuffix("p\(number)") }
            if let port { return try HostSystem.open("/dev/\(port)", flags: .readWrite).release() }
            _ = try waitUntilReadable([], timeout: 10)
        }
        throw Failure("the machine has no port number \(number)")
    }

    /// Tells the host something.
    func say(_ words: JSONValue) {
        try? writeAll(words.bytes() + [UInt8(ascii: "\n")], to: control, named: "host")
    }
}
