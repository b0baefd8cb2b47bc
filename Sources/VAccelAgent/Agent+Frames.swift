import HostLibraries
import HostSystem
import VAccelProtocol

extension Agent {
    /// Decides about a frame of which the header has arrived. What is too large is answered at once and then passed over.
    func admit(_ header: FrameHeader, of connection: Connection) -> Channel.Admission {
        let size = Int(header.length)
        if size > settings.limits.frameBytes {
            refuse(
                header, of: connection,
                CallFailure(
                    .invalidArgument, "a frame of \(size) bytes is larger than \(settings.limits.frameBytes)", errno: 22
                ))
            return .discard
        }
        guard size > Channel.sharedSize else { return .take }
        do throws(HostError) {
            if let lease = try regions.take(size) { return .into(lease) }
        } catch { log.warning("no memory for a frame of \(size) bytes: \(error)") }
        refuse(
            header, of: connection,
            CallFailure(.resourceExhausted, "more than \(settings.limits.bytes) bytes are in use", errno: 12))
        return .discard
    }

    private func refuse(_ header: FrameHeader, of connection: Connection, _ failure: CallFailure) {
        if header.kind == FrameHeader.Kind.data, connection.streams[header.stream] != nil {
            end(header.stream, of: connection)
        } else if header.kind != FrameHeader.Kind.request {
            return
        }
        send(AnswerFrame.failure(failure, stream: header.stream), to: connection)
    }

    /// Takes a frame: a request, or a message of a stream. Others are passed over, as upstream does.
    func take(_ frame: Channel.Frame, of connection: Connection) {
        switch frame.header.kind {
        case FrameHeader.Kind.request: takeRequest(frame, of: connection)
        case FrameHeader.Kind.data: takeData(frame, of: connection)
        default: break
        }
    }

    private func takeRequest(_ frame: Channel.Frame, of connection: Connection) {
        let stream = frame.header.stream
        do throws(CallFailure) {
            let message: CallMessage
            do throws(WireError) {
                message = try CallMessage(frame.payload)
            } catch { throw CallFailure(.invalidArgument, error.description) }
            guard calls < settings.limits.calls else {
                // EBUSY
                throw CallFailure(.resourceExhausted, "\(settings.limits.calls) calls are not answered yet", errno: 16)
            }
            guard let generation = Generation(service: message.service) else {
                throw .unknownMethod(message.service, message.method)
            }
            if message.method == "GenopStream", message.service != "vaccel.sync.agent.AgentService",
                generation != .vaccelAgent
            {
                return try openStream(message, generation, frame, of: connection)
            }
            let request = try Request(
                method: message.method, service: message.service, generation, message.payload)
            begin(request, generation, message.method, stream: stream, charge: nil, of: connection)
        } catch {
            send(AnswerFrame.failure(error, stream: stream), to: connection)
        }
    }

    /// Carries out a request and sends its answer, unless the connection is gone by then.
    private func begin(
        _ request: Request, _ generation: Generation, _ method: String, stream: UInt32, charge: Ledger.Charge?,
        of connection: Connection
    ) {
        calls += 1
        let token = connection.token
        service.carryOut(request, generation, charge: charge) { result, charge in
            self.calls -= 1
            guard let connection = self.connections[token] else { return }
            switch result {
            case .success(let reply):
                self.send(AnswerFrame.success(reply.encoded(generation), stream: stream), charge, to: connection)
            case .failure(let failure):
                let inBand = Reply.encoded(failure, of: method, generation)
                let frame = inBand.map { AnswerFrame.success($0, stream: stream) }
                self.send(frame ?? AnswerFrame.failure(failure, stream: stream), to: connection)
            }
        }
    }

    private func send(_ frame: WireBuffer, _ charge: Ledger.Charge? = nil, to connection: Connection) {
        do throws(HostError) {
            try connection.channel.send(frame, charge: charge)
            try watch(connection)
        } catch { close(connection) }
    }

    // MARK: streams

    private func openStream(
        _ message: CallMessage, _ generation: Generation, _ frame: Channel.Frame, of connection: Connection
    ) throws(CallFailure) {
        let stream = GenericStream(service: message.service, generation: generation)
        if !message.payload.isEmpty { try stream.add(message.payload, ledger: ledger, limits: settings.limits) }
        if frame.header.flags & FrameHeader.Flag.open == 0 {
            return begin(
                .generic(try stream.finished()), generation, "GenopStream", stream: frame.header.stream,
                charge: stream.charge, of: connection)
        }
        guard connection.streams[frame.header.stream] == nil else {
            throw CallFailure(.invalidArgument, "stream \(frame.header.stream) is open already", errno: 22)
        }
        connection.streams[frame.header.stream] = stream
        calls += 1
    }

    private func takeData(_ frame: Channel.Frame, of connection: Connection) {
        guard let stream = connection.streams[frame.header.stream] else { return }
        do throws(CallFailure) {
            if frame.header.flags & FrameHeader.Flag.empty == 0 {
                try stream.add(frame.payload, ledger: ledger, limits: settings.limits)
            }
            guard frame.header.flags & FrameHeader.Flag.closed != 0 else { return }
            end(frame.header.stream, of: connection)
            begin(
                .generic(try stream.finished()), stream.generation, "GenopStream", stream: frame.header.stream,
                charge: stream.charge, of: connection)
        } catch {
            end(frame.header.stream, of: connection)
            send(AnswerFrame.failure(error, stream: frame.header.stream), to: connection)
        }
    }

    private func end(_ stream: UInt32, of connection: Connection) {
        if connection.streams.removeValue(forKey: stream) != nil { calls -= 1 }
    }
}
