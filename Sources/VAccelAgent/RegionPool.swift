import HostLibraries
import HostSystem

/// Regions for what is large: frames as they come from guests, and what workers compute.
///
/// Memory that was used before costs no page faults, so a region that is free is kept for the next frame of its size, until
/// nothing large has come for a while or the guest needs the memory for something else. All of them are on the ledger.
final class RegionPool {
    /// For whom a region is: for frames, or for the results of one worker process, which no other one may write to.
    enum Owner: Equatable {
        case frames
        case worker(UInt32)
    }

    private let ledger: Ledger
    private var free: [(region: SharedRegion, owner: Owner)] = []
    private var workers: Set<UInt32> = []
    private var (nextRegion, nextWorker): (UInt32, UInt32) = (1, 1)
    private var lastUse: Int64 = 0
    /// The numbers of regions that are gone since they were asked for.
    private var gone: [UInt32] = []

    /// Regions that are kept free at most: each has a descriptor.
    private static let mostFree = 8
    /// How long they are kept when nothing large comes, in nanoseconds.
    private static let keeping: Int64 = 2_000_000_000

    init(ledger: Ledger) {
        self.ledger = ledger
        ledger.reclaim = { [weak self] in self?.giveMemoryBack() }
    }

    /// Bytes on the ledger for as long as a region lives, whose end is noted.
    private final class Entry {
        private let charge: Ledger.Charge
        private let ended: () -> Void
        init(_ charge: Ledger.Charge, ended: @escaping () -> Void) { (self.charge, self.ended) = (charge, ended) }
        deinit { ended() }
    }

    /// A region of at least so many bytes; nil when that would be more than the guest may have.
    ///
    /// - Throws: ``HostError`` when there is none to be had.
    func take(_ bytes: Int, for owner: Owner = .frames) throws(HostError) -> RegionLease? {
        lastUse = monotonicNanoseconds()
        // One of more than twice the size would keep too much from others.
        let fitting = free.indices.filter {
            free[$0].owner == owner && free[$0].region.count >= bytes && free[$0].region.count / 2 <= bytes
        }
        if let index = fitting.min(by: { free[$0].region.count < free[$1].region.count }) {
            return lease(free.remove(at: index).region, owner)
        }
        guard let charge = ledger.charge(bytes) else { return nil }
        let number = nextRegion
        nextRegion &+= 1
        let entry = Entry(charge) { [weak self] in self?.gone.append(number) }
        let purpose: SharedRegion.Purpose = owner == .frames ? .requests : .results
        return lease(try SharedRegion(number: number, bytes: bytes, purpose: purpose, companion: entry), owner)
    }

    private func lease(_ region: SharedRegion, _ owner: Owner) -> RegionLease {
        RegionLease(region) { [weak self] region in self?.takeBack(region, owner) }
    }

    private func takeBack(_ region: SharedRegion, _ owner: Owner) {
        if case .worker(let worker) = owner, !workers.contains(worker) { return }
        free.append((region, owner))
        lastUse = monotonicNanoseconds()
        if free.count > Self.mostFree { _ = free.removeFirst() }
    }

    /// A worker process that has begun.
    func begin() -> UInt32 {
        defer { nextWorker &+= 1 }
        workers.insert(nextWorker)
        return nextWorker
    }

    /// Forgets a worker process that has ended. Results that are still on their way to the guest keep their regions.
    func end(_ worker: UInt32) {
        workers.remove(worker)
        let ended = free.filter { $0.owner == .worker(worker) }
        free.removeAll { $0.owner == .worker(worker) }
        withExtendedLifetime(ended) {}
    }

    /// Lets go of all regions that are free.
    func giveMemoryBack() {
        let ended = free
        free = []
        withExtendedLifetime(ended) {}
    }

    /// Lets go of them when nothing large has come for a while, and says whether it has.
    func giveUnusedBack() -> Bool {
        guard let keptUntil, monotonicNanoseconds() >= keptUntil else { return false }
        giveMemoryBack()
        return true
    }

    /// When they are to be let go of, in nanoseconds of the clock that never jumps; nil when there are none.
    var keptUntil: Int64? { free.isEmpty ? nil : lastUse + Self.keeping }

    /// The numbers of regions that are gone since this was called before.
    func takeGone() -> [UInt32] {
        defer { gone = [] }
        return gone
    }
}
