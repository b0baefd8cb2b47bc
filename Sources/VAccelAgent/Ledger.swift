/// Counts the bytes that are kept for the guest.
final class Ledger {
    private let limit: Int
    /// How many bytes are kept.
    private(set) var used = 0
    /// Lets go of bytes that are only kept because they may be of use.
    var reclaim: () -> Void = {}

    init(limit: Int) { self.limit = limit }

    /// Bytes on the ledger for as long as this lives.
    final class Charge {
        private let ledger: Ledger
        private var bytes: Int

        fileprivate init(_ ledger: Ledger, _ bytes: Int) { (self.ledger, self.bytes) = (ledger, bytes) }

        deinit { ledger.used -= bytes }

        /// Puts more bytes on it; false when that would be more than the guest may have.
        func grow(by more: Int) -> Bool {
            guard ledger.hasRoom(for: more) else { return false }
            ledger.used += more
            bytes += more
            return true
        }
    }

    private func hasRoom(for bytes: Int) -> Bool {
        if bytes > limit - used { reclaim() }
        return bytes <= limit - used
    }

    /// Puts bytes on the ledger; nil when that would be more than the guest may have.
    func charge(_ bytes: Int) -> Charge? {
        guard hasRoom(for: bytes) else { return nil }
        used += bytes
        return Charge(self, bytes)
    }
}
