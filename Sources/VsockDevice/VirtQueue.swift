internal import CLinux

/// A ring that breaks the rules; it is not served any more until the driver sets it up anew.
enum RingError: Error {
    /// An index outside the table, a chain without an end, a descriptor of the wrong direction, an address that is not the
    /// guest's.
    case malformed
}

/// A chain of descriptors that the driver has made available.
struct Chain {
    /// The index of its first descriptor, by which it is given back.
    let head: UInt16
    /// Which of the ranges it was read into are its own.
    let ranges: Range<Int>
    /// How many bytes these have.
    let count: Int
}

/// The device's side of a split virtqueue. See the virtio specification 1.2, 2.7.
///
/// Everything in it may be changed by the guest at any time: it is loaded once, and checked after that.
struct VirtQueue {
    /// What the driver and the front-end have agreed on.
    struct Features {
        /// VIRTIO_F_INDIRECT_DESC, VIRTIO_F_EVENT_IDX
        var indirect = false, eventIndex = false
    }

    /// More ranges are no message that the kernel takes at once (UIO_MAXIOV).
    private static let mostRanges = 1024
    /// VIRTQ_DESC_F_NEXT, _WRITE, _INDIRECT; VIRTQ_AVAIL_F_NO_INTERRUPT, VIRTQ_USED_F_NO_NOTIFY
    private static let next: UInt16 = 1
    private static let write: UInt16 = 2
    private static let indirect: UInt16 = 4
    private static let noInterrupt: UInt16 = 1

    private let size: UInt16
    private let features: Features
    // Of this process; MemoryTable.ring has checked that all of the three parts are the guest's.
    private let descriptors: UInt
    private let available: UInt
    private let used: UInt

    /// The free-running index of the next chain to be taken.
    private(set) var nextAvailable: UInt16
    private var nextUsed: UInt16
    private var published: UInt16
    private var unpublishedBytes = 0

    /// What the driver has been shown.
    struct Published {
        /// Whether it wants to be called for that.
        var wantsCall = false
        var chains = 0
        /// What the chains have room for.
        var bytes = 0
    }

    /// A queue of `size` descriptors, a power of two, at addresses of the front-end's.
    ///
    /// - Throws: ``HostSystem/Failure`` when a part of it is not the guest's memory.
    init(size: UInt16, _ addresses: RingAddresses, base: UInt16, features: Features, in memory: MemoryTable) throws {
        let count = UInt64(size)
        descriptors = try memory.ring(addresses.descriptors, count: 16 * count, alignment: 16)
        available = try memory.ring(addresses.available, count: 6 + 2 * count, alignment: 2)
        used = try memory.ring(addresses.used, count: 6 + 8 * count, alignment: 4)
        self.size = size
        self.features = features
        nextAvailable = base
        // SAFETY: within the used ring, as above.
        nextUsed = lx_ring_load(used + 2)
        published = nextUsed
        if !features.eventIndex {
            // SAFETY: within the used ring: the driver is to tell of every chain.
            lx_ring_store(used, 0)
        }
    }

    /// Takes the next chain and appends its ranges; nil when there is none.
    ///
    /// - Parameter writable: Whether it is one for the device to write to.
    mutating func take(
        writable: Bool, from memory: MemoryTable, into ranges: inout [MemoryRange]
    ) throws(RingError) -> Chain? {
        // SAFETY: within the available ring.
        let waiting = lx_ring_load(available + 2) &- nextAvailable
        guard waiting > 0 else { return nil }
        guard waiting <= size else { throw .malformed }
        // SAFETY: the index is below the ring's size.
        let head = lx_ring_load(available + 4 + 2 * UInt(nextAvailable & (size - 1)))
        let chain = try walk(head, writable: writable, memory, &ranges)
        nextAvailable &+= 1
        return chain
    }

    /// The last `count` chains that were taken are still to be taken.
    mutating func putBack(_ count: Int) { nextAvailable &-= UInt16(truncatingIfNeeded: count) }

    private func walk(
        _ head: UInt16, writable: Bool, _ memory: MemoryTable, _ ranges: inout [MemoryRange]
    ) throws(RingError) -> Chain {
        let first = ranges.count
        var (table, entries, index, isIndirect) = (descriptors, UInt64(size), UInt64(head), false)
        var count: UInt64 = 0
        // A chain has no more descriptors than its table, or it goes round in circles.
        var left = entries
        while true {
            guard index < entries, left > 0 else { throw .malformed }
            left -= 1
            // SAFETY: the index is below the number of entries, all of which are the guest's memory.
            let descriptor = lx_ring_load_descriptor(table + 16 * UInt(index))
            let flags = descriptor.flags
            if flags & Self.indirect != 0 {
                let bytes = UInt64(descriptor.count)
                guard features.indirect, !isIndirect, flags & Self.next == 0, bytes % 16 == 0,
                    let inner = memory.contiguous(descriptor.address, count: bytes)
                else { throw .malformed }
                (table, entries, index, isIndirect, left) = (inner, bytes / 16, 0, true, bytes / 16)
                continue
            }
            guard (flags & Self.write != 0) == writable, ranges.count - first < Self.mostRanges,
                memory.translate(descriptor.address, count: UInt64(descriptor.count), into: &ranges)
            else { throw .malformed }
            count += UInt64(descriptor.count)
            guard flags & Self.next != 0 else { break }
            index = UInt64(descriptor.next)
        }
        guard count <= UInt32.max, ranges.count - first <= Self.mostRanges else { throw .malformed }
        return Chain(head: head, ranges: first..<ranges.count, count: Int(count))
    }

    /// Gives a chain back in which `written` bytes are new. The driver sees it after ``publish()``.
    mutating func complete(_ chain: Chain, written: Int) {
        // SAFETY: the index is below the ring's size.
        lx_ring_store_element(
            used + 4 + 8 * UInt(nextUsed & (size - 1)), UInt32(chain.head), UInt32(truncatingIfNeeded: written))
        nextUsed &+= 1
        unpublishedBytes += chain.count
    }

    /// Shows the driver what was given back.
    mutating func publish() -> Published {
        guard published != nextUsed else { return Published() }
        let fresh = nextUsed &- published
        var shown = Published(chains: Int(fresh), bytes: unpublishedBytes)
        (published, unpublishedBytes) = (nextUsed, 0)
        // SAFETY: within the used ring; and below, within the available one.
        lx_ring_store(used + 2, nextUsed)
        lx_ring_fence()
        if features.eventIndex {
            let event = lx_ring_load(available + 4 + 2 * UInt(size))
            shown.wantsCall = nextUsed &- event &- 1 < fresh
        } else {
            shown.wantsCall = lx_ring_load(available) & Self.noInterrupt == 0
        }
        return shown
    }

    /// Has the driver tell of the next chain; says whether there is one already.
    func awaitNext() -> Bool {
        // SAFETY: within the used ring, behind its elements; and below, within the available one.
        if features.eventIndex { lx_ring_store(used + 4 + 8 * UInt(size), nextAvailable) }
        lx_ring_fence()
        return lx_ring_load(available + 2) != nextAvailable
    }
}

/// Where the front-end says that the parts of a ring are, by addresses of its own.
struct RingAddresses: Equatable {
    var descriptors: UInt64
    var used: UInt64
    var available: UInt64
}
