internal import ContainerState
public import HostSystem
internal import OCISpec
internal import Sandboxing

extension Runtime {
    /// What a container uses of each resource, once.
    ///
    /// - Returns: An event of type `stats` as runc prints it.
    /// - Throws: ``HostSystem/Failure`` when the container does not run.
    public func statistics(id: String) throws -> JSONValue {
        statisticsEvent(id, try CgroupStatistics(of: living(id).processCgroups).document())
    }

    /// Tells every `interval` what a container uses, and each time that memory is lacking, until the container ends.
    ///
    /// - Parameters:
    ///   - interval: Nanoseconds; above zero.
    ///   - tell: Takes each event as runc prints it, of type `stats` or `oom`.
    /// - Throws: ``HostSystem/Failure`` when the container does not run, or has no memory controller to ask.
    public func watch(id: String, every interval: Int64, tell: (JSONValue) throws -> Void) throws {
        let record = try living(id)
        let statistics = CgroupStatistics(of: record.processCgroups)
        let process: Descriptor
        do throws(HostError) {
            process = try record.openProcess()
        } catch {
            throw error.isNoSuchProcess ? notRunning(id) : error
        }
        var memory = try OutOfMemoryWatch(of: record.processCgroups)
        var next = monotonicNanoseconds() + interval
        while true {
            let left = max(0, next - monotonicNanoseconds())
            let milliseconds = Int32(clamping: (left + 999_999) / 1_000_000)
            let (lacked, ended) = try memory.wait([process.raw], timeout: milliseconds)
            if lacked { try tell(["type": "oom", "id": .string(id)]) }
            // Not when the cgroup is gone: what holds that together may be there for long after.
            if ended[0] { return }
            guard monotonicNanoseconds() >= next else { continue }
            next = max(next, monotonicNanoseconds() - interval) + interval
            do {
                try tell(statisticsEvent(id, try statistics.document()))
            } catch let error as HostError where error.isNotFound {
                log.write(.error, "\(error)")
            }
        }
    }

    private func statisticsEvent(_ id: String, _ data: JSONValue) -> JSONValue {
        ["type": "stats", "id": .string(id), "data": data]
    }

    /// The record of a container whose process 1 is there.
    private func living(_ id: String) throws -> ContainerRecord {
        let container = try open(id, lock: false)
        let status = try container.status
        guard let record = container.record, status != .creating, status != .stopped else { throw notRunning(id) }
        return record
    }

    /// runc's words.
    private func notRunning(_ id: String) -> Failure { Failure("container with id \(id) is not running") }
}
