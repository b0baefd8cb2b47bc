public import HostLibraries

/// An ONNX file that refers to nothing outside itself.
///
/// The format lets a tensor's numbers be in another file, whose name the model gives, or at an address of the process:
/// ONNX Runtime would open the one and read the other. A model comes from a guest, so one that has such a tensor is
/// refused here, before the library sees it. Fields are those of onnx.proto.
public struct ModelFile: Sendable {
    /// The file.
    public let bytes: [UInt8]

    /// The largest model that is taken: 1 GiB.
    public static let mostBytes = 1 << 30

    /// Checks a file.
    ///
    /// - Throws: ``HostLibraries/LibraryError`` of kind `EINVAL` when it is no ONNX model or refers to something else.
    public init(_ bytes: [UInt8]) throws(LibraryError) {
        guard !bytes.isEmpty, bytes.count <= Self.mostBytes else {
            throw .invalid("a model of \(bytes.count) bytes")
        }
        var graphs = 0
        try walk(bytes.span, as: .model, depth: 0, graphs: &graphs)
        guard graphs > 0 else { throw .invalid("the model has no graph, so it is no ONNX model") }
        self.bytes = bytes
    }
}

/// The messages of onnx.proto that can hold a tensor.
private enum Message {
    case model, training, function, graph, node, attribute, tensor, sparseTensor

    /// What is inside the field with this number; nil for what cannot hold a tensor.
    func content(of field: UInt64) -> Message? {
        switch (self, field) {
        case (.model, 7), (.training, 1), (.training, 2), (.attribute, 6), (.attribute, 11): .graph
        case (.model, 20): .training
        case (.model, 25): .function
        case (.function, 7), (.graph, 1): .node
        case (.function, 11), (.node, 5): .attribute
        case (.graph, 5), (.attribute, 5), (.attribute, 10), (.sparseTensor, 1), (.sparseTensor, 2): .tensor
        case (.graph, 15), (.attribute, 22), (.attribute, 23): .sparseTensor
        default: nil
        }
    }
}

private func walk(_ bytes: Span<UInt8>, as message: Message, depth: Int, graphs: inout Int) throws(LibraryError) {
    guard depth < 100 else { throw .invalid("the model is nested more than 100 deep") }
    var place = 0
    while place < bytes.count {
        let tag = try number(bytes, &place)
        // Readers keep the lower 32 bits; what has more is written to be read in two ways.
        guard tag >> 32 == 0, tag >> 3 != 0 else { throw malformed(place) }
        let field = tag >> 3
        switch tag & 7 {
        case 0:
            let value = try number(bytes, &place)
            if message == .tensor, field == 14, value != 0 { throw outside }
        case 1: try skip(8, bytes, &place)
        case 5: try skip(4, bytes, &place)
        case 2:
            let size = try number(bytes, &place)
            guard size <= UInt64(bytes.count - place) else { throw malformed(place) }
            let end = place + Int(size)
            if message == .tensor, field == 13 { throw outside }
            if let content = message.content(of: field) {
                if content == .graph { graphs += 1 }
                try walk(bytes.extracting(place..<end), as: content, depth: depth + 1, graphs: &graphs)
            }
            place = end
        default: throw malformed(place)
        }
    }
}

private let outside = LibraryError.invalid("the model keeps numbers outside its file, which is not followed")

private func malformed(_ place: Int) -> LibraryError {
    .invalid("the model is no ONNX model: malformed \(place) bytes into a message")
}

private func skip(_ count: Int, _ bytes: Span<UInt8>, _ place: inout Int) throws(LibraryError) {
    guard bytes.count - place >= count else { throw malformed(place) }
    place += count
}

/// A number of up to 64 bits, seven in each byte.
private func number(_ bytes: Span<UInt8>, _ place: inout Int) throws(LibraryError) -> UInt64 {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 70, by: 7) {
        guard place < bytes.count else { throw malformed(place) }
        let byte = bytes[place]
        place += 1
        value |= UInt64(byte & 0x7F) << shift
        if byte < 0x80 { return value }
    }
    throw malformed(place)
}
