internal import HostSystem

/// The network namespace of a container, to do something in it from outside.
struct ContainerNetwork {
    private let namespace: Int32
    private static let path = "of the container"

    /// For the open namespace.
    init(_ namespace: Int32) { self.namespace = namespace }

    /// Does something there and returns its result.
    ///
    /// An ordinary user has a right to it only in the user namespace that owns it, from which there is no way back: then a
    /// child does it.
    func perform(_ body: () throws -> JSONValue) throws -> JSONValue {
        try effectiveUser() == 0 ? inNetworkNamespace(namespace, path: Self.path, body) : inChild(body)
    }

    private func inChild(_ body: () throws -> JSONValue) throws -> JSONValue {
        let pair = try SocketPair()
        let child = try cloneProcess(namespaces: 0)
        if child == 0 {
            var answer: JSONObject
            do {
                let owner = try ownerOfNamespace(namespace, path: Self.path)
                try joinNamespace(owner.raw, type: NamespaceFlag.user, path: Self.path)
                try joinNamespace(namespace, type: NamespaceFlag.network, path: Self.path)
                answer = ["result": try body()]
            } catch {
                answer = ["error": .string("\(error)")]
            }
            try? sendMessage(JSONValue.object(answer).bytes(), to: pair.second.raw)
            exitNow(0)
        }
        _ = try waitForChild(child)
        // What the child said is there by now, or nothing will be.
        guard try waitUntilReadable([pair.first.raw], timeout: 0)[0] else {
            throw Failure("the process that does it has died")
        }
        let answer = try parseJSON(try receiveMessage(pair.first.raw), named: "answer")
        if let error = answer["error"]?.string { throw Failure(error) }
        return answer["result"] ?? .null
    }
}
