internal import Frameworks
public import GuestModel
internal import HostConfiguration
internal import HostSystem
public import OCIBundle
internal import OCISpec

/// A guest that was found, with the open image and what the container says about it.
struct FoundGuest {
    let guest: Guest
    let image: OpenFile
    let foundBy: String
    /// What the container says about the guest; nil when nobody says anything.
    let mark: GuestMark?
    /// The initial RAM disk that the container names, open.
    let initrd: OpenFile?
    /// What the guest is to be told.
    let process: GuestProcess
    /// What the operator says of guests.
    let configuration: OperatorConfiguration
    /// What runs an ordinary image; nil for a guest of the image's own.
    var machine: MachinePlan?
    /// The ways in which the guest is to have the root filesystem, best first; none when it is not to have it.
    var rootSharing: [FileSharing] = []

    /// The monitor that the container asks for by name, or by the name of its program.
    var wantedMonitor: String? {
        mark?.monitor ?? (mark?[.monitorPath]?.value).flatMap { $0.split(separator: "/").last.map(String.init) }
    }
}

/// Looks for a guest in a container's root filesystem: marks first, then the program itself.
struct GuestSearch {
    let spec: RuntimeSpec
    let process: Process
    /// The operator's configuration, which is read only when there is a guest.
    let file: ConfigurationFile

    /// Finds the guest.
    ///
    /// - Returns: nil for an ordinary container.
    /// - Throws: An error that names the file, when it is marked or recognised as a guest and cannot be one.
    func find(in root: borrowing RootFilesystem) throws -> FoundGuest? {
        // The pause container of a pod gets the pod's annotations too, and is never a guest.
        if spec.annotations["io.kubernetes.cri.container-type"] == "sandbox" { return nil }
        if spec.annotations["io.kubernetes.cri-o.ContainerType"] == "sandbox" { return nil }
        // What a pod's annotations say may be meant for another container of it, and this one has a mark of its own.
        if let mark = try annotated(in: root), let guest = try marked(mark, in: root) { return guest }
        let mark = try GuestMark.inMetadata(of: root) ?? GuestMark.inEnvironment(process.env)
        guard let mark else { return try program(in: root) }
        return try marked(mark, in: root)
    }

    /// The mark in config.json, together with what the image says of itself.
    private func annotated(in root: borrowing RootFilesystem) throws -> GuestMark? {
        guard var mark = try GuestMark.inConfiguration(spec) else { return nil }
        try mark.completeKraft(in: root)
        guard mark.source == "annotations", let image = try GuestMark.inMetadata(of: root) else { return mark }
        guard mark[.hostKernel] == nil, mark.framework == nil || mark.framework == image.framework,
            try mark.binary == nil || isSame(mark.binary, image.binary, in: root)
        else { return mark }
        mark.complete(from: image)
        return mark
    }

    /// Whether two names lead to one file; nil is the program that the container runs.
    private func isSame(_ one: String?, _ other: String?, in root: borrowing RootFilesystem) throws -> Bool {
        let program = process.args.first ?? ""
        guard let file = try findProgram(one ?? program, in: root),
            let otherFile = try findProgram(other ?? program, in: root)
        else { return false }
        return file.status.isSameFile(as: otherFile.status)
    }

    /// An unmarked container: its program is a guest when a framework says so, and what is in kraft's place is one.
    private func program(in root: borrowing RootFilesystem) throws -> FoundGuest? {
        let name = process.args.first ?? ""
        let image = name == GuestMark.kraftKernel ? nil : try findProgram(name, in: root)
        guard let image else {
            // The root filesystem of such an image has no programs, so an ordinary container does not get here.
            return try GuestMark.inKraftLayout(of: root).flatMap { try marked($0, in: root) }
        }
        guard let guest = try recognise(image, in: root.descriptor.raw, isMarked: false, wanted: nil) else {
            return nil
        }
        return FoundGuest(
            guest: guest, image: image, foundBy: "program", mark: nil, initrd: nil, process: guestProcess(nil, image),
            configuration: try configuration())
    }

    private func marked(_ mark: GuestMark, in root: borrowing RootFilesystem) throws -> FoundGuest? {
        // A pod's annotations reach its sidecars as well: a file that is not there, or no guest, is not meant, and one of
        // the host's is for nobody in particular.
        if isPodWide(mark), mark[.hostKernel] != nil { return nil }
        let name = mark.binary ?? mark[.hostKernel]?.value ?? process.args.first ?? ""
        guard let image = try openImage(name, of: mark, in: root) else {
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
            guest: guest, image: image, foundBy: mark.source, mark: mark, initrd: try openInitrd(of: mark, in: root),
            process: try guestProcess(mark, image, in: root), configuration: try permitted(mark))
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

    private func isPodWide(_ mark: GuestMark) -> Bool {
        mark.source == "annotations" && spec.isInPod
    }

    private func findProgram(_ name: String, in root: borrowing RootFilesystem) throws -> OpenFile? {
        try root.findProgram(name, searchPath: process.searchPath, workingDirectory: process.cwd)
    }
}

extension RuntimeSpec {
    /// Whether it is a container of a pod, by the annotations of containerd's CRI plug-in or CRI-O.
    var isInPod: Bool {
        (annotations["io.kubernetes.cri.sandbox-id"] ?? annotations["io.kubernetes.cri-o.SandboxID"]) != nil
    }
}

extension OpenFile: ByteSource {}
