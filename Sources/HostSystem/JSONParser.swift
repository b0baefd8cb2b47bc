import CJSON

/// A text that is not JSON: where, and why.
public struct JSONError: Error, Equatable, CustomStringConvertible {
    /// What was parsed: a file name, as a user knows it.
    public let document: String
    /// Bytes before the place.
    public let offset: Int
    /// The line of the place, from 1.
    public let line: Int
    /// The column of the place in bytes, from 1.
    public let column: Int
    /// What is wrong there, in json-c's words where json-c found it.
    public let reason: String

    init(_ bytes: [UInt8], _ offset: Int, _ reason: String, in document: String) {
        let before = bytes.prefix(offset)
        self.document = document
        self.offset = offset
        line = 1 + before.count { $0 == UInt8(ascii: "\n") }
        column = 1 + offset - ((before.lastIndex(of: UInt8(ascii: "\n")) ?? -1) + 1)
        self.reason = reason
    }

    /// `config.json:3:14: quoted object property name expected`
    public var description: String { "\(document):\(line):\(column): \(reason)" }
}

/// How deep arrays and objects may nest; a config.json needs eight.
public let jsonDepthLimit = 128

/// Parses one JSON text (RFC 8259) in UTF-8 through json-c; `named` is the document's name in an error.
///
/// Of members with the same key the last one counts, at the place of the first, as Go's decoder has it. An escaped
/// surrogate without its partner becomes U+FFFD, also as in Go. Throws where the text is not JSON, nests deeper than
/// `jsonDepthLimit`, has an integer beyond 64 bits or a NUL in a key, or is followed by anything but white space.
public func parseJSON(_ bytes: [UInt8], named document: String) throws(JSONError) -> JSONValue {
    do throws(JSONFault) {
        if let fault = JSONLexicalCheck.firstFault(in: bytes) { throw fault }
        return try JSONTree(parsing: bytes).value
    } catch {
        throw JSONError(bytes, error.offset, error.reason, in: document)
    }
}

/// A place and what is wrong there.
struct JSONFault: Error {
    let offset: Int
    let reason: String
}

/// json-c's tree of one text: owns the only reference to it and puts it back.
@safe private struct JSONTree: ~Copyable {
    /// Nil is json-c's `null`.
    private let root: OpaquePointer?

    init(parsing bytes: [UInt8]) throws(JSONFault) {
        guard let length = Int32(exactly: bytes.count) else { throw JSONFault(offset: 0, reason: "longer than 2 GiB") }
        // SAFETY: here and below: a new tokener, checked for nil and freed on every path.
        guard let tokener = unsafe json_tokener_new_ex(Int32(jsonDepthLimit)) else {
            throw JSONFault(offset: 0, reason: "out of memory")
        }
        // SAFETY: the tokener is ours and not used afterwards; the tree does not depend on it.
        defer { unsafe json_tokener_free(tokener) }
        unsafe json_tokener_set_flags(tokener, JSON_TOKENER_STRICT)
        // SAFETY: json-c reads exactly `length` bytes of the buffer and keeps no pointer into it.
        var tree = unsafe bytes.withUnsafeBytes { buffer -> OpaquePointer? in
            unsafe json_tokener_parse_ex(tokener, buffer.baseAddress?.assumingMemoryBound(to: CChar.self), length)
        }
        // SAFETY: here and below: the same live tokener.
        var offset = Int(unsafe json_tokener_get_parse_end(tokener))
        if unsafe json_tokener_get_error(tokener) == json_tokener_continue {
            // A number, or a text cut short: json-c learns by a NUL that nothing follows.
            unsafe tree = json_tokener_parse_ex(tokener, "", 1)
            offset = bytes.count
        }
        let error = unsafe json_tokener_get_error(tokener)
        guard error == json_tokener_success else {
            // SAFETY: json-c returns no tree with an error, and a constant string as its description.
            throw JSONFault(offset: offset, reason: unsafe String(cString: json_tokener_error_desc(error)))
        }
        unsafe root = tree
    }

    deinit {
        // SAFETY: the only reference; no value keeps a pointer into the tree.
        _ = unsafe json_object_put(root)
    }

    var value: JSONValue {
        // SAFETY: the tree lives as long as self and is not changed.
        unsafe HostSystem.value(of: root)
    }
}

/// The Swift value of a json-c node; nil is json-c's `null`. Recursion is bounded by `jsonDepthLimit`.
private func value(of node: OpaquePointer?) -> JSONValue {
    guard let node = unsafe node else { return .null }
    // SAFETY: here and below: a live node, asked only for what its type says it is.
    switch unsafe json_object_get_type(node) {
    case json_type_boolean: return .bool(unsafe json_object_get_boolean(node) != 0)
    case json_type_double: return .number(unsafe json_object_get_double(node))
    case json_type_int:
        let signed = unsafe json_object_get_int64(node)
        // json-c keeps numbers above Int64.max as uint64 and saturates them here.
        guard signed == .max else { return .integer(signed) }
        return JSONValue(unsafe json_object_get_uint64(node))
    case json_type_string: return .string(unsafe string(of: node))
    case json_type_array:
        let count = unsafe json_object_array_length(node)
        var elements: [JSONValue] = []
        elements.reserveCapacity(count)
        for index in 0..<count { elements.append(unsafe value(of: json_object_array_get_idx(node, index))) }
        return .array(elements)
    case json_type_object: return .object(unsafe object(of: node))
    default: return .null
    }
}

private func string(of node: OpaquePointer) -> String {
    let length = Int(unsafe json_object_get_string_len(node))
    // SAFETY: json-c gives a buffer of exactly that length, which lives as long as the node and is copied here.
    guard let text = unsafe json_object_get_string(node) else { return "" }
    return unsafe String(decoding: UnsafeRawBufferPointer(start: text, count: length), as: UTF8.self)
}

private func object(of node: OpaquePointer) -> JSONObject {
    // SAFETY: a live object node; its table's entries are linked in the order they were added and have C-string keys.
    guard let table = unsafe json_object_get_object(node) else { return JSONObject() }
    var members: [(key: String, value: JSONValue)] = []
    members.reserveCapacity(Int(unsafe table.pointee.count))
    var next = unsafe table.pointee.head
    while let entry = unsafe next {
        let key = unsafe String(cString: entry.pointee.k.assumingMemoryBound(to: CChar.self))
        members.append((key, unsafe value(of: entry.pointee.v.map { OpaquePointer($0) })))
        unsafe next = entry.pointee.next
    }
    return JSONObject(members)
}
