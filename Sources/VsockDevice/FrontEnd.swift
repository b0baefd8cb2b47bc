internal import CLinux
internal import HostSystem

/// The connection to the front-end: messages with descriptors beside them. See vhost-user.rst of QEMU.
final class FrontEnd {
    /// What is agreed on; all else that the front-end might want is left out by it then.
    enum Feature {
        /// VIRTIO_F_RING_INDIRECT_DESC, VIRTIO_F_RING_EVENT_IDX, VIRTIO_F_VERSION_1, VHOST_USER_F_PROTOCOL_FEATURES
        static let indirect: UInt64 = 1 << 28
        static let eventIndex: UInt64 = 1 << 29
        static let version1: UInt64 = 1 << 32
        static let protocolFeatures: UInt64 = 1 << 30
        static let all = indirect | eventIndex | version1 | protocolFeatures
        /// VHOST_USER_PROTOCOL_F_MQ (the number of queues can be asked for), _REPLY_ACK, _CONFIG, _RESET_DEVICE
        static let replies: UInt64 = 1 << 3
        static let allProtocol = 1 << 0 | replies | 1 << 9 | 1 << 13
    }

    /// A message.
    struct Message {
        let request: UInt32
        let wantsReply: Bool
        let payload: [UInt8]
        var descriptors: [SharedDescriptor]
    }

    private enum Flag {
        static let version: UInt32 = 1
        static let versionMask: UInt32 = 3
        static let reply: UInt32 = 4
        static let needReply: UInt32 = 8
    }

    /// request, flags, size
    private static let headerSize = 12
    /// No message that is understood is longer.
    private static let longestPayload = 4096

    private let socket: Descriptor
    private var buffer: [UInt8] = []
    private var descriptors: [SharedDescriptor] = []
    /// What the driver, and what the front-end has accepted.
    var features: UInt64 = 0
    var protocolFeatures: UInt64 = 0

    init(socket: consuming Descriptor) { self.socket = socket }

    /// How a queue is to be handled.
    var ringFeatures: VirtQueue.Features {
        VirtQueue.Features(
            indirect: features & Feature.indirect != 0, eventIndex: features & Feature.eventIndex != 0)
    }

    /// The next message; nil when it has not come wholly yet.
    ///
    /// - Throws: ``HostSystem/Failure`` at the connection's end, and for what is no message.
    func next() throws(Failure) -> Message? {
        guard try fill(to: Self.headerSize) else { return nil }
        let (flags, size) = (number(4) as UInt32, Int(number(8) as UInt32))
        guard flags & Flag.versionMask == Flag.version, flags & Flag.reply == 0, size <= Self.longestPayload else {
            throw Failure("front-end's message has flags \(flags) and \(size) bytes")
        }
        guard try fill(to: Self.headerSize + size) else { return nil }
        let message = Message(
            request: number(0), wantsReply: flags & Flag.needReply != 0, payload: [UInt8](buffer[Self.headerSize...]),
            descriptors: descriptors)
        (buffer, descriptors) = ([], [])
        return message
    }

    private func number<Number: FixedWidthInteger>(_ offset: Int) -> Number { buffer.number(at: offset) }

    private func fill(to size: Int) throws(Failure) -> Bool {
        while buffer.count < size {
            var (passed, count) = ([Int32](repeating: -1, count: Int(LX_MOST_PASSED)), Int32(0))
            var got = 0
            let part = unsafe [UInt8](unsafeUninitializedCapacity: size - buffer.count) { bytes, initialized in
                // SAFETY: the kernel writes at most the buffer's length, and there is room for LX_MOST_PASSED descriptors.
                got = unsafe lx_receive_passed(socket.raw, bytes.baseAddress, bytes.count, &passed, &count)
                initialized = max(0, got)
            }
            for descriptor in passed.prefix(Int(count)) { descriptors.append(SharedDescriptor(owning: descriptor)) }
            if got == -Int(EAGAIN) { return false }
            guard got > 0 else { throw Failure("front-end has ended the connection") }
            guard descriptors.count <= MemoryTable.mostRegions else { throw Failure("too many descriptors at once") }
            buffer += part
        }
        return true
    }

    /// Answers a request with what it asks for.
    func reply(_ request: UInt32, _ payload: [UInt8]) throws(Failure) {
        let head = [request, Flag.version | Flag.reply, UInt32(payload.count)].flatMap(\.littleEndianBytes)
        let message = head + payload
        // An answer is short: a connection that has no room for it is not read at its other end.
        guard StreamSocket.send(message[...], over: socket.raw) == .moved(message.count) else {
            throw Failure("front-end does not take an answer")
        }
    }

    /// Says whether a request was carried out, where the front-end wants to know.
    func acknowledge(_ message: Message, success: Bool) throws(Failure) {
        guard message.wantsReply, protocolFeatures & Feature.replies != 0 else { return }
        try reply(message.request, UInt64(success ? 0 : 1).littleEndianBytes)
    }
}

extension [UInt8] {
    /// The little-endian number at `offset`, behind which there are enough bytes.
    func number<Number: FixedWidthInteger>(at offset: Int) -> Number {
        var result: Number = 0
        for index in 0..<Number.bitWidth / 8 {
            result |= Number(truncatingIfNeeded: self[offset + index]) << Number(truncatingIfNeeded: 8 * index)
        }
        return result
    }
}

extension FixedWidthInteger {
    var littleEndianBytes: [UInt8] {
        (0..<Self.bitWidth / 8).map { UInt8(truncatingIfNeeded: self >> Self(8 * $0)) }
    }
}
