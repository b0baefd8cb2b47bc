internal import HostSystem

/// What a container's process 1 and the runtime say to each other while the sandbox is made.
///
/// A socket that keeps message boundaries; the first byte of a message is its kind.
enum InitMessage: Equatable {
    /// To the child: go on; the text is the child's pid as the runtime sees it.
    case proceed(pid: Int32)
    /// From the child: the namespaces are there and the mounts are made; run the hooks that belong here.
    case runHooks
    /// From the child: all is done but the start; the text is its ``HostSystem/Timeline``'s.
    case ready(String)
    /// From the child: it failed, and why.
    case failed(String)

    /// The message's bytes.
    var bytes: [UInt8] {
        switch self {
        case .proceed(let pid): [UInt8]("p\(pid)".utf8)
        case .runHooks: [UInt8(ascii: "h")]
        case .ready(let timeline): [UInt8]("r\(timeline)".utf8)
        case .failed(let reason): [UInt8]("f\(bounded(reason))".utf8)
        }
    }

    /// The message in `bytes`; nil when it is none.
    init?(_ bytes: [UInt8]) {
        let text = String(decoding: bytes.dropFirst(), as: UTF8.self)
        switch bytes.first {
        case UInt8(ascii: "p"):
            guard let pid = Int32(text) else { return nil }
            self = .proceed(pid: pid)
        case UInt8(ascii: "h"): self = .runHooks
        case UInt8(ascii: "r"): self = .ready(text)
        case UInt8(ascii: "f"): self = .failed(text)
        default: return nil
        }
    }
}

/// One end of the channel.
struct InitChannel: ~Copyable {
    let socket: Descriptor

    /// Says something. Throws EPIPE when the other end is gone.
    func send(_ message: InitMessage) throws(HostError) { try sendMessage(message.bytes, to: socket.raw) }

    /// Hands what listens for this process's filter to the other end, and waits until the agent has it.
    ///
    /// From here on every call may be one that the agent decides about, but for the sending itself.
    static func passOn(_ listener: Int32, over socket: Int32) throws(HostError) {
        try sendDescriptor(listener, text: "listener", over: socket)
        guard case .proceed = InitMessage(try receiveMessage(socket)) else {
            throw HostError(call: "seccomp", subject: "the agent did not take the listener", errno: 0)
        }
    }

    /// Waits for the next message, or for a listener; nil when the other end is gone.
    ///
    /// - Parameter listener: Takes what ``passOn(_:over:)`` hands over.
    func receive(listener: (Int32) throws -> Void) throws -> InitMessage? {
        while true {
            let (bytes, descriptor) = try receiveWithDescriptor(socket.raw)
            guard descriptor >= 0 else { return InitMessage(bytes) }
            let held = Descriptor(owning: descriptor)
            try listener(held.raw)
            try send(.proceed(pid: 0))
        }
    }

    /// Whether the other end is gone, as long as it has nothing to say.
    var isClosed: Bool { get throws(HostError) { try waitUntilReadable([socket.raw], timeout: 0)[0] } }

    /// Waits for the next message; nil when the other end is gone.
    func receive() throws(HostError) -> InitMessage? {
        do throws(HostError) {
            return InitMessage(try receiveMessage(socket.raw))
        } catch {
            if error.isDisconnected { return nil }
            throw error
        }
    }
}
