internal import CLinux

/// The context ids by which the kernel's virtio sockets tell guests apart. See vsock(7).
public enum GuestContextID {
    /// The kernel's device, of the module vhost_vsock.
    public static let device = "/dev/vhost-vsock"
    /// 0 to 2 are the hypervisor's, this machine's and the host's. VMADDR_CID_ANY is the last number of all.
    static let usable: ClosedRange<UInt32> = 3...(UInt32.max - 1)
    private static let mostTries = 64

    /// Claims one that no other guest on this host has, for as long as `descriptor`, an open ``device``, or a copy is open.
    ///
    /// - Throws: ``HostError`` when the kernel gives none.
    public static func claim(for descriptor: Int32) throws(HostError) -> UInt32 {
        try claim { lx_set_guest_cid(descriptor, UInt64($0)) }
    }

    /// The same by `set`, whose result is 0 or -errno. Who counts from the first one meets all that others have.
    static func claim(_ set: (UInt32) -> Int32) throws(HostError) -> UInt32 {
        for _ in 0..<mostTries {
            let number = UInt32.random(in: usable)
            let result = set(number)
            if result == -EADDRINUSE { continue }
            try check("ioctl", device, result)
            return number
        }
        throw HostError(call: "ioctl", subject: device, errno: EADDRINUSE)
    }
}
