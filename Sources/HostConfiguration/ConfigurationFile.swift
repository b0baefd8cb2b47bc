public import HostSystem

/// Where the operator's configuration is, and whether it has to be there.
///
/// Nothing is read before ``read(monitors:)``: ordinary containers do without.
public final class ConfigurationFile {
    /// The largest file that is read, in bytes.
    static let largest = 1 << 16

    private let path: String
    private let mustExist: Bool
    private var configuration: OperatorConfiguration?

    /// - Parameter path: A file that has to be there; nil for the usual one, which need not.
    public init(_ path: String? = nil) {
        self.path = path ?? OperatorConfiguration.usualFile
        mustExist = path != nil
    }

    /// Reads the configuration, once; where the usual file is absent, what holds then.
    ///
    /// Root trusts no file that others can change.
    ///
    /// - Parameter monitors: The names of the monitors that there are.
    /// - Throws: ``HostSystem/Failure`` that names the file, and the line where it is wrong.
    public func read(monitors: [String]) throws(Failure) -> OperatorConfiguration {
        if let configuration { return configuration }
        let absent = OperatorConfiguration(file: path)
        let found = try content().map { bytes throws(Failure) in
            try OperatorConfiguration(bytes, named: path, monitors: monitors)
        }
        configuration = found ?? absent
        return found ?? absent
    }

    private func content() throws(Failure) -> [UInt8]? {
        do {
            // Without waiting for whoever writes to a fifo.
            let file = try open(path, flags: [.readOnly, .nonBlocking])
            let status = try status(of: file.raw)
            guard status.kind == .regular else { throw Failure("it is no regular file") }
            if effectiveUser() == 0 && !Program.isInUserNamespace { try Self.check(status) }
            return try readAll(file.raw, named: path, limit: Self.largest)
        } catch let error as HostError where !mustExist && (error.isNotFound || error.isNotDirectory) {
            return nil
        } catch {
            throw Failure("cannot read the operator's configuration \(path)", cause: error)
        }
    }

    private static func check(_ status: FileStatus) throws(Failure) {
        guard status.owner == 0 else { throw Failure("it belongs to user \(status.owner), not to root") }
        guard status.permissions & 0o022 == 0 else { throw Failure("others than root may write to it") }
    }
}
