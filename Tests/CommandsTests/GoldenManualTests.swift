import TestSupport
import Testing

@testable import Commands

@Suite struct GoldenManualTests {
    @Test("a command's manual page is the one in Specs/man", arguments: Catalogue.commands.map { $0.name })
    func commandPage(name: String) throws {
        let page = Capture.run("man", name).output
        #expect(try GoldenFiles("Specs/man").expected("swiftlet-\(name).8", actual: page) == page)
    }

    @Test("the program's manual page is the one in Specs/man")
    func programPage() throws {
        let page = Capture.run("man").output
        #expect(try GoldenFiles("Specs/man").expected("swiftlet.8", actual: page) == page)
    }
}
