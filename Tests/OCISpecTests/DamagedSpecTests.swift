import HostSystem
import OCISpec
import TestSupport
import Testing

/// Every property of documents as engines write them, damaged in every way: refused by name, or read; never a crash.
@Suite struct DamagedSpecTests {
    static func parsed(_ text: String) throws -> JSONValue { try parseJSON([UInt8](text.utf8), named: "config.json") }

    /// A document with every property that there is.
    static func everything() throws -> JSONValue {
        guard case .object(var whole) = try parsed(everyOtherProperty),
            case .object(var process) = try parsed(fullProcess),
            case .object(var linux) = try parsed(fullLinux), case .object(let vm) = try parsed(vmDocument)
        else { return .null }
        for (key, value) in whole["process"]?.object?.members ?? [] { process[key] = value }
        for (key, value) in whole["linux"]?.object?.members ?? [] { linux[key] = value }
        linux["resources"] = try parsed(fullResources)
        (whole["process"], whole["linux"], whole["vm"]) = (.object(process), .object(linux), vm["vm"])
        return .object(whole)
    }

    @Test func documentsAreGoodBeforeTheyAreDamaged() throws {
        for document in [try Self.everything(), try Self.parsed(runcSpec), podmanLike, try Self.parsed(criSpec)] {
            _ = try RuntimeSpec.decode(document)
        }
        #expect(try Self.everything().pointers.count > 250)
    }

    @Test func everyPropertyDamaged() throws { try sweep(Self.everything().damaged) }

    @Test func whatRuncWritesDamaged() throws { try sweep(Self.parsed(runcSpec).damaged) }

    @Test func whatTheContainerRuntimeInterfaceWritesDamaged() throws { try sweep(Self.parsed(criSpec).damaged) }

    /// Some of each kind: its lists are long.
    @Test func whatPodmanWritesDamaged() throws {
        try sweep(podmanLike.damaged.enumerated().filter { $0.offset % 331 == 0 }.map(\.element))
    }

    @Test func twoDamagesAtOnceNeverCrash() throws {
        var random = SeededNumbers(seed: 7)
        let all = try Self.everything().damaged
        for _ in 0..<1000 {
            guard let first = all.randomElement(using: &random) else { return }
            guard let pointer = first.document.pointers.randomElement(using: &random),
                let damage = jsonDamages.randomElement(using: &random)
            else { continue }
            let document = first.document.changing(pointer) { _ in damage.value.map { [$0] } ?? [] }
            do { _ = try RuntimeSpec.decode(document) } catch { #expect("\(error)".isOneLine) }
        }
    }

    private func sweep(_ cases: [DamagedJSON]) throws {
        for damaged in cases {
            let what: Comment = "\(damaged.pointer): \(damaged.damage)"
            do {
                // As it comes from a file, where a name may be there twice.
                let isTwice = damaged.damage == "twice"
                _ = try RuntimeSpec.decode(
                    isTwice ? parseJSON(damaged.document.bytes(), named: "config.json") : damaged.document)
            } catch let error as SpecError {
                // The property, what holds it, what is in it, or one beside it that does not go with it any more.
                #expect(error.pointer == damaged.parent || error.pointer.hasPrefix(damaged.parent + "/"), what)
                #expect("\(error)".isOneLine, what)
            } catch {
                // Only text that is no config.json at all.
                Issue.record("\(what): \(error)")
            }
        }
    }
}

extension String {
    /// Whether this is a message that a log can take: one line, no control characters, of bearable length.
    fileprivate var isOneLine: Bool {
        utf8.count < 4500 && !utf8.contains { $0 < 0x20 || $0 == 0x7F }
    }
}

/// The same numbers for the same seed: splitmix64.
struct SeededNumbers: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = (state ^ (state >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
