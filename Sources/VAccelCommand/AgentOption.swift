/// One option of the agent, as data: the parser, the help and the manual page are made from it.
struct AgentOption: Sendable {
    /// All names as they are typed, the long one first.
    let names: [String]
    /// What stands for the value in the help; nil for a flag.
    let placeholder: String?
    /// What the option means, in one line.
    let help: String
    /// Takes the value; throws a ``UsageError`` that says what is wrong with it.
    let take: @Sendable (inout AgentCommandLine, String) throws(UsageError) -> Void

    init(
        _ names: String..., value placeholder: String? = nil, help: String,
        take: @escaping @Sendable (inout AgentCommandLine, String) throws(UsageError) -> Void
    ) {
        (self.names, self.placeholder, self.help, self.take) = (names, placeholder, help, take)
    }

    /// An option that sets a number within bounds.
    static func number(
        _ name: String, value placeholder: String, in range: ClosedRange<Int>, help: String,
        set: @escaping @Sendable (inout AgentCommandLine, Int) -> Void
    ) -> Self {
        Self(name, value: placeholder, help: help) { (line, text) throws(UsageError) in
            guard let number = Int(text), range.contains(number) else {
                throw UsageError("\(name) \(text) is not a number from \(range.lowerBound) to \(range.upperBound)")
            }
            set(&line, number)
        }
    }
}

/// A command line that cannot be understood.
struct UsageError: Error, Equatable, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
