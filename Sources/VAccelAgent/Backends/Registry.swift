import HostSystem

/// All back-ends, in the order in which they are asked when the operator does not say.
public enum BackendRegistry {
    /// One line for each file of this directory.
    public static let all: [BackendDescription] = [
        .cpu,
        .onnx,
        .libvaccel,
        .noop,
    ]

    /// The back-end of this name.
    public static func backend(named name: String) -> BackendDescription? { all.first { $0.name == name } }

    /// The back-ends that the operator names, in that order; when none is named, all that compute something.
    ///
    /// - Throws: ``Failure`` for a name that there is none of.
    static func chosen(_ names: [String]) throws(Failure) -> [BackendDescription] {
        guard !names.isEmpty else { return all.filter { $0.name != BackendDescription.noop.name } }
        var found: [BackendDescription] = []
        for name in names where !found.contains(where: { $0.name == name }) {
            guard let description = backend(named: name) else {
                throw Failure("no back-end \(name): there are \(all.map(\.name).joined(separator: ", "))")
            }
            found.append(description)
        }
        return found
    }
}
