import GuestModel
import HostSystem

extension GuestBinary {
    /// Pairs each declared device with the attached one of its name.
    static func attach(
        _ attached: [AttachedDevice], to declared: [Solo5Manifest.Device]
    ) throws(Failure) -> [Attachment] {
        var names: [String] = []
        for device in attached {
            guard !names.contains(device.name) else { throw Failure("device '\(device.name)' is attached twice") }
            guard declared.contains(where: { $0.name == device.name }) else {
                throw Failure("device '\(device.name)' is not declared in the guest's manifest")
            }
            names.append(device.name)
        }
        var attachments: [Attachment] = []
        for wanted in declared {
            guard let device = attached.first(where: { $0.name == wanted.name }) else {
                throw Failure("\(wanted.kind) device '\(wanted.name)' is declared by the guest, but not attached")
            }
            try checkProperties(of: device, as: wanted.kind)
            attachments.append(Attachment(handle: wanted.handle, device: device))
        }
        return attachments
    }

    private static func checkProperties(of device: AttachedDevice, as kind: Solo5Manifest.Kind) throws(Failure) {
        switch (device.kind, kind) {
        case (.block(let capacity, let sector), .block):
            guard sector >= 512, sector.nonzeroBitCount == 1 else {
                throw Failure(
                    "block device '\(device.name)' has sectors of \(sector) bytes, need a power of two from 512")
            }
            guard capacity >= sector, capacity % UInt64(sector) == 0, capacity <= UInt64(Int64.max) else {
                throw Failure(
                    "block device '\(device.name)' has \(capacity) bytes, need one or more whole sectors of \(sector)")
            }
        case (.net(let mac, let mtu), .net):
            guard mac.count == 6 else {
                throw Failure("net device '\(device.name)' has a hardware address of \(mac.count) bytes, need 6")
            }
            guard mtu > 0 else { throw Failure("net device '\(device.name)' has an MTU of 0") }
        case (_, .block): throw Failure("device '\(device.name)' is a block device in the guest's manifest")
        case (_, .net): throw Failure("device '\(device.name)' is a net device in the guest's manifest")
        }
    }

    /// The manifest with every device marked as attached and its properties filled in.
    ///
    /// Only an spt guest reads the descriptor: it makes the system calls itself.
    static func manifest(_ bytes: [UInt8], _ attachments: [Attachment], target: TenderTarget) -> [UInt8] {
        typealias Layout = Solo5Manifest.Layout
        var manifest = bytes
        for attachment in attachments {
            let entry = Layout.headerSize + attachment.handle * Layout.entrySize
            switch attachment.device.kind {
            case .block(let capacity, let sector):
                manifest.put(capacity, at: entry + Layout.properties)
                manifest.put(sector, at: entry + Layout.properties + 8)
            case .net(let mac, let mtu):
                for (offset, byte) in mac.enumerated() { manifest[entry + Layout.properties + offset] = byte }
                manifest.put(mtu, at: entry + Layout.properties + 6)
            }
            if target == .spt { manifest.put(attachment.device.descriptor, at: entry + Layout.descriptor) }
            manifest[entry + Layout.attached] = 1
        }
        return manifest
    }

    /// The boot information with the manifest and the command line behind it, to be placed at `address`.
    ///
    /// `extra` fills what follows the five words that hvt and spt share: memory, end of the guest, [hvt: frequency],
    /// command line and manifest.
    func bootInformation(at address: UInt64, frequency: UInt64?, extra: [UInt8]) -> [UInt8] {
        let words = frequency == nil ? 4 : 5
        let manifestAddress = address + UInt64(words * 8 + extra.count)
        var bytes: [UInt8] = []
        bytes.append(number: memoryBytes)
        bytes.append(number: plan.end)
        if let frequency { bytes.append(number: frequency) }
        bytes.append(number: manifestAddress + UInt64(manifest.count))
        bytes.append(number: manifestAddress)
        return bytes + extra + manifest + commandLine + [0]
    }
}

extension [UInt8] {
    /// Overwrites the bytes at `offset` with `number`, little-endian.
    mutating func put(_ number: some FixedWidthInteger, at offset: Int) {
        for (index, byte) in machineBytes(number).enumerated() { self[offset + index] = byte }
    }

    /// Appends `number`, little-endian.
    mutating func append(number: some FixedWidthInteger) {
        append(contentsOf: machineBytes(number))
    }
}
