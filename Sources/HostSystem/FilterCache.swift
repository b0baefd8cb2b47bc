internal import CLinux

/// Compiled seccomp filters that are kept from one container to the next.
///
/// libseccomp takes some ten milliseconds for the profile that engines give every container: half of what it takes to
/// make the container. Entries are files in a directory that only its owner can enter. Each holds what it was compiled
/// from besides the program, and is used only when that is the same to the last byte, so no two profiles can be taken
/// for each other. There are at most `slots` of them; a later one takes the place of an earlier one.
public struct FilterCache: Sendable {
    /// How many programs are kept at most.
    static let slots: UInt64 = 64
    /// What every entry begins with; to be changed when programs are compiled in another way.
    private static let magic = [UInt8]("swiftlet filter 2\n".utf8)

    private let directory: String

    /// A cache in `directory`, an absolute path; made when the first program is kept.
    public init(directory: String) { self.directory = directory }

    /// The program that was compiled from `source`; nil when there is none, or none that can be trusted.
    func program(from source: [UInt8]) -> [UInt8]? {
        guard let folder = try? trustedFolder(),
            let file = try? openBeneath(folder.raw, Self.name(source), flags: [.readOnly, .noFollow]),
            let bytes = try? readAll(file.raw, named: directory)
        else { return nil }
        let head = Self.head(source)
        guard bytes.starts(with: head) else { return nil }
        let program = Array(bytes[head.count...])
        return !program.isEmpty && program.count % 8 == 0 ? program : nil
    }

    /// Keeps the program that was compiled from `source`. Where that cannot be done there is no cache.
    func keep(_ program: [UInt8], from source: [UInt8]) {
        _ = try? makeDirectories(directory, mode: 0o700)
        guard let folder = try? trustedFolder() else { return }
        try? fill(Self.name(source), in: folder.raw, with: Self.head(source) + program)
    }

    /// Puts a whole file under `name`: without a name while it is written, so that a process that ends leaves nothing.
    private func fill(_ name: String, in folder: Int32, with bytes: [UInt8]) throws(HostError) {
        let file = try open(".", in: folder, flags: [.writeOnly, .temporary], mode: 0o600)
        try writeAll(bytes, to: file.raw, named: directory)
        try? removeFile(name, in: folder)
        // SAFETY: both strings are NUL-terminated for the length of the call.
        try check("linkat", name, unsafe lx_link_open_file(descriptorPath(file.raw), folder, name))
    }

    /// The directory, if nobody else can have put anything into it.
    private func trustedFolder() throws(HostError) -> Descriptor {
        let folder = try open(directory, flags: [.directory, .noFollow])
        let found = try status(of: folder.raw)
        guard found.owner == effectiveUser(), found.permissions & 0o077 == 0 else {
            throw HostError(call: "open", subject: directory, errno: EACCES)
        }
        return folder
    }

    /// What an entry holds before its program.
    private static func head(_ source: [UInt8]) -> [UInt8] {
        magic + [UInt8]("\(Program.seccompLibraryVersion ?? "") \(source.count)\n".utf8) + source
    }

    /// The slot of a source: FNV-1a, which only spreads; equality is decided by the content.
    private static func name(_ source: [UInt8]) -> String {
        let hash = source.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3 }
        return "\((hash ^ (hash >> 32)) % slots)"
    }
}

/// Everything that decides how a filter's program looks, as bytes.
func filterSource(
    defaultAction: FilterAction, architectures: [String], rules: [FilterRule], knowsAll: Bool = true
) -> [UInt8] {
    var bytes = [UInt8]()
    bytes.reserveCapacity(16384)
    func add(_ number: some FixedWidthInteger) {
        for shift in stride(from: 0, to: number.bitWidth, by: 8) {
            bytes.append(UInt8(truncatingIfNeeded: number >> shift))
        }
    }
    func add(_ text: String) {
        bytes += text.utf8
        bytes.append(0)
    }
    add(defaultAction.value)
    add(UInt8(knowsAll ? 1 : 0))
    add(UInt32(architectures.count))
    for architecture in architectures { add(architecture) }
    for rule in rules {
        add(rule.name)
        add(rule.action.value)
        add(UInt32(rule.conditions.count))
        for condition in rule.conditions {
            add(condition.index)
            add(condition.comparison.rawValue)
            add(condition.value)
            add(condition.second)
        }
    }
    return bytes
}
