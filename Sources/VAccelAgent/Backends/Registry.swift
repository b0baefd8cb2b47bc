/// All back-ends, in the order in which they are asked when the operator does not say.
public enum BackendRegistry {
    /// One line for each file of this directory.
    public static let all: [BackendDescription] = [
        .noop
    ]

    /// The back-end of this name.
    public static func backend(named name: String) -> BackendDescription? { all.first { $0.name == name } }
}
