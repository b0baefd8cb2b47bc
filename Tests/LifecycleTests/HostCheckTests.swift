import HostSystem
import TestSupport
import Testing

@testable import Lifecycle

@Suite struct ProgramVersionTests {
    private func version(_ script: String) throws -> String {
        var version = ""
        try withTemporaryDirectory { directory in
            let path = "\(directory)/program"
            try write("#!/bin/sh\n\(script)\n", to: path, mode: 0o755)
            version = try ProgramVersion.ask(path, patience: 2000)
        }
        return version
    }

    @Test("a version is the first line of what a program prints")
    func readsVersions() throws {
        #expect(try version("echo one; echo two") == "one")
        #expect(try version("echo on standard error >&2") == "on standard error")
        #expect(try version(#"echo "$1""#) == "--version")
    }

    @Test("a program that does not know the option has none")
    func toleratesOthers() throws {
        #expect(try version("echo usage; exit 1") == "no version")
        #expect(try version("kill -9 $$") == "no version")
        #expect(try version("") == "no version")
    }

    @Test("a program that does not end is ended")
    func endsOthers() throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory)/program"
            try write("#!/bin/sh\necho $$ >\(directory)/pid\nexec sleep 1000\n", to: path, mode: 0o755)
            #expect(
                message { _ = try ProgramVersion.ask(path, patience: 1000) }
                    == "\(path) --version did not end within 1000 ms")
            // Not any child: other tests have some at the same time.
            let text = try readText("\(directory)/pid").filter { $0.isNumber }
            let pid = try #require(Int32(text))
            #expect(try processStatus(pid) == nil)
        }
    }
}
