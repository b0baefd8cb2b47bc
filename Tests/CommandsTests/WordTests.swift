import HostSystem
import Testing

@testable import Commands

@Suite struct SignalTests {
    static let signals: [(text: String, number: Int32)] = [
        ("TERM", 15), ("SIGTERM", 15), ("term", 15), ("sigTerm", 15), ("15", 15), ("9", 9), ("KILL", 9), ("SIGKILL", 9),
        ("HUP", 1), ("INT", 2), ("QUIT", 3), ("ABRT", 6), ("IOT", 6), ("USR1", 10), ("USR2", 12), ("CHLD", 17),
        ("CLD", 17), ("CONT", 18), ("STOP", 19), ("WINCH", 28), ("IO", 29), ("POLL", 29), ("PWR", 30), ("SYS", 31),
        ("0", 0), ("64", 64), ("RTMIN", 34), ("SIGRTMIN", 34), ("RTMIN+1", 35), ("SIGRTMIN+15", 49), ("rtmin+30", 64),
        ("RTMAX", 64), ("RTMAX-1", 63), ("SIGRTMAX-30", 34),
    ]

    @Test("a signal is a number or a name", arguments: signals)
    func understands(text: String, number: Int32) throws {
        #expect(try signalNumber(text) == number)
    }

    @Test(
        "what is no signal is refused",
        arguments: [
            "", "SIG", "NOSUCH", "-9", "+9", "65", "99999999999", "9x", " 9", "TERM ", "SIGSIGTERM", "RTMIN+31",
            "RTMIN-1", "RTMAX+1", "RTMAX-31", "RTMIN+", "RTMIN+x", "RTMIN++1", "RTMAX--2147483648", "RTMIN+-2147483648",
        ])
    func refuses(text: String) {
        let error = #expect(throws: Failure.self) { try signalNumber(text) }
        #expect(error?.message == "unknown signal \"\(text)\"")
    }
}

@Suite struct ContainerIDTests {
    @Test(
        "names of letters, digits and _+.- are accepted",
        arguments: [
            "a", "A9", "web_1", "a.b", "a+b", "a-b", "...", "-", ".hidden", String(repeating: "x", count: 1024),
        ])
    func accepts(id: String) throws {
        #expect(try checkedContainerID(id) == id)
    }

    @Test(
        "names that are no plain names of directories are refused",
        arguments: [
            ".", "..", "/", "a/b", "../a", "a b", "a\n", "a:b", "ä", "a\0b", "$x", "a*",
            String(repeating: "x", count: 1025),
        ])
    func refuses(id: String) {
        let error = #expect(throws: Failure.self) { try checkedContainerID(id) }
        #expect(error?.message.hasPrefix("invalid container ID format: \"") == true)
    }

    @Test("an empty name is refused in runc's words")
    func refusesNothing() {
        let error = #expect(throws: Failure.self) { try checkedContainerID("") }
        #expect(error?.message == "container id cannot be empty")
    }
}
