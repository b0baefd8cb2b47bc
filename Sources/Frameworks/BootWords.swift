internal import GuestModel

/// How messages name what a guest cannot be told, and the checks that all frameworks have in common.
enum BootWords {
    /// Why the argument of that number cannot be passed: `argument 3 is empty, which a unikraft guest cannot be given`.
    static func cannotPass(argument index: Int, _ what: String, to guest: String) -> GuestError {
        GuestError("argument \(index) \(what), which \(guest) cannot be given")
    }

    /// Why an entry of the environment cannot be passed; it is named by the variable.
    static func cannotPass(variable entry: String, _ what: String, to guest: String) -> GuestError {
        GuestError("environment variable \(name(of: entry)) \(what), which \(guest) cannot be given")
    }

    /// The name in an entry of the environment; all of it when there is no equals sign.
    static func name(of entry: String) -> Substring {
        Substring(entry.unicodeScalars.prefix { $0 != "=" })
    }

    /// The bytes of `line`, which must not be longer than `limit`.
    static func checked(_ line: String, limit: Int, for guest: String) throws(GuestError) -> [UInt8] {
        let bytes = [UInt8](line.utf8)
        guard bytes.count <= limit else {
            throw GuestError("command line of \(bytes.count) bytes is too long for \(guest) (at most \(limit))")
        }
        if let place = bytes.firstIndex(of: 0) {
            throw GuestError("command line holds a NUL byte, its byte \(place), which ends it for \(guest)")
        }
        return bytes
    }

    /// Whether a program's name is that of the guest's own image, and so not of a program in it.
    static func isImage(_ name: String, _ boot: GuestBoot) -> Bool {
        boot.path == name || (!name.hasPrefix("/") && boot.path.hasSuffix("/\(name)"))
    }
}

extension NetworkAddress {
    /// The length of the prefix, shortened until `gateway` is inside: some guests take no gateway outside their network.
    func prefixLength(reaching gateway: IPAddress) -> UInt8 {
        let differing = zip(address.bytes, gateway.bytes).enumerated().first { $1.0 != $1.1 }
        let common = differing.map { $0 * 8 + ($1.0 ^ $1.1).leadingZeroBitCount } ?? Int(prefixLength)
        return UInt8(min(common, Int(prefixLength)))
    }

    /// An IPv4 network's mask as four numbers, `255.255.255.0`.
    static func mask(prefixLength: UInt8) -> String {
        let mask = prefixLength == 0 ? 0 : UInt32.max << (32 - UInt32(min(prefixLength, 32)))
        return stride(from: 24, through: 0, by: -8).map { String(mask >> UInt32($0) & 0xFF) }.joined(separator: ".")
    }
}
