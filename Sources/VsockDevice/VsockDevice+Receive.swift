// From the host to the guest: the receive queue.

extension VsockDevice {
    /// A read fills at most so many chains, and moves at most so many bytes.
    private static let mostChains = 32
    private static let mostBytes: UInt32 = 128 << 10

    /// So many of them, and the guest's packets have their turn.
    private static let mostInTurn = 64

    private enum Progress {
        /// Everything was told, or as much as one turn is for.
        case done
        /// The guest has no more chains.
        case full
    }

    /// Tells the guest all that there is to tell, as long as it gives chains for it.
    func receive() {
        guard queues[Queue.receive].isRunning, queues[Queue.receive].hasRoom else { return }
        do throws(RingError) {
            for _ in 0..<Self.mostInTurn {
                guard !(rejections.isEmpty && waiting.isEmpty) else { break }
                if try tellNext() == .done { continue }
                publish(Queue.receive)
                // Between the last look and this one there may be some.
                if queues[Queue.receive].queue?.awaitNext() == true { continue }
                queues[Queue.receive].hasRoom = false
                break
            }
            publish(Queue.receive)
        } catch {
            giveUp(Queue.receive)
        }
    }

    private func tellNext() throws(RingError) -> Progress {
        if let header = rejections.first {
            guard try put(header) else { return .full }
            rejections.removeFirst()
            // Packets may be waiting for that.
            if rejections.isEmpty { hasMoreToTransmit = true }
            return .done
        }
        guard let connection = waiting.first else { return .done }
        let progress = try tell(connection)
        guard progress == .done else { return progress }
        waiting.removeFirst()
        connection.isWaiting = false
        if connections[connection.id] != nil { schedule(connection) }
        return .done
    }

    /// What one connection has: how it began, data, how it ends.
    private func tell(_ connection: Connection) throws(RingError) -> Progress {
        for (owed, operation) in [(Owed.request, PacketHeader.Operation.request), (.response, .response)]
        where connection.owed.contains(owed) {
            guard try put(connection.header(operation, to: guestCID)) else { return .full }
            connection.owed.remove(owed)
        }
        if connection.canRead {
            if connection.credit == 0 {
                connection.askForCredit()
            } else if try receiveData(connection) == .full {
                return .full
            }
        }
        if connection.owed.contains(.shutdown) {
            let fresh = connection.freshShutdown
            if !fresh.isEmpty {
                connection.hostShutdown.formUnion(fresh)
                let header = connection.header(.shutdown, to: guestCID, flags: connection.hostShutdown)
                guard try put(header) else {
                    connection.hostShutdown.subtract(fresh)
                    return .full
                }
            }
            connection.owed.remove(.shutdown)
            // Nothing will go through the socket any more.
            if connection.hostShutdown == .both { connection.closeSocket() }
        }
        for (owed, operation) in [
            (Owed.creditRequest, PacketHeader.Operation.creditRequest), (.creditUpdate, .creditUpdate),
        ]
        where connection.owed.contains(owed) {
            guard try put(connection.header(operation, to: guestCID)) else {
                connection.owed.insert(owed)
                return .full
            }
            connection.owed.remove(owed)
        }
        return .done
    }

    /// Puts a packet without data into the next chain; false when there is none.
    private func put(_ header: PacketHeader) throws(RingError) -> Bool {
        ranges.removeAll(keepingCapacity: true)
        guard let chain = try queues[Queue.receive].queue?.take(writable: true, from: memory, into: &ranges) else {
            return false
        }
        guard chain.count >= PacketHeader.size else { throw .malformed }
        header.write(to: ranges[chain.ranges])
        queues[Queue.receive].queue?.complete(chain, written: PacketHeader.size)
        return true
    }

    /// Reads the socket straight into several of the guest's chains at once.
    private func receiveData(_ connection: Connection) throws(RingError) -> Progress {
        let chains = try takeChains(for: connection)
        guard !chains.isEmpty else { return .full }
        let offered = chains.reduce(0) { $0 + $1.room }
        var filled = 0
        switch StreamSocket.receive(payload, from: connection.socket) {
        case .moved(0):
            connection.isReadable = false
            connection.hasReadAll = true
            connection.owed.insert(.shutdown)
        case .moved(let count):
            filled = fill(chains, connection, count)
            // A read that comes back with less has emptied the socket; what comes later, or its end, is an event.
            if count < offered && !connection.hasEnd { connection.isReadable = false }
            connection.window = count == offered ? min(Self.mostChains, connection.window * 2) : max(1, filled)
        case .wouldBlock: connection.isReadable = false
        case .failed:
            queues[Queue.receive].queue?.putBack(chains.count)
            end(connection, tellingGuest: true)
            return .done
        }
        queues[Queue.receive].queue?.putBack(chains.count - filled)
        return .done
    }

    private struct OfferedChain {
        let chain: Chain
        /// Bytes behind the header that may be filled.
        let room: Int
    }

    /// Takes as many chains as one read is to fill; their room is in `payload`.
    private func takeChains(for connection: Connection) throws(RingError) -> [OfferedChain] {
        ranges.removeAll(keepingCapacity: true)
        payload.removeAll(keepingCapacity: true)
        var chains: [OfferedChain] = []
        var left = Int(min(connection.credit, Self.mostBytes))
        // The kernel takes 1,024 ranges, and a chain may have as many.
        while left > 0, chains.count < connection.window, payload.count < 512,
            let chain = try queues[Queue.receive].queue?.take(writable: true, from: memory, into: &ranges)
        {
            // A chain that only holds a header can never take data.
            guard chain.count > PacketHeader.size else { throw .malformed }
            let before = payload.count
            let room = ranges[chain.ranges].append(to: &payload, skipping: PacketHeader.size, limit: left)
            guard payload.count <= 1024 else {
                payload.removeLast(payload.count - before)
                queues[Queue.receive].queue?.putBack(1)
                break
            }
            chains.append(OfferedChain(chain: chain, room: room))
            left -= room
        }
        return chains
    }

    /// Puts headers before `count` bytes that were read; returns how many chains that took.
    private func fill(_ chains: [OfferedChain], _ connection: Connection, _ count: Int) -> Int {
        var (left, filled) = (count, 0)
        for offered in chains where left > 0 {
            let length = min(left, offered.room)
            connection.header(.data, to: guestCID, length: length).write(to: ranges[offered.chain.ranges])
            queues[Queue.receive].queue?.complete(offered.chain, written: PacketHeader.size + length)
            left -= length
            filled += 1
        }
        connection.count(sent: count)
        return filled
    }
}
