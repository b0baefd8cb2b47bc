import VAccelProtocol

// Operations and their results as messages between the agent and its workers, which are of the same build.

extension Operation {
    /// The message for a worker.
    var encoded: WireBuffer {
        var message = WireBuffer()
        switch self {
        case .image(let task, let image):
            var part = WireBuffer()
            part.add(1, UInt64(task.rawValue))
            part.add(2, image)
            message.add(1, message: part)
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

    /// Reads a message.
    init(_ bytes: Bytes) throws(WireError) {
        var reader = WireReader(bytes)
        guard let field = try reader.next() else { throw .truncated }
        let fields = try Fields(field.value.content)
        switch field.number {
        case 1:
            guard let task = ImageTask(rawValue: UInt8(truncatingIfNeeded: fields.number(1))) else { throw .malformed }
            self = .image(task, fields.bytes(2))
        case 2: self = .multiply(MatrixProduct(fields))
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
    private var found: [(number: UInt64, value: WireReader.Value)] = []

    init(_ bytes: Bytes) throws(WireError) {
        var reader = WireReader(bytes)
        while let field = try reader.next() { found.append((field.number, field.value)) }
    }

    func number(_ field: UInt64) -> Int64 { found.last { $0.number == field }?.value.int64 ?? 0 }
    func bytes(_ field: UInt64) -> Bytes { found.last { $0.number == field }?.value.content ?? [] }
    func text(_ field: UInt64) -> String { String(decoding: bytes(field), as: UTF8.self) }
    func all(_ field: UInt64) -> [WireReader.Value] { found.filter { $0.number == field }.map(\.value) }
    func float(_ field: UInt64) -> Float { Float(bitPattern: UInt32(truncatingIfNeeded: number(field))) }
    func int32(_ field: UInt64) -> Int32 { Int32(truncatingIfNeeded: number(field)) }
}

extension MatrixProduct {
    fileprivate var encoded: WireBuffer {
        var message = WireBuffer()
        for (field, number) in [(1, m), (2, n), (3, k), (4, lda), (5, ldb), (6, ldc)] as [(UInt64, Int32)] {
            message.add(field, Int64(number))
        }
        message.add(7, UInt64(alpha.bitPattern))
        message.add(8, UInt64(beta.bitPattern))
        message.add(9, a)
        message.add(10, b)
        // What is overwritten as a whole need not travel.
        if isOverwritten { message.add(12, Int64(c.count)) } else { message.add(11, c) }
        return message
    }

    private var isOverwritten: Bool { beta == 0 && ldc == n && c.count == Int(m) * Int(n) * 4 }

    fileprivate init(_ fields: Fields) {
        let size = Int(fields.number(12))
        let c = size > 0 ? Array(repeating: 0, count: size)[...] : fields.bytes(11)
        self.init(
            m: fields.int32(1), n: fields.int32(2), k: fields.int32(3), alpha: fields.float(7), a: fields.bytes(9),
            lda: fields.int32(4), b: fields.bytes(10), ldb: fields.int32(5), beta: fields.float(8),
            c: c, ldc: fields.int32(6))
    }
}

extension ArrayTask {
    fileprivate var encoded: WireBuffer {
        var message = WireBuffer()
        func add(_ kind: UInt64, _ first: Bytes, _ second: Bytes = []) {
            message.add(1, kind)
            message.add(2, first)
            message.add(3, second)
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
        let (first, second) = (fields.bytes(2), fields.bytes(3))
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
            part.add(2, file.content)
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
            let file = try Fields(value.content)
            files.append((file.text(1), file.bytes(2)))
        }
        self.init(key: fields.number(1), interface: interface, files: files)
    }
}

extension ModelRun {
    fileprivate var encoded: WireBuffer {
        var message = WireBuffer()
        message.add(1, key)
        for tensor in inputs { message.add(2, message: tensor.encoded) }
        for name in inputNames { message.add(3, always: Array(name.utf8)[...]) }
        for name in outputNames { message.add(4, always: Array(name.utf8)[...]) }
        message.add(5, Int64(outputCount))
        return message
    }

    fileprivate init(_ fields: Fields) throws(WireError) {
        var inputs: [Tensor] = []
        for value in fields.all(2) { inputs.append(try Tensor(value.content)) }
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
        message.add(3, data)
        return message
    }

    fileprivate init(_ bytes: Bytes) throws(WireError) {
        let fields = try Fields(bytes)
        guard let element = Element(rawValue: UInt8(truncatingIfNeeded: fields.number(1))) else { throw .malformed }
        var dimensions: [Int64] = []
        for value in fields.all(2) { try value.append(to: &dimensions, limit: 64) }
        self.init(element: element, dimensions: dimensions, data: fields.bytes(3))
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
        case .result(.arrays(let arrays)):
            message.add(3, 3 as UInt64)
            for array in arrays { message.add(6, always: array) }
        case .result(.tensors(let tensors)):
            message.add(3, 4 as UInt64)
            for tensor in tensors { message.add(7, message: tensor.encoded) }
        }
        return message
    }

    /// Reads a message. A worker is not trusted: what is no answer is an error.
    init(_ bytes: Bytes) throws(WireError) {
        let fields = try Fields(bytes)
        switch fields.number(3) {
        case 0:
            let errno = fields.int32(1)
            self = .error(OperationError(errno: (1...133).contains(errno) ? errno : 5, fields.text(2)))
        case 1: self = .result(.done)
        case 2: self = .result(.image(text: fields.text(4), imageName: fields.text(5)))
        case 3: self = .result(.arrays(fields.all(6).map(\.content)))
        case 4:
            var tensors: [Tensor] = []
            for value in fields.all(7) { tensors.append(try Tensor(value.content)) }
            self = .result(.tensors(tensors))
        default: throw .malformed
        }
    }
}
