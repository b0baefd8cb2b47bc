import TestSupport
import Testing

@testable import VAccelCommand

@Suite struct AgentGoldenManualTests {
    @Test("the agent's manual page is the one in Specs/man")
    func page() throws {
        let page = AgentHelp.manualPage
        #expect(try GoldenFiles("Specs/man").expected("swiftlet-vaccel.8", actual: page) == page)
    }

    @Test("every option is in the help, in no line of more than 80 characters")
    func help() {
        for option in AgentOption.all { #expect(option.names.allSatisfy { AgentHelp.text.contains($0) }) }
        #expect(AgentHelp.text.split(separator: "\n").allSatisfy { $0.count <= 80 })
    }
}
