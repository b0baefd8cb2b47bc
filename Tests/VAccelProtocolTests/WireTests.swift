import HostLibraries
import Testing

@testable import VAccelProtocol

@Suite struct WireTests {
    @Test(
        "numbers have seven bits in a byte, the lowest first",
        arguments: [
            (0, []), (1, [0x08, 1]), (300, [0x08, 0xac, 0x02]),
            (UInt64.max, [0x08] + Array(repeating: 0xff, count: 9) + [0x01]),
        ] as [(UInt64, [UInt8])])
    func numbers(_ number: UInt64, _ bytes: [UInt8]) throws {
        var buffer = WireBuffer()
        buffer.add(1, number)
        #expect(buffer.joined == bytes)
        #expect(buffer.count == bytes.count)
        var reader = WireReader(Bytes(bytes))
        let field = try reader.next()
        #expect((field?.value.uint64 ?? 0) == number)
    }

    @Test(
        "what is no message is refused",
        arguments: [
            [0x08], [0x0a, 0x02, 0x00], [0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f], [0x00, 0x00],
            [0x08] + Array(repeating: 0xff, count: 10), [0x08] + Array(repeating: 0x80, count: 9) + [0x02],
            [0x0b], [0x0c], [0x0e, 0], [0x09, 1, 2, 3], [0x0d, 1],
        ] as [[UInt8]])
    func malformed(_ bytes: [UInt8]) {
        #expect(throws: WireError.self) {
            var reader = WireReader(Bytes(bytes))
            while try reader.next() != nil {}
        }
    }

    @Test("large pieces are taken along, not copied, whatever is around them")
    func pieces() throws {
        let large = [UInt8](repeating: 7, count: 1 << 20)
        var inner = WireBuffer()
        inner.add(1, Bytes(large))
        inner.add(2, 5 as UInt64)
        var outer = WireBuffer()
        outer.add(3, "text")
        outer.add(4, message: inner)
        #expect(outer.pieces.map(\.count) == [6 + 1 + 3 + 1 + 3, 1 << 20, 2])
        #expect(outer.count == outer.joined.count)
        var reader = WireReader(Bytes(outer.joined))
        #expect(try reader.next()?.value.text == "text")
        var message = WireReader(try #require(try reader.next()).value.content)
        #expect(try message.next()?.value.content == Bytes(large))
        #expect(try message.next()?.value.int64 == 5)
        #expect(try message.next() == nil)
    }

    @Test("a header of ten bytes, numbers of the network's order")
    func header() {
        let header = FrameHeader(length: 0x0102_0304, stream: 5, kind: 3, flags: 6)
        #expect(header.bytes == [1, 2, 3, 4, 0, 0, 0, 5, 3, 6])
        #expect(FrameHeader(Bytes(header.bytes)) == header)
        #expect(FrameHeader(Bytes(header.bytes[1...])) == nil)
    }

    @Test("a failure has its error number in the details of the status")
    func failure() {
        let expected: [UInt8] =
            [0, 0, 0, 0x40, 0, 0, 0, 9, 2, 0, 0x0a, 0x3e, 0x08, 0x0d, 0x12, 0x0d] + Array("FFI error: 22".utf8)
            + [0x1a, 0x2b, 0x0a, 0x25] + Array("type.googleapis.com/vaccel.ProtoError".utf8) + [0x12, 0x02, 0x10, 0x16]
        #expect(AnswerFrame.failure(.operation(errno: 22), stream: 9).joined == expected)
    }
}

/// A generator whose numbers follow from its seed.
private struct SeededNumbers: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state ^ state >> 29
    }
}

@Suite struct DamagedMessageTests {
    private static let methods = [
        "CreateSession", "UpdateSession", "DestroySession", "RegisterResource", "UnregisterResource", "SyncResource",
        "ImageClassification", "TensorflowModelLoad", "TensorflowModelRun", "TensorflowLiteModelRun", "TorchModelRun",
        "TorchJitloadForward", "Genop", "GetProfiler", "CreateResource",
    ]

    private static var valid: [[UInt8]] {
        var argument = WireBuffer()
        argument.add(1, [1, 2, 3, 4])
        argument.add(2, 4 as UInt64)
        argument.add(3, 28 as UInt64)
        var tensor = WireBuffer()
        tensor.add(1, [0, 0, 128, 63])
        tensor.add(2, packed: [1, 1])
        tensor.add(3, 1 as UInt64)
        return [[argument, argument, tensor], [tensor, tensor, tensor], [argument, tensor, argument]].map { parts in
            var message = WireBuffer()
            message.add(1, 77 as UInt64)
            for (index, part) in parts.enumerated() { message.add(UInt64(index + 2), message: part) }
            message.add(5, 1 as UInt64)
            var call = WireBuffer()
            call.add(1, "vaccel.sync.agent.AgentService")
            call.add(2, "Genop")
            call.add(3, message: message)
            return call.joined
        }
    }

    @Test("100,000 damaged messages are read or refused, and what is read can be written", arguments: [1, 2, 3, 4])
    func damage(seed: UInt64) {
        var numbers = SeededNumbers(state: seed)
        var (read, refused) = (0, 0)
        for round in 0..<25_000 {
            var bytes = Self.valid[round % 3]
            for _ in 0...Int.random(in: 0..<4, using: &numbers) {
                let index = Int.random(in: 0..<bytes.count, using: &numbers)
                switch Int.random(in: 0..<4, using: &numbers) {
                case 0: bytes[index] = UInt8.random(in: 0...255, using: &numbers)
                case 1: bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &numbers)
                case 2: bytes.insert(UInt8.random(in: 0...255, using: &numbers), at: index)
                default: if bytes.count > 1 { bytes.remove(at: index) }
                }
            }
            guard let call = try? CallMessage(Bytes(bytes)) else {
                refused += 1
                continue
            }
            #expect(call.encoded.count == call.encoded.joined.count)
            let method = Self.methods[round % Self.methods.count]
            for generation in [Generation.current, .agentService, .vaccelAgent] {
                let request = try? Request(method: method, service: "", generation, call.payload)
                if request == nil { refused += 1 } else { read += 1 }
                if case .generic(let generic)? = request {
                    let reply = Reply.arguments(generic.read, isUntyped: generic.isUntyped).encoded(generation)
                    #expect(reply.count == reply.joined.count)
                }
            }
        }
        #expect(read > 10_000)
        #expect(refused > 10_000)
    }
}
