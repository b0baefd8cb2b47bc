import HostLibraries
import VAccelProtocol

// Operations and their results as messages between the agent and its workers, which are of the same build. Large arrays in
// regions, which both have, do not go along: only their places do.

extension WireBuffer {
    /// Adds an array: its bytes, or its place when it is large and in a region.
    fileprivate mutating func add(_ field: UInt64, array bytes: Bytes) {
        guard let lease = bytes.sharedLease else { return add(field, bytes) }
        add(field + Fields.places, packed: [Int64(lease.region.number), Int64(bytes.startIndex), Int64(bytes.count)])
    }
}

extension Bytes {
    /// The region of bytes that are not sent to the other side, but shared with it.
    var sharedLease: RegionLease? { count >= SharedRegion.page ? lease : nil }
}

extension Operation {
    /// The message for a worker.
    var encoded: WireBuffer {
        var message = WireBuffer()
        switch self {
        case .image(let task, let image):
            var part = WireBuffer()
            part.add(1, UInt64(task.rawValue))
            part.add(2, array: image)
            message.add(1, message: part)
        case .picture(let task, let image, let most):
            var part = WireBuffer()
            part.add(1, UInt64(task.rawValue))
            part.add(2, array: image)
            part.add(3, Int64(most))
            message.add(7, message: part)
        case .multiply(let product): message.add(2, message: product.encoded)
        case .arithmetic(let task): message.add(3, message: task.encoded)
        case .load(let model): message.add(4, message: model.encoded)
        case .unload(let key):
            var part = WireBuffer()
            part.add(1, key)
            message.add(5, message: part)
        case .run(let run): message.add(6, message: run.encoded)
        }
        return message
    }

    /// Reads a message whose arrays may be in these regions.
    init(_ bytes: Bytes, regions: [UInt32: RegionLease] = [:]) throws(WireError) {
        var reader = WireReader(bytes)
        guard let field = try reader.next() else { throw .truncated }
        let fields = try Fields(field.value.content, regions)
        switch field.number {
        case 1, 7:
            guard let task = ImageTask(rawValue: UInt8(truncatingIfNeeded: fields.number(1))) else { throw .malformed }
            let image = try fields.array(2)
            self = field.number == 1 ? .image(task, image) : .picture(task, image, bytes: Int(fields.number(3)))
        case 2: self = .multiply(try MatrixProduct(fields))
        case 3: self = .arithmetic(try ArrayTask(fields))
        case 4: self = .load(try Model(fields))
        case 5: self = .unload(key: fields.number(1))
        case 6: self = .run(try ModelRun(fields))
        default: throw .malformed
        }
    }
}

/// The fields of a message by their numbers.
struct Fields {
    /// What the number of a field with an array's place is above that of a field with an array.
    static let places: UInt64 = 64

    private var found: [(number: UInt64, value: WireReader.Value)] = []
    private let regions: [UInt32: RegionLease]

    init(_ bytes: Bytes, _ regions: [UInt32: RegionLease] = [:]) throws(WireError) {
        self.regions = regions
        var reader = WireReader(bytes)
        while let field = try reader.next() { found.append((field.number, field.value)) }
    }

    func number(_ field: UInt64) -> Int64 { found.last { $0.number == field }?.value.int64 ?? 0 }
    func text(_ field: UInt64) -> String { found.last { $0.number == field }?.value.text ?? "" }
    func all(_ field: UInt64) -> [WireReader.Value] { found.filter { $0.number == field }.map(\.value) }
    func float(_ field: UInt64) -> Float { Float(bitPattern: UInt32(truncatingIfNeeded: number(field))) }
    func int32(_ field: UInt64) -> Int32 { Int32(truncatingIfNeeded: number(field)) }

    /// A message within this one.
    func message(_ value: WireReader.Value) throws(WireError) -> Fields { try Fields(value.content, regions) }

    /// An array: empty when there is none.
    func array(_ field: UInt64) throws(WireError) -> Bytes { try arrays(field).last ?? [] }

    /// Arrays in their order.
    ///
    /// - Throws: ``WireError`` for a place that is in none of the regions.
    func arrays(_ field: UInt64) throws(WireError) -> [Bytes] {
        var arrays: [Bytes] = []
        for (number, value) in found {
            if number == field { arrays.append(value.content) }
            if number == field + Self.places { arrays.append(try bytes(at: value)) }
        }
        return arrays
    }

    private func bytes(at place: WireReader.Value) throws(WireError) -> Bytes {
        var numbers: [Int64] = []
        try place.append(to: &numbers, limit: 3)
        guard numbers.count == 3, let number = UInt32(exactly: numbers[0]), let lease = regions[number],
            let bytes = Bytes(lease, offset: Int(numbers[1]), count: Int(numbers[2]))
        else { throw .malformed }
        return bytes
    }
}

extension MatrixProduct {
    fileprivate var encoded: WireBuffer {
        var message = WireBuffer()
        for (field, number) in [(1, m), (2, n), (3, k), (4, lda), (5, ldb), (6, ldc)] as [(UInt64, Int32)] {
            message.add(field, Int64(number))
        }
        message.add(7, UInt64(alpha.bitPattern))
        message.add(8, UInt64(beta.bitPattern))
        message.add(9, array: a)
        message.add(10, array: b)
        // What is overwritten as a whole need not travel.
        if isOverwritten, c.sharedLease == nil {
            message.add(12, Int64(c.count))
        } else {
            message.add(11, array: c)
        }
        return message
    }

    /// Whether it does not matter what `c` held before.
    var isOverwritten: Bool { beta == 0 && ldc == n && c.count == Int(m) * Int(n) * 4 }

    fileprivate init(_ fields: Fields) throws(WireError) {
        let size = Int(fields.number(12))
        let c = size > 0 ? Bytes([UInt8](repeating: 0, count: size)) : try fields.array(11)
        self.init(
            m: fields.int32(1), n: fields.int32(2), k: fields.int32(3), alpha: fields.float(7), a: try fields.array(9),
            lda: fields.int32(4), b: try fields.array(10), ldb: fields.int32(5), beta: fields.float(8),
            c: c, ldc: fields.int32(6))
    }
}

extension ArrayTask {
    fileprivate var encoded: WireBuffer {
        var message = WireBuffer()
        func add(_ kind: UInt64, _ first: Bytes, _ second: Bytes = []) {
            message.add(1, kind)
            message.add(2, array: first)
            message.add(3, array: second)
        }
        switch self {
        case .minmax(let data, let count, let low, let high):
            add(1, data)
            message.add(4, Int64(count))
            message.add(5, Int64(low))
            message.add(6, Int64(high))
        case .copy(let data): add(2, data)
        case .multiply(let left, let right): add(3, left, right)
        case .parallel(let left, let right): add(4, left, right)
        case .add(let left, let right): add(5, left, right)
        }
        return message
    }

    fileprivate init(_ fields: Fields) throws(WireError) {
        let (first, second) = (try fields.array(2), try fields.array(3))
        switch fields.number(1) {
        case 1: self = .minmax(data: first, count: fields.int32(4), low: fields.int32(5), high: fields.int32(6))
        case 2: self = .copy(first)
        case 3: self = .multiply(first, second)
        case 4: self = .parallel(first, second)
        case 5: self = .add(first, second)
        default: throw .malformed
        }
    }
}

extension Model {
    fileprivate var encoded: WireBuffer {
        var message = WireBuffer()
        message.add(1, key)
        message.add(2, UInt64(interface.rawValue))
        for file in files {
            var part = WireBuffer()
            part.add(1, file.name)
            part.add(2, array: file.content)
            message.add(3, message: part)
        }
        return message
    }

    fileprivate init(_ fields: Fields) throws(WireError) {
        guard let interface = Interface(rawValue: UInt8(truncatingIfNeeded: fields.number(2))) else {
            throw .malformed
        }
        var files: [(name: String, content: Bytes)] = []
        for value in fields.all(3) {
            let file = try fields.message(value)
            files.append((file.text(1), try file.array(2)))
        }
        self.init(key: fields.number(1), interface: interface, files: files)
    }
}

extension ModelRun {
    fileprivate var encoded: WireBuffer {
        var message = WireBuffer()
        message.add(1, key)
        for tensor in inputs { message.add(2, message: tensor.encoded) }
        for name in inputNames { message.add(3, always: Bytes(Array(name.utf8))) }
        for name in outputNames { message.add(4, always: Bytes(Array(name.utf8))) }
        message.add(5, Int64(outputCount))
        return message
    }

    fileprivate init(_ fields: Fields) throws(WireError) {
        var inputs: [Tensor] = []
        for value in fields.all(2) { inputs.append(try Tensor(fields.message(value))) }
        self.init(
            key: fields.number(1), inputs: inputs, inputNames: fields.all(3).map(\.text),
            outputNames: fields.all(4).map(\.text), outputCount: Int(fields.number(5)))
    }
}

extension Tensor {
    fileprivate var encoded: WireBuffer {
        var message = WireBuffer()
        message.add(1, UInt64(element.rawValue))
        message.add(2, packed: dimensions)
        message.add(3, array: data)
        return message
    }

    fileprivate init(_ fields: Fields) throws(WireError) {
        guard let element = Element(rawValue: UInt8(truncatingIfNeeded: fields.number(1))) else { throw .malformed }
        var dimensions: [Int64] = []
        for value in fields.all(2) { try value.append(to: &dimensions, limit: 64) }
        self.init(element: element, dimensions: dimensions, data: try fields.array(3))
    }
}

/// What a worker answers: a result, or why there is none.
enum WorkerAnswer {
    case result(OperationResult)
    case error(OperationError)

    var encoded: WireBuffer {
        var message = WireBuffer()
        switch self {
        case .error(let error):
            message.add(1, Int64(error.errno))
            message.add(2, error.description)
        case .result(.done): message.add(3, 1 as UInt64)
        case .result(.image(let text, let name)):
            message.add(3, 2 as UInt64)
            message.add(4, text)
            message.add(5, name)
        case .result(.picture(let file)):
            message.add(3, 5 as UInt64)
            message.add(6, array: file)
        case .result(.arrays(let arrays)):
            message.add(3, 3 as UInt64)
            for array in arrays {
                if array.isEmpty { message.add(6, always: []) } else { message.add(6, array: array) }
            }
        case .result(.tensors(let tensors)):
            message.add(3, 4 as UInt64)
            for tensor in tensors { message.add(7, message: tensor.encoded) }
        }
        return message
    }

    /// Reads a message whose arrays may be in these regions. A worker is not trusted: what is no answer is an error.
    ///
    /// Arrays in regions are passed on as they are: the worker may write to them while they are on their way.
    init(_ bytes: Bytes, regions: [UInt32: RegionLease] = [:]) throws(WireError) {
        let fields = try Fields(bytes, regions)
        switch fields.number(3) {
        case 0:
            let errno = fields.int32(1)
            self = .error(OperationError(errno: (1...133).contains(errno) ? errno : 5, fields.text(2)))
        case 1: self = .result(.done)
        case 2: self = .result(.image(text: fields.text(4), imageName: fields.text(5)))
        case 3: self = .result(.arrays(try fields.arrays(6)))
        case 4:
            var tensors: [Tensor] = []
            for value in fields.all(7) { tensors.append(try Tensor(fields.message(value))) }
            self = .result(.tensors(tensors))
        case 5: self = .result(.picture(try fields.array(6)))
        default: throw .malformed
        }
    }
}

/// What the agent tells a worker about a region, in a frame of stream 0 beside the region's descriptor.
struct RegionNotice: Equatable {
    var number: UInt32
    var bytes: Int
    var purpose: SharedRegion.Purpose

    var encoded: WireBuffer {
        var message = WireBuffer()
        message.add(1, UInt64(number))
        message.add(2, Int64(bytes))
        message.add(3, UInt64(purpose.rawValue))
        return message
    }

    init(_ region: SharedRegion) { (number, bytes, purpose) = (region.number, region.count, region.purpose) }

    /// Reads a message.
    init(_ message: Bytes) throws(WireError) {
        let fields = try Fields(message)
        guard let purpose = SharedRegion.Purpose(rawValue: UInt8(truncatingIfNeeded: fields.number(3))) else {
            throw .malformed
        }
        self.purpose = purpose
        (number, bytes) = (UInt32(truncatingIfNeeded: fields.number(1)), Int(fields.number(2)))
    }
}
