/// The options and positional arguments that were given.
struct Arguments {
    /// An option's value after parsing.
    enum Value: Equatable {
        case flag(Bool)
        case text(String)
        case number(Int32)
    }

    private var given: [(option: Option, value: Value)] = []
    /// What is left when the options are taken away.
    var positionals: [String] = []

    /// Notes an option; the last one of a name holds.
    mutating func set(_ option: Option, _ value: Value) {
        given.append((option, value))
    }

    /// The options that were given and do nothing, with the reason, for the log.
    var ignored: [String] {
        given.compactMap { entry in
            guard case .ignored(let reason) = entry.option.standing else { return nil }
            return "\(Option.spelling(entry.option.name)) has no effect: \(reason)"
        }
    }

    /// Whether a flag is on.
    func isOn(_ option: Option) -> Bool {
        value(of: option) == .flag(true)
    }

    /// The text or the word of an option; nil when it was not given.
    func text(_ option: Option) -> String? {
        guard case .text(let text) = value(of: option) else { return nil }
        return text
    }

    /// The texts of an option that may be given any number of times, in order.
    func texts(_ option: Option) -> [String] {
        given.compactMap { entry in
            guard entry.option.name == option.name, case .text(let text) = entry.value else { return nil }
            return text
        }
    }

    /// Whether a flag is on; nil when it was not given.
    func flag(_ option: Option) -> Bool? {
        guard case .flag(let isOn) = value(of: option) else { return nil }
        return isOn
    }

    /// The number of an option; nil when it was not given.
    func number(_ option: Option) -> Int32? {
        guard case .number(let number) = value(of: option) else { return nil }
        return number
    }

    private func value(of option: Option) -> Value? {
        given.last { $0.option.name == option.name }?.value
    }
}

/// A command line that cannot be understood.
struct UsageError: Error, Equatable, CustomStringConvertible {
    let description: String
    /// What the process exits with: 1, or 3 for a command that does not exist, like runc.
    let status: Int32

    init(_ description: String, status: Int32 = 1) {
        self.description = description
        self.status = status
    }
}

/// A command that failed with another status than 1.
struct StatusError: Error, CustomStringConvertible {
    let status: Int32
    let cause: any Error

    var description: String { "\(cause)" }
}
