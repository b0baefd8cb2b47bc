extension ELFImage {
    /// One note: who wrote it, what it is, and its bytes.
    public struct Note: Equatable, Sendable {
        /// The owner without its terminating NUL: `Solo5`, `GNU`, `Xen`. Bytes that are not UTF-8 become U+FFFD.
        public let name: String
        /// `n_type`, whose meaning depends on the owner.
        public let type: UInt32
        /// The descriptor's bytes; they begin at the next multiple of four after the name.
        public let descriptor: [UInt8]

        /// Creates a note.
        public init(name: String, type: UInt32, descriptor: [UInt8]) {
            self.name = name
            self.type = type
            self.descriptor = descriptor
        }
    }

    /// The notes of one owner and type.
    public func notes(named name: String, type: UInt32) -> [Note] {
        notes.filter { $0.type == type && $0.name == name }
    }

    /// Walks every PT_NOTE segment; Solo5's own loader looks at the first note of each only.
    static func notes(of source: some ByteSource, in segments: [Segment]) throws -> [Note] {
        var notes: [Note] = []
        var total: UInt64 = 0
        for (index, segment) in segments.enumerated() where segment.type == Segment.note && segment.fileSize > 0 {
            guard let end = segment.fileOffset.adding(segment.fileSize), end <= source.size else {
                throw ELFError.segmentOutsideFile(index: index, fileSize: source.size)
            }
            total = total.adding(segment.fileSize) ?? .max
            guard total <= Limits.noteBytes else { throw ELFError.notesTooLarge }
            let bytes = try source.read(at: segment.fileOffset, count: Int(segment.fileSize))
            guard bytes.count == Int(segment.fileSize) else {
                throw ELFError.truncated(part: "notes", offset: segment.fileOffset + UInt64(bytes.count))
            }
            try append(notesIn: bytes, alignment: segment.alignment == 8 ? 8 : 4, segment: index, to: &notes)
        }
        return notes
    }

    private static func append(
        notesIn bytes: [UInt8], alignment: Int, segment: Int, to notes: inout [Note]
    ) throws(ELFError) {
        var position = 0
        while position < bytes.count {
            guard let nameSize = bytes.number(UInt32.self, at: position),
                let size = bytes.number(UInt32.self, at: position + 4),
                let type = bytes.number(UInt32.self, at: position + 8)
            else {
                // A linker pads the segment's end; anything else there is a note cut short.
                guard bytes[position...].allSatisfy({ $0 == 0 }) else { throw .noteOutsideSegment(segment: segment) }
                return
            }
            let nameStart = position + 12
            // 32-bit sizes, so none of these sums leaves Int; the sizes are compared before anything is sliced.
            let start = nameStart + (Int(nameSize) + 3) & ~3
            let end = start + Int(size)
            guard nameStart + Int(nameSize) <= bytes.count, size == 0 || end <= bytes.count else {
                throw .noteOutsideSegment(segment: segment)
            }
            if nameSize > 0 || size > 0 {
                guard notes.count < Limits.notes else { throw .tooManyNotes }
                let name = bytes[nameStart..<nameStart + Int(nameSize)].prefix { $0 != 0 }
                notes.append(
                    Note(
                        name: String(decoding: name, as: UTF8.self), type: type,
                        descriptor: size == 0 ? [] : [UInt8](bytes[start..<end])))
            }
            position = (end + alignment - 1) & ~(alignment - 1)
        }
    }
}
