internal import Frameworks
public import GuestModel
internal import HostSystem
public import OCIBundle
internal import OCISpec

/// A guest that was found, with the open image and what the container says about it.
struct FoundGuest {
    let guest: Guest
    let image: OpenFile
    let foundBy: String
    /// The monitor that the container asks for by name.
    let wantedMonitor: String?
    /// What the guest is to be told.
    let process: GuestProcess
}

/// Looks for a guest in a container's root filesystem: marks first, then the program itself.
struct GuestSearch {
    let spec: RuntimeSpec
    let process: Process

    /// Finds the guest.
    ///
    /// - Returns: nil for an ordinary container.
    /// - Throws: An error that names the file, when it is marked or recognised as a guest and cannot be one.
    func find(in root: borrowing RootFilesystem) throws -> FoundGuest? {
        // The pause container of a pod gets the pod's annotations too, and is never a guest.
        if spec.annotations["io.kubernetes.cri.container-type"] == "sandbox" { return nil }
        if spec.annotations["io.kubernetes.cri-o.ContainerType"] == "sandbox" { return nil }
        guard let mark = try mark(in: root) else { return try program(in: root) }
        return try marked(mark, in: root)
    }

    private func mark(in root: borrowing RootFilesystem) throws -> GuestMark? {
        if let mark = GuestMark.inAnnotations(spec.annotations) { return mark }
        if let mark = try GuestMark.inMetadata(of: root) { return mark }
        return GuestMark.inEnvironment(process.env)
    }

    /// An unmarked container: its program is a guest when a framework says so.
    private func program(in root: borrowing RootFilesystem) throws -> FoundGuest? {
        guard let image = try findProgram(process.args.first ?? "", in: root) else { return nil }
        guard let guest = try recognise(image, in: root.descriptor.raw, isMarked: false, wanted: nil) else {
            return nil
        }
        return FoundGuest(
            guest: guest, image: image, foundBy: "program", wantedMonitor: nil, process: guestProcess(nil))
    }

    private func marked(_ mark: GuestMark, in root: borrowing RootFilesystem) throws -> FoundGuest? {
        let name = mark.binary ?? process.args.first ?? ""
        guard let image = try findProgram(name, in: root) else {
            if isPodWide(mark) { return nil }
            throw Failure("unikernel \"\(name)\", named by \(mark.source), is not in the root filesystem")
        }
        let isMarked = !isPodWide(mark) || mark.binary != nil
        let directory = root.descriptor.raw
        guard let guest = try recognise(image, in: directory, isMarked: isMarked, wanted: mark.framework) else {
            if isPodWide(mark), mark.binary == nil { return nil }
            let names = mark.framework ?? frameworkNames
            throw Failure(
                "\(image.path), named as a unikernel by \(mark.source), is none of: \(names) (\(signs(of: image)))")
        }
        return FoundGuest(
            guest: guest, image: image, foundBy: mark.source, wantedMonitor: mark.monitor,
            process: guestProcess(mark.commandLine))
    }

    private func guestProcess(_ commandLine: String?) -> GuestProcess {
        GuestProcess(
            arguments: process.args, commandLine: commandLine, environment: process.env,
            workingDirectory: process.cwd, hostName: spec.hostname ?? "")
    }

    /// What a user may tell the framework by that none recognises.
    private func signs(of image: OpenFile) -> String {
        do {
            let elf = try ELFImage(image)
            let notes = Set(elf.notes.map(\.name)).sorted().joined(separator: ", ")
            let width = elf.is64Bit ? 64 : 32
            return "ELF\(width) file for machine \(elf.machine), OSABI \(elf.osABI), notes of: "
                + (notes.isEmpty ? "nobody" : notes)
        } catch {
            return "\(error)"
        }
    }

    private func recognise(_ image: OpenFile, in root: Int32, isMarked: Bool, wanted: String?) throws -> Guest? {
        let candidate = GuestCandidate(path: image.path, bytes: image, isMarked: isMarked, framework: wanted) { path in
            try RootFilesystem.openFile(path, inRoot: root)
        }
        do {
            for framework in try candidates(wanted) {
                if let guest = try framework.recognise(candidate) { return guest }
            }
        } catch {
            throw Failure("cannot run \(image.path) as a unikernel", cause: error)
        }
        return nil
    }

    private func candidates(_ wanted: String?) throws -> [any Framework] {
        guard let wanted else { return frameworks }
        let named = frameworks.filter { $0.isCalled(wanted) }
        if named.isEmpty { throw Failure("unikernel type \"\(wanted)\" is not known (known are: \(frameworkNames))") }
        return named
    }

    private var frameworkNames: String {
        frameworks.flatMap { [$0.name] + $0.aliases }.joined(separator: ", ")
    }

    /// A pod's annotations reach its sidecars as well: a file that is not there, or no guest, is not meant.
    private func isPodWide(_ mark: GuestMark) -> Bool {
        mark.source == "annotations" && spec.annotations["io.kubernetes.cri.sandbox-id"] != nil
    }

    private func findProgram(_ name: String, in root: borrowing RootFilesystem) throws -> OpenFile? {
        try root.findProgram(name, searchPath: process.searchPath, workingDirectory: process.cwd)
    }
}

extension OpenFile: ByteSource {}
