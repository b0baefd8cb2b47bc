import Testing

@testable import Supervision

@Suite struct HTTPAnswerTests {
    private func answers(_ text: String) throws -> [ControlMessage] {
        var buffer = [UInt8](text.utf8)
        var answers: [ControlMessage] = []
        while let answer = try HTTPSession.takeAnswer(from: &buffer) { answers.append(answer) }
        return answers
    }

    private static let done = "HTTP/1.1 204 \r\nServer: Firecracker API\r\nConnection: keep-alive\r\n\r\n"
    private static let body = #"{"fault_message":"no\nkernel"}"#
    private static let causes = #"["API","no tap","why"]"#
    private static let refused =
        "HTTP/1.1 400 \r\ncontent-LENGTH:  \(body.utf8.count)\r\nContent-Type: application/json\r\n\r\n\(body)"

    @Test(
        "what a monitor answers",
        arguments: [
            (done, [.done]),
            (refused, [.refused("no; kernel")]),
            (done + refused + done, [.done, .refused("no; kernel"), .done]),
            ("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}", [.done]),
            ("HTTP/1.1 500 \r\nContent-Length: 4\r\n\r\noops", [.refused("oops")]),
            (
                "HTTP/1.1 500 \r\nContent-Length: \(causes.utf8.count)\r\n\r\n\(causes)",
                [.refused("API: no tap: why")]
            ),
            ("HTTP/1.1 404 Not Found\r\n\r\n", [.refused("status 404")]),
            ("", []),
        ] as [(String, [ControlMessage])])
    func understands(text: String, expected: [ControlMessage]) throws { #expect(try answers(text) == expected) }

    @Test("an answer that comes in pieces is waited for")
    func waits() throws {
        let whole = Self.refused
        for length in 0..<whole.utf8.count {
            #expect(try answers(String(decoding: whole.utf8.prefix(length), as: UTF8.self)) == [])
        }
    }

    @Test(
        "what is no answer is an error",
        arguments: [
            "\r\n\r\n", "FTP/1.1 200 OK\r\n\r\n", "HTTP/1.1\r\n\r\n", "HTTP/1.1 ok\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\n\r\n",
        ])
    func refuses(text: String) { #expect(throws: (any Error).self) { try answers(text) } }
}
