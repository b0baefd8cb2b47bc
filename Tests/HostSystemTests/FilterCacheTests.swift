import TestSupport
import Testing

@testable import HostSystem

/// Programs that are kept from one container to the next.
@Suite struct FilterCacheTests {
    private let rules = [FilterRule(name: "mkdir", action: .error(28))]

    private func compile(_ rules: [FilterRule], _ directory: String?) throws -> SeccompProgram {
        try SeccompProgram(defaultAction: .allow, rules: rules, cache: directory.map(FilterCache.init(directory:)))
    }

    @Test func aKeptProgramIsTheCompiledOne() throws {
        try withTemporaryDirectory { directory in
            let cache = "\(directory)/cache"
            let fresh = try compile(rules, nil)
            #expect(try compile(rules, cache) == fresh)
            #expect(try names(in: cache).count == 1)
            #expect(try compile(rules, cache) == fresh)
        }
    }

    @Test func aKeptProgramIsUsed() throws {
        try withTemporaryDirectory { directory in
            let cache = "\(directory)/cache"
            let source = filterSource(defaultAction: .allow, architectures: [], rules: rules)
            FilterCache(directory: cache).keep([1, 2, 3, 4, 5, 6, 7, 8], from: source)
            let program = try compile(rules, cache)
            #expect(program.instructions == [1, 2, 3, 4, 5, 6, 7, 8])
        }
    }

    @Test func everythingThatDecidesIsPartOfTheSource() {
        let base = filterSource(defaultAction: .allow, architectures: ["x86"], rules: rules)
        let condition = FilterCondition(index: 0, comparison: .equal, value: 1)
        let others = [
            filterSource(defaultAction: .error(1), architectures: ["x86"], rules: rules),
            filterSource(defaultAction: .allow, architectures: ["x32"], rules: rules),
            filterSource(defaultAction: .allow, architectures: ["x86"], rules: rules, knowsAll: false),
            filterSource(defaultAction: .allow, architectures: [], rules: rules),
            filterSource(
                defaultAction: .allow, architectures: ["x86"], rules: [FilterRule(name: "rmdir", action: .error(28))]),
            filterSource(
                defaultAction: .allow, architectures: ["x86"], rules: [FilterRule(name: "mkdir", action: .error(27))]),
            filterSource(
                defaultAction: .allow, architectures: ["x86"],
                rules: [FilterRule(name: "mkdir", action: .error(28), conditions: [condition])]),
        ]
        for other in others { #expect(other != base) }
        #expect(Set(others).count == others.count)
    }

    /// Two sources may share a slot: what is kept for one must never be taken for the other.
    @Test func anEntryOfAnotherSourceIsNotUsed() throws {
        try withTemporaryDirectory { directory in
            let cache = FilterCache(directory: "\(directory)/cache")
            for number in 0..<200 { cache.keep([UInt8](repeating: UInt8(number), count: 8), from: [UInt8(number)]) }
            let kept = try names(in: "\(directory)/cache").count
            #expect(kept <= Int(FilterCache.slots))
            var found = 0
            for number in 0..<200 {
                guard let program = cache.program(from: [UInt8(number)]) else { continue }
                found += 1
                #expect(program == [UInt8](repeating: UInt8(number), count: 8))
            }
            #expect(found > 0)
        }
    }

    @Test(arguments: [0o755, 0o711, 0o750] as [UInt32]) func aDirectoryThatOthersCanEnterIsNotTrusted(_ mode: UInt32)
        throws
    {
        try withTemporaryDirectory { directory in
            let cache = FilterCache(directory: "\(directory)/cache")
            cache.keep([UInt8](repeating: 9, count: 8), from: [1])
            #expect(cache.program(from: [1]) != nil)
            try removeTree("\(directory)/cache")
            try makeDirectory("\(directory)/cache", mode: mode)
            cache.keep([UInt8](repeating: 9, count: 8), from: [1])
            #expect(cache.program(from: [1]) == nil)
            #expect(try names(in: "\(directory)/cache").isEmpty)
        }
    }

    @Test func aDamagedEntryIsNotUsed() throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory)/cache"
            let cache = FilterCache(directory: path)
            cache.keep([UInt8](repeating: 9, count: 16), from: [1])
            let name = try #require(try names(in: path).first)
            let file = try open("\(path)/\(name)", flags: .readOnly)
            let whole = try readAll(file.raw, named: name)
            for length in [0, 5, whole.count - 16, whole.count - 3] {
                let folder = try open(path, flags: .directory)
                try replaceFile(name, in: folder.raw, with: Array(whole[..<length]))
                #expect(cache.program(from: [1]) == nil)
            }
        }
    }
}
