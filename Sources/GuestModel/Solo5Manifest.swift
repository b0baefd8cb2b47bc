/// The devices that a Solo5 binary declares: its application manifest, `struct mft` of Solo5's `mft_abi.h`.
public struct Solo5Manifest: Equatable, Sendable {
    /// What a device is.
    public enum Kind: Equatable, Sendable, CustomStringConvertible {
        /// `MFT_DEV_BLOCK_BASIC`: sectors to read and write.
        case block
        /// `MFT_DEV_NET_BASIC`: Ethernet frames to send and receive.
        case net

        /// `block` or `net`.
        public var description: String { self == .block ? "block" : "net" }
    }

    /// One declared device.
    public struct Device: Equatable, Sendable {
        /// The entry's number in the manifest, which is the handle the guest uses in calls: 1 to 63.
        public let handle: Int
        /// The name the guest asks for: ASCII letters and digits, 1 to 67 of them.
        public let name: String
        /// What it is.
        public let kind: Kind

        /// Creates a device.
        public init(handle: Int, name: String, kind: Kind) {
            self.handle = handle
            self.name = name
            self.kind = kind
        }
    }

    /// Sizes and offsets of `struct mft` and `struct mft_entry`, in bytes.
    public enum Layout {
        /// Version and number of entries.
        public static let headerSize = 8
        /// One entry.
        public static let entrySize = 104
        /// Bytes of the name with its NUL.
        public static let nameSize = 68
        /// Where the type is in an entry.
        public static let type = 68
        /// Where a device's properties are: block `u64` capacity and `u16` sector size; net MAC and `u16` MTU.
        public static let properties = 72
        /// Where the tender leaves the descriptor for an spt guest.
        public static let descriptor = 88
        /// Where the tender says that the device is attached.
        public static let attached = 96
        /// Entries at most: handles fit a 64-bit set.
        public static let maximumEntries = 64
    }

    /// The devices in the order of the manifest.
    public let devices: [Device]
    /// The manifest as it is in the binary, `struct mft`, in the form the boot information wants.
    public let bytes: [UInt8]

    /// Reads the descriptor of the manifest note.
    ///
    /// - Parameter note: Four bytes of padding, because the structure is aligned to eight, then `struct mft`.
    /// - Throws: ``Solo5Error`` that names the rule that is broken.
    public init(note: [UInt8]) throws(Solo5Error) {
        try self.init(bytes: [UInt8](note.dropFirst(4)))
    }

    private init(bytes: [UInt8]) throws(Solo5Error) {
        guard let version = bytes.number(UInt32.self, at: 0), let count = bytes.number(UInt32.self, at: 4) else {
            throw .manifestSize(bytes.count, entries: nil)
        }
        guard version == 1 else { throw .manifestVersion(version) }
        guard (1...UInt32(Layout.maximumEntries)).contains(count) else { throw .manifestEntries(count) }
        guard bytes.count == Layout.headerSize + Int(count) * Layout.entrySize else {
            throw .manifestSize(bytes.count, entries: Int(count))
        }
        var devices: [Device] = []
        for handle in 0..<Int(count) {
            let entry = Layout.headerSize + handle * Layout.entrySize
            guard bytes[entry + Layout.attached] == 0 else { throw .entry(handle, .attached) }
            let device = try Self.device(handle, [UInt8](bytes[entry..<entry + Layout.entrySize]))
            guard let device else { continue }
            guard !devices.contains(where: { $0.name == device.name }) else {
                throw .entry(handle, .duplicate(device.name))
            }
            devices.append(device)
        }
        self.devices = devices
        self.bytes = bytes
    }

    /// The device of one entry; nil for entry 0, which is reserved.
    private static func device(_ handle: Int, _ entry: [UInt8]) throws(Solo5Error) -> Device? {
        guard let name = name(entry) else { throw .entry(handle, .name) }
        let type = entry.number(UInt32.self, at: Layout.type) ?? 0
        if handle == 0 {
            guard type == 1 << 30, name.isEmpty else { throw .entry(0, .notReserved) }
            return nil
        }
        guard !name.isEmpty else { throw .entry(handle, .name) }
        switch type {
        case 1: return Device(handle: handle, name: name, kind: .block)
        case 2: return Device(handle: handle, name: name, kind: .net)
        default: throw .entry(handle, .type(type))
        }
    }

    /// The entry's name, nil when it is not letters and digits up to a NUL.
    private static func name(_ entry: [UInt8]) -> String? {
        guard entry[Layout.nameSize - 1] == 0 else { return nil }
        let name = entry.prefix { $0 != 0 }
        for byte in name {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "a")...UInt8(ascii: "z"):
                continue
            default: return nil
            }
        }
        return String(decoding: name, as: UTF8.self)
    }
}
