import HostSystem

/// Accepts what runc accepts as the name of a container, because the name becomes the name of a directory.
///
/// Letters, digits and `_+.-`, but neither `.` nor `..`, and at most 1024 bytes.
/// - Throws: ``Failure`` in runc's words.
func checkedContainerID(_ id: String) throws(Failure) -> String {
    guard !id.isEmpty else { throw Failure("container id cannot be empty") }
    let isPlain = id.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "+"), UInt8(ascii: "."),
            UInt8(ascii: "-"):
            true
        default: false
        }
    }
    let shown = id.unicodeScalars.prefix(80).map(String.init).joined()
    guard isPlain else {
        throw Failure("invalid container ID format: \"\(shown)\": invalid character in container ID")
    }
    guard id != ".", id != "..", id.utf8.count <= 1024 else {
        throw Failure("invalid container ID format: \"\(shown)\"")
    }
    return id
}
