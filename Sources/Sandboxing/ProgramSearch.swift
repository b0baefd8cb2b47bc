internal import HostSystem
internal import OCISpec

/// Finds a container's program from inside the container, as its user. Messages are those engines look for in runc's.
struct ProgramSearch {
    let process: Process

    /// The program's environment: config.json's, of several values of a variable the last, and HOME where it has none.
    var environment: [String] {
        var names = Set<Substring>()
        var kept = [String]()
        for entry in process.env.reversed() where names.insert(entry.prefix { $0 != "=" }).inserted {
            if entry != "HOME=" { kept.append(entry) }
        }
        kept.reverse()
        if process.variable("HOME")?.isEmpty != false { kept.append("HOME=\(Self.home(of: process.user.uid))") }
        return kept
    }

    /// The program's path.
    ///
    /// - Throws: ``HostSystem/Failure`` with runc's words, by which engines tell status 126 from 127.
    func find() throws(Failure) -> String {
        let name = process.args.first ?? ""
        if name.utf8.contains(UInt8(ascii: "/")) {
            return try check(name)
        }
        for directory in process.searchPath.split(separator: ":") {
            let path = "\(directory)/\(name)"
            if let status = try? followedStatus(of: path), status.kind == .regular, canExecute(path) { return path }
        }
        throw Failure("exec: \"\(name)\": executable file not found in $PATH")
    }

    private func check(_ name: String) throws(Failure) -> String {
        let status: FileStatus
        do throws(HostError) {
            status = try followedStatus(of: name)
        } catch {
            throw Failure("exec: \"\(name)\": stat \(name): \(error.reason)")
        }
        // For a directory too: newer versions of runc say that it is one, which docker 20.10 does not know.
        guard status.kind != .directory, canExecute(name) else { throw Failure("exec: \"\(name)\": permission denied") }
        return name
    }

    /// The home directory in the container's own /etc/passwd; `/` where there is none.
    private static func home(of uid: UInt32) -> String {
        guard let text = try? readText("/etc/passwd") else { return "/" }
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: ":", omittingEmptySubsequences: false)
            if fields.count >= 6, UInt32(fields[2]) == uid { return fields[5].isEmpty ? "/" : String(fields[5]) }
        }
        return "/"
    }
}
