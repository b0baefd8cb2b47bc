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
        GuestMark.setting(own, peer) { annotations[$0] } ?? GuestMark.setting(own, peer) { metadata?[$0]?.string }
    }
}
