import HostSystem
import TestSupport
import Testing

@testable import HostConfiguration

private let monitors = ["spt", "hvt", "qemu"]

private func configuration(_ text: String) throws -> OperatorConfiguration {
    try OperatorConfiguration([UInt8](text.utf8), named: "config.toml", monitors: monitors)
}

@Suite struct OperatorConfigurationTests {
    @Test("every key is understood")
    func understands() throws {
        let found = try configuration(
            """
            # A comment, and an empty line:

            [annotations]
            allow = ["org.swiftlet.unikernel.host-kernel", '/vm/kernel/path',] # and one more

            [monitors.qemu]
            path = "/opt/q\\u00fc/qemu"
            accelerator = "tcg"
            stop-seconds = 1_0
            [ monitors . spt ]
            enabled=false
            [guest]\r
            default-memory-mib = 256
            """)
        #expect(found.allowed == ["org.swiftlet.unikernel.host-kernel", "/vm/kernel/path"])
        #expect(found.allows("/vm/kernel/path"))
        #expect(!found.allows("/vm/hypervisor/path"))
        #expect(found.defaultMemoryMiB == 256)
        var qemu = OperatorConfiguration.MonitorSettings()
        qemu.path = "/opt/q\u{fc}/qemu"
        qemu.accelerator = .tcg
        qemu.stopSeconds = 10
        #expect(found.settings(of: "qemu") == qemu)
        #expect(!found.settings(of: "spt").isEnabled)
        #expect(found.settings(of: "hvt") == OperatorConfiguration.MonitorSettings())
    }

    @Test("every key of vAccel is understood")
    func understandsVAccel() throws {
        let found = try configuration(
            """
            [vaccel]
            enabled = false
            default = "auto"
            agent = "/opt/agent"
            backends = ["cpu", "noop"]
            models = "/srv/models"
            directories = ["/opt/onnxruntime"]
            options = ["--log-level", "debug"]
            memory-mib = 200
            external = ["tcp://10.0.0.5:65500"]
            """)
        var vaccel = VAccelSettings()
        vaccel.isEnabled = false
        vaccel.access = .auto
        vaccel.agent = "/opt/agent"
        vaccel.backends = ["cpu", "noop"]
        vaccel.models = "/srv/models"
        vaccel.directories = ["/opt/onnxruntime"]
        vaccel.options = ["--log-level", "debug"]
        vaccel.memoryMiB = 200
        vaccel.external = ["tcp://10.0.0.5:65500"]
        #expect(found.vaccel == vaccel)
        #expect(try configuration("[vaccel]").vaccel == VAccelSettings())
    }

    static let nothing = ["", "\n", "# only a comment", "[guest]", "[monitors.qemu]\n[annotations]", "  \r\n\t"]

    @Test("what is not said is as without the file", arguments: nothing)
    func defaults(text: String) throws {
        let found = try configuration(text)
        #expect(found.allowed == [])
        #expect(found.defaultMemoryMiB == 512)
        #expect(found.settings(of: "qemu").path == nil)
        #expect(found.settings(of: "qemu").isEnabled)
        #expect(found.settings(of: "qemu").accelerator == .auto)
        #expect(found.settings(of: "qemu").stopSeconds == 10)
    }

    static let wrong: [(text: String, reason: String)] = [
        ("a = 1", "1: unknown key \"a\" before the first table (none is known there)"),
        ("[nosuch]", "1: unknown table [nosuch] (known are: annotations, guest, monitors.NAME, vaccel, vm, vsock)"),
        ("[vaccel]\ndefault = \"on\"", "2: default: expected one of \"off\", \"auto\", \"tcp\", \"vsock\""),
        ("[vaccel]\nenabled = 1", "2: enabled: expected true or false"),
        ("[vaccel]\nmodels = \"models\"", "2: models: expected an absolute path"),
        ("[vaccel]\nbackends = \"cpu\"", "2: backends: expected an array of strings"),
        ("[vaccel]\ndirectories = [\"lib\"]", "2: directories: expected an array of absolute paths"),
        ("[vaccel]\nmemory-mib = 0", "2: memory-mib: expected an integer from 1 to 16777216"),
        (
            "[vaccel]\nport = 1",
            "2: unknown key \"port\" in [vaccel] (known are: enabled, default, agent, backends, models, directories, "
                + "options, memory-mib, external)"
        ),
        ("[monitors]", "1: unknown table [monitors] (known are: annotations, guest, monitors.NAME, vaccel, vm, vsock)"),
        ("\n[monitors.bochs]", "2: there is no monitor \"bochs\" (known are: spt, hvt, qemu)"),
        (
            "[guest]\nmemory = 1",
            "2: unknown key \"memory\" in [guest] (known are: default-memory-mib)"
        ),
        (
            "[monitors.qemu]\nPath = '/q'",
            "2: unknown key \"Path\" in [monitors.qemu] (known are: path, enabled, accelerator, stop-seconds)"
        ),
        ("[guest]\n\ndefault-memory-mib = 0", "3: default-memory-mib: expected an integer from 1 to 16777216"),
        ("[guest]\ndefault-memory-mib = \"512\"", "2: default-memory-mib: expected an integer from 1 to 16777216"),
        ("[monitors.qemu]\npath = \"qemu\"", "2: path: expected an absolute path"),
        ("[monitors.qemu]\npath = \"/q\\u0000\"", "2: path: expected an absolute path"),
        ("[monitors.qemu]\npath = [\"/q\"]", "2: path: expected an absolute path"),
        ("[monitors.qemu]\nenabled = 1", "2: enabled: expected true or false"),
        ("[monitors.qemu]\naccelerator = \"xen\"", "2: accelerator: expected one of \"auto\", \"kvm\", \"tcg\""),
        ("[monitors.qemu]\nstop-seconds = -1", "2: stop-seconds: expected an integer from 0 to 3600"),
        ("[annotations]\nallow = true", "2: allow: expected an array of strings"),
        (
            "[annotations]\nallow = [\"/vm\"]",
            "2: allow names \"/vm\", which cannot be allowed (known are: "
                + "\(OperatorConfiguration.grantable.joined(separator: ", ")))"
        ),
    ]

    @Test("what is not known is an error with its line", arguments: wrong)
    func refuses(text: String, reason: String) {
        #expect(message { _ = try configuration(text) } == "config.toml:\(reason)")
    }
}

@Suite struct SettingsTextTests {
    static let value =
        "1: expected a string in quotes, a decimal integer, true, false or an array of strings, found "
    static let wrong: [(text: String, reason: String)] = [
        ("[a", "1: expected \"]\", found the end of the file"),
        ("[]", "1: expected the name of a table, found \"]\""),
        ("[[a]]", "1: expected the name of a table, found \"[a]]\""),
        ("[a.]\n", "1: expected the name of a table, found \"]\""),
        ("[\"a\"]", "1: expected the name of a table, found \"\"a\"]\""),
        ("[a] b = 1", "1: expected the end of the line, found \"b\""),
        ("[a]\n[b]\n[a]", "3: table [a] is there already, in line 1"),
        ("a = 1\n\na = 2", "3: key \"a\" is there already, in line 1"),
        ("= 1", "1: expected a key or a table, found \"=\""),
        ("\"a\" = 1", "1: expected a key or a table, found \"\"a\"\""),
        ("a", "1: expected \"=\", found the end of the file"),
        ("a.b = 1", "1: expected \"=\", found \".b\""),
        ("a 1", "1: expected \"=\", found \"1\""),
        ("a =\n1", value + "the end of the line"),
        ("a = word", value + "\"word\""),
        ("a = 1.5", value + "\"1.5\""),
        ("a = 01", value + "\"01\""),
        ("a = 0x10", value + "\"0x10\""),
        ("a = 1_", value + "\"1_\""),
        ("a = {}", value + "\"{}\""),
        ("a = True", value + "\"True\""),
        ("a = 9223372036854775808", "1: integer 9223372036854775808 is too large"),
        ("a = 1 2", "1: expected the end of the line, found \"2\""),
        ("a = \"b", "1: expected the quote that ends the string, found the end of the file"),
        ("a = \"b\nc\"", "1: expected the quote that ends the string, found the end of the line"),
        ("a = \"b\\\"", "1: expected the quote that ends the string, found the end of the file"),
        ("a = \"\"\"b\"\"\"", "1: expected the end of the line, found \"\"b\"\"\"\""),
        ("a = \"\\x\"", "1: expected one of b t n f r u U \" \\ after the backslash, found \"x\"\""),
        ("a = \"\\u12\"", "1: expected 4 hexadecimal digits of a character, found \"12\"\""),
        ("a = \"\\ud800\"", "1: expected 4 hexadecimal digits of a character, found \"d800\"\""),
        ("a = \"\\U00110000\"", "1: expected 8 hexadecimal digits of a character, found \"00110000\"\""),
        ("a = [1]", "1: expected a string in quotes or \"]\", found \"1]\""),
        ("a = [\"b\" \"c\"]", "1: expected \",\" or \"]\", found \"\"c\"]\""),
        ("a = [\n\"b\",\n", "3: expected a string in quotes or \"]\", found the end of the file"),
        ("a = [,]", "1: expected a string in quotes or \"]\", found \",]\""),
        ("a = 'b'\n# \u{7}", "2: expected text, found a control character"),
        ("a = 1\rb = 2", "1: expected text, found a control character"),
        ("\u{0}", "1: expected text, found a control character"),
    ]

    @Test("what is no TOML, or more of it than is read, is an error with its line", arguments: wrong)
    func refuses(text: String, reason: String) {
        #expect(message { _ = try SettingsText.tables(in: Array(text.utf8), named: "f") } == "f:\(reason)")
    }

    @Test("text that is not UTF-8 is an error with its line")
    func refusesOtherEncodings() {
        let bytes = Array("a = 1\nb = \"".utf8) + [0xFF, 0x22]
        #expect(message { _ = try SettingsText.tables(in: bytes, named: "f") } == "f:2: expected UTF-8")
    }

    @Test("values are those of TOML")
    func reads() throws {
        let text = """
            a = -12
            b = +0
            c = ''
            d = 'C:\\n "#"' # no escapes
            e = "\\b\\t\\n\\f\\r\\"\\\\\\U0001F600#"
            f = [ # the first
              "g",

              'h' ]
            i = []
            """
        let table = try #require(try SettingsText.tables(in: Array(text.utf8), named: "f").first)
        #expect(
            table.settings.map(\.value) == [
                .integer(-12), .integer(0), .text(""), .text("C:\\n \"#\""),
                .text("\u{8}\t\n\u{C}\r\"\\\u{1F600}#"), .texts(["g", "h"]), .texts([]),
            ])
        #expect(table.settings.map(\.line) == [1, 2, 3, 4, 5, 6, 10])
    }

    @Test("any text is read or refused")
    func survives() {
        let sound = Array("[monitors.qemu]\npath = \"/q\\u0041\"\nallow = ['a', \"b\"] # c\nn = 1_0\n".utf8)
        for length in 0...sound.count {
            _ = try? SettingsText.tables(in: Array(sound.prefix(length)), named: "f")
        }
        for index in sound.indices {
            for byte in Array("[]\"'\\=#\n.,u0".utf8) + [0, 0xFF] {
                var text = sound
                text[index] = byte
                _ = try? SettingsText.tables(in: text, named: "f")
            }
        }
    }
}

@Suite struct ConfigurationFileTests {
    private func withFile(_ text: String, mode: UInt32, _ body: (String) throws -> Void) throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory)/config.toml"
            try write(text, to: path)
            try changeMode(of: path, in: currentDirectory, to: mode)
            try body(path)
        }
    }

    private func read(_ path: String) throws -> OperatorConfiguration {
        try ConfigurationFile(path).read(monitors: monitors)
    }

    @Test("a file is read, and messages name it")
    func reads() throws {
        try withFile("[guest]\ndefault-memory-mib = 64\n", mode: 0o644) { path in
            let found = try read(path)
            #expect(found.defaultMemoryMiB == 64)
            #expect(found.file == path)
        }
        try withFile("[guest]\n?", mode: 0o600) { path in
            #expect(message { _ = try read(path) } == "\(path):2: expected a key or a table, found \"?\"")
        }
    }

    @Test("the usual file may be absent, a named one may not")
    func toleratesAbsence() throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory)/nosuch"
            let reason = message { _ = try read(path) }
            #expect(reason.hasPrefix("cannot read the operator's configuration \(path): "))
            #expect(reason.hasSuffix("no such file or directory"))
        }
    }

    @Test("what is no regular file, or too large, is refused")
    func refusesOthers() throws {
        try withTemporaryDirectory { directory in
            let reason = message { _ = try read(directory) }
            #expect(reason == "cannot read the operator's configuration \(directory): it is no regular file")
            try makeFifo("\(directory)/fifo")
            #expect(message { _ = try read("\(directory)/fifo") }.hasSuffix("it is no regular file"))
        }
        try withFile(String(repeating: "#", count: 65537), mode: 0o644) { path in
            #expect(message { _ = try read(path) }.hasSuffix("file too large"))
        }
    }

    @Test("root trusts no file that others can change", .enabled(if: effectiveUser() == 0, "needs to be root"))
    func refusesWritable() throws {
        for mode: UInt32 in [0o666, 0o664, 0o646] {
            try withFile("", mode: mode) { path in
                let reason = "cannot read the operator's configuration \(path): others than root may write to it"
                #expect(message { _ = try read(path) } == reason)
            }
        }
        try withFile("", mode: 0o600) { path in
            try changeOwner(of: path, in: currentDirectory, uid: 1, gid: 0)
            #expect(message { _ = try read(path) }.hasSuffix("it belongs to user 1, not to root"))
        }
    }
}
