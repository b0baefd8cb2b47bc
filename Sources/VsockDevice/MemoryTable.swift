internal import CLinux
internal import HostSystem

/// Memory of this process that belongs to a guest. Only ``MemoryTable`` makes ranges, of memory that it has mapped.
typealias MemoryRange = lx_range

/// A range of the guest's memory as the front-end describes it. See vhost-user.rst of QEMU, "Memory region description".
struct MemoryRegion: Equatable {
    /// The guest's address of its first byte.
    var guestAddress: UInt64
    /// Bytes.
    var size: UInt64
    /// The front-end's own address of its first byte, by which it names rings.
    var frontEndAddress: UInt64
    /// Where it begins in its file.
    var offset: UInt64
}

/// The guest's memory that the front-end shares, mapped here: nothing else is ever read or written for a guest.
final class MemoryTable {
    fileprivate struct Mapping {
        let region: MemoryRegion
        /// This process's address of the region's first byte.
        let base: UInt
        let mapped: (address: UInt, size: Int)
    }

    /// VHOST_MEMORY_BASELINE_NREGIONS
    static let mostRegions = 8
    private static let pageSize: UInt64 = 4096

    private var mappings: [Mapping] = []
    /// Where the last address was found: the next one most likely is there too.
    private var recent = 0

    /// An empty table.
    init() {}

    /// Maps every region of its file.
    ///
    /// - Throws: ``HostSystem/Failure`` for a region that is not one, or not within its file.
    init(_ regions: [(region: MemoryRegion, file: Int32)]) throws {
        guard regions.count <= Self.mostRegions else { throw Failure("\(regions.count) memory regions are too many") }
        for (region, file) in regions { mappings.append(try Self.map(region, of: file)) }
    }

    deinit {
        // SAFETY: each was mapped by `map`, and rings and ranges do not outlive the table (see VsockDevice.memory).
        for mapping in mappings { _ = lx_unmap_shared(mapping.mapped.address, mapping.mapped.size) }
    }

    private static func map(_ region: MemoryRegion, of file: Int32) throws -> Mapping {
        let (end, overflow) = region.offset.addingReportingOverflow(region.size)
        guard region.size > 0, !overflow, end <= UInt64(Int64.max),
            !region.guestAddress.addingReportingOverflow(region.size).overflow,
            !region.frontEndAddress.addingReportingOverflow(region.size).overflow
        else { throw Failure("memory region of \(region.size) bytes is none") }
        // What is behind a file's end cannot be touched.
        guard try status(of: file).size >= end else {
            throw Failure("memory region of \(region.size) bytes does not lie in its file")
        }
        let start = region.offset / pageSize * pageSize
        let size = end - start
        // SAFETY: a new mapping at an address of the kernel's choice; only this table knows it.
        let address = try check("mmap", "guest memory of \(size) bytes", Int(lx_map_shared(file, start, size)))
        return Mapping(
            region: region, base: UInt(address) + UInt(region.offset - start), mapped: (UInt(address), Int(size)))
    }

    /// Appends the ranges of `count` bytes at the guest's `address`, of which there are several where regions meet.
    ///
    /// - Returns: Whether all of them are the guest's; nothing may be used if not.
    func translate(_ address: UInt64, count: UInt64, into ranges: inout [MemoryRange]) -> Bool {
        var (address, left) = (address, count)
        while left > 0 {
            guard let mapping = mapping(holding: address) else { return false }
            let offset = address - mapping.region.guestAddress
            let piece = min(left, mapping.region.size - offset)
            ranges.append(MemoryRange(address: mapping.base + UInt(offset), count: Int(piece)))
            address += piece
            left -= piece
        }
        return true
    }

    /// This process's address of `count` bytes at the guest's `address`, when they lie in one region.
    func contiguous(_ address: UInt64, count: UInt64) -> UInt? {
        guard let mapping = mapping(holding: address) else { return nil }
        let offset = address - mapping.region.guestAddress
        return count <= mapping.region.size - offset ? mapping.base + UInt(offset) : nil
    }

    /// This process's address of a part of a ring, which the front-end names by an address of its own.
    ///
    /// - Throws: ``HostSystem/Failure`` when it does not lie in one region, or not at a multiple of `alignment`.
    func ring(_ address: UInt64, count: UInt64, alignment: UInt) throws(Failure) -> UInt {
        for mapping in mappings {
            let region = mapping.region
            guard address >= region.frontEndAddress, address - region.frontEndAddress < region.size else { continue }
            let offset = address - region.frontEndAddress
            let place = mapping.base + UInt(offset)
            guard count <= region.size - offset, place % alignment == 0 else { break }
            return place
        }
        throw Failure("ring of \(count) bytes does not lie in the guest's memory")
    }

    private func mapping(holding address: UInt64) -> Mapping? {
        if recent < mappings.count, mappings[recent].holds(address) { return mappings[recent] }
        guard let found = mappings.firstIndex(where: { $0.holds(address) }) else { return nil }
        recent = found
        return mappings[found]
    }
}

extension MemoryTable.Mapping {
    fileprivate func holds(_ address: UInt64) -> Bool {
        address >= region.guestAddress && address - region.guestAddress < region.size
    }
}
