internal import HostSystem

/// The cgroups of this host, told to a person.
public struct CgroupSurvey: Sendable {
    /// `version 1`, `version 2`, or `version 1 with a version 2 tree beside it`.
    public let layout: String
    /// The controllers that containers can be limited by.
    public let controllers: [String]

    /// Looks at the host.
    ///
    /// - Throws: ``HostSystem/HostError`` or ``HostSystem/Failure`` when no cgroups are mounted where they belong.
    public init() throws {
        let found = try CgroupLayout.detect()
        guard !found.hierarchies.isEmpty else {
            throw Failure("no cgroups of this process are mounted at \(CgroupLayout.mountRoot)")
        }
        if found.isUnified {
            layout = "version 2"
            controllers = try Self.words("\(CgroupLayout.mountRoot)/cgroup.controllers")
        } else {
            let beside = try? Self.words("\(CgroupLayout.mountRoot)/unified/cgroup.controllers")
            layout = beside == nil ? "version 1" : "version 1 with a version 2 tree beside it"
            controllers = found.hierarchies.flatMap(\.controllers).filter { $0 != "systemd" } + (beside ?? [])
        }
    }

    private static func words(_ path: String) throws(HostError) -> [String] {
        try readText(path).split { $0 == " " || $0 == "\n" }.map(String.init)
    }
}
