import HostSystem
import Testing

@testable import Sandboxing

@Suite struct InitChannelTests {
    static let messages: [InitMessage] = [
        .proceed(pid: 0), .proceed(pid: .max), .proceed(pid: -1), .runHooks, .ready(""), .ready("init=1 root=2"),
        .failed(""),
        .failed("cannot mount \u{fc}\n: x"),
    ]

    @Test("a message arrives as it was sent", arguments: messages)
    func survives(message: InitMessage) throws {
        #expect(InitMessage(message.bytes) == message)
        let (first, second) = try SocketPair().take()
        let sender = InitChannel(socket: Descriptor(owning: first))
        let receiver = InitChannel(socket: Descriptor(owning: second))
        try sender.send(message)
        #expect(try receiver.receive() == message)
    }

    @Test("anything else is no message", arguments: ["", "p", "px", "p99999999999", "x", "P1"])
    func refuses(text: String) {
        #expect(InitMessage(Array(text.utf8)) == nil)
    }

    @Test("a reason of any length fits a message")
    func cutsLongReasons() throws {
        let (first, second) = try SocketPair().take()
        let sender = InitChannel(socket: Descriptor(owning: first))
        let receiver = InitChannel(socket: Descriptor(owning: second))
        let reason = "what" + String(repeating: "x", count: 1 << 20) + "why"
        try sender.send(.failed(reason))
        guard case .failed(let received) = try receiver.receive() else {
            Issue.record("not a failure")
            return
        }
        #expect(received.hasPrefix("what") && received.hasSuffix("why") && received.utf8.count < 5000)
    }

    @Test("an end that is gone is nil to a reader and an error to a writer")
    func noticesTheEnd() throws {
        let (first, second) = try SocketPair().take()
        let channel = InitChannel(socket: Descriptor(owning: first))
        _ = Descriptor(owning: second)
        #expect(try channel.receive() == nil)
        do throws(HostError) {
            try channel.send(.ready(""))
            Issue.record("no error")
        } catch {
            #expect(error.isDisconnected)
        }
    }
}
