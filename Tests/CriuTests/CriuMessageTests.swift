import Testing

@testable import Criu

@Suite struct CriuMessageTests {
    @Test(
        "numbers have seven bits in a byte, the lowest first",
        arguments: [
            (0, [0x08, 0x00]), (127, [0x08, 0x7f]), (300, [0x08, 0xac, 0x02]),
            (-1, [0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]),
        ] as [(Int32, [UInt8])])
    func numbers(_ number: Int32, _ bytes: [UInt8]) throws {
        var message = WireMessage()
        message.add(1, UInt64(bitPattern: Int64(number)))
        #expect(message.bytes == bytes)
        let fields = try #require(WireMessage.fields(in: bytes))
        #expect(fields.count == 1)
        #expect(fields.first?.field == 1)
        #expect(fields.first?.value == .number(UInt64(bitPattern: Int64(number))))
    }

    @Test("a request, byte by byte")
    func request() {
        var options = CriuOptions()
        options.set(.imagesDirectory, number: 7)
        options.set(.shellJob, false)
        options.set(.leaveRunning, true)
        options.set(.logFile, text: "a.log")
        options.addExternalMount("/x", "/y")
        options.addInherited("pipe:[1]", descriptor: 2)
        let inner: [UInt8] =
            [0x08, 7, 0x18, 1, 0x52, 5] + Array("a.log".utf8)
            + [0xba, 0x01, 8, 0x0a, 2] + Array("/x".utf8) + [0x12, 2] + Array("/y".utf8)
            + [0xda, 0x01, 12, 0x0a, 8] + Array("pipe:[1]".utf8) + [0x10, 2]
        let expected = [0x08, 1, 0x12, UInt8(inner.count)] + inner
        #expect(CriuRequest(.dump, options: options).bytes == expected)
        #expect(CriuRequest(.version).bytes == [0x08, 10])
        #expect(CriuRequest(.featureCheck, feature: .memoryTracking).bytes == [0x08, 9, 0x2a, 2, 0x08, 1])
    }

    @Test("criu 3.17.1's own answer to a question for its version")
    func version() throws {
        let answer = try #require(
            CriuAnswer([0x08, 0x0a, 0x10, 0x01, 0x52, 0x06, 0x08, 0x03, 0x10, 0x11, 0x20, 0x01]))
        #expect(answer.kind == CriuRequest.Kind.version.rawValue)
        #expect(answer.succeeded)
        #expect(answer.version == 31701)
    }

    @Test("a version that was built from git counts as the next")
    func versionFromGit() throws {
        let version: [UInt8] = [0x08, 3, 0x10, 17, 0x1a, 1, UInt8(ascii: "g")]
        let answer = try #require(CriuAnswer([0x08, 10, 0x10, 1, 0x52, UInt8(version.count)] + version))
        #expect(answer.version == 31800)
    }

    @Test("notifications and refusals")
    func answers() throws {
        let notify: [UInt8] = [0x0a, 3] + Array("abc".utf8) + [0x10, 5]
        let notification = try #require(CriuAnswer([0x08, 6, 0x10, 1, 0x2a, UInt8(notify.count)] + notify))
        #expect(notification.step == "abc")
        #expect(notification.pid == 5)
        let refusal = try #require(CriuAnswer([0x08, 1, 0x10, 0, 0x38, 22, 0x4a, 5] + Array("why\nx".utf8)))
        #expect(!refusal.succeeded)
        #expect(refusal.errno == 22)
        #expect(refusal.reason == "why")
    }

    @Test(
        "what is no message is not read",
        arguments: [[0x08], [0x12, 5, 1], [0x0b], [0x08] + Array(repeating: 0xff, count: 11), [0x2a, 1, 0x08]]
            as [[UInt8]])
    func broken(_ bytes: [UInt8]) { #expect(CriuAnswer(bytes) == nil) }

    @Test("words for the treatment of cgroups")
    func modes() {
        #expect(CriuCgroupsMode(word: "") == .preset)
        #expect(CriuCgroupsMode(word: "soft")?.rawValue == 3)
        #expect(CriuCgroupsMode(word: "wild") == nil)
    }
}
