import CLinux
import Glibc
import HostSystem
@testable import VsockDevice

/// A front-end and the driver of the guest behind it, whose memory is a file: what the device sees, a test has written.
///
/// It drives the device itself, turn by turn, so that nothing depends on time.
final class SimulatedGuest {
    /// How the guest's memory is laid out; all in bytes.
    enum Layout {
        /// The file's first bytes belong to nobody, and those behind the memory do not either.
        static let offset: UInt64 = 0x1800
        static let size: UInt64 = 0x60_0000
        static let end: UInt64 = 0x2_0000
        /// The second region begins where the first ends, in the file too.
        static let border: UInt64 = 0x30_0000
        /// What the front-end calls guest address 0.
        static let frontEnd: UInt64 = 0x7f00_0000_0000
        static func ring(_ queue: Int) -> UInt64 { 0x1_0000 + UInt64(queue) * 0x4000 }
        static let receiveBuffers: UInt64 = 0x10_0000
        static let transmitBuffers: UInt64 = 0x28_0000
    }

    static let cid: UInt64 = 42
    /// What is in the file where no region is.
    static let nobodys: UInt8 = 0xC5
    static let queueSize: UInt16 = 64
    static let receiveBufferSize: UInt32 = 4096 + 44
    static let largestPacket = 64 << 10

    let device: VsockDevice
    let path: String
    let memory: Descriptor
    private(set) var socket: Descriptor
    private(set) var kicks: [SharedDescriptor] = []
    private(set) var calls: [SharedDescriptor] = []
    private(set) var available: [UInt16] = [0, 0, 0]
    private(set) var used: [UInt16] = [0, 0, 0]
    let usesEventIndex: Bool

    /// A guest whose driver has set everything up.
    init(in directory: String, eventIndex: Bool = true) throws {
        path = "\(directory)/vsock.sock"
        usesEventIndex = eventIndex
        device = try VsockDevice(path: path, guestCID: Self.cid)
        memory = try anonymousFile(named: "guest")
        let whole = Layout.offset + Layout.size + Layout.end
        guard ftruncate(memory.raw, off_t(whole)) == 0 else {
            throw HostError(call: "ftruncate", subject: "guest", errno: errno)
        }
        socket = try Self.connect(device)
        try write([UInt8](repeating: Self.nobodys, count: Int(Layout.offset)), toFile: 0)
        try write([UInt8](repeating: Self.nobodys, count: Int(Layout.end)), toFile: Layout.offset + Layout.size)
        try setUp()
    }

    private static func connect(_ device: VsockDevice) throws -> Descriptor {
        let pair = try SocketPair(stream: true).take()
        try device.attach(frontEnd: Descriptor(owning: pair.second))
        return Descriptor(owning: pair.first)
    }

    /// Where the device writes its events.
    static let eventPlace: UInt64 = 0x1_e000

    /// Connects anew, with rings that begin at their beginning.
    func reconnect(eventBuffer: Bool = false) throws {
        socket = try Self.connect(device)
        hasEventBuffer = eventBuffer
        try setUp()
    }

    private var hasEventBuffer = false

    private func setUpEvents() throws {
        try write([9, 9, 9, 9], to: Self.eventPlace)
        try setDescriptor(2, 0, RingEntry(address: Self.eventPlace, count: 4, flags: 2))
        try offer(2, 0, kick: false)
    }

    // MARK: the front-end

    /// Sends a message, with descriptors beside it, and lets the device read it.
    func send(_ request: UInt32, _ payload: [UInt8], _ descriptors: [Int32] = [], flags: UInt32 = 1) throws {
        try sendRaw([request, flags, UInt32(payload.count)].flatMap(\.littleEndianBytes) + payload, descriptors)
        _ = try device.turn(timeoutMilliseconds: 0)
    }

    /// Sends bytes that may be no message at all.
    func sendRaw(_ bytes: [UInt8], _ descriptors: [Int32] = []) throws {
        var control = [UInt8]()
        if !descriptors.isEmpty {
            control = UInt64(16 + 4 * descriptors.count).littleEndianBytes + UInt32(SOL_SOCKET).littleEndianBytes
            control += UInt32(SCM_RIGHTS).littleEndianBytes
            control += descriptors.flatMap { UInt32(bitPattern: $0).littleEndianBytes }
            if control.count % 8 != 0 { control += [0, 0, 0, 0] }
        }
        var bytes = bytes
        let (size, controlSize) = (bytes.count, control.count)
        let sent = unsafe bytes.withUnsafeMutableBytes { data in
            unsafe control.withUnsafeMutableBytes { control in
                var part = unsafe iovec(iov_base: data.baseAddress, iov_len: size)
                return unsafe withUnsafeMutablePointer(to: &part) { part in
                    var message = unsafe msghdr()
                    unsafe message.msg_iov = part
                    unsafe message.msg_iovlen = 1
                    unsafe message.msg_control = controlSize > 0 ? control.baseAddress : nil
                    unsafe message.msg_controllen = controlSize
                    return unsafe sendmsg(socket.raw, &message, Int32(MSG_NOSIGNAL))
                }
            }
        }
        if sent < 0 { throw HostError(call: "sendmsg", subject: "front-end", errno: errno) }
    }

    /// Asks for something and returns the answer; nil when none has come.
    func ask(_ request: UInt32, _ payload: [UInt8] = [], flags: UInt32 = 1) throws -> [UInt8]? {
        try send(request, payload, flags: flags)
        let bytes = received(from: socket.raw, 4096)
        return bytes.count >= 12 ? [UInt8](bytes[12...]) : nil
    }

    /// The messages of a driver that begins.
    private func setUp() throws {
        let offered: UInt64 = (try ask(1) ?? []).number(at: 0)
        let wanted = offered & (usesEventIndex ? .max : ~FrontEnd.Feature.eventIndex)
        let protocolFeatures = try ask(15) ?? []
        try send(16, protocolFeatures)
        try send(3, [])
        try send(2, wanted.littleEndianBytes)
        try shareMemory()
        (kicks, calls) = ([], [])
        for queue in 0..<3 { try setUp(queue) }
    }

    /// Hands the guest's memory over, in two regions.
    func shareMemory() throws {
        let regions: [(UInt64, UInt64)] = [(0, Layout.border), (Layout.border, Layout.size - Layout.border)]
        let table = regions.flatMap { start, size in
            [start, size, Layout.frontEnd + start, Layout.offset + start].flatMap(\.littleEndianBytes)
        }
        try send(5, UInt32(2).littleEndianBytes + [0, 0, 0, 0] + table, [memory.raw, memory.raw])
    }

    /// Sets one ring up, empty.
    func setUp(_ queue: Int, base: UInt16 = 0) throws {
        let ring = Layout.ring(queue)
        if base == 0 {
            try write([UInt8](repeating: 0, count: 0x4000), to: ring)
            (available[queue], used[queue]) = (0, 0)
        }
        let index = UInt32(queue).littleEndianBytes
        _ = try ask(11, index + [0, 0, 0, 0])
        try send(8, index + UInt32(Self.queueSize).littleEndianBytes)
        try send(10, index + UInt32(base).littleEndianBytes)
        let addresses = [ring, ring + 0x2000, ring + 0x1000, 0].map { $0 + Layout.frontEnd }
        try send(9, index + [0, 0, 0, 0] + addresses.flatMap(\.littleEndianBytes))
        if queue == 2, hasEventBuffer { try setUpEvents() }
        let kick = SharedDescriptor(owning: lx_eventfd())
        let call = SharedDescriptor(owning: lx_eventfd())
        try send(13, UInt64(queue).littleEndianBytes, [call.raw])
        try send(12, UInt64(queue).littleEndianBytes, [kick.raw])
        if kicks.count > queue {
            (kicks[queue], calls[queue]) = (kick, call)
        } else {
            kicks.append(kick)
            calls.append(call)
        }
        try send(18, index + UInt32(1).littleEndianBytes)
        if queue == 0 { try supply(Int(Self.queueSize)) }
    }

    func advance(_ queue: Int) { available[queue] &+= 1 }
    func advanceUsed(_ queue: Int) { used[queue] &+= 1 }
}
