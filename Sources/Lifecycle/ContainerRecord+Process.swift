internal import ContainerState
internal import HostSystem

extension ContainerRecord {
    /// Opens process 1, which is known by its number and by when it started.
    ///
    /// - Throws: ``HostSystem/HostError`` with `ESRCH` when it has ended, whoever has its number by now.
    func openProcess() throws(HostError) -> Descriptor {
        let process = try HostSystem.openProcess(pid)
        // What is open stands for one process alone; the number may have been given to another one before.
        guard try processStatus(pid)?.startTime == startTime else { throw HostError.gone }
        return process
    }
}
