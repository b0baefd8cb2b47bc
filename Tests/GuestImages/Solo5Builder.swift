/// Builds Solo5 binaries around a few machine instructions.
public struct Solo5Builder: Sendable {
    /// `abi_target`: 1 hvt, 2 spt.
    public var target: UInt32
    /// `abi_version`.
    public var version: UInt32 = 2
    /// The manifest behind its reserved entry.
    public var devices: [(name: String, type: UInt32)] = []
    /// The instructions at 0x100000; the data at 0x101000 begins with `data`.
    public var code: [UInt8]
    /// The bytes of the writable segment.
    public var data: [UInt8] = [0]

    /// Describes a binary.
    public init(target: UInt32, devices: [(name: String, type: UInt32)] = [], code: [UInt8] = [0xF4]) {
        self.target = target
        self.devices = devices
        self.code = code
    }

    /// `struct mft`: version, number of entries, the reserved one, and one for each device.
    public var manifest: [UInt8] {
        var bytes: [UInt8] = []
        bytes.add(1 as UInt32)
        bytes.add(UInt32(devices.count + 1))
        for device in [(name: "", type: 1 << 30)] + devices {
            let name = [UInt8](device.name.utf8)
            bytes += name + [UInt8](repeating: 0, count: 68 - name.count)
            bytes.add(device.type)
            bytes += [UInt8](repeating: 0, count: 32)
        }
        return bytes
    }

    /// The ABI note.
    public var abiNote: [UInt8] {
        var descriptor: [UInt8] = []
        for word in [target, version, 0, 0] { descriptor.add(word) }
        return note("Solo5", 0x3149_4241, descriptor)
    }

    /// The manifest note: four bytes of padding precede the structure.
    public static func manifestNote(_ manifest: [UInt8]) -> [UInt8] {
        note("Solo5", 0x3154_464D, [0, 0, 0, 0] + manifest)
    }

    /// Segments 0 text, 1 data with .bss, 2 ABI note, 3 manifest note.
    public var elf: ELFBuilder {
        var elf = ELFBuilder()
        elf.segments = [
            ELFBuilder.Segment(flags: 5, address: 0x10_0000, bytes: code),
            ELFBuilder.Segment(flags: 6, address: 0x10_1000, bytes: data, memorySize: 0x1800),
            ELFBuilder.Segment(type: 4, flags: 4, address: 0, bytes: abiNote, alignment: 4),
            ELFBuilder.Segment(type: 4, flags: 4, address: 0, bytes: Self.manifestNote(manifest), alignment: 4),
        ]
        return elf
    }
}
