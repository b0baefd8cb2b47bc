internal import GuestModel
internal import HostConfiguration
internal import HostSystem
internal import Monitors
internal import OCIBundle
internal import OCISpec

// What a container demands for its guest: files, what the operator has to allow, what the monitor must be able to do.

extension GuestSearch {
    /// Opens the guest's image: in the root filesystem, or where the operator allows it on the host.
    func openImage(_ name: String, of mark: GuestMark, in root: borrowing RootFilesystem) throws -> OpenFile? {
        if try mark[.hostKernel] != nil || isOnHost(mark[.binary], GuestMark.kernelPointer) {
            _ = try permitted(mark)
            return try openOnHost(name)
        }
        return try root.findProgram(name, searchPath: process.searchPath, workingDirectory: process.cwd)
    }

    /// Opens the initial RAM disk that `mark` names.
    func openInitrd(of mark: GuestMark, in root: borrowing RootFilesystem) throws -> OpenFile? {
        guard let named = mark[.initrd] ?? mark[.hostInitrd] else { return nil }
        if try mark[.hostInitrd] != nil || isOnHost(named, GuestMark.initrdPointer) {
            _ = try permitted(mark)
            return try openOnHost(named.value)
        }
        guard let file = try root.openFile(named.value) else {
            throw Failure("initrd \"\(named.value)\", named by \(named.name), is not in the root filesystem")
        }
        return file
    }

    /// Whether a path of the `vm` object is one of the host's: as the specification has it, if the operator allows it.
    private func isOnHost(_ statement: GuestStatement?, _ pointer: String) throws -> Bool {
        guard statement?.name == pointer else { return false }
        return try configuration().allows(pointer)
    }

    private func openOnHost(_ path: String) throws -> OpenFile {
        do {
            return try OpenFile(onHost: path)
        } catch {
            throw Failure("cannot open \(path) of the host for the guest", cause: error)
        }
    }

    /// The operator's configuration.
    func configuration() throws -> OperatorConfiguration { try file.read(monitors: monitors.map(\.name)) }

    /// The operator's configuration, which allows everything that `mark` says.
    func permitted(_ mark: GuestMark) throws -> OperatorConfiguration {
        let configuration = try configuration()
        guard let name = mark.restricted.first(where: { !configuration.allows($0) }) else { return configuration }
        throw Failure("\(name) is not allowed on this host (\"allow\" in \(configuration.file) names what is)")
    }

    /// What the guest is told of the container's process.
    func guestProcess(_ mark: GuestMark?, _ image: OpenFile) -> GuestProcess {
        GuestProcess(
            arguments: process.args, commandLine: mark?.commandLine, environment: process.env,
            workingDirectory: process.cwd, hostName: spec.hostname ?? "")
    }

    /// The same for a marked guest, whose image is not always what `process.args` begins with.
    func guestProcess(
        _ mark: GuestMark, _ image: OpenFile, in root: borrowing RootFilesystem
    ) throws -> GuestProcess {
        var told = guestProcess(mark, image)
        if let line = mark[.commandLine], line.isUruncs, line.value == process.args.joined(separator: " ") {
            // urunc's tools write down the image's arguments in this way. The arguments themselves have their ends.
            told.commandLine = nil
            told.beginsWithName = false
        } else if mark.passesAllArguments {
            let program = try root.findProgram(
                process.args.first ?? "", searchPath: process.searchPath, workingDirectory: process.cwd)
            told.beginsWithName = program?.status.isSameFile(as: image.status) ?? false
        }
        return told
    }
}

extension FoundGuest {
    /// Checks that the guest can use what the container demands for it.
    ///
    /// - Throws: ``GuestModel/GuestError`` that names what it cannot.
    func checkDemands() throws(GuestError) {
        if let named = mark?[.initrd] ?? mark?[.hostInitrd], guest.hardware?.takesInitrd != true {
            throw GuestError("\(guest.framework) guest takes no initial RAM disk (\(named.name))")
        }
        if guest.needsInitrd, mark?[.initrd] == nil, mark?[.hostInitrd] == nil {
            throw GuestError(
                "\(guest.framework) loader needs an application as its initial RAM disk "
                    + "(annotation com.urunc.unikernel.initrd)")
        }
        let most = guest.hardware?.mostProcessors ?? 1
        if let wanted = mark?.processors, wanted > most {
            throw GuestError(
                "\(guest.framework) guest uses at most \(most) processors, not \(wanted) (/vm/hwConfig/vcpus)")
        }
    }

    /// Checks that `monitor` may run guests, and can run this one as the container demands.
    ///
    /// - Throws: ``GuestModel/GuestError`` that names what it cannot.
    func checkDemands(on monitor: any Monitor) throws(GuestError) {
        guard configuration.settings(of: monitor.name).isEnabled else {
            throw GuestError("monitor \(monitor.name) is switched off in \(configuration.file)")
        }
        guard let mark, case .embedded = monitor.form else { return }
        func refuse(_ name: String, _ reason: String) -> GuestError {
            GuestError("monitor \(monitor.name) \(reason) (\(name))")
        }
        if let named = mark[.monitorPath] { throw refuse(named.name, "is part of swiftlet, no other program") }
        if !mark.monitorParameters.isEmpty { throw refuse("/vm/hypervisor/parameters", "takes no arguments") }
    }
}
