import CLinux
import GuestImages
import HostSystem
import Solo5Tender
import Testing

/// Whole runs of small hvt guests; the process of each exit test is the supervisor.
@Suite(.enabled(if: (try? open("/dev/kvm", flags: .readWrite)) != nil, "needs /dev/kvm")) struct HvtTests {
    /// A guest whose data begins with `words`.
    static func guest(
        _ code: [UInt8], devices: [(name: String, type: UInt32)] = [], words: [UInt64] = []
    ) -> Solo5Builder {
        var guest = Solo5Builder(target: 1, devices: devices, code: code)
        guest.data = []
        for word in words { guest.data.add(word) }
        guest.data += [UInt8](repeating: 0, count: 512)
        return guest
    }

    @Test func printsAndEndsWithTheGuestsStatus() async {
        let result = await #expect(processExitsWith: .exitCode(7), observing: [\.standardOutputContent]) {
            // puts(boot information, 180 bytes), then halt with status 7
            let code = Instructions.hypercall(2, 0x10_1000) + Instructions.hypercall(8, 0x10_1010)
            try supervise(HvtTests.guest(code, words: [0x1_0000, 180, 0, 7]), memoryMiB: 5, commandLine: "hello")
        }
        let boot = result?.standardOutputContent ?? []
        #expect(boot.count == 180)
        let manifest: UInt64 = 0x1_0000 + 56
        var expected: [UInt8] = []
        // 5 MiB is rounded down to whole 2 MiB pages.
        for word in [4 << 20, 0x10_3000] as [UInt64] { expected.add(word) }
        #expect(Array(boot.prefix(16)) == expected)
        expected = []
        // Command line, manifest; neither features nor a ring.
        for word in [manifest + 112, manifest, 0, 0] as [UInt64] { expected.add(word) }
        #expect(Array(boot.dropFirst(24).prefix(32)) == expected)
        #expect(Array(boot.dropFirst(56 + 112).prefix(6)) == Array("hello\0".utf8))
    }

    @Test func readsItsDisk() async {
        let result = await #expect(processExitsWith: .exitCode(0), observing: [\.standardOutputContent]) {
            let disk = try file(Array("sector of the disk".utf8) + [UInt8](repeating: 0, count: 494))
            // block_read(1, 0, 0x101100, 512), puts(0x101100, 18), mov eax, [result]; mov [0x101048], eax; halt(eax)
            let code =
                Instructions.hypercall(5, 0x10_1000) + Instructions.hypercall(2, 0x10_1030)
                + [0x8B, 0x04, 0x25, 0x20, 0x10, 0x10, 0, 0x89, 0x04, 0x25, 0x48, 0x10, 0x10, 0]
                + Instructions.hypercall(8, 0x10_1040)
            let words: [UInt64] = [1, 0, 0x10_1100, 512, .max, 0, 0x10_1100, 18, 0, .max]
            try supervise(
                HvtTests.guest(code, devices: [("disk", 1)], words: words),
                devices: [
                    AttachedDevice(name: "disk", kind: .block(capacityBytes: 512, sectorBytes: 512), descriptor: disk)
                ])
        }
        #expect(result?.standardOutputContent == Array("sector of the disk".utf8))
    }

    /// Beyond the disk, an offset that overflows, and a handle that is no disk: SOLO5_R_EINVAL.
    @Test func answersBadDiskAccess() async {
        await #expect(processExitsWith: .exitCode(6)) {
            // The results of three writes are added and become the status: mov eax, [..]; add eax, [..]; add eax, [..]
            var code: [UInt8] = []
            for call in [0x10_1000, 0x10_1028, 0x10_1050] as [UInt32] { code += Instructions.hypercall(4, call) }
            code += [0x8B, 0x04, 0x25, 0x20, 0x10, 0x10, 0, 0x03, 0x04, 0x25, 0x48, 0x10, 0x10, 0]
            code += [0x03, 0x04, 0x25, 0x70, 0x10, 0x10, 0, 0x89, 0x04, 0x25, 0x88, 0x10, 0x10, 0]
            code += Instructions.hypercall(8, 0x10_1080)
            let words: [UInt64] = [
                1, 512, 0x10_1100, 512, 0, 1, .max - 8, 0x10_1100, 512, 0, 2, 0, 0x10_1100, 512, 0,
            ]
            try supervise(
                HvtTests.guest(code, devices: [("disk", 1)], words: words),
                devices: [
                    AttachedDevice(
                        name: "disk", kind: .block(capacityBytes: 512, sectorBytes: 512),
                        descriptor: file([UInt8](repeating: 0, count: 512)))
                ])
        }
    }

    @Test func refusesTextBeyondMemory() async {
        let result = await #expect(processExitsWith: .exitCode(255), observing: [\.standardErrorContent]) {
            try supervise(HvtTests.guest(Instructions.hypercall(2, 0x10_1000), words: [0x40_0000 - 8, 9]))
        }
        let report = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
        #expect(
            report.contains(
                "guest fault: hypercall puts names 9 bytes at 0x3ffff8, which the guest may not read, instruction at "))
        #expect(report.contains("\n  rip    "))
    }

    @Test func refusesTextWhoseEndOverflows() async {
        let result = await #expect(processExitsWith: .exitCode(255), observing: [\.standardErrorContent]) {
            try supervise(HvtTests.guest(Instructions.hypercall(2, 0x10_1000), words: [0x10_1000, .max]))
        }
        let report = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
        #expect(report.contains("puts names 18446744073709551615 bytes at 0x101000"))
    }

    /// The host has write-protected the guest's text, so that following such a pointer would end the monitor.
    @Test func refusesResultsInReadOnlyMemory() async {
        let result = await #expect(processExitsWith: .exitCode(255), observing: [\.standardErrorContent]) {
            try supervise(HvtTests.guest(Instructions.hypercall(1, 0x10_0000)))
        }
        let report = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
        #expect(report.contains("hypercall walltime names 8 bytes at 0x100000, which the guest may not write"))
    }

    @Test func refusesThePageTables() async {
        let result = await #expect(processExitsWith: .exitCode(255), observing: [\.standardErrorContent]) {
            try supervise(HvtTests.guest(Instructions.hypercall(2, 0x2000)))
        }
        let report = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
        #expect(report.contains("hypercall puts names 16 bytes at 0x2000, which the guest may not read"))
    }

    @Test func refusesCallsWithoutADevice() async {
        let result = await #expect(processExitsWith: .exitCode(255), observing: [\.standardErrorContent]) {
            try supervise(HvtTests.guest(Instructions.hypercall(7, 0x10_1000)))
        }
        let report = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
        #expect(report.contains("hypercall 7, for which the guest declares no device"))
    }

    @Test func cannotWriteToItsText() async {
        let result = await #expect(processExitsWith: .exitCode(255), observing: [\.standardErrorContent]) {
            try supervise(HvtTests.guest(Instructions.writeToText))
        }
        let report = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
        // KVM tells the address, or only that there was an access: "access to memory that is protected".
        #expect(report.contains("guest fault: ") && report.contains(" is protected"))
    }

    @Test func reportsAMachineThatGaveUp() async {
        let result = await #expect(processExitsWith: .exitCode(255), observing: [\.standardErrorContent]) {
            try supervise(HvtTests.guest([0x0F, 0x0B]))
        }
        let report = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
        #expect(report.contains("guest fault: triple fault, instruction at 0x100000\n"))
    }
}
