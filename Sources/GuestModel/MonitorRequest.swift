/// What a supervisor asks of a monitor over its control socket.
public struct MonitorRequest: Equatable, Sendable {
    /// A command of QEMU's, or the method and path of an HTTP request: `PUT /actions`.
    public let name: String
    /// A JSON text that goes with it; empty for none.
    public let body: String
    /// What goes with it instead when ``body`` is refused, for versions that do not know all of it.
    public let olderBody: String?

    /// A request.
    public init(_ name: String, _ body: String = "", olderBody: String? = nil) {
        self.name = name
        self.body = body
        self.olderBody = olderBody
    }
}
