public import HostLibraries

/// A file of a resource, in memory.
public struct Blob: Equatable, Sendable {
    /// What the guest calls it: a label, never a path.
    public var name: String
    /// The content.
    public var content: Bytes
    /// How many bytes the guest says there are.
    public var size: UInt32

    /// Creates a whole blob.
    public init(name: String, content: Bytes) {
        (self.name, self.content) = (name, content)
        size = UInt32(truncatingIfNeeded: content.count)
    }
}

/// The message that creates a resource and registers it with a session.
public struct Registration: Equatable, Sendable {
    /// Whether the guest wants the agent to open a path or a URL of the agent's side.
    public var hasPaths = false
    /// The resource's files.
    public var blobs: [Blob] = []
    /// 0 for a library, 1 for data, 2 for a model.
    public var type: UInt32 = 0
    /// 0 for a new resource.
    public var resource: Int64 = 0
    /// 0 for none, which only the oldest generation has.
    public var session: Int64 = 0
    /// Whether nothing but a resource is created: the oldest generation has a call of its own for that.
    public var onlyCreates = false

    init(_ bytes: Bytes, _ generation: Generation) throws(WireError) {
        var reader = WireReader(bytes)
        while let field = try reader.next() {
            switch (field.number, generation) {
            case (1, .vaccelAgent): resource = field.value.int64
            case (2, .vaccelAgent): session = field.value.int64
            case (1, _): hasPaths = true
            case (2, _):
                guard blobs.count < Most.blobs else { throw .tooMany(Most.blobs) }
                blobs.append(try Blob(field.value.content, generation))
            case (3, _): type = field.value.uint32
            case (4, _): resource = field.value.int64
            case (5, _): session = field.value.int64
            default: break
            }
        }
    }

    /// Reads the oldest generation's CreateResource: one message for each kind of resource, each of up to three files.
    ///
    /// In 2022 shared objects had another number and files of Caffe models began with 2; content is what counts here.
    init(creating bytes: Bytes) throws(WireError) {
        onlyCreates = true
        type = 2
        var reader = WireReader(bytes)
        while let field = try reader.next() {
            blobs = []
            var files = WireReader(field.value.content)
            while let file = try files.next() {
                guard blobs.count < Most.blobs else { throw .tooMany(Most.blobs) }
                blobs.append(Blob(name: "", content: file.value.content))
            }
        }
    }
}

extension Blob {
    init(_ bytes: Bytes, _ generation: Generation) throws(WireError) {
        self.init(name: "", content: [])
        let (data, size): (UInt64, UInt64) = generation == .current ? (3, 4) : (4, 5)
        let label: UInt64 = generation == .current ? 2 : 1
        var reader = WireReader(bytes)
        while let field = try reader.next() {
            switch field.number {
            case data: content = field.value.content
            case size: self.size = field.value.uint32
            case label: name = field.value.text
            default: break
            }
        }
    }
}
