import HostSystem
import TestSupport
import Testing

/// Descriptors' numbers are used again at once, so that only a process of its own can tell that one is closed.
@Suite struct DescriptorTests {
    @Test func closesWhatItOwns() async {
        await #expect(processExitsWith: .success) {
            let number: Int32
            do {
                let file = try memoryFile("x")
                number = file.raw
                guard isOpen(number) else { exitNow(1) }
                _ = consume file
            }
            guard !isOpen(number) else { exitNow(2) }
            let released = try memoryFile("x").release()
            exitNow(isOpen(released) ? 0 : 3)
        }
    }

    @Test func closesASet() async {
        await #expect(processExitsWith: .success) {
            var numbers = [Int32]()
            do {
                let set = DescriptorSet()
                set.add(try memoryFile("a"))
                let second = set.hold(try memoryFile("b"))
                numbers = set.numbers
                guard numbers.count == 2, numbers[1] == second, numbers.allSatisfy(isOpen) else { exitNow(1) }
                set.close()
                guard set.numbers.isEmpty, !numbers.contains(where: isOpen) else { exitNow(2) }
                set.add(try memoryFile("c"))
                numbers = set.numbers
            }
            exitNow(numbers.contains(where: isOpen) ? 3 : 0)
        }
    }

    @Test func closesRanges() async {
        await #expect(processExitsWith: .success) {
            let file = try memoryFile("x")
            for number in Int32(200)...205 { try duplicate(file.raw, to: number) }
            try closeDescriptors(from: 201, through: 202)
            guard (Int32(200)...205).filter(isOpen) == [200, 203, 204, 205] else { exitNow(1) }
            try closeDescriptors(from: 204)
            exitNow((Int32(200)...205).filter(isOpen) == [200, 203] ? 0 : 2)
        }
    }

    @Test func duplicatesTheSameFile() throws {
        let file = try memoryFile("text")
        let copy = try duplicate(file.raw)
        #expect(copy.raw > 2 && copy.raw != file.raw)
        #expect(try readAll(copy.raw, named: "copy") == Array("text".utf8))
        // Both share one position.
        #expect(try readAll(file.raw, named: "file") == [])
    }

    @Test("no descriptor is inherited by a program")
    func closesOnExec() throws {
        let output = try anonymousFile(named: "output")
        let null = try open("/dev/null", flags: .readWrite)
        let (first, second) = try SocketPair().take()
        let kept = [try memoryFile("x").release(), first, second, try duplicate(output.raw).release()]
        defer { for number in kept { _ = Descriptor(owning: number) } }
        let pid = try spawn(
            "/bin/sh", arguments: ["sh", "-c", "echo /proc/self/fd/*"], environment: [], input: null.raw,
            output: output.raw, errors: null.raw)
        #expect(try waitForChild(pid)?.end == .exited(0))
        try rewind(output.raw, named: "output")
        let listed = String(decoding: try readAll(output.raw, named: "output"), as: UTF8.self)
        let numbers = Set(listed.split { !$0.isNumber }.compactMap { Int32($0) })
        #expect(numbers.isSuperset(of: [0, 1, 2]) && numbers.isDisjoint(with: kept))
    }
}

@Suite struct SocketTests {
    @Test("a descriptor arrives as another one for the same file")
    func passesDescriptors() throws {
        let pair = try SocketPair()
        let file = try memoryFile("passed")
        try sendDescriptor(file.raw, text: "/dev/pts/0", over: pair.first.raw)
        let received = try receiveDescriptor(over: pair.second.raw)
        #expect(received.raw != file.raw)
        #expect(try status(of: received.raw).isSameFile(as: status(of: file.raw)))
        #expect(try readAll(received.raw, named: "received") == Array("passed".utf8))
    }

    @Test("the text beside a descriptor is an ordinary message")
    func passesText() throws {
        let pair = try SocketPair()
        let file = try memoryFile("")
        try sendDescriptor(file.raw, text: "/dev/pts/0", over: pair.first.raw)
        #expect(try receiveMessage(pair.second.raw) == Array("/dev/pts/0".utf8))
    }

    @Test func needsADescriptor() throws {
        let pair = try SocketPair()
        try sendMessage(Array("no descriptor".utf8), to: pair.first.raw)
        // EPROTO
        #expect(try errorNumber { _ = try receiveDescriptor(over: pair.second.raw) } == 71)
    }

    @Test func keepsMessagesApart() throws {
        let pair = try SocketPair()
        let large = [UInt8](repeating: 7, count: 65536)
        for message in [[1], [2, 3], large] { try sendMessage(message, to: pair.first.raw) }
        #expect(try receiveMessage(pair.second.raw) == [1])
        #expect(try receiveMessage(pair.second.raw) == [2, 3])
        #expect(try receiveMessage(pair.second.raw) == large)
    }

    @Test("a closed end is an empty message to a reader, and an error without a signal to a writer")
    func noticesTheEnd() throws {
        let (first, second) = try SocketPair().take()
        let left = Descriptor(owning: first)
        try sendMessage([1], to: second)
        _ = Descriptor(owning: second)
        #expect(try receiveMessage(left.raw) == [1])
        #expect(try receiveMessage(left.raw) == [])
        do throws(HostError) {
            try sendMessage([1], to: left.raw)
            Issue.record("no error")
        } catch {
            #expect(error.isDisconnected)
        }
    }

    @Test func connectsByPath() throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory)/socket"
            let listener = try listenUnix(at: path)
            let client = try connectUnix(to: path, stream: false)
            let server = try acceptConnection(listener.raw)
            try sendMessage([1, 2], to: client.raw)
            #expect(try receiveMessage(server.raw) == [1, 2])
            // EADDRINUSE, EPROTOTYPE, ENOENT, ENAMETOOLONG
            #expect(try errorNumber { _ = try listenUnix(at: path) } == 98)
            #expect(try errorNumber { _ = try connectUnix(to: path, stream: true) } == 91)
            #expect(try errorNumber { _ = try connectUnix(to: "\(path)2", stream: false) } == 2)
            let long = "\(directory)/\(String(repeating: "x", count: 108))"
            #expect(try errorNumber { _ = try listenUnix(at: long) } == 36)
            #expect(try errorNumber { _ = try connectUnix(to: long, stream: false) } == 36)
            #expect(try names(in: directory) == ["socket"])
        }
    }

    @Test("waiting tells which of several can be read or are closed")
    func waits() throws {
        let (quiet, _quiet) = try SocketPair().take()
        let (told, teller) = try SocketPair().take()
        let (left, leaver) = try SocketPair().take()
        let kept = DescriptorSet()
        for number in [quiet, _quiet, told, teller, left] { kept.add(Descriptor(owning: number)) }
        let watched = [quiet, told, left]
        #expect(try waitUntilReadable(watched, timeout: 0) == [false, false, false])
        try sendMessage([1], to: teller)
        #expect(try waitUntilReadable(watched) == [false, true, false])
        _ = Descriptor(owning: leaver)
        #expect(try waitUntilReadable(watched) == [false, true, true])
        _ = try receiveMessage(told)
        #expect(try waitUntilReadable(watched) == [false, false, true])
        #expect(try waitUntilReadable([], timeout: 0) == [])
    }
}
