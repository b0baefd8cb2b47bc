/// Which bytes of a Solo5 binary go where in the guest's memory, all rules checked.
public struct Solo5LoadPlan: Equatable, Sendable {
    /// One range of guest memory with its contents and protection.
    public struct Region: Equatable, Sendable {
        /// Where the bytes begin in the file.
        public let fileOffset: UInt64
        /// How many bytes come from the file.
        public let fileSize: UInt64
        /// The guest address of the first of them.
        public let address: UInt64
        /// The first address the protection applies to, a multiple of the page size.
        public let start: UInt64
        /// The first address behind it, a multiple of the page size; what the file does not fill is zero.
        public let end: UInt64
        /// Whether the guest may read, write or execute there; never both of the latter.
        public let readable, writable, executable: Bool
    }

    /// The regions in ascending order; they do not overlap.
    public let regions: [Region]
    /// Where execution begins: an address in an executable region.
    public let entry: UInt64
    /// The first address behind the last region: `kernel_end` of the boot information.
    public let end: UInt64
}

extension Solo5Binary {
    /// Works out where the binary's segments go in a guest with `memoryBytes` of memory.
    ///
    /// The rules are those of Solo5's loader. Segments without bytes in the file are zeroed memory (.bss) and obey the
    /// same rules; Solo5's loader passes them over, and such a guest then fails while it runs.
    /// - Throws: ``Solo5Error`` that names the segment and the rule it breaks.
    public func loadPlan(memoryBytes: UInt64) throws(Solo5Error) -> Solo5LoadPlan {
        guard type == 2 else { throw .notExecutable(type) }
        var regions: [Solo5LoadPlan.Region] = []
        var end = Self.lowestAddress
        for segment in segments where segment.header.memorySize > 0 || segment.header.fileSize > 0 {
            let region = try region(segment.index, segment.header, above: end, memoryBytes: memoryBytes)
            regions.append(region)
            end = region.end
        }
        guard !regions.isEmpty else { throw .nothingToLoad }
        guard regions.contains(where: { $0.executable && $0.start <= entry && entry < $0.end }) else {
            throw .entryNotExecutable(entry)
        }
        return Solo5LoadPlan(regions: regions, entry: entry, end: end)
    }

    private func region(
        _ index: Int, _ header: ELFImage.Segment, above floor: UInt64, memoryBytes: UInt64
    ) throws(Solo5Error) -> Solo5LoadPlan.Region {
        let alignment = header.alignment
        guard alignment.nonzeroBitCount == 1 else { throw .segment(index, .alignment(alignment)) }
        guard header.memorySize >= header.fileSize else { throw .segment(index, .memoryBelowFile) }
        guard let fileEnd = header.fileOffset.adding(header.fileSize), header.fileSize == 0 || fileEnd <= fileSize
        else {
            throw .segment(index, .outsideFile)
        }
        let start = header.address & ~(alignment - 1)
        guard start >= Self.lowestAddress else { throw .segment(index, .tooLow(start)) }
        guard let end = header.address.adding(header.memorySize)?.rounded(upTo: alignment), end <= memoryBytes else {
            throw .segment(index, .outsideMemory(memoryBytes))
        }
        guard start >= floor else { throw .segment(index, .overlap) }
        guard start % 4096 == 0, end % 4096 == 0 else { throw .segment(index, .notOnPages) }
        let (executable, writable) = (header.flags & 1 != 0, header.flags & 2 != 0)
        guard !(executable && writable) else { throw .segment(index, .writableAndExecutable) }
        return Solo5LoadPlan.Region(
            fileOffset: header.fileOffset, fileSize: header.fileSize, address: header.address, start: start, end: end,
            readable: header.flags & 4 != 0, writable: writable, executable: executable)
    }
}
