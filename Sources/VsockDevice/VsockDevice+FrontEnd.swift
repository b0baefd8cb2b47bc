internal import CLinux
internal import HostSystem

// What the front-end asks of the device.

/// VHOST_USER_*
private enum Request: UInt32 {
    case getFeatures = 1, setFeatures, setOwner, resetOwner, setMemoryTable
    case setRingSize = 8, setRingAddresses, setRingBase, getRingBase, setRingKick, setRingCall, setRingError
    case getProtocolFeatures, setProtocolFeatures, getQueueCount, setRingEnable
    case getConfiguration = 24, setConfiguration
    case resetDevice = 34
}

extension VsockDevice {
    /// VHOST_USER_VRING_NOFD_MASK
    private static let noDescriptor: UInt64 = 0x100
    /// VIRTIO 2.7: the largest queue.
    private static let mostDescriptors: UInt32 = 32768
    /// The device's configuration: guest_cid.
    private static let configurationSize: UInt64 = 8

    /// Does what the front-end asks for; lets it go when it does not keep to the protocol.
    func hearFrontEnd() {
        do throws(Failure) {
            while let frontEnd, let message = try frontEnd.next() {
                if try answer(message, frontEnd) { continue }
                var isDone = true
                do { try carryOut(message, frontEnd) } catch {
                    isDone = false
                    // Without an answer to a request it would wait for ever for what it asked for.
                    guard message.wantsReply else { throw Failure("request \(message.request)", cause: error) }
                }
                try frontEnd.acknowledge(message, success: isDone)
            }
        } catch {
            detach()
        }
    }

    /// Answers a question; false when it is none.
    private func answer(_ message: FrontEnd.Message, _ frontEnd: FrontEnd) throws(Failure) -> Bool {
        let payload = message.payload
        switch Request(rawValue: message.request) {
        case .getFeatures: try frontEnd.reply(message.request, FrontEnd.Feature.all.littleEndianBytes)
        case .getProtocolFeatures:
            try frontEnd.reply(message.request, UInt64(FrontEnd.Feature.allProtocol).littleEndianBytes)
        case .getQueueCount: try frontEnd.reply(message.request, UInt64(Queue.count).littleEndianBytes)
        case .getRingBase:
            guard payload.count == 8, let index = index(payload.number(at: 0) as UInt32) else {
                throw Failure("no such ring")
            }
            stopQueue(index)
            let base = UInt32(queues[index].base)
            try frontEnd.reply(message.request, UInt32(index).littleEndianBytes + base.littleEndianBytes)
        case .getConfiguration:
            // offset, size, flags, and room for the answer
            let bytes = guestCID.littleEndianBytes
            guard payload.count >= 12 else { throw Failure("too short a request") }
            let (offset, size) = (UInt64(payload.number(at: 0) as UInt32), UInt64(payload.number(at: 4) as UInt32))
            let isThere = offset + size <= Self.configurationSize
            let found = isThere ? [UInt8](bytes[Int(offset)..<Int(offset + size)]) : []
            try frontEnd.reply(message.request, isThere ? [UInt8](payload[..<12]) + found : [])
        default: return false
        }
        return true
    }

    private func carryOut(_ message: FrontEnd.Message, _ frontEnd: FrontEnd) throws {
        let payload = message.payload
        switch Request(rawValue: message.request) {
        case .setOwner: break
        case .setFeatures:
            let features = try number(payload)
            guard features & ~FrontEnd.Feature.all == 0 else { throw Failure("features that were not offered") }
            frontEnd.features = features
        case .setProtocolFeatures: frontEnd.protocolFeatures = try number(payload)
        case .setMemoryTable: try setMemory(message)
        case .setRingSize, .setRingBase, .setRingEnable:
            guard payload.count == 8, let index = index(payload.number(at: 0) as UInt32) else {
                throw Failure("no such ring")
            }
            try set(Request(rawValue: message.request), of: index, payload.number(at: 4))
        case .setRingAddresses: try setAddresses(payload)
        case .setRingKick, .setRingCall, .setRingError: try setDescriptor(message)
        case .resetOwner, .resetDevice:
            for index in queues.indices {
                stopQueue(index)
                queues[index].isEnabled = false
            }
            dropGuestConnections()
        default: throw Failure("unknown request")
        }
    }

    private func number(_ payload: [UInt8]) throws(Failure) -> UInt64 {
        guard payload.count == 8 else { throw Failure("wrong length") }
        return payload.number(at: 0)
    }

    private func index(_ number: UInt32) -> Int? { number < UInt32(Queue.count) ? Int(number) : nil }

    // MARK: memory

    private func setMemory(_ message: FrontEnd.Message) throws {
        let payload = message.payload
        guard payload.count >= 8 else { throw Failure("wrong length") }
        let count = Int(payload.number(at: 0) as UInt32)
        guard count <= MemoryTable.mostRegions, payload.count >= 8 + 32 * count, message.descriptors.count == count
        else { throw Failure("\(count) regions with \(message.descriptors.count) descriptors") }
        var regions: [(region: MemoryRegion, file: Int32)] = []
        for (number, descriptor) in message.descriptors.enumerated() {
            let at = 8 + 32 * number
            let region = MemoryRegion(
                guestAddress: payload.number(at: at), size: payload.number(at: at + 8),
                frontEndAddress: payload.number(at: at + 16), offset: payload.number(at: at + 24))
            regions.append((region, descriptor.raw))
        }
        for index in queues.indices { queues[index].pause() }
        memory = MemoryTable()
        memory = try MemoryTable(regions)
        for index in queues.indices { try startQueue(index) }
    }

    // MARK: queues

    private func set(_ request: Request?, of index: Int, _ value: UInt32) throws {
        switch request {
        case .setRingSize:
            guard value > 0, value <= Self.mostDescriptors, value & (value - 1) == 0, !queues[index].isRunning else {
                throw Failure("ring of \(value) descriptors")
            }
            queues[index].size = UInt16(value)
        case .setRingBase:
            guard value <= UInt32(UInt16.max), !queues[index].isRunning else { throw Failure("ring base \(value)") }
            queues[index].base = UInt16(value)
        default:
            queues[index].isEnabled = value != 0
            if value == 0 { queues[index].pause() } else { try startQueue(index) }
        }
    }

    private func setAddresses(_ payload: [UInt8]) throws {
        // index, flags, descriptors, used, available, log
        guard payload.count == 40, let index = index(payload.number(at: 0) as UInt32) else {
            throw Failure("no such ring")
        }
        queues[index].pause()
        queues[index].addresses = RingAddresses(
            descriptors: payload.number(at: 8), used: payload.number(at: 16), available: payload.number(at: 24))
        try startQueue(index)
    }

    private func setDescriptor(_ message: FrontEnd.Message) throws {
        let value = try number(message.payload)
        guard let index = index(UInt32(value & 0xFF)) else { throw Failure("no such ring") }
        let descriptor = value & Self.noDescriptor == 0 ? message.descriptors.first : nil
        switch Request(rawValue: message.request) {
        case .setRingCall: queues[index].call = descriptor
        case .setRingError: queues[index].error = descriptor
        default:
            // Without one, the ring would have to be looked at all the time.
            guard let descriptor else { throw Failure("ring without a descriptor for kicks") }
            stopQueue(index, keepingBase: true)
            try check(
                "epoll_ctl", "kick",
                lx_watch_add(
                    watch.raw, descriptor.raw, Self.readable | LX_WATCH_EDGE, Token.queue + UInt64(index)))
            queues[index].kick = descriptor
            // Without the feature, rings are not enabled by a request of its own.
            if frontEnd.map({ $0.features & FrontEnd.Feature.protocolFeatures == 0 }) == true {
                queues[index].isEnabled = true
            }
            try startQueue(index)
        }
    }

    /// Stops a queue, whose base says then where it was.
    private func stopQueue(_ index: Int, keepingBase: Bool = false) {
        if let kick = queues[index].kick { _ = lx_watch_remove(watch.raw, kick.raw) }
        let stopped = queues[index].stoppedAt
        queues[index].stop()
        if keepingBase { queues[index].stoppedAt = stopped }
    }

    private func startQueue(_ index: Int) throws {
        guard let frontEnd, queues[index].isComplete, !queues[index].isRunning else { return }
        // Going on where it was stopped, the driver still knows its connections; beginning anew, it has none.
        let setup = queues[index]
        if index == Queue.receive, setup.isFresh, setup.base == 0 || setup.base != setup.stoppedAt {
            dropGuestConnections()
        }
        try queues[index].start(frontEnd.ringFeatures, in: memory)
        if index == Queue.transmit { hasMoreToTransmit = true }
        if index == Queue.event { tellTransportReset() }
    }

    /// Tells a guest that has lost its connections with a former front-end so. See 5.10.6.7, VIRTIO_VSOCK_EVENT_TRANSPORT_RESET.
    private func tellTransportReset() {
        guard owesTransportReset else { return }
        ranges.removeAll(keepingCapacity: true)
        guard let chain = try? queues[Queue.event].queue?.take(writable: true, from: memory, into: &ranges),
            chain.count >= 4
        else { return }
        StreamSocket.clear(ranges[chain.ranges], count: 4)
        queues[Queue.event].queue?.complete(chain, written: 4)
        owesTransportReset = false
        publish(Queue.event)
    }
}
