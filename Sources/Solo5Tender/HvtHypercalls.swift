import CLinux
import HostSystem

/// A hypercall that the guest may not make so; it is stopped.
struct BadHypercall: Error, CustomStringConvertible {
    let description: String
}

/// The calls of an hvt guest: it writes the guest address of a structure to port 0x500 + number.
///
/// Numbers and structures are those of Solo5's `hvt_abi.h`; structures are read in place, with the one processor
/// stopped, so that nothing changes between check and use.
struct HvtHypercalls {
    /// `solo5_result_t`.
    private enum Result: Int32 {
        case ok = 0, again, invalid, unspecified
    }

    /// What a device's handle stands for.
    private enum Backing {
        case none
        case block(descriptor: Int32, capacityBytes: UInt64)
        case net(descriptor: Int32)
    }

    private static let portBase: UInt16 = 0x500
    private let memory: GuestMemory
    private let waits: WaitSet
    private let devices: [Backing]
    /// Without a device of a kind its calls do not exist.
    private let hasBlock, hasNet: Bool

    init(memory: GuestMemory, waits: WaitSet, attachments: [GuestBinary.Attachment]) {
        self.memory = memory
        self.waits = waits
        var devices = [Backing](repeating: .none, count: 64)
        var (hasBlock, hasNet) = (false, false)
        for attachment in attachments {
            switch attachment.device.kind {
            case .block(let capacity, _):
                hasBlock = true
                devices[attachment.handle] = .block(
                    descriptor: attachment.device.descriptor, capacityBytes: capacity)
            case .net:
                hasNet = true
                devices[attachment.handle] = .net(descriptor: attachment.device.descriptor)
            }
        }
        self.devices = devices
        (self.hasBlock, self.hasNet) = (hasBlock, hasNet)
    }

    /// Performs the hypercall of `port` on the structure at `argument`; does not return from a halt.
    ///
    /// - Throws: ``BadHypercall`` for a port that is no hypercall, or an address the guest may not use.
    func perform(port: UInt16, argument: UInt64) throws(BadHypercall) {
        let number = port >= Self.portBase ? port - Self.portBase : 0
        switch number {
        case 1: try wallTime(argument)
        case 2: try putString(argument)
        case 3: try poll(argument)
        case 4 where hasBlock: try block(argument, writing: true)
        case 5 where hasBlock: try block(argument, writing: false)
        case 6 where hasNet: try sendFrame(argument)
        case 7 where hasNet: try receiveFrame(argument)
        case 4...7: throw BadHypercall(description: "hypercall \(number), for which the guest declares no device")
        case 8: try halt(argument)
        default: throw BadHypercall(description: "access to port \(hex(port)), which is no hypercall")
        }
    }

    /// `struct hvt_hc_walltime`: nanoseconds since 1970.
    private func wallTime(_ call: UInt64) throws(BadHypercall) {
        try claim(call, 8, "walltime", for: .write)
        memory.store(UInt64(max(0, lx_clock_nanoseconds(CLOCK_REALTIME))), to: call)
    }

    /// `struct hvt_hc_puts`: address, length. A console that is gone is no reason to stop.
    private func putString(_ call: UInt64) throws(BadHypercall) {
        try claim(call, 16, "puts", for: .read)
        let length = memory.load(UInt64.self, from: call + 8)
        let text = try unsafe range(memory.load(UInt64.self, from: call), length, "puts", for: .read)
        // SAFETY: range checked that all bytes lie in readable guest memory.
        unsafe _ = lx_console_write(1, text, Int(length))
    }

    /// `struct hvt_hc_poll`: timeout in nanoseconds; out: set of ready handles, number of them.
    private func poll(_ call: UInt64) throws(BadHypercall) {
        try claim(call, 20, "poll", for: .write)
        var ready: UInt64 = 0
        // SAFETY: the result lives in this frame for as long as the call.
        let count = unsafe lx_wait(
            waits.descriptor, waits.timer, memory.load(UInt64.self, from: call), &ready)
        guard count >= 0 else { throw BadHypercall(description: "poll cannot wait: \(errorText(-count))") }
        memory.store(ready, to: call + 8)
        memory.store(count, to: call + 16)
    }

    /// `struct hvt_hc_block_write` and `..._read`: handle, offset, address, length; out: result.
    private func block(_ call: UInt64, writing: Bool) throws(BadHypercall) {
        let name: StaticString = writing ? "block_write" : "block_read"
        try claim(call, 36, name, for: .write)
        let handle = memory.load(UInt64.self, from: call)
        let offset = memory.load(UInt64.self, from: call + 8)
        let length = memory.load(UInt64.self, from: call + 24)
        let (end, overflow) = offset.addingReportingOverflow(length)
        guard case .block(let descriptor, let capacity) = device(handle), !overflow, offset < capacity, end <= capacity
        else { return finish(.invalid, at: call + 32) }
        let address = memory.load(UInt64.self, from: call + 16)
        let data = try unsafe range(address, length, name, for: writing ? .read : .write)
        // SAFETY: range checked that all bytes lie in guest memory that may be read or written.
        let moved =
            unsafe writing
            ? lx_guest_pwrite(descriptor, data, Int(length), offset)
            : lx_guest_pread(descriptor, data, Int(length), offset)
        finish(moved == Int64(length) ? .ok : .unspecified, at: call + 32)
    }

    /// `struct hvt_hc_net_write`: handle, address, length; out: result.
    private func sendFrame(_ call: UInt64) throws(BadHypercall) {
        try claim(call, 28, "net_write", for: .write)
        guard case .net(let descriptor) = device(memory.load(UInt64.self, from: call)) else {
            return finish(.invalid, at: call + 24)
        }
        let length = memory.load(UInt64.self, from: call + 16)
        let data = try unsafe range(memory.load(UInt64.self, from: call + 8), length, "net_write", for: .read)
        // SAFETY: as in block.
        let sent = unsafe lx_write(descriptor, data, Int(length))
        finish(sent == Int(length) ? .ok : .unspecified, at: call + 24)
    }

    /// `struct hvt_hc_net_read`: handle, address, length (in and out); out: result.
    private func receiveFrame(_ call: UInt64) throws(BadHypercall) {
        try claim(call, 28, "net_read", for: .write)
        guard case .net(let descriptor) = device(memory.load(UInt64.self, from: call)) else {
            return finish(.invalid, at: call + 24)
        }
        let length = memory.load(UInt64.self, from: call + 16)
        let data = try unsafe range(memory.load(UInt64.self, from: call + 8), length, "net_read", for: .write)
        // SAFETY: as in block.
        let received = unsafe lx_read(descriptor, data, Int(length))
        if received == 0 || received == -Int(EAGAIN) { return finish(.again, at: call + 24) }
        guard received > 0 else { return finish(.unspecified, at: call + 24) }
        memory.store(UInt64(received), to: call + 16)
        finish(.ok, at: call + 24)
    }

    /// `struct hvt_hc_halt`: address of a trap frame or 0, exit status. The frame, if any, is for debuggers.
    private func halt(_ call: UInt64) throws(BadHypercall) {
        try claim(call, 12, "halt", for: .read)
        let frame = memory.load(UInt64.self, from: call)
        if frame != 0 { _ = try unsafe range(frame, 512, "halt", for: .read) }
        exitNow(memory.load(Int32.self, from: call + 8))
    }

    private func device(_ handle: UInt64) -> Backing {
        handle < UInt64(devices.count) ? devices[Int(handle)] : .none
    }

    private func finish(_ result: Result, at address: UInt64) {
        memory.store(result.rawValue, to: address)
    }

    /// Checks a hypercall's structure.
    private func claim(_ address: UInt64, _ count: UInt64, _ call: StaticString, for access: GuestMemory.Access)
        throws(BadHypercall)
    {
        _ = try unsafe range(address, count, call, for: access)
    }

    /// The host's pointer to a range the guest names; without bytes in it no pointer is needed, and none is checked.
    private func range(_ address: UInt64, _ count: UInt64, _ call: StaticString, for access: GuestMemory.Access)
        throws(BadHypercall) -> UnsafeMutableRawPointer?
    {
        guard count > 0 else { return nil }
        guard let pointer = unsafe memory.pointer(address, count: count, for: access) else {
            let use = access == .read ? "read" : "write"
            throw BadHypercall(
                description: "hypercall \(call) names \(count) bytes at \(hex(address)), which the guest may not \(use)"
            )
        }
        return unsafe pointer
    }
}
