import HostSystem
import TestSupport
import Testing

/// Error numbers of errno(3).
private enum Errno {
    static let (noEntry, exists, crossDevice, notDirectory, isDirectory): (Int32, Int32, Int32, Int32, Int32) = (
        2, 17, 18, 20, 21
    )
    static let (tooBig, loop): (Int32, Int32) = (27, 40)
}

@Suite struct PathTests {
    /// A directory `inside` with links in it, beside a file `outside`.
    private static func withLinks(_ body: (borrowing Descriptor, String) throws -> Void) throws {
        try withTemporaryDirectory { directory in
            let inside = "\(directory)/inside"
            try write("inside", to: "\(inside)/file")
            try write("below", to: "\(inside)/sub/file")
            try write("outside", to: "\(directory)/outside")
            let links = [
                ("up", "../outside"), ("absolute", "\(directory)/outside"), ("root", "/file"), ("down", "sub/file"),
                ("loop", "loop"), ("sub/back", "../file"), ("parent", ".."), ("magic", "/proc/self/exe"),
            ]
            for (name, target) in links { try link("\(inside)/\(name)", to: target) }
            try body(try open(inside, flags: [.directory, .pathOnly]), directory)
        }
    }

    static let beneath: [(path: String, content: String?, error: Int32)] = [
        ("file", "inside", 0), ("sub/file", "below", 0), ("down", "below", 0), ("sub/back", "inside", 0),
        ("sub/../file", "inside", 0), ("./file", "inside", 0), ("../outside", nil, Errno.crossDevice),
        ("sub/../../outside", nil, Errno.crossDevice), ("/etc/passwd", nil, Errno.crossDevice),
        ("up", nil, Errno.crossDevice), ("absolute", nil, Errno.crossDevice), ("root", nil, Errno.crossDevice),
        ("parent/outside", nil, Errno.crossDevice), ("magic", nil, Errno.crossDevice), ("loop", nil, Errno.loop),
        ("nosuch", nil, Errno.noEntry), ("file/x", nil, Errno.notDirectory),
    ]

    @Test("openBeneath refuses what would leave the directory", arguments: beneath)
    func opensBeneath(path: String, content: String?, error: Int32) throws {
        try Self.withLinks { directory, _ in
            var read: String?
            let failed = try errorNumber {
                let file = try openBeneath(directory.raw, path, flags: .readOnly)
                read = String(decoding: try readAll(file.raw, named: path), as: UTF8.self)
            }
            #expect(read == content)
            #expect(failed == error)
        }
    }

    static let inRoot: [(path: String, content: String?, error: Int32)] = [
        ("/file", "inside", 0), ("file", "inside", 0), ("/root", "inside", 0), ("/../../../file", "inside", 0),
        ("/parent/parent/file", "inside", 0), ("/sub/back", "inside", 0), ("/up", nil, Errno.noEntry),
        ("/absolute", nil, Errno.noEntry), ("/../outside", nil, Errno.noEntry), ("/magic", nil, Errno.noEntry),
        ("/etc/passwd", nil, Errno.noEntry), ("/loop", nil, Errno.loop),
    ]

    @Test("openInRoot resolves as if the directory were the root", arguments: inRoot)
    func opensInRoot(path: String, content: String?, error: Int32) throws {
        try Self.withLinks { directory, _ in
            var read: String?
            let failed = try errorNumber {
                let file = try openInRoot(directory.raw, path, flags: .readOnly)
                read = String(decoding: try readAll(file.raw, named: path), as: UTF8.self)
            }
            #expect(read == content)
            #expect(failed == error)
        }
    }

    @Test("magic links of procfs are followed by neither")
    func refusesMagicLinks() throws {
        let root = try open("/", flags: [.directory, .pathOnly])
        #expect(try errorNumber { _ = try openInRoot(root.raw, "/proc/self/exe", flags: .readOnly) } == Errno.loop)
        #expect(try errorNumber { _ = try openBeneath(root.raw, "proc/self/exe", flags: .readOnly) } == Errno.loop)
        #expect(try errorNumber { _ = try open("/proc/self/exe", flags: .readOnly) } == 0)
    }

    @Test("a file opened for its name only has a path and a status, and is opened again by it")
    func namesDescriptors() throws {
        try Self.withLinks { directory, path in
            let name = try openBeneath(directory.raw, "sub/file", flags: .pathOnly)
            #expect(try absolutePath(of: name.raw) == "\(path)/inside/sub/file")
            #expect(try readText(descriptorPath(name.raw)) == "below")
            #expect(try status(of: name.raw).kind == .regular)
            #expect(try status(of: name.raw).size == 5)
        }
    }

    static let parents: [(path: String, parent: String?)] = [
        ("/a/b", "/a"), ("/a", nil), ("/", nil), ("a/b", "a"), ("a", nil), ("", nil), ("/a/b/", "/a/b"),
    ]

    @Test(arguments: parents) func findsParent(path: String, parent: String?) {
        #expect(parentPath(path) == parent)
    }
}

@Suite struct FileContentTests {
    @Test("a file is read whole up to the limit, and not at all beyond it", arguments: [1, 4095, 4096, 4097, 100_000])
    func limitsReading(size: Int) throws {
        let text = String(repeating: "x", count: size)
        let file = try memoryFile(text)
        #expect(try readAll(file.raw, named: "f", limit: size) == Array(text.utf8))
        try rewind(file.raw, named: "f")
        #expect(try readAll(file.raw, named: "f").count == size)
        try rewind(file.raw, named: "f")
        let failed = try errorNumber { _ = try readAll(file.raw, named: "f", limit: size - 1) }
        #expect(failed == Errno.tooBig)
    }

    @Test("files of procfs, which say that they are empty, are read to their end")
    func readsProcfs() throws {
        let text = try readText("/proc/self/status")
        #expect(text.hasPrefix("Name:\t") && text.hasSuffix("\n"))
        #expect(try readText("/proc/cpuinfo").contains("processor\t: 0\n"))
    }

    @Test func readsAndWritesInPieces() throws {
        let file = try anonymousFile(named: "f")
        let bytes = (0..<300_000).map { UInt8(truncatingIfNeeded: $0) }
        try writeAll(bytes, to: file.raw, named: "f")
        try rewind(file.raw, named: "f")
        var read = [UInt8]()
        while case let some = try readSome(file.raw, named: "f"), !some.isEmpty { read += some }
        #expect(read == bytes)
        #expect(try HostSystem.read(file.raw, named: "f", at: 299_998, count: 10) == Array(bytes.suffix(2)))
        #expect(try HostSystem.read(file.raw, named: "f", at: 1 << 40, count: 10) == [])
    }

    @Test func replacesFilesWhole() throws {
        try withTemporaryDirectory { path in
            let directory = try open(path, flags: .directory)
            try replaceFile("f", in: directory.raw, with: Array("one".utf8), mode: 0o640)
            let reader = try openBeneath(directory.raw, "f", flags: .readOnly)
            try replaceFile("f", in: directory.raw, with: Array("two".utf8))
            #expect(try readText("\(path)/f") == "two")
            #expect(try readAll(reader.raw, named: "f") == Array("one".utf8))
            #expect(try status(of: reader.raw).permissions == 0o640)
            #expect(try status(of: "\(path)/f").permissions == 0o600)
            #expect(try names(in: path) == ["f"])
        }
    }

    @Test("a file that cannot be replaced is what it was, and nothing is left beside it")
    func undoesReplacing() throws {
        try withTemporaryDirectory { path in
            let directory = try open(path, flags: .directory)
            func error(_ name: String) throws -> Int32 {
                try errorNumber { try replaceFile(name, in: directory.raw, with: [1]) }
            }
            try makeDirectory("\(path)/d", mode: 0o755)
            #expect(try error("d") == Errno.isDirectory)
            #expect(try error("nosuch/f") == Errno.noEntry)
            try write("kept", to: "\(path)/target")
            try link("\(path)/f.tmp", to: "target")
            #expect(try error("f") == Errno.loop)
            #expect(try names(in: path) == ["d", "target"])
            #expect(try readText("\(path)/target") == "kept")
        }
    }

    @Test func replacesALinkAndNotWhatItLeadsTo() throws {
        try withTemporaryDirectory { path in
            let directory = try open(path, flags: .directory)
            try write("kept", to: "\(path)/target")
            try link("\(path)/f", to: "target")
            try replaceFile("f", in: directory.raw, with: Array("new".utf8))
            #expect(try readText("\(path)/target") == "kept")
            #expect(try status(of: "\(path)/f").kind == .regular)
        }
    }

    @Test func writesControlFilesThatExist() throws {
        try withTemporaryDirectory { path in
            let error = message { try writeControlFile("\(path)/f", "1") }
            #expect(error == "openat \(path)/f: no such file or directory")
            try write("", to: "\(path)/f")
            try writeControlFile("\(path)/f", "1")
            #expect(try readText("\(path)/f") == "1")
        }
    }
}

@Suite struct DirectoryTests {
    @Test("makes the directories that are missing and says which")
    func makesDirectories() throws {
        try withTemporaryDirectory { path in
            #expect(try makeDirectories("\(path)/a/b", mode: 0o700) == ["\(path)/a", "\(path)/a/b"])
            #expect(try makeDirectories("\(path)/a/b/c", mode: 0o700) == ["\(path)/a/b/c"])
            #expect(try makeDirectories("\(path)/a/b/c", mode: 0o700) == [])
            try write("", to: "\(path)/f")
            #expect(try errorNumber { try makeDirectories("\(path)/f/a", mode: 0o700) } == Errno.notDirectory)
            #expect(try errorNumber { try makeDirectory("\(path)/a", mode: 0o700) } == Errno.exists)
        }
    }

    @Test("lists many entries and tells directories apart")
    func listsEntries() throws {
        try withTemporaryDirectory { path in
            let directory = try open(path, flags: .directory)
            let expected = (0..<1500).map { "entry-with-a-long-name-\($0)" }
            for name in expected { try replaceFile(name, in: directory.raw, with: []) }
            try makeDirectory("directory", in: directory.raw, mode: 0o700)
            try link("\(path)/link", to: "directory")
            let found = try entries(of: directory.raw, named: path)
            #expect(Set(found.map(\.name)) == Set(expected + ["directory", "link"]))
            #expect(found.count == expected.count + 2)
            #expect(found.filter(\.isDirectory).map(\.name) == ["directory"])
        }
    }

    @Test("a tree is removed without what its links lead to")
    func removesTree() throws {
        try withTemporaryDirectory { path in
            try write("kept", to: "\(path)/outside/file")
            try write("", to: "\(path)/tree/a/b/c/file")
            try link("\(path)/tree/file", to: "../outside/file")
            try link("\(path)/tree/a/directory", to: "../../outside")
            try link("\(path)/tree/a/absolute", to: "\(path)/outside")
            try link("\(path)/tree/a/loop", to: "..")
            try makeFifo("\(path)/tree/fifo")
            try removeTree("\(path)/tree")
            #expect(try names(in: path) == ["outside"])
            #expect(try readText("\(path)/outside/file") == "kept")
        }
    }

    @Test("a tree that is not there is removed already; a link is none")
    func removesNothingElse() throws {
        try withTemporaryDirectory { path in
            try removeTree("\(path)/nosuch")
            try write("kept", to: "\(path)/outside/file")
            try link("\(path)/link", to: "outside")
            #expect(try errorNumber { try removeTree("\(path)/link") } == Errno.notDirectory)
            #expect(try errorNumber { try removeTree("\(path)/outside/file") } == Errno.notDirectory)
            #expect(try names(in: path) == ["link", "outside"])
            #expect(try readText("\(path)/outside/file") == "kept")
        }
    }

    @Test func tellsKindsOfFiles() throws {
        try withTemporaryDirectory { path in
            try write("", to: "\(path)/regular", mode: 0o755)
            try write("", to: "\(path)/plain")
            try makeFifo("\(path)/fifo")
            try link("\(path)/link", to: "regular")
            _ = try listenUnix(at: "\(path)/socket")
            let kinds: [(String, FileKind)] = [
                ("regular", .regular), ("fifo", .fifo), ("link", .symbolicLink), ("socket", .socket), (".", .directory),
            ]
            for (name, kind) in kinds { #expect(try status(of: "\(path)/\(name)").kind == kind) }
            #expect(try status(of: "/dev/null").kind == .characterDevice)
            #expect(try status(of: "/dev/null").device == (1, 3))
            #expect(try followedStatus(of: "\(path)/link").isSameFile(as: status(of: "\(path)/regular")))
            #expect(try status(of: "\(path)/link").isSameFile(as: status(of: "\(path)/regular")) == false)
            #expect(try status(of: "\(path)/regular").isExecutable)
            #expect(try status(of: "\(path)/plain").isExecutable == false)
            #expect(canExecute("\(path)/link") && !canExecute("\(path)/plain") && !canExecute("\(path)/nosuch"))
            #expect(try readLink("\(path)/link") == "regular")
            #expect(exists("\(path)/link") && !exists("\(path)/nosuch"))
        }
    }
}
