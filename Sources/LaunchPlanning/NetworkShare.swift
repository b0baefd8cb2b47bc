public import GuestModel
internal import OCISpec

/// What is a guest's of a network namespace that others use as well, by the container's annotations.
public struct NetworkShare: Equatable, Sendable {
    /// How the guest's devices and the namespace's interfaces meet.
    public let mode: NetworkMode
    /// The addresses that are the guest's; all of the interface's when there are none.
    public let addresses: [IPAddress]
    /// The ports that are the guest's, `8080` or `9000-9010`; all when there are none.
    public let portTexts: [String]

    private static let modeName = "org.swiftlet.unikernel.network-mode"
    private static let addressName = "org.swiftlet.unikernel.addresses"
    private static let portName = "org.swiftlet.unikernel.ports"
    /// As many as keep the program that sorts packets small.
    private static let most = 16

    init(_ annotations: StringMap) throws(GuestError) {
        func words(_ name: String) throws(GuestError) -> [String] {
            guard let text = annotations[name], !text.isEmpty else { return [] }
            let words = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
            guard words.count <= Self.most else {
                throw GuestError("annotation \(name) has \(words.count) entries, at most \(Self.most) are taken")
            }
            return words
        }
        var addresses: [IPAddress] = []
        for word in try words(Self.addressName) {
            guard let address = IPAddress(word) else {
                throw GuestError("annotation \(Self.addressName): \"\(word)\" is no IP address")
            }
            addresses.append(address)
        }
        let ports = try words(Self.portName)
        for word in ports where PortRange.parse(word) == nil {
            throw GuestError("annotation \(Self.portName): \"\(word)\" is no port and no range of ports")
        }
        self.addresses = addresses
        portTexts = ports
        mode = try Self.mode(annotations)
        if mode != .redirect, !(addresses.isEmpty && ports.isEmpty) {
            throw GuestError(
                "annotation \(Self.modeName): in mode \"\(mode.rawValue)\" a guest has no part of an interface: "
                    + "\(addresses.isEmpty ? Self.portName : Self.addressName) excludes it")
        }
    }

    private static func mode(_ annotations: StringMap) throws(GuestError) -> NetworkMode {
        guard let text = annotations[modeName], !text.isEmpty else { return .redirect }
        if let mode = NetworkMode(rawValue: text) { return mode }
        let known = NetworkMode.allCases.map(\.rawValue).joined(separator: ", ")
        throw GuestError("annotation \(modeName): \"\(text)\" is not known (known are: \(known))")
    }
}
