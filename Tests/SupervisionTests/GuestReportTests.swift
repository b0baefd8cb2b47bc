import Testing

@testable import Supervision

@Suite struct GuestReportTests {
    private static let booted = """
        {
          "timestamp": {"secs": 0, "nanos": 5},
          "source": "vm",
          "event": "booted",
          "properties": null
        }


        """
    private static let reset = "{\"source\":\"vm\",\"event\":\"rebooting\"}\n\n"

    private func events(_ text: String) throws -> [String] {
        var buffer = [UInt8](text.utf8)
        var events: [String] = []
        while let event = try GuestReports.takeEvent(from: &buffer) { events.append(event) }
        return events
    }

    @Test("what a monitor reports, one after the other, in whatever pieces it comes")
    func understands() throws {
        let whole = Self.booted + Self.reset
        #expect(try events(whole) == ["vm booted", "vm rebooting"])
        for length in 0..<whole.utf8.count {
            let expected = length < Self.booted.utf8.count ? [] : ["vm booted"]
            #expect(try events(String(decoding: whole.utf8.prefix(length), as: UTF8.self)) == expected)
        }
    }

    @Test("what is no event is an error", arguments: ["\n\n", "rebooting\n\n", "{\"source\":\n\n"])
    func refuses(text: String) { #expect(throws: (any Error).self) { try events(text) } }
}
