internal import HostSystem
internal import OCISpec

extension Cgroup {
    /// Refuses limits that this host's version of cgroups has no place for, before anything is made.
    ///
    /// - Throws: ``OCISpec/SpecError`` that names the property.
    func checkPlaces(for resources: Resources) throws(SpecError) {
        for (file, _) in resources.unified where file.contains("/") || !file.contains(".") {
            throw Self.refusal("unified/\(file)", "'\(file)' is not of the form CONTROLLER.PARAMETER")
        }
        if isUnified { return try checkUnified(resources) }
        if !resources.unified.isEmpty && !places.contains(where: \.isUnified) {
            throw Self.refusal(
                "unified", "invalid configuration: this host has cgroup version 1, which has nothing of it")
        }
        let legacy = Set(places.filter { !$0.isUnified }.flatMap(\.controllers))
        for (file, _) in resources.unified {
            let controller = String(file.prefix { $0 != "." })
            guard legacy.contains(controller) else { continue }
            throw Self.refusal(
                "unified/\(file)",
                "invalid configuration: this host has \(controller) on cgroup version 1, which has nothing of it")
        }
        if let index = DeviceRules.firstWithoutEffect(in: resources.devices) {
            throw Self.refusal(
                "devices/\(index)",
                "cgroup version 1 cannot take back a part of an earlier rule with a wildcard")
        }
    }

    private func checkUnified(_ resources: Resources) throws(SpecError) {
        let memory = resources.memory
        let block = resources.blockIO
        let network = resources.network.map { $0.classID ?? 0 != 0 || !$0.priorities.isEmpty } ?? false
        let refused: [(String, Bool)] = [
            ("network", network), ("memory/swappiness", memory?.swappiness != nil),
            ("memory/disableOOMKiller", memory?.disableOOMKiller == true),
            ("cpu/realtimeRuntime", resources.cpu?.realtimeRuntime ?? 0 != 0),
            ("cpu/realtimePeriod", resources.cpu?.realtimePeriod ?? 0 != 0),
            ("blockIO/leafWeight", block?.leafWeight ?? 0 != 0),
            ("blockIO/weightDevice", block?.weightDevice.contains { $0.leafWeight ?? 0 != 0 } == true),
        ]
        for (name, isSet) in refused where isSet {
            throw Self.refusal(name, "this host has cgroup version 2, which has nothing of it")
        }
        guard let swap = memory?.swap, swap > 0 else { return }
        let limit = memory?.limit ?? 0
        if limit == 0 { throw Self.refusal("memory/swap", "unable to set swap limit without memory limit") }
        if limit > swap {
            throw Self.refusal("memory/swap", "memory+swap limit \(swap) should be >= memory limit \(limit)")
        }
    }

    private static func refusal(_ name: String, _ reason: String) -> SpecError {
        SpecError(
            pointer: "/linux/resources/\(name)", reason: reason, section: "config-linux.md#control-groups")
    }
}
