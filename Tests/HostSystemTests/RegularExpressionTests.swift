import HostSystem
import Testing

@Suite struct RegularExpressionTests {
    @Test(arguments: [
        ("test-*", "my-test", true), ("^test-", "my-test-1", false), ("^(a|b)$", "b", true), ("^(a|b)$", "ab", false),
        ("", "anything", true), ("[0-9]{3}", "a123", true),
    ])
    func matches(_ pattern: String, _ text: String, _ expected: Bool) throws {
        #expect(try RegularExpression(pattern).matches(text) == expected)
    }

    @Test(arguments: ["(", "[", "a{2,1}", "a\0b"])
    func refuses(_ pattern: String) {
        #expect(throws: Failure.self) { try RegularExpression(pattern) }
    }

    @Test func saysWhy() {
        do throws(Failure) {
            _ = try RegularExpression("(")
            Issue.record("accepted")
        } catch {
            #expect("\(error)".hasPrefix("invalid regular expression \"(\": "))
            #expect(!"\(error)".hasSuffix(": "))
        }
    }
}
