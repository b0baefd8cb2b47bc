internal import GuestModel
internal import HostSystem
internal import OCIBundle
internal import OCISpec

/// The name servers that a guest is told: those of an annotation, else those of the container's /etc/resolv.conf.
func nameServers(for bundle: borrowing Bundle) throws -> [IPAddress] {
    let name = "org.swiftlet.unikernel.name-servers"
    guard let text = bundle.spec.annotations[name], !text.isEmpty else {
        return try ResolverFile(in: bundle).nameServers
    }
    if text == "none" { return [] }
    return try text.split(separator: ",", omittingEmptySubsequences: false).map { word in
        guard let address = IPAddress(word) else {
            throw Failure("annotation \(name): \"\(word)\" is no IP address")
        }
        return address
    }
}

/// What a container's /etc/resolv.conf says. See resolv.conf(5).
struct ResolverFile {
    /// The name servers that a guest can reach: one on the loopback interface is the container's own, not the guest's.
    let nameServers: [IPAddress]

    private static let path = "/etc/resolv.conf"
    /// Beyond what any resolver reads.
    private static let largestSize = 65536

    /// Reads the file that the engine mounts there, or that of the image; without one there are no name servers.
    init(in bundle: borrowing Bundle) throws {
        let mounted = bundle.spec.mounts.last { $0.destination == Self.path }
        guard let mounted else {
            let file = try bundle.root.openFile(Self.path)
            nameServers = Self.nameServers(in: try file?.read(at: 0, count: Self.largestSize) ?? [])
            return
        }
        let path = mounted.sourcePath(bundle: bundle.path)
        let file = try? open(path, flags: [.readOnly, .nonBlocking])
        guard let file, try status(of: file.raw).kind == .regular else {
            nameServers = []
            return
        }
        nameServers = Self.nameServers(in: try read(file.raw, named: path, at: 0, count: Self.largestSize))
    }

    static func nameServers(in bytes: [UInt8]) -> [IPAddress] {
        String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline).compactMap { line in
            let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
            guard words.count >= 2, words[0] == "nameserver", let address = IPAddress(words[1]) else { return nil }
            return address.isLoopback ? nil : address
        }
    }
}
