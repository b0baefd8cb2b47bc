public import HostSystem

/// A step of criu's work at which it waits for this program.
public struct CriuNotification: ~Copyable {
    /// Which step it is: `setup-namespaces`, `post-restore` ...
    public let step: String
    /// The process that it is about; 0 for none.
    public let pid: Int32
    /// The open file that came along; -1 for none.
    public let descriptor: Int32

    deinit { if descriptor >= 0 { _ = Descriptor(owning: descriptor) } }
}

/// criu's answer that it has not done what it was asked for.
public struct CriuRefusal: Error, CustomStringConvertible {
    let type: String
    let errno: Int32
    /// Its first error message; empty where it is too old to send one.
    public let reason: String

    /// It begins with runc's words.
    public var description: String {
        "criu failed: type \(type) errno \(errno)\(reason.isEmpty ? "" : ": \(reason)")"
    }
}

/// One run of criu, which does one thing and ends.
public final class CriuSession {
    /// Its process.
    public let pid: Int32
    private let socket: Int32
    /// The socket, until it is hung up.
    private let connection = DescriptorSet()
    /// The file with what it prints, where that does not go to the container's descriptors.
    private let printed = DescriptorSet()

    /// Starts it.
    ///
    /// - Parameters:
    ///   - standard: Its standard descriptors, which a restored container gets; nil for none.
    ///   - passed: What it has from descriptor ``firstPassed`` on.
    public init(_ program: CriuProgram, standard: [Int32]? = nil, passed: [Int32] = []) throws(HostError) {
        let pair = try SocketPair()
        let (ours, theirs) = pair.take()
        let their = Descriptor(owning: theirs)
        socket = connection.hold(Descriptor(owning: ours))
        let null = try open("/dev/null", flags: .readWrite)
        let descriptors: [Int32]
        if let standard {
            descriptors = standard
        } else {
            let output = printed.hold(try anonymousFile(named: "criu's output"))
            descriptors = [null.raw, output, output]
        }
        pid = try spawn(
            program.path, arguments: ["criu", "swrk", "3"], descriptors: descriptors + [their.raw] + passed)
    }

    deinit {
        guard !connection.numbers.isEmpty else { return }
        connection.close()
        // It sees that nobody listens any more.
        _ = try? waitForChild(pid)
    }

    /// The number of the first descriptor that is passed besides the standard ones.
    public static var firstPassed: Int32 { 4 }

    /// Has criu do something.
    ///
    /// - Parameter notified: Called at each step at which criu waits; when it throws, criu takes back what it did so far.
    /// - Returns: The process that was restored; 0 for other requests.
    /// - Throws: ``CriuRefusal``, what `notified` has thrown, or another error when criu does not answer.
    @discardableResult
    public func carryOut(
        _ request: CriuRequest, notified: (borrowing CriuNotification) throws -> Void
    ) throws -> Int32 {
        try carryOut(request, attend: notified).pid
    }

    func carryOut(_ request: CriuRequest) throws -> CriuAnswer { try carryOut(request) { _ in } }

    private func carryOut(
        _ request: CriuRequest, attend: (borrowing CriuNotification) throws -> Void
    ) throws -> CriuAnswer {
        try send(request)
        var refusal: (any Error)?
        while true {
            let (answer, descriptor) = try receive()
            let notification = CriuNotification(step: answer.step, pid: answer.pid, descriptor: descriptor)
            if answer.kind == CriuRequest.Kind.notification.rawValue, answer.succeeded {
                var reply = CriuRequest(.notification)
                do { if refusal == nil { try attend(notification) } } catch { refusal = error }
                reply.isDone = refusal == nil
                try send(reply)
                continue
            }
            let end = try finish()
            if let refusal { throw refusal }
            guard answer.succeeded else {
                throw CriuRefusal(
                    type: CriuRequest.Kind(rawValue: answer.kind)?.name ?? "\(answer.kind)", errno: answer.errno,
                    reason: answer.reason)
            }
            guard answer.kind == request.kind.rawValue else { throw Failure("criu answers something else") }
            // After a pre-dump it waits for another and sees that there is none.
            guard end == .exited(0) || request.kind == .preDump else { throw failure(end) }
            return answer
        }
    }

    private func send(_ request: CriuRequest) throws {
        do throws(HostError) {
            try sendMessage(request.bytes, to: socket)
        } catch {
            throw Failure("cannot ask criu", cause: failure(try finish()))
        }
    }

    private func receive() throws -> (CriuAnswer, descriptor: Int32) {
        // Hung up is hung up: with what was sent still unread it is an error.
        guard let (bytes, descriptor) = try? receiveWithDescriptor(socket), !bytes.isEmpty else {
            throw failure(try finish())
        }
        guard let answer = CriuAnswer(bytes) else {
            if descriptor >= 0 { _ = Descriptor(owning: descriptor) }
            throw Failure("criu answers what cannot be read")
        }
        return (answer, descriptor)
    }

    /// Hangs up and waits for criu's end.
    private func finish() throws(HostError) -> ProcessEnd {
        connection.close()
        return try waitForChild(pid)?.end ?? .exited(0)
    }

    /// How it ended, with what it printed.
    private func failure(_ end: ProcessEnd) -> Failure {
        let how =
            switch end {
            case .exited(let status): "exit status \(status)"
            case .signaled(let signal): "signal: \(signalText(signal))"
            }
        var text = ""
        if let file = printed.numbers.first, (try? rewind(file, named: "criu's output")) != nil {
            let bytes = (try? readAll(file, named: "criu's output")) ?? []
            text = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline).joined(separator: "; ")
        }
        return Failure("criu ended early: \(how)\(text.isEmpty ? "" : ": \(text)")")
    }
}
