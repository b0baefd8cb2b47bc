internal import GuestModel

/// What all frameworks have in common that link against Solo5.
enum Solo5Image {
    /// The longest boot string in bytes, without the terminating NUL (HVT_CMDLINE_SIZE, SPT_CMDLINE_SIZE).
    static let longestBootString = 8191
    /// More than any tender gives; loading is checked against the real size once that is known.
    private static let unlimited = UInt64(1) << 46

    /// The guest in `candidate` as one of `framework`; nil when the file has no notes of Solo5's.
    static func guest(in candidate: GuestCandidate, of framework: String) throws -> Guest? {
        guard let binary = try binary(in: candidate) else { return nil }
        let devices = binary.devices.map { GuestDevice(name: $0.name, kind: $0.kind == .block ? .block : .network) }
        guard binary.target == .virtio else {
            return Guest(
                framework: framework, path: candidate.path, bootProtocols: [try bootProtocol(of: binary)],
                devices: devices, leastMemoryBytes: try binary.loadPlan(memoryBytes: unlimited).end)
        }
        // A kernel for a multiboot loader, at which no tender has a part.
        guard let header = try MultibootHeader(in: candidate.bytes) else {
            throw GuestError("solo5 binary is built for virtio and has no multiboot header")
        }
        return Guest(
            framework: framework, path: candidate.path, bootProtocols: [.multiboot], devices: devices,
            hardware: hardware, leastMemoryBytes: try header.end ?? min(candidate.elf.physicalEnd, Guest.mostMemory))
    }

    /// Whether `candidate` is a Solo5 binary of `framework`: the container says so, or one of `symbols` is in it.
    static func isGuest(_ candidate: GuestCandidate, of framework: some Framework, symbol: String) throws -> Bool {
        if let named = candidate.framework { return framework.isCalled(named) }
        guard let elf = try? candidate.elf, elf.notes.contains(where: { $0.name == "Solo5" }) else { return false }
        return try elf.hasSymbol(symbol, in: candidate.bytes)
    }

    private static func binary(in candidate: GuestCandidate) throws -> Solo5Binary? {
        do {
            let elf = try candidate.elf
            guard let binary = try Solo5Binary(elf) else { return nil }
            try elf.checkIsX86_64()
            return binary
        } catch let error as ELFError {
            let isMeant = candidate.framework != nil || (error != .notELF && mentionsSolo5(candidate.bytes))
            if isMeant { throw error }
            return nil
        }
    }

    /// What a guest for the target virtio drives: virtio on PCI in its old form, which is that of versions before 1.0. Its
    /// status does not reach the port by which it ends (bindings/virtio/platform.c of Solo5).
    private static let hardware = GuestHardware(
        transports: [.pci], needsPC: true, exitPort: ExitPort(port: 0x501, bytes: 2, meaning: .nothing))

    private static func bootProtocol(of binary: Solo5Binary) throws(GuestError) -> BootProtocol {
        if case .unknown(let number) = binary.target {
            throw GuestError("solo5 binary was linked for target \(number), which is not known")
        }
        return BootProtocol(name: "solo5-\(binary.target)", version: binary.abiVersion)
    }

    /// Why the process's argument of that number cannot be told.
    static func nulByte(in argument: Int) -> GuestError {
        GuestError("argument \(argument) holds a NUL byte, which ends a solo5 command line")
    }

    /// The words joined by single spaces, as Solo5's own tenders do it.
    static func bootString(_ words: [String]) throws(GuestError) -> [UInt8] {
        for (index, word) in words.enumerated() where word.utf8.contains(0) {
            throw nulByte(in: index + 1)
        }
        let line = [UInt8](words.joined(separator: " ").utf8)
        guard line.count <= longestBootString else {
            throw GuestError(
                "command line of \(line.count) bytes is too long for a solo5 guest (at most \(longestBootString))")
        }
        return line
    }

    /// Whether a file that is no sound ELF64 file for this machine was meant to be a Solo5 binary.
    ///
    /// Looks for the notes' owner in the first pages, where the linker puts them, and for the interpreter's path.
    private static func mentionsSolo5(_ bytes: any ByteSource) -> Bool {
        guard let head = try? bytes.read(at: 0, count: 16384) else { return false }
        return head.contains(Array("olo5".utf8))
    }
}
