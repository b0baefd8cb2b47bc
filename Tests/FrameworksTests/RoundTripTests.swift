import GuestModel
import Testing

@testable import Frameworks

/// What a guest reads out of its boot string is what its process was given, byte for byte, or there is no boot string.
@Suite struct RoundTripTests {
    static let count = 10_000

    /// Calls `body` with as many processes as there are to be; returns how many it says were refused.
    private func refusals(seed: UInt64, _ body: (GuestProcess) throws -> Bool) rethrows -> Int {
        var words = RandomWords(seed: seed)
        var refused = 0
        for _ in 0..<Self.count {
            var process = GuestProcess(arguments: words.arguments())
            process.environment = (0..<Int.random(in: 0...3, using: &words.numbers)).map { "V\($0)=\(words.word())" }
            process.workingDirectory = "/" + words.word()
            if try body(process) { refused += 1 }
        }
        return refused
    }

    @Test func mirageOS() throws {
        let refused = refusals(seed: 1) { process in
            do throws(GuestError) {
                let line = try MirageOS().bootString(GuestBoot(process: process, over: .solo5SPT))
                #expect(splitLikeParseArgv(line) == bytes(Array(process.arguments.dropFirst())), "\(process.arguments)")
                return false
            } catch {
                let words = process.arguments
                let wrong = words.indices.dropFirst().first { words[$0].isEmpty || words[$0].utf8.contains(0) }
                #expect(wrong.map { isNamed($0, in: error) } == true, "\(error): \(words)")
                return true
            }
        }
        // Neither all nor none.
        #expect(1000..<9000 ~= refused)
    }

    @Test func rumprun() throws {
        let refused = refusals(seed: 2) { process in
            do throws(GuestError) {
                let text = try Rumprun().bootString(GuestBoot(process: process, over: .solo5SPT))
                guard let read = RumprunConfiguration(text) else {
                    Issue.record("cannot be read: \(String(decoding: text, as: UTF8.self))")
                    return false
                }
                #expect(read.strings("cmdline").map(splitLikeRumprun) == [bytes(process.arguments)])
                #expect(read.strings("env") == bytes(process.environment))
                let directory = process.workingDirectory
                #expect(read.strings("cwd") == (directory == "/" ? [] : bytes([directory])))
                return false
            } catch {
                #expect(Self.isRightAboutRumprun(error, process), "\(error): \(process)")
                return true
            }
        }
        #expect(1000..<9900 ~= refused)
    }

    /// Whether the error names the first word, variable or directory that cannot be told.
    private static func isRightAboutRumprun(_ error: GuestError, _ process: GuestProcess) -> Bool {
        func has(_ text: String, _ characters: String) -> Bool {
            text.unicodeScalars.contains { $0.value < 32 || characters.unicodeScalars.contains($0) }
        }
        if let wrong = process.arguments.firstIndex(where: { has($0, "'") }) { return isNamed(wrong, in: error) }
        if let wrong = process.environment.first(where: { has($0, "\"\\") }) {
            return error.description.contains("environment \"\(wrong)\"")
        }
        return has(process.workingDirectory, "\"\\") && error.description.contains("working directory")
    }

    /// Solo5 has no words, only a line.
    @Test func solo5() throws {
        let refused = refusals(seed: 3) { process in
            do throws(GuestError) {
                let line = try Solo5().bootString(GuestBoot(process: process, over: .solo5SPT))
                #expect(line == Array(process.arguments.dropFirst().joined(separator: " ").utf8))
                return false
            } catch {
                let wrong = process.arguments.firstIndex { $0.utf8.contains(0) }
                #expect(wrong.map { isNamed($0, in: error) } == true, "\(error): \(process.arguments)")
                return true
            }
        }
        #expect(1..<1000 ~= refused)
    }

    @Test(arguments: [MirageOS(), Rumprun(), Solo5()] as [any Framework])
    func theLongestLineAndOneByteMore(framework: any Framework) throws {
        func line(of length: Int) throws(GuestError) -> [UInt8] {
            let process = GuestProcess(arguments: ["x", String(repeating: "a", count: length)])
            return try framework.bootString(GuestBoot(process: process, over: .solo5SPT))
        }
        let most = 8191 - (try line(of: 1).count - 1)
        #expect(try line(of: most).count == 8191)
        #expect(throws: GuestError("command line of 8192 bytes is too long for a solo5 guest (at most 8191)")) {
            try line(of: most + 1)
        }
    }

    @Test(arguments: [MirageOS(), Rumprun(), Solo5()] as [any Framework])
    func aCommandLineOfTheImageIsTakenAsItIs(framework: any Framework) throws {
        let process = GuestProcess(arguments: ["x", "y"], commandLine: "one  'two' --three=4")
        let line = String(
            decoding: try framework.bootString(GuestBoot(process: process, over: .solo5SPT)), as: UTF8.self)
        #expect(line.contains("one  'two' --three=4"))
        #expect(!line.contains("y"))
    }
}
