internal import HostSystem
internal import LaunchPlanning

/// Makes a file system in a file with tools of the host's: e2fsprogs, mtools, xorriso or genisoimage.
///
/// They are run without a shell, by their absolute paths, on a tree that holds plain files and directories alone.
struct VolumeTool {
    private static let places = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"]

    let tree: StagedTree
    /// The image, empty so far.
    let image: Int32

    private var source: String { "/proc/\(currentProcess())/fd/\(tree.directory)" }
    private var imagePath: String { "/proc/\(currentProcess())/fd/\(image)" }
    /// Room for the files, for what their last blocks leave free, and for the tables.
    private var kibibytes: UInt64 { (tree.size * 2 + (1 << 20)) / 65536 * 64 }

    func make(_ format: VolumePlan.Format) throws {
        switch format {
        case .tar: return
        case .ext2:
            try run(
                ["mke2fs"],
                [
                    "-q", "-F", "-t", "ext2", "-b", "1024", "-m", "0", "-N", "\(tree.size / 2048 + 16)", "-d", source,
                    imagePath, "\(kibibytes)k",
                ])
        case .iso9660:
            // xorriso follows no symbolic link that it is given, which the paths in procfs are.
            let grafts = try names().map { "/\(Self.escaped($0))=\(source)/\(Self.escaped($0))" }
            try run(["xorriso", "genisoimage"], ["-quiet", "-R", "-J", "-graft-points"] + grafts)
        case .fat:
            try setSize(of: image, to: kibibytes << 10)
            try run(["mformat"], ["-i", imagePath, "-T", "\(kibibytes * 2)", "-h", "2", "-s", "32", "::"])
            let names = try names().map { "\(source)/\($0)" }
            if !names.isEmpty { try run(["mcopy"], ["-s", "-m", "-Q", "-i", imagePath] + names + ["::/"]) }
        }
    }

    /// What is at the top of the tree.
    private func names() throws -> [String] {
        let top = try openBeneath(tree.directory, ".", flags: .directory)
        return try entries(of: top.raw, named: "volume").map(\.name).sorted()
    }

    /// A name in the arguments of mkisofs, which takes `=` for the end of one.
    private static func escaped(_ name: String) -> String {
        name.reduce(into: "") { text, character in
            if character == "=" || character == "\\" { text.append("\\") }
            text.append(character)
        }
    }

    /// Runs the first of `tools` that is there, with the image as its standard output.
    private func run(_ tools: [String], _ arguments: [String]) throws {
        for tool in tools {
            guard let place = Self.places.first(where: { canExecute("\($0)/\(tool)") }) else { continue }
            let errors = try anonymousFile(named: tool)
            let input = try open("/dev/null", flags: .readOnly)
            let isEmulating = tool == "xorriso"
            let pid = try spawn(
                "\(place)/\(tool)", arguments: [tool] + (isEmulating ? ["-as", "mkisofs"] : []) + arguments,
                environment: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "MTOOLS_SKIP_CHECK=1"], input: input.raw,
                output: image, errors: errors.raw)
            guard let end = try waitForChild(pid)?.end, end != .exited(0) else { return }
            try rewind(errors.raw, named: tool)
            let printed = String(decoding: try readAll(errors.raw, named: tool), as: UTF8.self)
            let line = printed.split(whereSeparator: \.isNewline).joined(separator: "; ")
            throw Failure("\(tool) ended with status \(end.shellStatus): \(line)")
        }
        throw Failure("the host has no \(tools.joined(separator: " or ")), which makes such volumes")
    }
}
