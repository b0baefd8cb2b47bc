internal import GuestModel
internal import Monitors

/// The least memory limit in MiB of a container whose guest runs with `memoryMiB`: with what its monitor needs itself.
///
/// - Parameter monitor: The monitor's name; of one that is not known nothing is added.
public func leastMemoryLimitMiB(forGuest memoryMiB: UInt64, under monitor: String) -> UInt64 {
    monitors.first { $0.name == monitor }?.memory.need(of: memoryMiB) ?? memoryMiB
}
