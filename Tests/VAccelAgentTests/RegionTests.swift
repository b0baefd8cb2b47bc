import HostLibraries
import HostSystem
import Testing
import VAccelProtocol

@testable import VAccelAgent

@Suite struct RegionTests {
    private let ledger = Ledger(limit: 1 << 20)
    private let pool: RegionPool

    init() { pool = RegionPool(ledger: ledger) }

    @Test("a region is on the ledger, is used again for what is of its size, and goes when it is asked to")
    func reuse() throws {
        var first: RegionLease? = try pool.take(300_000)
        let number = first?.region.number
        #expect(ledger.used == 300_000)
        first = nil
        #expect(ledger.used == 300_000)
        first = try pool.take(200_000)
        #expect(first?.region.number == number)
        // One of twice the size is not for this, and one that is in use neither.
        let other = try #require(try pool.take(100_000))
        #expect(other.region.number != number)
        first = nil
        #expect(pool.takeGone().isEmpty)
        pool.giveMemoryBack()
        #expect(ledger.used == 100_000)
        #expect(pool.takeGone() == [number])
    }

    @Test("what is free makes room for what is needed, what is in use does not")
    func room() throws {
        var lease: RegionLease? = try pool.take(700_000)
        #expect(try pool.take(500_000) == nil)
        #expect(ledger.charge(500_000) == nil)
        lease = nil
        #expect(lease == nil)
        #expect(ledger.charge(500_000) != nil)
        #expect(try pool.take(900_000) != nil)
    }

    @Test("results of one worker are never for another one, nor for frames, and end with it")
    func owners() throws {
        let (one, two) = (pool.begin(), pool.begin())
        var lease: RegionLease? = try pool.take(100_000, for: .worker(one))
        let number = lease?.region.number
        #expect(lease?.region.purpose == .results)
        lease = nil
        #expect(try pool.take(100_000, for: .worker(two))?.region.number != number)
        #expect(try pool.take(100_000)?.region.number != number)
        lease = try pool.take(100_000, for: .worker(one))
        #expect(lease?.region.number == number)
        pool.end(one)
        #expect(pool.takeGone().isEmpty)
        lease = nil
        #expect(pool.takeGone() == [number])
    }

    @Test("bytes of a region are those that were put there, and no others can be had")
    func bytes() throws {
        let lease = try #require(try pool.take(100_000))
        lease.region.begin(with: [1, 2, 3, 4])
        #expect(Bytes(lease, count: 4) == [1, 2, 3, 4])
        #expect(Bytes(lease, offset: 1, count: 2) == [2, 3])
        #expect(Bytes(lease, offset: 1, count: 2)?.array == [2, 3])
        let size = lease.region.count
        for (offset, count) in [(-1, 1), (0, -1), (0, .max), (.max, .max), (size, 1), (1, size)] {
            #expect(Bytes(lease, offset: offset, count: count) == nil, "\(offset) \(count)")
        }
        #expect(Bytes(lease, offset: size, count: 0)?.isEmpty == true)
    }

    // MARK: what workers say of their results

    private func answer(_ place: [Int64], field: UInt64 = 6) -> Bytes {
        var message = WireBuffer()
        message.add(3, 3 as UInt64)
        message.add(field + Fields.places, packed: place)
        return Bytes(message.joined)
    }

    private static let damaged: [[Int64]] = [
        [1], [1, 0], [1, 0, 10, 0], [2, 0, 10], [0, 0, 10], [-1, 0, 10], [1 << 32 | 1, 0, 10], [1, -1, 10],
        [1, 0, -1], [1, .max, .max], [1, .min, 10], [1, 0, 102_401], [1, 102_400, 1], [1, 102_401, 0], [1, 4096, .max],
    ]

    @Test("a place that is not in the region of the call's results is no answer", arguments: damaged)
    func damagedPlaces(_ place: [Int64]) throws {
        let lease = try #require(try pool.take(100_000, for: .worker(pool.begin())))
        try #require(lease.region.number == 1 && lease.region.count == 102_400)
        let good = try WorkerAnswer(answer([1, 0, 10]), regions: [1: lease])
        guard case .result(.arrays(let arrays)) = good else {
            Issue.record("a place in the region is no result")
            return
        }
        #expect(arrays.map(\.count) == [10])
        #expect(throws: WireError.self) { try WorkerAnswer(answer(place), regions: [1: lease]) }
        var tensor = WireBuffer()
        tensor.add(1, 2 as UInt64)
        tensor.add(3 + Fields.places, packed: place)
        var message = WireBuffer()
        message.add(3, 4 as UInt64)
        message.add(7, message: tensor)
        #expect(throws: WireError.self) { try WorkerAnswer(Bytes(message.joined), regions: [1: lease]) }
    }

    @Test("text is never taken from where a worker can write")
    func text() throws {
        let lease = try #require(try pool.take(100_000, for: .worker(pool.begin())))
        var message = WireBuffer()
        message.add(3, 2 as UInt64)
        message.add(4 + Fields.places, packed: [1, 0, 10])
        guard case .result(let result) = try WorkerAnswer(Bytes(message.joined), regions: [1: lease]) else {
            Issue.record("no result")
            return
        }
        #expect(result == .image(text: "", imageName: ""))
    }

    @Test("results of another length than the guest's arrays are an error", arguments: [0, 4, 15, 17, 32])
    func lengths(_ count: Int) throws {
        var call = GenericCall()
        call.read = [
            Argument(content: [21], kind: Argument.Kind.uint8),
            Argument(content: Bytes([UInt8](repeating: 0, count: 16)), kind: 0),
            Argument(content: Bytes([UInt8](repeating: 0, count: 16)), kind: 0),
        ]
        call.write = [Argument(content: Bytes([UInt8](repeating: 0, count: 16)), kind: 0)]
        let operation = try GenericOperation(call, .current)
        let wrong = Bytes([UInt8](repeating: 0, count: count))
        let right = Bytes([UInt8](repeating: 0, count: 16))
        #expect(throws: CallFailure.operation(errno: 5)) { try operation.reply(.arrays([wrong])) }
        #expect(throws: CallFailure.operation(errno: 5)) { try operation.reply(.arrays([right, right])) }
        #expect(throws: Never.self) { try operation.reply(.arrays([right])) }
    }

    @Test("a tensor whose bytes are not those of its shape is an error")
    func tensors() throws {
        for count in [0, 8, 23, 25] {
            let tensor = VAccelAgent.Tensor(
                element: .float32, dimensions: [2, 3], data: Bytes([UInt8](repeating: 0, count: count)))
            #expect(throws: CallFailure.operation(errno: 5)) { try tensor.wire(of: .torch) }
        }
    }

    @Test("operations whose arrays are in regions arrive without them, and are the same")
    func coding() throws {
        let lease = try #require(try pool.take(100_000))
        lease.region.begin(with: [UInt8](0..<200)[...])
        let large = try #require(Bytes(lease, offset: 5, count: 90_000))
        let small = try #require(Bytes(lease, offset: 5, count: 20))
        let operation = Operation.arithmetic(.add(large, small))
        let message = operation.encoded
        #expect(message.count < 100)
        #expect(try Operation(Bytes(message.joined), regions: [lease.region.number: lease]) == operation)
        #expect(throws: WireError.self) { try Operation(Bytes(message.joined)) }
    }
}
