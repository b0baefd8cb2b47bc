@testable import HostSystem
import Testing

@Suite struct LogTests {
    static let lines: [(message: String, text: String, json: String)] = [
        ("plain", "msg=plain", #""msg":"plain""#),
        ("", "msg=", #""msg":"""#),
        ("a/b.c-d_e@f^g+h", "msg=a/b.c-d_e@f^g+h", #""msg":"a/b.c-d_e@f^g+h""#),
        ("two words", #"msg="two words""#, #""msg":"two words""#),
        ("a=b", #"msg="a=b""#, #""msg":"a=b""#),
        (#"say "x""#, #"msg="say \"x\"""#, #""msg":"say \"x\"""#),
        (#"back\slash"#, #"msg="back\\slash""#, #""msg":"back\\slash""#),
        ("line\nfeed", #"msg="line\nfeed""#, #""msg":"line\nfeed""#),
        ("tab\tcr\r", #"msg="tab\tcr\r""#, #""msg":"tab\tcr\r""#),
        ("\u{1B}[2J", #"msg="\x1b[2J""#, #""msg":"\u001b[2J""#),
        ("\u{9B}2J\u{2028}", #"msg="\u009b2J\u2028""#, "\"msg\":\"\u{9B}2J\u{2028}\""),
        ("größer 🦆", #"msg="größer 🦆""#, #""msg":"größer 🦆""#),
    ]

    @Test("a line of either format holds the message so that a reader gets it back", arguments: lines)
    func quotes(message: String, text: String, json: String) {
        let time = "2026-11-23T15:32:21Z"
        #expect(Log.Format.text.line(.error, message, time: time) == "time=\"\(time)\" level=error \(text)\n")
        #expect(
            Log.Format.json.line(.warning, message, time: time)
                == "{\"level\":\"warning\",\(json),\"time\":\"\(time)\"}\n")
    }

    static let times: [(seconds: Int64, text: String)] = [
        (0, "1970-01-01T00:00:00Z"), (951_782_399, "2000-02-28T23:59:59Z"), (951_782_400, "2000-02-29T00:00:00Z"),
        (951_868_800, "2000-03-01T00:00:00Z"), (1_709_164_800, "2024-02-29T00:00:00Z"),
        (1_735_689_599, "2024-12-31T23:59:59Z"), (1_795_447_941, "2026-11-23T15:32:21Z"),
        (4_107_542_400, "2100-03-01T00:00:00Z"), (4_107_542_399, "2100-02-28T23:59:59Z"), (-5, "1970-01-01T00:00:00Z"),
    ]

    @Test("times are written in RFC 3339, UTC", arguments: times)
    func writesTimes(seconds: Int64, text: String) {
        #expect(WallClock.text(seconds: seconds) == text)
    }

    @Test("a log writes what its level includes, and does not build the rest")
    func obeysLevel() {
        var written = ""
        let log = Log(level: .warning, standardError: { written += $0 })
        log.write(.error, "one")
        log.warning("two")
        log.debug(
            { () -> String in
                Issue.record("built"); return "three"
            }())
        #expect(written.contains("level=error msg=one\n"))
        #expect(written.contains("level=warning msg=two\n"))
        #expect(written.split(separator: "\n").count == 2)
    }

    @Test("a log file is made by the first line, and lines are appended")
    func appends() throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory)/log"
            let log = Log(path: path, standardError: { _ in Issue.record("standard error") })
            #expect(!exists(path))
            log.warning("one")
            Log(path: path, standardError: { _ in Issue.record("standard error") }).warning("two")
            let messages = try contents(of: path).split(separator: "\n").map { $0.split(separator: " ").last }
            #expect(messages == ["msg=one", "msg=two"])
        }
    }
}
