import HostSystem
import Testing

private func parse(_ text: String) throws(JSONError) -> JSONValue {
    try parseJSON(Array(text.utf8), named: "t.json")
}

@Suite struct JSONParserTests {
    static let values: [(String, JSONValue)] = [
        ("null", .null),
        (" true\n", true),
        ("0", 0),
        ("-0", 0),
        ("-9223372036854775808", .integer(.min)),
        ("9223372036854775807", .integer(.max)),
        ("9223372036854775808", .unsigned(1 << 63)),
        ("18446744073709551615", .unsigned(.max)),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("-2.5E-1", -0.25),
        (#""a\"\\\/\b\f\n\r\t\u0041\u00e9\ud83d\ude00""#, "a\"\\/\u{8}\u{c}\n\r\tA\u{e9}\u{1F600}"),
        (#""\u0000""#, "\0"),
        (#""\ud800x""#, "\u{FFFD}x"),
        ("\"h\u{fc}\u{1F600}\"", "h\u{fc}\u{1F600}"),
        ("[]", []),
        ("{}", [:]),
        ("[1,[2,{}],null]", [1, [2, [:]], .null]),
        (#"{"z":1,"a":{"":[]},"m":"0"}"#, ["z": 1, "a": ["": []], "m": "0"]),
    ]

    @Test(arguments: values) func parsesValue(text: String, expected: JSONValue) throws {
        #expect(try parse(text) == expected)
    }

    @Test func keepsTheOrderOfMembers() throws {
        let keys = (0..<200).map { "key\(($0 * 7919) % 200)" }
        let text = "{" + keys.map { "\"\($0)\": 1" }.joined(separator: ",") + "}"
        #expect(try parse(text).object?.members.map(\.key) == keys)
    }

    @Test func lastOfEqualKeysWinsAtTheFirstPlace() throws {
        #expect(try parse(#"{"a":1,"b":2,"a":3}"#) == ["a": 3, "b": 2])
    }

    @Test func nestsAsDeepAsTheLimit() throws {
        let limit = jsonDepthLimit
        let text = String(repeating: "[", count: limit) + String(repeating: "]", count: limit)
        #expect(try parse(text).text() == text)
    }

    static let malformed: [(String, String)] = [
        ("", "t.json:1:1: no JSON value, the text is empty"),
        (" \n\t", "t.json:1:1: no JSON value, the text is empty"),
        ("{", "t.json:1:2: unexpected end of data"),
        ("{\n  \"a\": [1,\n", "t.json:3:1: unexpected end of data"),
        ("\"abc", "t.json:1:5: unexpected end of data"),
        ("\"abc\\", "t.json:1:6: unexpected end of data"),
        ("tru", "t.json:1:4: unexpected end of data"),
        ("{}\n{}", "t.json:2:1: unexpected character"),
        ("{} x", "t.json:1:4: unexpected character"),
        ("[1]]", "t.json:1:4: unexpected character"),
        ("[1,]", "t.json:1:4: unexpected character"),
        ("{\"a\":1,}", "t.json:1:8: unexpected character"),
        ("{\"a\"}", "t.json:1:5: object property name separator ':' expected"),
        ("{\"a\":1 \"b\":2}", "t.json:1:8: object value separator ',' expected"),
        ("[1 2]", "t.json:1:4: array value separator ',' expected"),
        ("{\n  a: 1}", "t.json:2:3: quoted object property name expected"),
        ("{'a': 1}", "t.json:1:2: unexpected character"),
        ("[nul]", "t.json:1:5: null expected"),
        ("[True]", "t.json:1:2: boolean expected"),
        ("[NaN]", "t.json:1:2: unexpected character"),
        ("[-Infinity]", "t.json:1:3: digit expected"),
        ("/* c */ 1", "t.json:1:1: unexpected character"),
        ("[01]", "t.json:1:2: number with a leading zero"),
        ("[-01.5]", "t.json:1:2: number with a leading zero"),
        ("[1.]", "t.json:1:4: digit expected"),
        ("[1e]", "t.json:1:4: digit expected"),
        ("[1e+]", "t.json:1:5: digit expected"),
        ("[-]", "t.json:1:3: digit expected"),
        ("-", "t.json:1:2: digit expected"),
        ("[.5]", "t.json:1:2: unexpected character"),
        ("[+1]", "t.json:1:2: unexpected character"),
        ("[0x10]", "t.json:1:3: number expected"),
        ("{\"a\": 18446744073709551616}", "t.json:1:7: integer beyond 64 bits"),
        ("{\"a\": -9223372036854775809}", "t.json:1:7: integer beyond 64 bits"),
        ("[1e999]", "t.json:1:2: number too large"),
        ("[\"a\u{1}\"]", "t.json:1:4: control character in a string, it must be escaped"),
        ("\"a\nb\"", "t.json:1:3: control character in a string, it must be escaped"),
        ("{\"a\": 1}\0", "t.json:1:9: unexpected NUL byte"),
        ("\"\\x\"", "t.json:1:3: invalid string sequence"),
        ("\"\\u12\"", "t.json:1:6: invalid string sequence"),
        ("{\"a\\u0000b\" : 1}", "t.json:1:2: NUL in an object key"),
        ("\u{FEFF}{}", "t.json:1:1: unexpected character"),
    ]

    @Test(arguments: malformed) func refusesMalformedText(text: String, message: String) {
        #expect(throwing { () throws(JSONError) in try parse(text) }?.description == message)
    }

    static let invalidUTF8: [([UInt8], Int)] = [
        ([0x22, 0xFF, 0x22], 1),
        ([0x22, 0x61, 0xC0, 0x80, 0x22], 2),
        ([0x22, 0xED, 0xA0, 0x80, 0x22], 1),
        ([0x22, 0xE2, 0x82, 0x22], 1),
    ]

    @Test(arguments: invalidUTF8) func refusesInvalidUTF8(bytes: [UInt8], offset: Int) {
        let error = throwing { () throws(JSONError) in try parseJSON(bytes, named: "t.json") }
        #expect(error?.reason == "invalid UTF-8")
        #expect(error?.offset == offset)
    }

    @Test func refusesToNestDeeperThanTheLimit() {
        let text = String(repeating: "[", count: 100_000)
        let error = throwing { () throws(JSONError) in try parse(text) }
        #expect(error?.reason == "nesting too deep")
        #expect(error?.offset == jsonDepthLimit)
    }
}

@Suite struct JSONTextTests {
    static let texts: [(JSONValue, String)] = [
        (.null, "null"),
        (.unsigned(.max), "18446744073709551615"),
        (.integer(.min), "-9223372036854775808"),
        (1.5, "1.5"),
        (.number(.infinity), "null"),
        ("a\"\\/\u{8}\u{c}\n\r\t\u{1}\u{1f}\0", #""a\"\\/\b\f\n\r\t\u0001\u001f\u0000""#),
        ("<h\u{fc}&>\u{1F600}\u{7f}", "\"<h\u{fc}&>\u{1F600}\u{7f}\""),
        (["b": [1, true], "a": [:], "c": []], #"{"b":[1,true],"a":{},"c":[]}"#),
    ]

    @Test(arguments: texts) func writesValue(value: JSONValue, expected: String) throws {
        #expect(value.text() == expected)
    }

    @Test(arguments: texts.filter { $0.0 != .number(.infinity) })
    func readsBackWhatItWrote(value: JSONValue, text: String) throws {
        #expect(try parse(value.text(indented: true)) == value)
    }

    @Test func indentsByTwoSpaces() {
        let value: JSONValue = ["a": [1, ["b": "c"]], "empty": [:]]
        #expect(
            value.text(indented: true) == """
                {
                  "a": [
                    1,
                    {
                      "b": "c"
                    }
                  ],
                  "empty": {}
                }
                """)
    }
}

@Suite struct JSONValueTests {
    @Test func readsMembersAndElements() {
        let value: JSONValue = ["a": [10, "x"], "big": .unsigned(.max)]
        #expect(value["a"]?[0]?.integer() == 10)
        #expect(value["a"]?[1]?.string == "x")
        #expect(value["a"]?[2] == nil)
        #expect(value["b"] == nil)
        #expect(value["big"]?.integer(as: UInt64.self) == .max)
        #expect(value["big"]?.integer(as: Int64.self) == nil)
        #expect(value["a"]?[0]?.integer(as: UInt8.self) == 10)
    }

    @Test func setsAppendsAndRemovesMembers() {
        var object: JSONObject = ["a": 1, "b": 2]
        object["a"] = 3
        object["c"] = 4
        object["b"] = nil
        #expect(object == ["a": 3, "c": 4])
        #expect(object != ["c": 4, "a": 3])
    }
}

/// The error that the body throws, nil if it does not.
private func throwing<E: Error>(_ body: () throws(E) -> some Any) -> E? {
    do throws(E) {
        _ = try body()
        return nil
    } catch {
        return error
    }
}
