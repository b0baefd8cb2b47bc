import HostSystem
import Testing

@testable import Commands

@Suite struct PrintedDocumentTests {
    private func spec(_ options: [String]) throws -> JSONValue {
        var document = JSONValue.null
        try withTemporaryDirectory { directory in
            let result = Capture.run(["spec", "--bundle", directory] + options)
            #expect(result.status == 0 && result.output.isEmpty && result.error.isEmpty)
            document = try parseJSON(Array(contents(of: "\(directory)/config.json").utf8), named: "config.json")
        }
        return document
    }

    private func namespaces(_ document: JSONValue) -> [String] {
        document["linux"]?["namespaces"]?.array?.compactMap { $0["type"]?.string } ?? []
    }

    @Test("spec describes a shell on a terminal, confined like runc's")
    func describesShell() throws {
        let document = try spec([])
        #expect(document["ociVersion"]?.string == "1.3.0")
        #expect(document["process"]?["terminal"]?.bool == true)
        #expect(document["process"]?["args"] == ["sh"])
        #expect(document["process"]?["noNewPrivileges"]?.bool == true)
        #expect(document["root"] == ["path": "rootfs", "readonly": true])
        #expect(namespaces(document) == ["pid", "network", "ipc", "uts", "mount"])
        #expect(document["mounts"]?.array?.count == 7)
        #expect(document["linux"]?["maskedPaths"]?.array?.contains("/proc/kcore") == true)
        #expect(document["linux"]?["resources"]?["devices"]?[0]?["allow"]?.bool == false)
    }

    @Test("spec --rootless maps the caller's user and leaves out what needs privileges")
    func describesRootless() throws {
        let document = try spec(["--rootless"])
        #expect(namespaces(document) == ["pid", "ipc", "uts", "mount", "user"])
        let user = JSONValue(effectiveUser())
        #expect(document["linux"]?["uidMappings"] == [["containerID": 0, "hostID": user, "size": 1]])
        #expect(document["linux"]?["resources"] == nil)
        let mounts = document["mounts"]?.array ?? []
        #expect(mounts.contains { $0["destination"] == "/sys" && $0["type"] == "none" })
        #expect(!mounts.contains { $0["options"]?.array?.contains("gid=5") == true })
    }

    @Test("spec --unikernel describes a guest without terminal and capabilities in a network namespace")
    func describesUnikernel() throws {
        let document = try spec(["--unikernel"])
        #expect(document["process"]?["args"] == ["/unikernel"])
        #expect(document["process"]?["terminal"]?.bool == false)
        #expect(document["process"]?["capabilities"]?["bounding"] == [])
        #expect(document["root"]?["readonly"]?.bool == true)
        #expect(namespaces(document).contains("network"))
    }

    @Test("spec leaves a configuration alone that is there already")
    func keepsConfiguration() throws {
        try withTemporaryDirectory { directory in
            #expect(Capture.run("spec", "-b", directory).status == 0)
            let before = try contents(of: "\(directory)/config.json")
            let again = Capture.run("spec", "-b", directory, "--unikernel")
            #expect(again.status == 1)
            #expect(again.message == "File config.json exists. Remove it first")
            #expect(try contents(of: "\(directory)/config.json") == before)
        }
        #expect(
            Capture.run("spec", "-b", "/nonexistent").message
                == "openat /nonexistent/config.json: no such file or directory")
    }

    @Test("features is a document of the runtime specification")
    func printsFeatures() throws {
        let document = try parseJSON(Array(Capture.run("features").output.utf8), named: "features")
        #expect(document["ociVersionMin"]?.string == "1.0.0")
        #expect(document["ociVersionMax"]?.string == "1.3.0")
        #expect(document["hooks"]?.array?.count == 6)
        #expect(document["linux"]?["namespaces"]?.array?.contains("network") == true)
        #expect(document["linux"]?["capabilities"]?.array?.first == "CAP_CHOWN")
        let capabilities = document["linux"]?["capabilities"]?.array?.compactMap(\.string) ?? []
        for (number, name) in capabilities.enumerated() { #expect(capabilityNumber(name) == Int32(number)) }
        #expect(document["linux"]?["seccomp"]?["enabled"]?.bool == true)
        #expect(document["annotations"]?["org.swiftlet.version"]?.string == "0.1.0")
    }

    @Test("a table's columns are as wide as runc's")
    func alignsTables() {
        let header = ["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"]
        #expect(columns([header]) == "ID          PID         STATUS      BUNDLE      CREATED     OWNER\n")
        let rows = columns([["ID", "OWNER"], ["0123456789", "root"], ["ü", "x"]])
        #expect(rows == "ID           OWNER\n0123456789   root\nü            x\n")
    }
}
