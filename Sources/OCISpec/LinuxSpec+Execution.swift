/// Where memory is allocated. See set_mempolicy(2) and runtime-spec config-linux.md, memory policy.
public struct MemoryPolicy: Equatable, Sendable {
    /// A mode of set_mempolicy(2).
    public enum Mode: String, CaseIterable, Sendable, SpecWord {
        case `default` = "MPOL_DEFAULT"
        case bind = "MPOL_BIND"
        case interleave = "MPOL_INTERLEAVE"
        case weightedInterleave = "MPOL_WEIGHTED_INTERLEAVE"
        case preferred = "MPOL_PREFERRED"
        case preferredMany = "MPOL_PREFERRED_MANY"
        case local = "MPOL_LOCAL"

        static let noun = "memory policy mode"

        /// Whether the mode takes nodes at all, and whether it needs some. See set_mempolicy(2).
        var nodes: (allowed: Bool, needed: Bool) {
            switch self {
            case .default, .local: (false, false)
            case .preferred: (true, false)
            case .bind, .interleave, .weightedInterleave, .preferredMany: (true, true)
            }
        }
    }

    /// A flag of set_mempolicy(2).
    public enum Flag: String, CaseIterable, Sendable, SpecWord {
        case numaBalancing = "MPOL_F_NUMA_BALANCING"
        case relativeNodes = "MPOL_F_RELATIVE_NODES"
        case staticNodes = "MPOL_F_STATIC_NODES"

        static let noun = "memory policy flag"
    }

    /// The mode.
    public var mode: Mode
    /// The nodes as a list: `0-3,7`.
    public var nodes: String?
    /// The numbers of the nodes in the list.
    public var nodeNumbers: [Int] { nodes.flatMap { numberList($0, below: Self.nodeLimit) } ?? [] }
    /// Flags.
    public var flags: [Flag] = []

    /// A mode without nodes.
    public init(mode: Mode) {
        self.mode = mode
    }
}

extension MemoryPolicy: SpecObject {
    static let section = "config-linux.md#memory-policy"

    /// One more than the highest node any kernel knows.
    static let nodeLimit = 1024

    // The words are runc's, which its callers search.
    init(_ object: SpecCursor) throws(SpecError) {
        let word = try object.string("mode") ?? ""
        guard let mode = Mode(rawValue: word) else {
            let known = Mode.allCases.map(\.rawValue).joined(separator: ", ")
            throw object.error("mode", "invalid memory policy mode '\(word)' (known: \(known))")
        }
        self.mode = mode
        nodes = try object.string("nodes")
        for (index, word) in try object.strings("flags").enumerated() {
            guard let flag = Flag(rawValue: word) else {
                let known = Flag.allCases.map(\.rawValue).joined(separator: ", ")
                throw object.error("flags", index, "invalid memory policy flag '\(word)' (known: \(known))")
            }
            flags.append(flag)
        }
        try checkNodes(object)
    }

    private func checkNodes(_ object: SpecCursor) throws(SpecError) {
        var count = 0
        if let nodes {
            guard let numbers = numberList(nodes, below: Self.nodeLimit) else {
                throw object.error(
                    "nodes", "invalid memory policy nodes '\(nodes)': no list such as 0-3,7 of numbers below 1024")
            }
            count = numbers.count
        }
        if !mode.nodes.allowed && count > 0 {
            throw object.error("nodes", "memory policy mode requires 0 nodes but got \(count)")
        }
        if mode.nodes.needed && count == 0 {
            throw object.error("nodes", "memory policy mode requires at least one node but got 0")
        }
    }
}

/// The numbers of a list as cpuset(7) writes it, `0-3,7`, without repetition; nil for anything else.
func numberList(_ text: String, below limit: Int) -> [Int]? {
    var numbers = Set<Int>()
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
        let ends = part.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        guard ends.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 } }),
            let first = ends.first.flatMap({ Int($0) }), let last = ends.last.flatMap({ Int($0) }),
            first <= last, last < limit
        else { return nil }
        numbers.formUnion(first...last)
    }
    return numbers.sorted()
}

/// The execution domain. See personality(2).
public struct Personality: Equatable, Sendable {
    /// A domain.
    public enum Domain: String, CaseIterable, Sendable, SpecWord {
        case linux = "LINUX"
        case linux32 = "LINUX32"

        static let noun = "personality domain"
    }

    /// The domain.
    public var domain: Domain
    /// Flags; the specification defines none yet.
    public var flags: [String] = []

    /// A domain without flags.
    public init(domain: Domain) {
        self.domain = domain
    }
}

extension Personality: SpecObject {
    static let section = "config-linux.md#personality"

    init(_ object: SpecCursor) throws(SpecError) {
        domain = try object.required("domain", object.word("domain"))
        flags = try object.strings("flags")
        if let flag = flags.first {
            throw object.error("flags", 0, "unknown personality flag '\(flag)' (the specification defines none)")
        }
    }
}
