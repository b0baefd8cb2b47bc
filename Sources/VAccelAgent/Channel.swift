import HostLibraries
import HostSystem
import VAccelProtocol

/// A stream socket that carries frames in both directions and never waits.
///
/// Small frames are read many at a time into a buffer that all channels share; a large one gets a buffer of its own, of
/// which only what arrives takes memory, so that announcing much costs the sender, not the agent.
final class Channel {
    /// What to do with a frame of which the header has arrived.
    enum Admission {
        /// Take it; whatever is to live as long as the frame goes along.
        case take(Ledger.Charge?)
        /// Read it and forget it.
        case discard
    }

    /// A frame.
    struct Frame {
        let header: FrameHeader
        let payload: Bytes
        let charge: Ledger.Charge?
    }

    private let descriptor: Descriptor
    /// A frame of which a part has arrived, its header included.
    private var partial: [UInt8] = []
    private var filled = 0
    private var expected = 0
    private var charge: Ledger.Charge?
    /// Bytes of a discarded frame that are still to come.
    private var discarding = 0
    private var output: [(bytes: Bytes, charge: Ledger.Charge?)] = []
    private var outputStart = 0

    /// Bytes that the other end has not taken yet.
    private(set) var unsent = 0

    init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }

    /// The socket's number.
    var number: Int32 { descriptor.raw }

    /// Whether a frame has begun and is not complete.
    var isWithinFrame: Bool { filled > 0 || discarding > 0 }

    // MARK: reading

    /// What is read at once into the shared buffer.
    static let sharedSize = 64 << 10
    /// What is read at once of a large frame.
    private static let largePiece = 256 << 10

    /// Reads what is there, up to a bound that keeps one sender from holding up the others.
    ///
    /// - Returns: Whether the other end may send more.
    func receive(
        shared: inout [UInt8], admit: (FrameHeader) -> Admission, take: (Frame) -> Void
    ) throws(HostError) -> Bool {
        if expected > 0 { return try receiveLarge(take) }
        if filled > 0 {
            // A header came in pieces.
            for index in 0..<filled { shared[index] = partial[index] }
        }
        let received = try receiveNow(number, into: &shared, at: filled)
        guard case .bytes(let count) = received else { return received != .end }
        let end = filled + count
        filled = 0
        partial = []
        split(shared[0..<end], admit, take)
        return true
    }

    /// Takes the frames out of what has arrived; keeps the part of one at the end.
    private func split(_ bytes: Bytes, _ admit: (FrameHeader) -> Admission, _ take: (Frame) -> Void) {
        var rest = bytes
        while !rest.isEmpty {
            if discarding > 0 {
                let skipped = min(discarding, rest.count)
                discarding -= skipped
                rest = rest.dropFirst(skipped)
                continue
            }
            guard let header = FrameHeader(rest) else { return keep(rest, expecting: 0) }
            let size = FrameHeader.size + Int(header.length)
            switch admit(header) {
            case .discard:
                rest = rest.dropFirst(FrameHeader.size)
                discarding = Int(header.length)
            case .take(let charge) where size <= rest.count:
                let end = rest.startIndex + size
                take(Frame(header: header, payload: rest[(rest.startIndex + FrameHeader.size)..<end], charge: charge))
                rest = rest[end...]
            case .take(let charge):
                self.charge = charge
                return keep(rest, expecting: size)
            }
        }
    }

    private func keep(_ bytes: Bytes, expecting size: Int) {
        partial = bytesToFill(size, beginningWith: bytes)
        filled = bytes.count
        expected = size
    }

    private func receiveLarge(_ take: (Frame) -> Void) throws(HostError) -> Bool {
        let received = try receiveNow(number, into: &partial, at: filled, limit: Self.largePiece)
        guard case .bytes(let count) = received else { return received != .end }
        filled += count
        guard filled == expected, let header = FrameHeader(partial[...]) else { return true }
        let frame = Frame(header: header, payload: partial[FrameHeader.size...], charge: charge)
        (partial, filled, expected, charge) = ([], 0, 0, nil)
        take(frame)
        return true
    }

    // MARK: writing

    /// Sends a frame, or as much of it as the socket takes now; the rest is for ``flush()``.
    func send(_ buffer: WireBuffer, charge: Ledger.Charge? = nil) throws(HostError) {
        for piece in buffer.pieces { output.append((piece, charge)) }
        unsent += buffer.count
        try flush()
    }

    /// Sends what is left, as far as the socket takes it.
    func flush() throws(HostError) {
        while outputStart < output.count {
            let piece = output[outputStart].bytes
            let sent = try sendNow(piece, to: number, more: outputStart + 1 < output.count)
            unsent -= sent
            if sent < piece.count {
                output[outputStart].bytes = piece.dropFirst(sent)
                if sent == 0 { break }
                continue
            }
            outputStart += 1
        }
        if outputStart == output.count {
            output = []
            outputStart = 0
        } else if outputStart > 64 {
            output.removeFirst(outputStart)
            outputStart = 0
        }
    }
}
