internal import CLinux

// From the guest to the host: the transmit queue.

extension VsockDevice {
    /// The guest gets its chains back after so many packets, and others a turn after so many.
    private static let packetsAtOnce = 16
    private static let packetsInTurn = 128

    /// Takes what the guest has sent, as long as answers do not pile up.
    func transmit() {
        guard hasMoreToTransmit else { return }
        guard queues[Queue.transmit].isRunning else {
            hasMoreToTransmit = false
            return
        }
        var (taken, unseen) = (0, 0)
        do throws(RingError) {
            while taken < Self.packetsInTurn {
                guard rejections.count < Self.packetsInTurn else {
                    // It goes on when the guest has made room for answers.
                    hasMoreToTransmit = queues[Queue.receive].hasRoom
                    return publish(Queue.transmit)
                }
                guard let chain = try takePacket() else {
                    taken += 1
                    if queues[Queue.transmit].queue?.awaitNext() == true { continue }
                    hasMoreToTransmit = false
                    break
                }
                taken += 1
                unseen += 1
                queues[Queue.transmit].queue?.complete(chain, written: 0)
                if unseen == Self.packetsAtOnce {
                    unseen = 0
                    publish(Queue.transmit)
                }
            }
            publish(Queue.transmit)
        } catch {
            hasMoreToTransmit = false
            giveUp(Queue.transmit)
        }
    }

    private func takePacket() throws(RingError) -> Chain? {
        ranges.removeAll(keepingCapacity: true)
        guard
            let chain = try queues[Queue.transmit].queue?.take(writable: false, from: memory, into: &ranges)
        else { return nil }
        // A packet that is none is for nobody.
        guard let header = PacketHeader(ranges[chain.ranges], count: chain.count) else { return chain }
        payload.removeAll(keepingCapacity: true)
        let length = Int(header.length)
        let isWhole = ranges[chain.ranges].append(to: &payload, skipping: PacketHeader.size, limit: length) == length
        deliver(header, isWhole: isWhole)
        return chain
    }

    private func deliver(_ header: PacketHeader, isWhole: Bool) {
        // What claims to come from elsewhere is passed over.
        guard header.source_cid == guestCID else { return }
        let connection = guestConnections[header.key]
        let isReset = header.meaning == .reset
        guard header.destination_cid == PacketHeader.hostCID, header.type == PacketHeader.stream, isWhole else {
            if !isReset { rejections.append(header.rejection) }
            if let connection, header.destination_cid == PacketHeader.hostCID { end(connection, tellingGuest: false) }
            return
        }
        guard let connection else {
            if header.meaning == .request {
                connect(header)
            } else if !isReset {
                rejections.append(header.rejection)
            }
            return
        }
        connection.takeCredit(header)
        if deliver(header, to: connection) {
            watchRoom(connection)
            schedule(connection)
        } else {
            end(connection, tellingGuest: !isReset)
        }
    }

    /// Does what a packet says; says whether the connection still is one.
    private func deliver(_ header: PacketHeader, to connection: Connection) -> Bool {
        switch header.meaning {
        case .response:
            guard connection.state == .requested else { return false }
            return accepted(connection)
        case .data: return connection.take(payload, count: Int(header.length))
        case .creditUpdate: return connection.state == .open
        case .creditRequest:
            connection.owed.insert(.creditUpdate)
            return connection.state == .open
        case .shutdown:
            guard connection.state == .open else { return false }
            connection.take(Shutdown(rawValue: header.flags))
            if connection.guestShutdown == .both { linger(connection) }
            return true
        case .reset, .request, nil: return false
        }
    }

    /// The guest is through: it is told so at once, and the host still gets everything.
    private func linger(_ connection: Connection) {
        guard !connection.isFlushed else { return end(connection, tellingGuest: true) }
        rejections.append(connection.header(.reset, to: guestCID))
        guestConnections[connection.key] = nil
        connection.state = .lingering
        connection.owed = []
    }

    /// Shows the guest what it has back, and calls it if it wants that: for what it has sent in its own time.
    func publish(_ index: Int) {
        queues[index].publish(callingLater: index == Queue.transmit)
    }

    /// A queue whose rules are broken is not served any more.
    func giveUp(_ index: Int) {
        publish(index)
        queues[index].giveUp()
    }
}
