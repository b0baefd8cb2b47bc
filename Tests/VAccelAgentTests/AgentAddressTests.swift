import HostLibraries
import HostSystem
import Testing

import VAccelProtocol

@testable import VAccelAgent

@Suite struct AgentAddressTests {
    @Test(
        "addresses are read and written alike",
        arguments: [
            ("unix:///run/a.sock", .path("/run/a.sock")), ("unix://@name", .abstract("name")),
            ("vsock://2:2048", .vsock(machine: 2, port: 2048)),
            ("tcp://127.0.0.1:65500", .tcp(address: 0x7f00_0001, port: 65500)),
        ] as [(String, AgentAddress)])
    func addresses(_ text: String, _ address: AgentAddress) throws {
        #expect(try AgentAddress(text) == address)
        #expect(address.description == text)
    }

    @Test(
        "other addresses are refused",
        arguments: [
            "", "unix://", "unix://a", "unix://@", "vsock://2", "vsock://x:1", "vsock://2:3:4", "tcp://1.2.3:4",
            "tcp://1.2.3.256:4",
            "tcp://1.2.3.4:65536", "tcp://host:1", "http://a", "unix:///" + String(repeating: "x", count: 108),
        ])
    func refused(_ text: String) {
        #expect(throws: Failure.self) { try AgentAddress(text) }
    }
}

@Suite struct OperationCodingTests {
    private static let bytes: Bytes = [1, 2, 3, 4]
    private static let tensor = VAccelAgent.Tensor(element: .int64, dimensions: [1, -1, 0], data: [9])
    private static let operations: [Operation] = [
        .image(.pose, bytes), .picture(.depth, bytes, bytes: 9),
        .arithmetic(.minmax(data: bytes, count: 3, low: -5, high: 7)), .arithmetic(.copy(bytes)),
        .arithmetic(.multiply(bytes, [])), .arithmetic(.parallel(bytes, bytes)), .arithmetic(.add([], bytes)),
        .multiply(
            VAccelAgent.MatrixProduct(
                m: 1, n: 2, k: 3, alpha: -1.5, a: bytes, lda: 4, b: bytes, ldb: 5, beta: 0, c: bytes, ldc: Int32.max)),
        .load(Model(key: .max, interface: .torch, files: [("a", bytes), ("", [])])), .unload(key: 5),
        .run(
            ModelRun(key: 1, inputs: [tensor, tensor], inputNames: ["a", ""], outputNames: ["", "b"], outputCount: 2)),
    ]

    @Test("a worker gets the operation that the agent was asked for", arguments: operations)
    func operation(_ operation: Operation) throws {
        #expect(try Operation(Bytes(operation.encoded.joined)) == operation)
    }

    @Test(
        "the agent gets the worker's result",
        arguments: [
            .done, .image(text: "a", imageName: ""), .arrays([bytes, []]), .picture(bytes), .tensors([tensor]),
        ] as [OperationResult])
    func result(_ result: OperationResult) throws {
        guard case .result(let read) = try WorkerAnswer(Bytes(WorkerAnswer.result(result).encoded.joined)) else {
            Issue.record("no result")
            return
        }
        #expect(read == result)
    }

    @Test("an error of a worker is an error number that there is")
    func error() throws {
        for (errno, expected) in [(22, 22), (0, 5), (-1, 5), (5000, 5)] as [(Int32, Int32)] {
            let answer = WorkerAnswer.error(OperationError(errno: errno, "reason"))
            guard case .error(let read) = try WorkerAnswer(Bytes(answer.encoded.joined)) else {
                Issue.record("no error")
                continue
            }
            #expect(read == OperationError(errno: expected, "reason"))
        }
    }
}
