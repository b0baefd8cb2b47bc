import HostLibraries
import VAccelProtocol

/// A generic call understood: which operation it is, and how its result goes into the arguments to be written.
///
/// See vAccel's `op.h` for the numbers and `src/ops` for the arguments. The guest's client copies what comes back into the
/// application's memory without a check: every argument keeps its size.
struct GenericOperation {
    /// What is to be done.
    let operation: Operation
    private let write: [Argument]
    private let isUntyped: Bool
    private let results: ([Int], OperationResult) throws(CallFailure) -> [Bytes]

    /// Understands a call.
    ///
    /// - Throws: ``CallFailure`` with `EINVAL` for arguments that do not fit the operation, `ENOTSUP` for an operation
    ///   that is never carried out.
    init(_ call: GenericCall, _ generation: Generation) throws(CallFailure) {
        let isCurrent = generation == .current
        for argument in call.read + call.write where argument.content.count != Int(argument.size) || argument.parts > 1
        {
            throw Self.invalid
        }
        let reader = ArgumentReader(call.read.dropFirst(), checksKinds: isCurrent)
        guard let first = call.read.first else { throw Self.invalid }
        let number = try Self.operationNumber(first, isCurrent: isCurrent)
        let sizes = call.write.map(\.content.count)
        switch try OperationNumber(number, isCurrent: isCurrent) {
        case .image(let task):
            (operation, results) = try Self.image(task, reader, call.write, isCurrent)
        case .multiply:
            (operation, results) = try Self.multiply(reader, call.write)
        case .minmax: (operation, results) = try Self.minmax(reader, sizes)
        case .copy:
            let data = try reader.array(0, count: 1)
            guard sizes == [data.count] else { throw Self.invalid }
            (operation, results) = (.arithmetic(.copy(data)), Self.arrays)
        case .matrices:
            let (left, right) = (try reader.array(0, count: 2), try reader.array(1, count: 2))
            let side = Int((Double(left.count) / 4).squareRoot())
            guard left.count == right.count, sizes == [left.count], side * side * 4 == left.count else {
                throw Self.invalid
            }
            (operation, results) = (.arithmetic(.multiply(left, right)), Self.arrays)
        case .parallel, .add:
            let (left, right) = (try reader.array(0, count: 2), try reader.array(1, count: 2))
            let isParallel = sizes.count == 2
            guard left.count == right.count, left.count % 4 == 0, sizes.allSatisfy({ $0 == left.count }),
                isParallel == (try OperationNumber(number, isCurrent: isCurrent) == .parallel)
            else { throw Self.invalid }
            operation = .arithmetic(isParallel ? .parallel(left, right) : .add(left, right))
            results = Self.arrays
        }
        (write, isUntyped) = (call.write, call.isUntyped)
    }

    static var invalid: CallFailure { .operation(errno: 22) }

    /// The answer: the arguments to be written with their new content.
    func reply(_ result: OperationResult) throws(CallFailure) -> Reply {
        let contents = try results(write.map(\.content.count), result)
        guard contents.count == write.count else { throw .operation(errno: 5) }
        var answered: [Argument] = []
        for (argument, content) in zip(write, contents) {
            guard content.count == argument.content.count else { throw .operation(errno: 5) }
            var argument = argument
            argument.content = content
            answered.append(argument)
        }
        return .arguments(answered, isUntyped: isUntyped)
    }

    private static func operationNumber(_ argument: Argument, isCurrent: Bool) throws(CallFailure) -> UInt64 {
        if isCurrent {
            guard argument.kind == Argument.Kind.uint8, argument.content.count == 1 else { throw invalid }
        } else if argument.content.count != 4, argument.content.count != 8, argument.content.count != 1 {
            throw invalid
        }
        return argument.content.littleEndian
    }

    private static func arrays(_ sizes: [Int], _ result: OperationResult) throws(CallFailure) -> [Bytes] {
        guard case .arrays(let arrays) = result else { throw .operation(errno: 5) }
        return arrays
    }

    /// What an array begins with that is to be filled with a picture, not with words: a media type and its NUL.
    private static let pictureMark = Array("image/png".utf8) + [0]

    private typealias Understood = (Operation, ([Int], OperationResult) throws(CallFailure) -> [Bytes])

    private static func image(
        _ task: ImageTask, _ reader: ArgumentReader, _ write: [Argument], _ isCurrent: Bool
    ) throws(CallFailure) -> Understood {
        let image = try reader.image()
        let expected = task == .classify ? 2 : 1
        guard write.count == expected,
            !isCurrent || write.allSatisfy({ $0.kind == Argument.Kind.ucharArray })
        else { throw invalid }
        if task != .classify, let answer = write.first?.content, answer.starts(with: pictureMark) {
            return (
                .picture(task, image, bytes: answer.count),
                { (_, result) throws(CallFailure) in
                    guard case .picture(let file) = result else { throw .operation(errno: 5) }
                    return [file]
                }
            )
        }
        return (
            .image(task, image),
            { (sizes, result) throws(CallFailure) in
                guard case .image(let text, let name) = result else { throw .operation(errno: 5) }
                // Of late the name comes first, before that the text did.
                let texts = task != .classify ? [name] : isCurrent ? [name, text] : [text, name]
                return zip(texts, sizes).map { Bytes(text: $0, size: $1) }
            }
        )
    }

    private static func multiply(_ reader: ArgumentReader, _ write: [Argument]) throws(CallFailure) -> Understood {
        guard let c = write.first, write.count == 1 else { throw invalid }
        return (.multiply(try reader.product(c)), arrays)
    }

    private static func minmax(_ reader: ArgumentReader, _ sizes: [Int]) throws(CallFailure) -> Understood {
        let data = try reader.array(0, count: 4)
        let numbers = [try reader.int32(1), try reader.int32(2), try reader.int32(3)]
        guard numbers[0] >= 1, Int(numbers[0]) * 8 == data.count, sizes == [data.count, 8, 8] else { throw invalid }
        return (.arithmetic(.minmax(data: data, count: numbers[0], low: numbers[1], high: numbers[2])), arrays)
    }
}

/// The operations that are carried out, by the two tables of numbers.
private enum OperationNumber: Equatable {
    case image(ImageTask)
    case multiply, minmax, copy, matrices, parallel, add

    init(_ number: UInt64, isCurrent: Bool) throws(CallFailure) {
        let known: Self? =
            switch (number, isCurrent) {
            case (3, true), (2, false): .image(.classify)
            case (4, true), (3, false): .image(.detect)
            case (5, true), (4, false): .image(.segment)
            case (6, true), (5, false): .image(.pose)
            case (7, true), (6, false): .image(.depth)
            case (17, true), (1, false): .multiply
            case (22, true), (15, false): .minmax
            case (18, true), (16, false): .copy
            case (19, true), (17, false): .matrices
            case (20, true), (18, false): .parallel
            case (21, true), (19, false): .add
            default: nil
            }
        // Never carried out here: code of the guest (EXEC, OPENCV), and models, which have calls of their own.
        let refused: [UInt64] = isCurrent ? [1, 2] + Array(8...16) + [23] : [7] + Array(8...14) + Array(20...26)
        guard let known else { throw .operation(errno: refused.contains(number) ? 95 : 22) }
        self = known
    }
}

/// Reads arguments after the operation's number.
private struct ArgumentReader {
    private let arguments: [Argument]
    private let checksKinds: Bool

    init(_ arguments: ArraySlice<Argument>, checksKinds: Bool) {
        self.arguments = Array(arguments)
        self.checksKinds = checksKinds
    }

    private func argument(_ index: Int, kind: UInt64?) throws(CallFailure) -> Bytes {
        guard index < arguments.count else { throw GenericOperation.invalid }
        if checksKinds, let kind, arguments[index].kind != kind { throw GenericOperation.invalid }
        return arguments[index].content
    }

    private func expect(_ count: Int) throws(CallFailure) {
        guard arguments.count == count else { throw GenericOperation.invalid }
    }

    /// The only argument, an image.
    func image() throws(CallFailure) -> Bytes {
        try expect(1)
        return try argument(0, kind: Argument.Kind.buffer)
    }

    /// An array of one of `count` arguments. Its kind is not looked at, as upstream does not.
    func array(_ index: Int, count: Int) throws(CallFailure) -> Bytes {
        try expect(count)
        return try argument(index, kind: nil)
    }

    /// A number of four bytes, of any kind.
    func int32(_ index: Int) throws(CallFailure) -> Int32 {
        let bytes = try argument(index, kind: nil)
        guard bytes.count == 4 else { throw GenericOperation.invalid }
        return Int32(truncatingIfNeeded: bytes.littleEndian)
    }

    private func dimension(_ index: Int) throws(CallFailure) -> Int32 {
        let bytes = try argument(index, kind: Argument.Kind.int64)
        guard bytes.count == 8 || (!checksKinds && bytes.count == 4),
            let number = Int32(exactly: bytes.littleEndian), number > 0
        else { throw GenericOperation.invalid }
        return number
    }

    private func float(_ index: Int) throws(CallFailure) -> Float {
        let bytes = try argument(index, kind: Argument.Kind.float32)
        guard bytes.count == 4 else { throw GenericOperation.invalid }
        return Float(bitPattern: UInt32(truncatingIfNeeded: bytes.littleEndian))
    }

    /// The arguments of SGEMM. Until release 0.6 there were none for the distances of rows.
    func product(_ c: Argument) throws(CallFailure) -> MatrixProduct {
        let isShort = !checksKinds && arguments.count == 7
        try expect(isShort ? 7 : 10)
        let (m, n, k) = (try dimension(0), try dimension(1), try dimension(2))
        let array = Argument.Kind.float32Array
        guard !checksKinds || c.kind == array else { throw GenericOperation.invalid }
        let product = MatrixProduct(
            m: m, n: n, k: k, alpha: try float(3), a: try argument(4, kind: array),
            lda: isShort ? k : try dimension(5), b: try argument(isShort ? 5 : 6, kind: array),
            ldb: isShort ? n : try dimension(7), beta: try float(isShort ? 6 : 8), c: c.content,
            ldc: isShort ? n : try dimension(9))
        guard Self.fits(product.a, m, k, product.lda), Self.fits(product.b, k, n, product.ldb),
            Self.fits(product.c, m, n, product.ldc)
        else { throw GenericOperation.invalid }
        return product
    }

    /// Whether a matrix lies within its bytes: all rows but the last have the full distance.
    private static func fits(_ bytes: Bytes, _ rows: Int32, _ columns: Int32, _ distance: Int32) -> Bool {
        distance >= columns && bytes.count % 4 == 0
            && (Int(rows) - 1) * Int(distance) + Int(columns) <= bytes.count / 4
    }
}

extension Bytes {
    /// Up to eight bytes as a number, the lowest first.
    var littleEndian: UInt64 { reversed().reduce(0) { $0 << 8 | UInt64($1) } }

    /// A text in `size` bytes: cut before its last byte, so that there is a NUL, and filled with more of them.
    init(text: String, size: Int) {
        var bytes = Array(text.utf8.prefix(Swift.max(0, size - 1)))
        bytes += Array(repeating: 0, count: size - bytes.count)
        self.init(bytes)
    }
}
