internal import HostSystem
internal import OCISpec

/// What config.json asks for that the container's user namespace, or the caller's lack of privileges, does not allow.
///
/// Checked before anything is made. runc makes the same checks of what it calls a rootless container, and where others
/// look for its words they are used.
struct UserChecks {
    /// The caller's effective user id.
    let user: UInt32
    /// The caller's effective group id.
    let group: UInt32

    /// Runs every check.
    ///
    /// - Throws: ``OCISpec/SpecError`` that names the property.
    func check(_ spec: RuntimeSpec, _ namespaces: NamespacePlan) throws(SpecError) {
        guard namespaces.isSeparate(.user) else {
            if user == 0 { return }
            throw SpecError(
                pointer: "/linux/namespaces", reason: "rootless container requires user namespaces",
                section: "config-linux.md#namespaces")
        }
        // What a joined one maps is nothing that config.json tells.
        guard namespaces.new.contains(.user), let linux = spec.linux else { return }
        if let process = spec.process { try check(process.user, linux) }
        for (index, mount) in spec.mounts.enumerated() { try check(mount, "/mounts/\(index)", linux) }
    }

    private func check(_ user: User, _ linux: LinuxSpec) throws(SpecError) {
        func refuse(_ name: String, _ reason: String) -> SpecError {
            SpecError(pointer: "/process/user/\(name)", reason: reason, section: "config.md#posix-platform-user")
        }
        guard linux.uidMappings.maps(user.uid) else {
            throw refuse("uid", "cannot set uid to unmapped user \(user.uid) in user namespace")
        }
        guard linux.gidMappings.maps(user.gid) else {
            throw refuse("gid", "cannot set gid to unmapped group \(user.gid) in user namespace")
        }
        if user.additionalGids.isEmpty { return }
        if IDMappings.denyGroups(linux, user: self.user, group: group) {
            throw refuse("additionalGids", "cannot set any additional groups in a rootless container")
        }
        for (index, gid) in user.additionalGids.enumerated() where !linux.gidMappings.maps(gid) {
            throw refuse("additionalGids/\(index)", "cannot set gid to unmapped group \(gid) in user namespace")
        }
    }

    /// A file system can be given to nobody whom its user namespace does not know.
    private func check(_ mount: Mount, _ pointer: String, _ linux: LinuxSpec) throws(SpecError) {
        for (index, option) in mount.options.enumerated() {
            let mappings: [IDMapping]
            switch option.prefix(4) {
            case "uid=": mappings = linux.uidMappings
            case "gid=": mappings = linux.gidMappings
            default: continue
            }
            guard let id = UInt32(option.dropFirst(4)), !mappings.maps(id) else { continue }
            throw SpecError(
                pointer: "\(pointer)/options/\(index)",
                reason: "cannot specify \(option) mount option for rootless container: it is not mapped",
                section: "config.md#mounts")
        }
    }
}

extension [IDMapping] {
    /// Whether an id of the container is somebody outside.
    func maps(_ id: UInt32) -> Bool {
        contains { $0.contains(id) }
    }
}
