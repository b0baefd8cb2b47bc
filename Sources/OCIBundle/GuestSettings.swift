public import HostSystem
public import OCISpec

/// What a container says of its guest beyond the mark: in config.json, else in `/urunc.json`.
///
/// See Specs/annotations.md.
public struct GuestSettings: Sendable {
    private let annotations: StringMap
    private let image: GuestStatement?
    private let metadata: JSONValue?

    /// Reads `/urunc.json` of `root`, if there is one.
    ///
    /// - Throws: ``HostSystem/JSONError`` or ``HostSystem/Failure`` when the file cannot be understood.
    public init(_ spec: RuntimeSpec, in root: borrowing RootFilesystem) throws {
        annotations = spec.annotations
        image = spec.vm?.image.map { GuestStatement(name: "/vm/image/path", value: $0.path) }
        metadata = try GuestMark.metadata(of: root)
    }

    /// What is said of one thing, and by which name; an empty value counts as none.
    ///
    /// - Throws: ``HostSystem/Failure`` that names both when two names contradict each other.
    public func value(_ name: GuestName) throws(Failure) -> (name: String, value: String)? {
        try value(name.names, more: name == .block ? image : nil)
    }

    /// What swiftlet's own name `own` is for.
    public func value(_ own: String) throws(Failure) -> (name: String, value: String)? {
        try value([GuestName.ownPrefix + own], more: nil)
    }

    /// The ends of swiftlet's own names that begin with `own`, sorted.
    public func names(beginningWith own: String) -> [String] {
        let beginning = GuestName.ownPrefix + own
        let names = annotations.entries.map(\.key) + (metadata?.object?.members.map(\.key) ?? [])
        return Set(names.filter { $0.hasPrefix(beginning) }.map { String($0.dropFirst(beginning.count)) }).sorted()
    }

    private func value(_ names: [String], more: GuestStatement?) throws(Failure) -> (name: String, value: String)? {
        let here = try GuestStatement.find(names, in: "annotations", more: more.map { [$0] } ?? []) { annotations[$0] }
        if let here { return (here.name, here.value) }
        let there = try GuestStatement.find(names, in: "names in /urunc.json") { metadata?[$0]?.string }
        return there.map { ($0.name, $0.value) }
    }
}
