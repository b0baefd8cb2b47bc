import HostSystem
import TestSupport
import Testing

@testable import Storage

@Suite struct ImagePackerTests {
    /// FIPS 180-4, examples of NIST; those of 55 and 64 letters are around the length where padding needs one more block.
    static let hashes: [(String, Int, String)] = [
        ("", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
        ("a", 55, "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318"),
        ("a", 64, "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb"),
        ("aaaaaaaaaa", 2000, "cc17faaad36649c4603dda4d8ff97cb149722af0bcac0746305a2134ad2d0b97"),
    ]

    @Test("SHA-256 of known texts, in one part or in many", arguments: hashes)
    func hash(text: String, count: Int, digest: String) {
        var hash = SHA256()
        for _ in 0..<count { hash.update(Array(text.utf8)) }
        #expect(hash.digest() == digest)
        #expect(SHA256.digest(of: Array(String(repeating: text, count: count).utf8)) == digest)
    }

    @Test(
        "an image has a host in its name and a tag after it",
        arguments: [
            ("hello", "localhost/hello:latest"), ("a/hello:1", "localhost/a/hello:1"),
            ("localhost/hello", "localhost/hello:latest"), ("r.example:5000/a/b", "r.example:5000/a/b:latest"),
        ])
    func names(name: String, full: String) {
        #expect(ImagePacker(name: name, files: []).name == full)
    }

    private func packed(_ directory: String, _ output: String) throws -> String {
        var packer = ImagePacker(
            name: "one", files: [.init(source: "\(directory)/kernel", path: "/unikernel", isExecutable: true)])
        packer.files.append(.init(source: "\(directory)/data", path: "/deep/er/data"))
        packer.metadata = [("com.urunc.unikernel.cmdline", "one two"), ("org.swiftlet.unikernel.vsock", "true")]
        packer.labels = [("a", "b")]
        return try packer.pack(to: "\(directory)/\(output)")
    }

    @Test("the marks are in /urunc.json, in labels and in annotations; the files have their content")
    func packs() throws {
        try withTemporaryDirectory { directory in
            try write("kernel", to: "\(directory)/kernel")
            try write(String(repeating: "x", count: 100_000), to: "\(directory)/data")
            let digest = try packed(directory, "layout")
            func document(_ name: String) throws -> JSONValue {
                let path = "\(directory)/layout/\(name.split(separator: ":").joined(separator: "/"))"
                return try parseJSON(Array(try readText(path).utf8), named: name)
            }
            let index = try document("index.json")
            #expect(index["manifests"]?[0]?["digest"]?.string == digest)
            let manifest = try document("blobs/\(digest)")
            let marks: JSONValue = [
                "a": "b", "com.urunc.unikernel.binary": "L3VuaWtlcm5lbA==",
                "com.urunc.unikernel.cmdline": "b25lIHR3bw==",
                "org.swiftlet.unikernel.vsock": "true",
            ]
            #expect(manifest["annotations"] == marks)
            let config = try document("blobs/\(manifest["config"]?["digest"]?.string ?? "")")
            #expect(config["config"]?["Labels"] == marks)
            #expect(config["config"]?["Entrypoint"] == ["/unikernel"])
            let layer = manifest["layers"]?[0]?["digest"]?.string ?? ""
            #expect(config["rootfs"]?["diff_ids"]?[0]?.string == layer)
            let bytes = try readText("\(directory)/layout/blobs/\(layer.split(separator: ":").joined(separator: "/"))")
            #expect(bytes.utf8.count == 512 * (2 + 1 + 196 + 2 + 2 + 2))
            #expect(manifest["layers"]?[0]?["size"] == JSONValue(UInt64(bytes.utf8.count)))
            #expect(try packed(directory, "layout") == digest && packed(directory, "one.tar") == digest)
        }
    }

    @Test("what cannot be packed is refused and leaves nothing")
    func refuses() throws {
        try withTemporaryDirectory { directory in
            #expect(throws: HostError.self) { try packed(directory, "one.tar") }
            try write("kernel", to: "\(directory)/kernel")
            _ = try makeDirectories("\(directory)/data", mode: 0o755)
            let error = #expect(throws: Failure.self) { try packed(directory, "one.tar") }
            #expect(error?.description == "\(directory)/data is no regular file")
            #expect(!exists("\(directory)/one.tar") && !exists("\(directory)/one.tar.tmp"))
            try write("x", to: "\(directory)/data/file")
            var packer = ImagePacker(name: "one", files: [.init(source: "\(directory)/kernel", path: "/unikernel")])
            #expect(throws: Failure.self) { try packer.pack(to: "\(directory)/data") }
            packer.files = [.init(source: "\(directory)/kernel", path: "/" + String(repeating: "n", count: 101))]
            #expect(throws: Failure.self) { try packer.pack(to: "\(directory)/layout") }
        }
    }
}
