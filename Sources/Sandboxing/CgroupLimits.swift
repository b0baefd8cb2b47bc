public import HostSystem
public import OCISpec

extension Cgroup {
    /// Writes the limits of config.json into the container's cgroups, which exist. What is not in `resources` stays as
    /// it is; device rules, when there are any, replace all that was said about devices before.
    ///
    /// See config-linux.md "Control groups" of the runtime spec.
    /// - Throws: ``HostSystem/Failure`` that names the property and the file, when a limit cannot be set or its controller is not there.
    public func apply(_ resources: Resources) throws(Failure) {
        try checkUsage(resources)
        // What the kernel refuses beside another limit's former value gets a second chance after that has its new one.
        var again = [Setting]()
        for setting in settings(for: resources) where try !write(setting, mayWait: true) { again.append(setting) }
        for setting in again { _ = try write(setting, mayWait: false) }
        if !resources.devices.isEmpty { try applyDeviceRules(resources.devices) }
    }

    /// The values to write, each in the form of the version that its controller is bound to.
    func settings(for resources: Resources) -> [Setting] {
        if isUnified { return Self.unifiedSettings(resources) }
        let legacy = Self.legacySettings(resources)
        // Beside version 1 (hybrid): controllers that are bound to the version 2 tree.
        guard let mixed = places.first(where: \.isUnified) else { return legacy }
        let there = Self.unifiedSettings(resources).filter {
            $0.isOfUnifiedMap || mixed.controllers.contains($0.controller)
        }
        return legacy.filter { setting in !mixed.controllers.contains(Self.unifiedName(setting.controller)) } + there
    }

    /// Writes one value; false when it has to wait for others.
    private func write(_ setting: Setting, mayWait: Bool) throws(Failure) -> Bool {
        guard let directory = directory(of: setting) else {
            // runc's words for what a caller without privileges cannot have.
            if !inherited.isEmpty {
                throw Failure(
                    "\(setting.property): cannot set \(setting.controller) limit: "
                        + "container could not join or create cgroup")
            }
            throw Failure(
                "\(setting.property): cannot set \(setting.file): "
                    + "cgroup controller \(setting.controller) is not mounted")
        }
        do throws(HostError) {
            do throws(HostError) {
                for line in setting.lines { try writeControlFile("\(directory)/\(setting.file)", line) }
            } catch {
                guard let (file, value) = setting.fallback, error.isNotFound else { throw error }
                try writeControlFile("\(directory)/\(file)", value)
            }
        } catch {
            if setting.isOptional && error.isNotFound { return true }
            if setting.mayWait && mayWait && error.isInvalid { return false }
            throw Failure(
                "\(setting.property): cannot set \(setting.file)", cause: reason(error, setting, directory))
        }
        return true
    }

    /// A file that is not there belongs to a controller that is not there, more often than not.
    private func reason(_ error: HostError, _ setting: Setting, _ directory: String) -> any Error {
        // Version 2's files cannot be made, which the kernel calls a lack of permission.
        guard error.isNotFound || error.isPermission, setting.controller != "cgroup",
            let present = try? readText("\(directory)/cgroup.controllers"),
            !present.split(whereSeparator: \.isWhitespace).contains(Substring(setting.controller))
        else { return error }
        return Failure("cgroup controller \(setting.controller) is not available in \(directory)")
    }

    private func applyDeviceRules(_ configured: [DeviceRule]) throws(Failure) {
        let rules = DeviceRules(configured)
        do throws(HostError) {
            if let place = places.first(where: { $0.controllers.contains("devices") }) {
                for line in rules.legacyLines {
                    let file = line.allow ? "devices.allow" : "devices.deny"
                    try writeControlFile("\(place.directory)/\(file)", line.text)
                }
            } else if let place = places.first(where: \.isUnified), isUnified {
                try DeviceProgram(rules.program).attach(to: place.directory)
            } else if DeviceRules.restricts(configured) && !privilege.mayOmitDeviceRules {
                throw HostError(call: "cgroup controller devices is not mounted", subject: "", errno: 0)
            }
        } catch {
            // An ordinary user may set no rules, and can make no device nodes either; rules that deny nothing are no
            // loss.
            if error.isPermission && privilege.mayOmitDeviceRules { return }
            guard DeviceRules.restricts(configured) else { return }
            throw Failure("/linux/resources/devices: cannot apply the device rules", cause: error)
        }
    }

    /// One value for one file of one controller.
    struct Setting: Equatable {
        let controller: String
        let file: String
        let value: String
        /// Whether kernels without the file are passed over.
        var isOptional = false
        /// Whether the kernel may refuse it beside the former value of another.
        var mayWait = false
        /// What is written where the file is not there.
        var fallback: (file: String, value: String)?
        /// Whether it is an entry of `unified`.
        var isOfUnifiedMap = false

        init(_ controller: String, _ file: String, _ value: some CustomStringConvertible) {
            self.controller = controller
            self.file = file
            self.value = value.description
        }

        /// Several lines are several writes, as the kernel takes one at a time.
        var lines: [String] {
            guard value.contains("\n") else { return [value] }
            return value.split(separator: "\n").map(String.init)
        }

        static func == (one: Setting, other: Setting) -> Bool {
            one.controller == other.controller && one.file == other.file && one.value == other.value
        }
    }
}

extension BlockIOResources {
    /// Whether there is anything to set; docker writes a weight of 0 for none.
    var isSet: Bool {
        weight ?? 0 != 0 || leafWeight ?? 0 != 0 || !weightDevice.isEmpty || !throttleReadBpsDevice.isEmpty
            || !throttleWriteBpsDevice.isEmpty || !throttleReadIOPSDevice.isEmpty || !throttleWriteIOPSDevice.isEmpty
    }
}
