internal import CLinux

/// A program that decides which devices the processes of a version 2 cgroup may use.
///
/// See bpf(2), BPF_PROG_TYPE_CGROUP_DEVICE.
public struct DeviceProgram: ~Copyable {
    private let program: Descriptor

    /// Loads a program.
    ///
    /// - Parameter instructions: eBPF instructions as the kernel's `struct bpf_insn` lays them out, little-endian.
    /// - Throws: ``HostError`` with `EPERM` when this process may load none (CAP_BPF in the first user namespace).
    public init(_ instructions: [UInt64]) throws(HostError) {
        program = try loadProgram(instructions, type: Int32(LX_DEVICE_PROGRAM))
    }

    /// Puts the program into force for a cgroup, in the place of every other that is attached to it.
    ///
    /// At no moment is none in force: the only one is replaced in one step, several are taken off after this one is there.
    /// See bpf(2), BPF_F_ALLOW_MULTI and BPF_F_REPLACE.
    /// - Parameter directory: The cgroup's directory.
    public func attach(to directory: String) throws(HostError) {
        let cgroup = try open(directory, flags: .directory)
        let former = try Self.attached(to: cgroup.raw, named: directory)
        let old = former.count == 1 ? lx_program_by_id(former[0]) : -1
        let replaced = old >= 0 ? old : -1
        defer { if replaced >= 0 { _ = lx_close(replaced) } }
        try check("bpf", "BPF_PROG_ATTACH \(directory)", lx_device_attach(cgroup.raw, program.raw, replaced))
        for id in former where replaced < 0 {
            let other = lx_program_by_id(id)
            // What is gone meanwhile needs no detaching.
            guard other >= 0 else { continue }
            _ = lx_device_detach(cgroup.raw, other)
            _ = lx_close(other)
        }
    }

    /// The ids of the programs attached to the cgroup itself; the kernel allows 64.
    private static func attached(to cgroup: Int32, named directory: String) throws(HostError) -> [UInt32] {
        var ids = [UInt32](repeating: 0, count: 64)
        // SAFETY: the array's own count is passed.
        let count = unsafe ids.withUnsafeMutableBufferPointer {
            unsafe lx_device_programs(cgroup, $0.baseAddress, UInt32($0.count))
        }
        return Array(ids.prefix(Int(try check("bpf", "BPF_PROG_QUERY \(directory)", count))))
    }
}

/// Loads an eBPF program that decides where packets go, to be set on an interface. See bpf(2), BPF_PROG_TYPE_SCHED_CLS.
///
/// - Throws: ``HostError`` with `EPERM` when this process may load none.
public func loadTrafficProgram(_ instructions: [UInt64]) throws(HostError) -> Descriptor {
    try loadProgram(instructions, type: Int32(LX_TRAFFIC_PROGRAM))
}

/// A map for programs that forgets what was used least recently. See bpf(2), BPF_MAP_CREATE, BPF_MAP_TYPE_LRU_HASH.
///
/// - Parameters:
///   - keySize: In bytes, as `valueSize`.
///   - capacity: How many entries it has at most.
public func makeRecentlyUsedMap(keySize: UInt32, valueSize: UInt32, capacity: UInt32) throws(HostError) -> Descriptor {
    let result = withLockedMemory { lx_recently_used_map(keySize, valueSize, capacity) }
    return Descriptor(owning: try check("bpf", "BPF_MAP_CREATE of \(capacity) entries", result))
}

/// The only map of the program with this number, as the kernel counts programs; nil when it has none or several, and where
/// the caller has no right to other programs' maps.
public func openMap(ofProgram number: UInt32) throws(HostError) -> Descriptor? {
    do throws(HostError) {
        return Descriptor(owning: try check("bpf", "map of program \(number)", lx_map_of_program(number)))
    } catch {
        guard error.isNotFound || error.isPermission else { throw error }
        return nil
    }
}

private func loadProgram(_ instructions: [UInt64], type: Int32) throws(HostError) -> Descriptor {
    let result = withLockedMemory {
        // SAFETY: the array's own count is passed.
        unsafe instructions.withUnsafeBufferPointer {
            unsafe lx_load_program(type, $0.baseAddress, UInt32($0.count))
        }
    }
    return Descriptor(owning: try check("bpf", "BPF_PROG_LOAD of \(instructions.count) instructions", result))
}

private func withLockedMemory(_ load: () -> Int32) -> Int32 {
    var result = load()
    if result == -EPERM {
        // Before Linux 5.11 programs and maps count as locked memory, and too much of it is the same error.
        var old: (UInt64, UInt64) = (0, 0)
        // SAFETY: a tuple of two UInt64 has the layout of uint64_t[2], and lives for both calls.
        unsafe withUnsafeMutableBytes(of: &old) {
            let limits = unsafe $0.assumingMemoryBound(to: UInt64.self).baseAddress
            guard unsafe lx_raise_locked_memory(limits) == 0 else { return }
            result = load()
            unsafe lx_restore_locked_memory(limits)
        }
    }
    return result
}
