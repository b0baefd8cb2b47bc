/// What this build is called; the one place that says so.
enum Release {
    /// The program's name on its own command line, whatever the file is called.
    static let program = "swiftlet"
    /// What the help calls the program: the name it was called by, as it may stand in another runtime's place.
    static func calledName(_ words: [String]) -> String {
        let name = words.first?.split(separator: "/").last.map(String.init) ?? program
        return name.isEmpty ? program : name
    }

    /// The name by which the program runs every ordinary image in a virtual machine.
    static let machinesName = "swiftlet-vm"

    /// Semantic version.
    static let version = "0.1.0"
    /// The day the command line last changed, as the manual pages show it.
    static let date = "November 25, 2026"
    /// The oldest runtime specification whose bundles are accepted.
    static let oldestSpecification = "1.0.0"
    /// The newest runtime specification that is implemented, and the one that `spec` writes.
    static let specification = "1.3.0"

    /// What `--version` prints: the lines of runc, because dockerd and podman read them, and crun's line of features.
    ///
    /// dockerd takes whatever follows the word "version" in any line, so that word must occur once.
    static func versionText(seccomp: String?) -> String {
        var text = "\(program) version \(version)\nspec: \(specification)\n+SYSTEMD +CAP +SECCOMP\n"
        if let seccomp { text += "libseccomp: \(seccomp)\n" }
        return text
    }
}
