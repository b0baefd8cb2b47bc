/// How the Linux kernel takes words out of its command line: next_arg of its lib/cmdline.c.
///
/// A double quote at the beginning of a word, or of what follows its first equals sign, and one at the end of the word
/// vanish. Quotes elsewhere stay, and between quotes blanks end no word. There is no way to quote a quote.
enum LinuxWord {
    private static let quote = UInt8(ascii: "\"")
    private static let equals = UInt8(ascii: "=")

    /// What stands for `word` on the command line; nil when nothing does.
    static func text(for word: String) -> String? {
        let bytes = [UInt8](word.utf8)
        guard !bytes.contains(0) else { return nil }
        var candidates = [bytes, [quote] + bytes + [quote]]
        if let place = bytes.firstIndex(of: equals) {
            candidates.append(bytes[...place] + [quote] + bytes[(place + 1)...] + [quote])
        }
        // An empty word needs its quotes.
        let found = candidates.first { !$0.isEmpty && read($0 + Array(" x".utf8)) == (bytes, $0.count) }
        return found.map { String(decoding: $0, as: UTF8.self) }
    }

    /// Why nothing stands for it.
    static func reason(_ word: String) -> String {
        word.utf8.contains(0) ? "holds a NUL byte" : "holds a double quote where the kernel takes it for its own"
    }

    /// The kernel's blanks: those of C, and 0xA0, which is part of many characters in UTF-8.
    private static func isBlank(_ byte: UInt8) -> Bool { byte == 32 || 9...13 ~= byte || byte == 0xA0 }

    /// The first word of a line that begins with none of the blanks, and how many bytes it takes.
    private static func read(_ line: [UInt8]) -> (word: [UInt8], length: Int) {
        let isQuoted = line.first == quote
        let start = isQuoted ? 1 : 0
        var isInside = isQuoted
        var separator: Int?
        var end = start
        while end < line.count, isInside || !isBlank(line[end]) {
            if line[end] == quote { isInside.toggle() }
            // One in front of everything is part of the name.
            if separator == nil, line[end] == equals, end > start { separator = end }
            end += 1
        }
        var word = Array(line[start..<end])
        var hasLost = false
        if let separator, separator + 1 < end, line[separator + 1] == quote {
            word.remove(at: separator + 1 - start)
            if word.last == quote, end - 1 > separator + 1 { word.removeLast() }
            hasLost = true
        }
        if isQuoted, !hasLost, word.last == quote { word.removeLast() }
        return (word, end)
    }

    /// Names that the kernel keeps for itself, of those that somebody may give a variable; it has hundreds more.
    static let parameters: Set<String> = [
        "acpi", "apparmor", "audit", "cgroup_disable", "clocksource", "console", "debug", "earlycon", "earlyprintk",
        "idle", "init", "initcall_debug", "initrd", "ip", "isolcpus", "lockdown", "loglevel", "lsm", "maxcpus", "mem",
        "memmap", "mitigations", "nfsroot", "nokaslr", "nosmp", "nr_cpus", "panic", "pci", "quiet", "rdinit", "reboot",
        "resume", "ro", "root", "rootdelay", "rootflags", "rootfstype", "rootwait", "rw", "security", "selinux",
        "single", "tsc",
    ]
}
