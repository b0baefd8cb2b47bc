import HostSystem
import OCIBundle
import OCISpec
import TestSupport
import Testing

/// What annotations, or the environment, say and what is understood of it: binary, framework, monitor, command line.
struct MarkRow: Sendable, CustomTestStringConvertible {
    let said: [(String, String)]
    let understood: [String?]

    init(_ said: [(String, String)], _ understood: String?...) {
        self.said = said
        self.understood = understood
    }

    var testDescription: String { said.map { "\($0)=\($1)" }.joined(separator: " ") }

    static func values(_ mark: GuestMark) -> [String?] {
        [mark.binary, mark.framework, mark.monitor, mark.commandLine]
    }
}

@Suite struct GuestMarkTests {
    static let (own, peer) = ("org.swiftlet.unikernel.", "com.urunc.unikernel.")

    static let rows: [MarkRow] = [
        MarkRow([("\(own)binary", "/u")], "/u", nil, nil, nil),
        MarkRow([("\(own)type", "mirage")], nil, "mirage", nil, nil),
        MarkRow([("\(own)monitor", "hvt")], nil, nil, "hvt", nil),
        MarkRow([("\(own)cmdline", "a  b")], nil, nil, nil, "a  b"),
        MarkRow(
            [
                ("\(peer)binary", "/u"), ("\(peer)unikernelType", "rumprun"), ("\(peer)hypervisor", "spt"),
                ("\(peer)cmdline", "two words"),
            ],
            "/u", "rumprun", "spt", "two words"),
        MarkRow(
            [
                ("\(peer)binary", "L3VuaWtlcm5lbA=="), ("\(peer)unikernelType", "bWlyYWdl"),
                ("\(peer)hypervisor", "c3B0"), ("\(peer)cmdline", "aGVsbG8gd29ybGQ="),
            ],
            "/unikernel", "mirage", "spt", "hello world"),
        // What is decoded to control characters, or to no UTF-8, was no base64; nor is the URL alphabet.
        MarkRow([("\(peer)cmdline", "AAAA")], nil, nil, nil, "AAAA"),
        MarkRow([("\(peer)cmdline", "////")], nil, nil, nil, "////"),
        MarkRow([("\(peer)cmdline", "b25l")], nil, nil, nil, "one"),
        MarkRow([("\(peer)cmdline", "w7xuaQ==")], nil, nil, nil, "\u{fc}ni"),
        MarkRow([("\(peer)cmdline", "f39/")], nil, nil, nil, "f39/"),
        // swiftlet's own values are never decoded, and come first.
        MarkRow([("\(own)cmdline", "b25l")], nil, nil, nil, "b25l"),
        MarkRow(
            [("\(peer)binary", "/peer"), ("\(own)binary", "/own"), ("\(peer)hypervisor", "hvt")], "/own", nil, "hvt",
            nil),
        MarkRow([("\(own)binary", ""), ("\(peer)binary", "/peer")], "/peer", nil, nil, nil),
        // An empty value counts as absent; other names say nothing.
        MarkRow([("\(own)binary", ""), ("\(peer)cmdline", "")]),
        MarkRow([("\(peer)initrd", "/i"), ("\(own)nosuch", "x"), ("unikernel", "/u")]),
        MarkRow([]),
    ]

    @Test("annotations mark a guest", arguments: rows)
    func readsAnnotations(_ row: MarkRow) {
        let mark = GuestMark.inAnnotations(StringMap(row.said.map { (key: $0, value: $1) }))
        #expect(mark.map(MarkRow.values) ?? [] == row.understood)
        #expect(mark?.source == (row.understood.isEmpty ? nil : "annotations"))
    }

    @Test("/urunc.json has the same names", arguments: rows.filter { !$0.understood.isEmpty })
    func readsMetadata(_ row: MarkRow) throws {
        try withTemporaryDirectory { directory in
            let object = JSONObject(row.said.map { (key: $0, value: .string($1)) })
            try write(JSONValue.object(object).text(), to: "\(directory)/urunc.json")
            let mark = try GuestMark.inMetadata(of: RootFilesystem(path: directory, in: -1))
            #expect(mark.map(MarkRow.values) == row.understood)
            #expect(mark?.source == "/urunc.json")
        }
    }

    static let environments: [(environment: [String], understood: [String?])] = [
        (["PATH=/bin", "SWIFTLET_UNIKERNEL=/u"], ["/u", nil, nil, nil]),
        (["SWIFTLET_UNIKERNEL=/u", "SWIFTLET_MONITOR=hvt"], ["/u", nil, "hvt", nil]),
        (["SWIFTLET_UNIKERNEL=/a", "SWIFTLET_UNIKERNEL=/b"], ["/b", nil, nil, nil]),
        (["SWIFTLET_UNIKERNEL=/u=v"], ["/u=v", nil, nil, nil]),
        (["SWIFTLET_UNIKERNEL=L3VuaWtlcm5lbA=="], ["L3VuaWtlcm5lbA==", nil, nil, nil]),
        (["SWIFTLET_UNIKERNEL="], []),
        (["SWIFTLET_UNIKERNEL=/a", "SWIFTLET_UNIKERNEL="], []),
        (["SWIFTLET_MONITOR=hvt"], []),
        (["SWIFTLET_UNIKERNELS=/u", "XSWIFTLET_UNIKERNEL=/u"], []),
        ([], []),
    ]

    @Test("the environment marks a guest", arguments: environments)
    func readsEnvironment(environment: [String], understood: [String?]) {
        let mark = GuestMark.inEnvironment(environment)
        #expect(mark.map(MarkRow.values) ?? [] == understood)
        #expect(mark?.source == (understood.isEmpty ? nil : "environment"))
    }
}

@Suite struct MetadataFileTests {
    /// The largest /urunc.json that is read.
    static let largest = 1 << 20
    static let sound = #"{"com.urunc.unikernel.binary":"/u"}"#

    static let wrong: [(content: String, message: String)] = [
        ("", "/urunc.json:1:1: no JSON value, the text is empty"),
        ("{", "/urunc.json:1:2: unexpected end of data"),
        ("{}", "/urunc.json in the root filesystem does not describe a unikernel"),
        ("[]", "/urunc.json in the root filesystem does not describe a unikernel"),
        (#""/u""#, "/urunc.json in the root filesystem does not describe a unikernel"),
        (
            #"{"com.urunc.unikernel.binary":5,"com.urunc.unikernel.cmdline":null}"#,
            "/urunc.json in the root filesystem does not describe a unikernel"
        ),
        (
            sound + String(repeating: " ", count: largest + 1 - sound.count),
            "/urunc.json in the root filesystem has 1048577 bytes, at most 1048576 are read"
        ),
    ]

    @Test("a /urunc.json that says nothing sensible is an error", arguments: wrong)
    func refuses(content: String, message expected: String) throws {
        try withTemporaryDirectory { directory in
            try write(content, to: "\(directory)/urunc.json")
            #expect(
                message { _ = try GuestMark.inMetadata(of: RootFilesystem(path: directory, in: -1)) } == expected)
        }
    }

    @Test("a /urunc.json of the largest size is read")
    func readsTheLargest() throws {
        try withTemporaryDirectory { directory in
            let padding = String(repeating: " ", count: Self.largest - Self.sound.count)
            try write(Self.sound + padding, to: "\(directory)/urunc.json")
            #expect(try GuestMark.inMetadata(of: RootFilesystem(path: directory, in: -1))?.binary == "/u")
        }
    }

    @Test("what is no file of the root filesystem is no /urunc.json")
    func ignores() throws {
        try withTemporaryDirectory { directory in
            let root = "\(directory)/root"
            let place = "\(root)/urunc.json"
            try makeDirectory(root, mode: 0o755)
            try write(Self.sound, to: "\(directory)/outside.json")
            func mark() throws -> GuestMark? { try GuestMark.inMetadata(of: RootFilesystem(path: root, in: -1)) }
            #expect(try mark() == nil)
            for target in ["../outside.json", "\(directory)/outside.json", "urunc.json", "nosuch"] {
                try link(place, to: target)
                #expect(try mark() == nil, "a link to \(target)")
                try removeFile(place)
            }
            try makeFifo(place)
            #expect(try mark() == nil, "a fifo")
            try removeFile(place)
            try makeDirectory(place, mode: 0o755)
            #expect(try mark() == nil, "a directory")
        }
    }
}
