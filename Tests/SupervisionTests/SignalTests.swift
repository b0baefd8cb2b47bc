import Testing

@testable import Supervision

@Suite struct SignalTests {
    /// CHLD, CONT, STOP, TSTP, TTIN, TTOU, URG, WINCH: the signals that do not end a program by default. See signal(7).
    static let harmless: Set<Int32> = [17, 18, 19, 20, 21, 22, 23, 28]

    @Test("a guest ends by exactly the signals that end a program", arguments: 1...64 as ClosedRange<Int32>)
    func ends(signal: Int32) {
        #expect(Supervisor.ends(signal) == !Self.harmless.contains(signal))
    }
}
