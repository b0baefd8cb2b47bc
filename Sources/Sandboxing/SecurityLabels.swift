internal import HostSystem
internal import OCISpec

/// Labels of the kernel's security modules. See config.md "Linux Process" and config-linux.md "Mount Label".
enum SecurityLabels {
    /// Whether SELinux is active. See selinux(8).
    static var hasSELinux: Bool { (try? fileSystemType(at: "/sys/fs/selinux")) == FileSystemMagic.selinux }

    /// Whether AppArmor is active. See apparmor(7).
    static var hasAppArmor: Bool {
        exists("/sys/kernel/security/apparmor")
            && (try? readText("/sys/module/apparmor/parameters/enabled"))?.hasPrefix("Y") == true
    }

    /// Refuses a process to be labelled by a module that is not there; the words are runc's.
    static func check(_ process: Process) throws(SpecError) {
        // Without the module everything is unconfined.
        if let profile = process.apparmorProfile, !profile.isEmpty, profile != "unconfined", !hasAppArmor {
            throw SpecError(
                pointer: "/process/apparmorProfile", reason: "apparmor: config provided but apparmor not supported",
                section: "config.md#linux-process")
        }
        if let label = process.selinuxLabel, !label.isEmpty, !hasSELinux {
            throw SpecError(
                pointer: "/process/selinuxLabel",
                reason: "selinux label is specified in config, but selinux is disabled or not supported",
                section: "config.md#linux-process")
        }
    }

    /// Sets what the program that this process executes next runs under. Needs the host's procfs.
    static func labelNextProgram(_ process: Process) throws(Failure) {
        if let label = process.selinuxLabel, !label.isEmpty {
            do throws(HostError) {
                try Procfs().write(label, to: "self/attr/exec")
            } catch {
                throw Failure(at: "/process/selinuxLabel", "cannot set it", cause: error)
            }
        }
        guard let profile = process.apparmorProfile, !profile.isEmpty, hasAppArmor else { return }
        do throws(HostError) {
            try confineNextProgram(profile)
        } catch {
            throw Failure(at: "/process/apparmorProfile", "cannot set it", cause: error)
        }
    }

    private static func confineNextProgram(_ profile: String) throws(HostError) {
        do throws(HostError) {
            try Procfs().write("exec \(profile)", to: "self/attr/apparmor/exec")
        } catch {
            // Kernels before 5.8 have one file for all modules.
            guard error.isNotFound else { throw error }
            try Procfs().write("exec \(profile)", to: "self/attr/exec")
        }
    }

    /// The label for the files of a new file system, none for those that label their files themselves.
    static func context(_ label: String?, type: String?) -> [String] {
        let labelsItself = ["proc", "sysfs", "cgroup", "cgroup2", "mqueue"].contains(type ?? "")
        guard let label, !label.isEmpty, !labelsItself else { return [] }
        return [label]
    }
}
