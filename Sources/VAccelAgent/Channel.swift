import HostLibraries
import HostSystem
import VAccelProtocol

/// A stream socket that carries frames in both directions and never waits.
///
/// Small frames are read many at a time into a buffer that all channels share; a large one goes into a region of its own, of
/// which only what arrives takes memory, so that announcing much costs the sender, not the agent.
final class Channel {
    /// What to do with a frame of which the header has arrived.
    enum Admission {
        /// Take it, a small one.
        case take
        /// Take it, a large one, into a region with room for it.
        case into(RegionLease)
        /// Read it and forget it.
        case discard
    }

    /// A frame.
    struct Frame {
        let header: FrameHeader
        let payload: Bytes
    }

    /// A large frame of which a part has arrived.
    private struct Large {
        let header: FrameHeader
        let lease: RegionLease
        var filled: Int
    }

    /// Something to be sent, what lives until then, and a file that goes along with its first byte.
    private struct Output {
        var bytes: Bytes
        let charge: Ledger.Charge?
        var file: RegionLease?
    }

    private let descriptor: Descriptor
    /// A small frame of which a part has arrived, its header included.
    private var partial: [UInt8] = []
    private var filled = 0
    private var expected = 0
    private var large: Large?
    /// Bytes of a discarded frame that are still to come.
    private var discarding = 0
    private var output: [Output] = []
    private var outputStart = 0

    /// Bytes that the other end has not taken yet.
    private(set) var unsent = 0

    init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }

    /// The socket's number.
    var number: Int32 { descriptor.raw }

    /// Whether a frame has begun and is not complete.
    var isWithinFrame: Bool { filled > 0 || discarding > 0 || large != nil }

    // MARK: reading

    /// What is read at once into the shared buffer. Frames of more bytes are large.
    static let sharedSize = 64 << 10
    /// What is read at once of a large frame.
    private static let largePiece = 1 << 20

    /// Reads what is there, up to a bound that keeps one sender from holding up the others.
    ///
    /// - Returns: Whether the other end may send more.
    func receive(
        shared: inout [UInt8], admit: (FrameHeader) -> Admission, take: (Frame) -> Void
    ) throws(HostError) -> Bool {
        if large != nil { return try receiveLarge(take) }
        if expected > 0 { return try receivePartial(take) }
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
        // The rest of a large frame is there already, as a rule.
        return large == nil ? true : try receiveLarge(take)
    }

    /// Takes the frames out of what has arrived; keeps the part of one at the end.
    private func split(_ bytes: ArraySlice<UInt8>, _ admit: (FrameHeader) -> Admission, _ take: (Frame) -> Void) {
        var rest = bytes
        while !rest.isEmpty {
            if discarding > 0 {
                let skipped = min(discarding, rest.count)
                discarding -= skipped
                rest = rest.dropFirst(skipped)
                continue
            }
            guard let header = FrameHeader(Bytes(rest)) else { return keep(rest, expecting: 0) }
            let size = FrameHeader.size + Int(header.length)
            switch admit(header) {
            case .discard:
                rest = rest.dropFirst(FrameHeader.size)
                discarding = Int(header.length)
            case .take where size <= rest.count:
                let end = rest.startIndex + size
                take(Frame(header: header, payload: Bytes(rest[(rest.startIndex + FrameHeader.size)..<end])))
                rest = rest[end...]
            case .take: return keep(rest, expecting: size)
            case .into(let lease):
                // It is larger than the buffer, so that this is the buffer's end.
                let beginning = rest.dropFirst(FrameHeader.size)
                lease.region.begin(with: beginning)
                large = Large(header: header, lease: lease, filled: beginning.count)
                return
            }
        }
    }

    private func keep(_ bytes: ArraySlice<UInt8>, expecting size: Int) {
        partial = bytesToFill(size, beginningWith: bytes)
        filled = bytes.count
        expected = size
    }

    private func receivePartial(_ take: (Frame) -> Void) throws(HostError) -> Bool {
        let received = try receiveNow(number, into: &partial, at: filled)
        guard case .bytes(let count) = received else { return received != .end }
        filled += count
        let whole = Bytes(partial)
        guard filled == expected, let header = FrameHeader(whole) else { return true }
        (partial, filled, expected) = ([], 0, 0)
        take(Frame(header: header, payload: whole.dropFirst(FrameHeader.size)))
        return true
    }

    private func receiveLarge(_ take: (Frame) -> Void) throws(HostError) -> Bool {
        guard let frame = large else { return true }
        let length = Int(frame.header.length)
        let received = try frame.lease.region.receiveNow(number, at: frame.filled, end: length, limit: Self.largePiece)
        guard case .bytes(let count) = received else { return received != .end }
        guard frame.filled + count == length else {
            large?.filled += count
            return true
        }
        large = nil
        take(Frame(header: frame.header, payload: Bytes(frame.lease, count: length)))
        return true
    }

    // MARK: writing

    /// Sends a frame, or as much of it as the socket takes now; the rest is for ``flush()``.
    ///
    /// - Parameters:
    ///   - charge: Whatever is to live until it was sent.
    ///   - file: A region of which the descriptor goes along.
    func send(_ buffer: WireBuffer, charge: Ledger.Charge? = nil, file: RegionLease? = nil) throws(HostError) {
        for (index, piece) in buffer.pieces.enumerated() {
            output.append(Output(bytes: piece, charge: charge, file: index == 0 ? file : nil))
        }
        unsent += buffer.count
        try flush()
    }

    /// Sends what is left, as far as the socket takes it.
    func flush() throws(HostError) {
        while outputStart < output.count {
            let sent = try sendSome()
            if sent == 0 { break }
            noteSent(sent)
        }
        if outputStart == output.count {
            output = []
            outputStart = 0
        } else if outputStart > 64 {
            output.removeFirst(outputStart)
            outputStart = 0
        }
    }

    /// Sends as many pieces at once as can go along with the first one's file.
    private func sendSome() throws(HostError) -> Int {
        var end = outputStart + 1
        while end < output.count, end - outputStart < mostPieces, output[end].file == nil { end += 1 }
        let (first, more) = (output[outputStart], end < output.count)
        if end == outputStart + 1, first.file == nil { return try sendNow(first.bytes, to: number, more: more) }
        let pieces = output[outputStart..<end].map(\.bytes)
        return try sendNow(pieces[...], file: first.file?.region.file, to: number, more: more)
    }

    private func noteSent(_ count: Int) {
        unsent -= count
        var left = count
        while left > 0 {
            let size = output[outputStart].bytes.count
            guard left >= size else {
                output[outputStart].bytes = output[outputStart].bytes.dropFirst(left)
                output[outputStart].file = nil
                return
            }
            left -= size
            outputStart += 1
        }
    }
}
