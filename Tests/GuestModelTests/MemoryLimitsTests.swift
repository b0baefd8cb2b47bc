import GuestModel
import Testing

@Suite struct MemoryLimitsTests {
    static let monitors = [
        MemoryLimits(least: 2, most: 1 << 24, step: 1, overhead: 4, mappedByOne: 512),
        MemoryLimits(least: 2, most: 4096, step: 2, overhead: 4, mappedByOne: 128),
        MemoryLimits(least: 16, most: 1 << 20, step: 1, overhead: 50, mappedByOne: 64),
        MemoryLimits(least: 1, most: 1 << 20, step: 1, overhead: 0, mappedByOne: 1),
    ]

    @Test("a guest's need is the smallest limit that leaves it its memory", arguments: monitors.indices)
    func needsWhatItsShareTakes(monitor: Int) {
        let limits = Self.monitors[monitor]
        for size in [limits.least...3000, (limits.most - 1000)...limits.most].joined() where size <= limits.most {
            let need = limits.need(of: size)
            #expect(limits.share(of: need) ?? 0 >= size, "size \(size), need \(need)")
            #expect(limits.share(of: need - 1) ?? 0 < size, "size \(size), need \(need)")
        }
    }
}
