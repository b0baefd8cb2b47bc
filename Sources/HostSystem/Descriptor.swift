internal import CLinux

/// An open file descriptor with one owner, closed when the owner goes away.
///
/// See close(2). Every descriptor is opened with O_CLOEXEC unless its doc comment says otherwise.
public struct Descriptor: ~Copyable {
    /// The descriptor's number, for as long as this value lives.
    public let raw: Int32

    /// Takes ownership of `raw`, which must be open.
    public init(owning raw: Int32) {
        self.raw = raw
    }

    deinit {
        _ = lx_close(raw)
    }

    /// Gives up ownership: the caller closes the returned number.
    public consuming func release() -> Int32 {
        let number = raw
        discard self
        return number
    }
}
