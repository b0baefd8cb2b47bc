import HostSystem
import Lifecycle
import OCISpec

enum Update: Command {
    static let name = "update"

    static let resources = Option(
        "resources", "r", value: .file("FILE"),
        help: "file with a JSON object as linux.resources in config.json, - for standard input; others are ignored")
    static let blkioWeight = Option(
        "blkio-weight", value: .text("N"), help: "share of block I/O relative to other cgroups, 10 to 1000")
    static let cpuPeriod = Option("cpu-period", value: .text("US"), help: "period of the processor limit")
    static let cpuQuota = Option(
        "cpu-quota", value: .text("US"), help: "processor time in each period, -1 for no limit")
    static let cpuBurst = Option(
        "cpu-burst", value: .text("US"), help: "unused processor time that may be used in a later period")
    static let cpuShare = Option(
        "cpu-share", value: .text("N"), help: "share of processor time relative to other cgroups, 1024 is usual")
    static let cpuRtPeriod = Option("cpu-rt-period", value: .text("US"), help: "period of the limit on realtime tasks")
    static let cpuRtRuntime = Option(
        "cpu-rt-runtime", value: .text("US"), help: "processor time of realtime tasks in each period")
    static let cpusetCpus = Option("cpuset-cpus", value: .text("LIST"), help: "processors to use, as 0-3,7")
    static let cpusetMems = Option("cpuset-mems", value: .text("LIST"), help: "memory nodes to use")
    static let kernelMemory = Option(
        "kernel-memory", value: .text("BYTES"), help: "obsolete: ignored with a warning, kernels have no such limit")
    static let kernelMemoryTCP = Option(
        "kernel-memory-tcp", value: .text("BYTES"),
        help: "obsolete: ignored with a warning, kernels have no such limit")
    static let memory = Option(
        "memory", value: .text("BYTES"), help: "memory, with a unit as in 64M if that is wanted; -1 for no limit")
    static let cpuIdle = Option(
        "cpu-idle", value: .text("0|1"), help: "1 runs the container only when nothing else wants to run")
    static let memoryReservation = Option(
        "memory-reservation", value: .text("BYTES"), help: "memory that is left when the host runs out of it")
    static let memorySwap = Option(
        "memory-swap", value: .text("BYTES"), help: "memory and swap together, -1 for no limit on swap")
    static let pidsLimit = Option("pids-limit", value: .text("N"), help: "number of processes, -1 for no limit")
    static let l3CacheSchema = Option("l3-cache-schema", value: .text("SCHEMA"), help: "Intel RDT cache schema")
    static let memBwSchema = Option(
        "mem-bw-schema", value: .text("SCHEMA"), help: "Intel RDT memory bandwidth schema")

    static let declaration = Declaration(
        name: name, summary: "change the limits of a container",
        description: [
            """
            Changes the limits that are given; all others stay. Either all that are given change or, when one of them \
            cannot be set, none.
            """,
            """
            A unikernel's memory cannot be changed once it is there: a memory limit below it is refused.
            """,
        ],
        options: [
            resources, blkioWeight, cpuPeriod, cpuQuota, cpuBurst, cpuShare, cpuRtPeriod, cpuRtRuntime, cpusetCpus,
            cpusetMems, kernelMemory, kernelMemoryTCP, memory, cpuIdle, memoryReservation, memorySwap, pidsLimit,
            l3CacheSchema, memBwSchema,
        ],
        positionals: [.container],
        examples: [
            .init(line: "swiftlet update --memory 64M --pids-limit 100 hello", meaning: "limit memory and processes"),
            .init(
                line: "echo '{\"cpu\": {\"shares\": 512}}' | swiftlet update --resources - hello",
                meaning: "halve the share of processor time"),
        ])

    static func run(_ arguments: Arguments, _ context: CommandContext) throws -> Int32 {
        let id = try context.containerID(arguments)
        // Wanted in vain: config.json cannot ask for it either.
        if arguments.text(l3CacheSchema) ?? "" != "" {
            throw Failure("Intel RDT/CAT: l3 cache schema is not enabled")
        }
        if arguments.text(memBwSchema) ?? "" != "" {
            throw Failure("Intel RDT/MBA: memory bandwidth schema is not enabled")
        }
        try context.runtime().update(id: id, resources: try wanted(arguments))
        return 0
    }

    /// The limits that a command line asks for.
    static func wanted(_ arguments: Arguments) throws -> Resources {
        if let path = arguments.text(resources), !path.isEmpty { return try read(path) }
        var wanted = Resources()
        var memory = MemoryResources()
        memory.limit = try bytes(Self.memory, arguments)
        memory.swap = try bytes(memorySwap, arguments)
        memory.reservation = try bytes(memoryReservation, arguments)
        memory.kernel = try bytes(kernelMemory, arguments)
        memory.kernelTCP = try bytes(kernelMemoryTCP, arguments)
        wanted.memory = memory
        var cpu = CPUResources()
        cpu.period = try number(cpuPeriod, arguments)
        cpu.quota = try number(cpuQuota, arguments)
        cpu.burst = try number(cpuBurst, arguments)
        cpu.shares = try number(cpuShare, arguments)
        cpu.realtimePeriod = try number(cpuRtPeriod, arguments)
        cpu.realtimeRuntime = try number(cpuRtRuntime, arguments)
        cpu.idle = try number(cpuIdle, arguments)
        cpu.cpus = arguments.text(cpusetCpus)
        cpu.mems = arguments.text(cpusetMems)
        wanted.cpu = cpu
        if let limit: Int64 = try number(pidsLimit, arguments) { wanted.pids = PidsResources(limit: limit) }
        if let weight: UInt16 = try number(blkioWeight, arguments) {
            var block = BlockIOResources()
            block.weight = weight
            wanted.blockIO = block
        }
        return wanted
    }

    private static func read(_ path: String) throws -> Resources {
        let name = path == "-" ? "standard input" : path
        do {
            let bytes = try path == "-" ? readAll(0, named: name) : readFile(path)
            return try Resources.decode(try parseJSON(bytes, named: name), named: name)
        } catch {
            throw Failure("cannot read the resources", cause: error)
        }
    }

    private static func readFile(_ path: String) throws(HostError) -> [UInt8] {
        let file = try open(path, flags: .readOnly)
        return try readAll(file.raw, named: path)
    }

    private static func number<Value: FixedWidthInteger>(
        _ option: Option, _ arguments: Arguments
    ) throws(Failure) -> Value? {
        guard let text = arguments.text(option), !text.isEmpty else { return nil }
        guard let number = Value(text) else {
            let reason = Int128(text) == nil ? "invalid syntax" : "value out of range"
            throw Failure("invalid value for \(option.name): \"\(text)\": \(reason)")
        }
        return number
    }

    private static func bytes(_ option: Option, _ arguments: Arguments) throws(Failure) -> Int64? {
        guard let text = arguments.text(option), !text.isEmpty else { return nil }
        return try MemorySize.bytes(text, option: option.name)
    }
}
