internal import HostSystem

/// The text of the error that `body` throws; `no error` when it throws none.
public func message(of body: () throws -> Void) -> String {
    do {
        try body()
        return "no error"
    } catch {
        return "\(error)"
    }
}

/// The error number of the system call that fails in `body`; 0 when none does.
///
/// - Throws: What `body` throws when it is no ``HostSystem/HostError``.
public func errorNumber(of body: () throws -> Void) throws -> Int32 {
    do {
        try body()
        return 0
    } catch let error as HostError {
        return error.errno
    }
}
