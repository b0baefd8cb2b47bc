/// Ports as annotations name them.
public enum PortRange {
    /// The ports that a text names, `8080` or `9000-9010`; nil when it names none.
    public static func parse(_ text: some StringProtocol) -> ClosedRange<UInt16>? {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard 1...2 ~= parts.count, let first = UInt16(parts[0]), let last = UInt16(parts[parts.count - 1]),
            0 < first, first <= last
        else { return nil }
        return first...last
    }
}
