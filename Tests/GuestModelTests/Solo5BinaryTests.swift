import GuestImages
import GuestModel
import Testing

private let memory: UInt64 = 16 << 20
private let devices: [(name: String, type: UInt32)] = [("service0", 2), ("storage", 1)]

/// Binary `elf` as the planner sees it for hvt with 16 MiB.
private func check(_ image: [UInt8]) throws -> Solo5Binary? {
    let binary = try Solo5Binary(ELFImage(image))
    try binary?.validate(for: .hvt, memoryBytes: memory)
    return binary
}

@Suite struct Solo5BinaryTests {
    @Test func isNothingWithoutSolo5Notes() throws {
        var elf = Solo5Builder(target: 1).elf
        elf.segments.removeLast(2)
        #expect(try Solo5Binary(ELFImage(elf.image)) == nil)
    }

    @Test func describesTargetDevicesAndManifest() throws {
        let builder = Solo5Builder(target: 1, devices: devices)
        let binary = try #require(try check(builder.elf.image))
        #expect(binary.target == .hvt)
        #expect(binary.abiVersion == 2)
        #expect(
            binary.devices == [
                Solo5Manifest.Device(handle: 1, name: "service0", kind: .net),
                Solo5Manifest.Device(handle: 2, name: "storage", kind: .block),
            ])
        #expect(binary.manifest.bytes == builder.manifest)
    }

    @Test func findsBothNotesInOneSegment() throws {
        let builder = Solo5Builder(target: 1, devices: devices)
        var elf = builder.elf
        elf.segments[2].bytes =
            note("GNU", 3, [1, 2, 3]) + builder.abiNote + Solo5Builder.manifestNote(builder.manifest)
        elf.segments.removeLast()
        #expect(try check(elf.image)?.devices.map(\.name) == ["service0", "storage"])
    }

    @Test(
        arguments: [
            (1, "hvt"), (2, "spt"), (3, "virtio"), (4, "muen"), (5, "genode"), (6, "xen"), (7, "target 7"),
        ] as [(UInt32, String)])
    func namesTarget(number: UInt32, name: String) throws {
        let binary = try Solo5Binary(ELFImage(Solo5Builder(target: number).elf.image))
        #expect(binary?.target.description == name)
    }

    @Test func placesSegmentsOnPages() throws {
        let binary = try #require(try check(Solo5Builder(target: 1, code: [0x90, 0xF4]).elf.image))
        let plan = try binary.loadPlan(memoryBytes: memory)
        #expect(plan.regions.map(\.start) == [0x10_0000, 0x10_1000])
        #expect(plan.regions.map(\.end) == [0x10_1000, 0x10_3000])
        #expect(plan.regions.map(\.fileSize) == [2, 1])
        #expect(plan.regions.map(\.executable) == [true, false])
        #expect(plan.regions.map(\.writable) == [false, true])
        #expect(plan.entry == 0x10_0000)
        #expect(plan.end == 0x10_3000)
        #expect(try binary.loadPlan(memoryBytes: 0x10_3000) == plan)
    }

    /// Solo5's linker scripts make a separate segment of .bss since 0.8, and an empty one at address 0.
    @Test func countsBssAndSkipsEmptySegments() throws {
        var elf = Solo5Builder(target: 1).elf
        elf.segments.insert(ELFBuilder.Segment(flags: 4, address: 0, bytes: []), at: 2)
        elf.segments.insert(ELFBuilder.Segment(flags: 6, address: 0x10_3000, bytes: [], memorySize: 0x2_0001), at: 3)
        #expect(try check(elf.image)?.loadPlan(memoryBytes: memory).end == 0x12_4000)
    }

    @Test func acceptsAFullManifest() throws {
        let full = (1..<64).map { (name: "net\($0)", type: 2 as UInt32) }
        #expect(try check(Solo5Builder(target: 1, devices: full).elf.image)?.devices.last?.handle == 63)
    }

    static let malformedNotes: [Malformed] = {
        let builder = Solo5Builder(target: 1, devices: devices)
        let first = 8
        let second = first + 104
        func with(abi: [UInt8]? = nil, manifest: [UInt8]) -> [UInt8] {
            var elf = builder.elf
            if let abi { elf.segments[2].bytes = abi }
            elf.segments[3].bytes = Solo5Builder.manifestNote(manifest)
            return elf.image
        }
        let good = builder.manifest
        var noABI = builder.elf
        noABI.segments.remove(at: 2)
        var noManifest = builder.elf
        noManifest.segments.remove(at: 3)
        var twice = builder.elf
        twice.segments.append(twice.segments[2])
        var version = builder
        version.version = 3
        let unterminated = [UInt8](repeating: UInt8(ascii: "a"), count: 68)
        return [
            Malformed("no ABI note", noABI.image, "Solo5 binary has no ABI note"),
            Malformed("no manifest", noManifest.image, "Solo5 binary has no manifest note"),
            Malformed("two ABI notes", twice.image, "Solo5 binary has 2 ABI notes, must have one"),
            Malformed(
                "short ABI note", with(abi: note("Solo5", 0x3149_4241, [1, 0, 0, 0]), manifest: good),
                "Solo5 ABI note has 4 bytes, must have 16"),
            Malformed(
                "other target", Solo5Builder(target: 2).elf.image, "Solo5 binary is built for spt, not for hvt"),
            Malformed(
                "other version", version.elf.image,
                "Solo5 binary wants hvt ABI version 3, only 2 is supported"),
            Malformed("empty manifest", with(manifest: []), "Solo5 manifest is cut off after 0 bytes"),
            Malformed(
                "manifest version", with(manifest: good.with(2 as UInt32, at: 0)),
                "Solo5 manifest has version 2, must have 1"),
            Malformed(
                "no entries", with(manifest: good.with(0 as UInt32, at: 4)),
                "Solo5 manifest has 0 entries, must have 1 to 64"),
            Malformed(
                "65 entries", with(manifest: good.with(65 as UInt32, at: 4)),
                "Solo5 manifest has 65 entries, must have 1 to 64"),
            Malformed(
                "entries beyond the note", with(manifest: good.with(4 as UInt32, at: 4)),
                "Solo5 manifest has 320 bytes, which does not fit its 4 entries"),
            Malformed(
                "bytes behind the entries", with(manifest: good + [0, 0, 0, 0]),
                "Solo5 manifest has 324 bytes, which does not fit its 3 entries"),
            Malformed(
                "first entry a device", with(manifest: good.with(2 as UInt32, at: first + 68)),
                "Solo5 manifest entry 0 is not the reserved one"),
            Malformed(
                "first entry with a name", with(manifest: good.with(UInt8(ascii: "x"), at: first)),
                "Solo5 manifest entry 0 is not the reserved one"),
            Malformed(
                "name with a dash", with(manifest: good.with(UInt8(ascii: "-"), at: second)),
                "Solo5 manifest entry 1 has a bad name (need 1 to 67 letters and digits)"),
            Malformed(
                "no name", with(manifest: good.with(0 as UInt8, at: second)),
                "Solo5 manifest entry 1 has a bad name (need 1 to 67 letters and digits)"),
            Malformed(
                "name without an end",
                with(manifest: Array(good[..<second]) + unterminated + Array(good[(second + 68)...])),
                "Solo5 manifest entry 1 has a bad name (need 1 to 67 letters and digits)"),
            Malformed(
                "same name twice",
                with(manifest: Solo5Builder(target: 1, devices: [("a", 1), ("a", 2)]).manifest),
                "Solo5 manifest entry 2 has the name 'a' of an earlier entry"),
            Malformed(
                "unknown device", with(manifest: good.with(3 as UInt32, at: second + 68)),
                "Solo5 manifest entry 1 has unknown device type 3"),
            Malformed(
                "attached already", with(manifest: good.with(1 as UInt8, at: second + 96)),
                "Solo5 manifest entry 1 is marked as attached already"),
        ]
    }()

    static let malformedSegments: [Malformed] = {
        func text(_ change: (inout ELFBuilder) -> Void) -> [UInt8] {
            var elf = Solo5Builder(target: 1).elf
            change(&elf)
            return elf.image
        }
        let (first, second) = (ELFBuilder.programHeader(0), ELFBuilder.programHeader(1))
        let image = Solo5Builder(target: 1).elf.image
        return [
            Malformed(
                "position-independent", text { $0.type = 3 },
                "Solo5 binary has ELF type 3, must have 2 (executable at fixed addresses)"),
            Malformed("nothing to load", text { $0.segments.removeFirst(2) }, "Solo5 binary has nothing to load"),
            Malformed(
                "entry in data", text { $0.entry = 0x10_1000 },
                "Solo5 binary starts at 0x101000, which is in no executable segment"),
            Malformed(
                "entry 0", text { $0.entry = 0 }, "Solo5 binary starts at 0x0, which is in no executable segment"),
            Malformed(
                "too low", text { $0.segments[0].address = 0xF_F000 },
                "Solo5 binary's segment 0 begins at 0xff000, below 0x100000"),
            Malformed(
                "too low by alignment", text { $0.segments[0].alignment = 0x20_0000 },
                "Solo5 binary's segment 0 begins at 0x0, below 0x100000"),
            Malformed(
                "descending", text { $0.segments.swapAt(0, 1) },
                "Solo5 binary's segment 1 begins before the end of the previous one"),
            Malformed(
                "overlapping", text { $0.segments[0].memorySize = 0x1001 },
                "Solo5 binary's segment 1 begins before the end of the previous one"),
            Malformed(
                "alignment 3", text { $0.segments[0].alignment = 3 },
                "Solo5 binary's segment 0 has alignment 3, not a power of two"),
            Malformed(
                "alignment 0", text { $0.segments[0].alignment = 0 },
                "Solo5 binary's segment 0 has alignment 0, not a power of two"),
            Malformed(
                "not on pages", text { $0.segments[0].alignment = 16 },
                "Solo5 binary's segment 0 does not fill whole pages"),
            Malformed(
                "writable and executable", text { $0.segments[0].flags = 7 },
                "Solo5 binary's segment 0 is writable and executable"),
            Malformed(
                "smaller in memory", text { $0.segments[1].memorySize = 0 },
                "Solo5 binary's segment 1 is smaller in memory than in the file"),
            Malformed(
                "beyond memory", text { $0.segments[1].memorySize = 16 << 20 },
                "Solo5 binary's segment 1 does not fit the guest's 16 MiB of memory"),
            Malformed(
                "memory size overflows", text { $0.segments[1].memorySize = .max },
                "Solo5 binary's segment 1 does not fit the guest's 16 MiB of memory"),
            Malformed(
                "rounding overflows", text { $0.segments[1].memorySize = .max - 0x10_1000 },
                "Solo5 binary's segment 1 does not fit the guest's 16 MiB of memory"),
            Malformed(
                "address overflows", image.with(UInt64.max - 0xFFF, at: second + 16),
                "Solo5 binary's segment 1 does not fit the guest's 16 MiB of memory"),
            Malformed(
                "outside the file", image.with(0x10_0000 as UInt64, at: first + 8),
                "Solo5 binary's segment 0 lies outside the file"),
            Malformed(
                "file offset overflows", image.with(UInt64.max, at: first + 8),
                "Solo5 binary's segment 0 lies outside the file"),
        ]
    }()

    /// Every byte of headers and notes with every kind of damage: an error or a value, never a trap.
    @Test func survivesEveryDamagedByte() {
        let image = Solo5Builder(target: 1, devices: devices).elf.image
        var accepted = 0
        for offset in Array(0..<ELFBuilder.programHeader(4)) + Array(0x3000..<0x3024) + Array(0x4000..<0x4158) {
            for value in [0, 1, 0x7F, 0x80, 0xFF] as [UInt8] where image[offset] != value {
                if (try? check(image.with(value, at: offset))) != nil { accepted += 1 }
            }
        }
        #expect(accepted > 0)
    }

    @Test(arguments: malformedNotes + malformedSegments) func refuses(file: Malformed) {
        let error = #expect(throws: Solo5Error.self) { try check(file.image) }
        #expect(error?.description == file.message)
    }
}
