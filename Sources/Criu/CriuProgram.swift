public import HostSystem

/// The program criu(8), asked over its own interface, `criu swrk`. See https://criu.org/RPC.
public struct CriuProgram {
    /// Its path.
    let path: String

    /// Looks for it in $PATH.
    ///
    /// - Throws: ``HostSystem/Failure`` with runc's words when it is not there.
    public init() throws(Failure) {
        for directory in (Program.environment("PATH") ?? "").split(separator: ":") where directory.hasPrefix("/") {
            let candidate = "\(directory)/criu"
            if let status = try? followedStatus(of: candidate), status.kind == .regular, canExecute(candidate) {
                path = candidate
                return
            }
        }
        throw Failure("CRIU version check failed: exec: \"criu\": executable file not found in $PATH")
    }

    /// Its version as one number: 31701 is 3.17.1.
    ///
    /// - Throws: ``HostSystem/Failure`` with runc's words when it does not tell.
    public func version() throws(Failure) -> Int32 {
        do {
            return try CriuSession(self).carryOut(CriuRequest(.version)).version
        } catch {
            throw Failure("CRIU version check failed", cause: error)
        }
    }

    /// Makes sure that it can do something on this host.
    ///
    /// - Throws: ``HostSystem/Failure`` with runc's words when it cannot.
    public func require(_ feature: CriuRequest.Feature) throws(Failure) {
        let answer: CriuAnswer
        do {
            answer = try CriuSession(self).carryOut(CriuRequest(.featureCheck, feature: feature))
        } catch {
            throw Failure("CRIU feature check failed", cause: error)
        }
        guard answer.features & (1 << feature.rawValue) != 0 else {
            throw Failure("criu is missing features: [\(feature.name)]")
        }
    }
}
