internal import OCISpec

/// Who wants an ordinary image in a virtual machine: the container's annotation, or the operator by the runtime's name.
///
/// See Specs/virtual-machines.md.
struct MachineWish {
    /// The annotation.
    static let annotation = "org.swiftlet.vm"
    /// The name of the program under which every ordinary image is in a virtual machine.
    static let programName = "swiftlet-vm"

    private static let sandboxKinds = ["io.kubernetes.cri.container-type", "io.kubernetes.cri-o.ContainerType"]
    private static let sandboxes = ["io.kubernetes.cri.sandbox-id", "io.kubernetes.cri-o.SandboxID"]
    private static let names = ["io.kubernetes.cri.container-name", "io.kubernetes.cri-o.ContainerName"]

    /// What says so, as a plan tells it; nil when nobody does.
    ///
    /// - Throws: ``OCISpec/SpecError`` for an annotation that says neither yes nor no.
    static func source(_ spec: RuntimeSpec, always: Bool) throws(SpecError) -> String? {
        let annotations = spec.annotations
        if sandboxKinds.contains(where: { annotations[$0] == "sandbox" }) { return nil }
        if always { return programName }
        guard let value = annotations[annotation], !value.isEmpty, value != "false" else { return nil }
        let name = names.lazy.compactMap { annotations[$0] }.first
        guard let name, sandboxes.contains(where: { annotations[$0] != nil }) else {
            if value == "true" { return annotation }
            throw refuse("\"\(value)\" is neither true nor false")
        }
        // A pod's annotations reach all of its containers, of which one may be a sidecar.
        guard value != "true" else {
            throw refuse("in a pod it has to name the containers that are meant, such as \"\(name)\"")
        }
        return value.split(separator: ",").contains { $0 == name } ? annotation : nil
    }

    private static func refuse(_ reason: String) -> SpecError {
        SpecError(pointer: "/annotations/\(annotation)", reason: reason, section: "config.md#annotations")
    }
}
