internal import HostSystem
public import OCISpec

/// What a container says of its guest beyond the mark: in its annotations, else in `/urunc.json`.
///
/// See Specs/annotations.md.
public struct GuestSettings: Sendable {
    private let annotations: StringMap
    private let metadata: JSONValue?

    /// Reads `/urunc.json` of `root`, if there is one.
    ///
    /// - Throws: ``HostSystem/JSONError`` or ``HostSystem/Failure`` when the file cannot be understood.
    public init(annotations: StringMap, in root: borrowing RootFilesystem) throws {
        self.annotations = annotations
        metadata = try GuestMark.metadata(of: root)
    }

    /// The value of swiftlet's name `own`, else of urunc's name `peer`, with the whole name; an empty one counts as none.
    public func value(_ own: String, peer: String? = nil) -> (name: String, value: String)? {
        find(own, peer) { annotations[$0] } ?? find(own, peer) { metadata?[$0]?.string }
    }

    private func find(
        _ own: String, _ peer: String?, _ value: (String) -> String?
    ) -> (name: String, value: String)? {
        let name = GuestMark.ownPrefix + own
        if let text = value(name), !text.isEmpty { return (name, text) }
        guard let peer, let text = value(GuestMark.peerPrefix + peer), !text.isEmpty else { return nil }
        return (GuestMark.peerPrefix + peer, GuestMark.plain(text))
    }
}
