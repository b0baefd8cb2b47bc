import CLinux
import GuestImages
import HostSystem
import Solo5Tender
import Testing

/// Whole runs of small spt guests; the process of each exit test is the supervisor.
@Suite struct SptTests {
    @Test func printsAndEndsWithTheGuestsStatus() async {
        let result = await #expect(processExitsWith: .exitCode(7), observing: [\.standardOutputContent]) {
            let exit: [UInt8] = Instructions.systemCall(231, 7)
            // Boot information (40 bytes), manifest (8 + 104), then the command line.
            let guest = Solo5Builder(target: 2, code: Instructions.writeBootInformation(157) + exit)
            try supervise(guest, commandLine: "--x=1 y")
        }
        let boot = result?.standardOutputContent ?? []
        #expect(boot.count == 157)
        let manifest: UInt64 = 0x1_1000 + 40
        var expected: [UInt8] = []
        for word in [4 << 20, 0x10_3000, manifest + 112, manifest] as [UInt64] { expected.add(word) }
        #expect(Array(boot.prefix(32)) == expected)
        #expect(Array(boot.dropFirst(40).prefix(112)) == Solo5Builder(target: 2).manifest)
        #expect(Array(boot.suffix(5)) == Array("--x=1".utf8))
    }

    @Test func tellsTheGuestAboutItsDevices() async {
        let result = await #expect(processExitsWith: .exitCode(0), observing: [\.standardOutputContent]) {
            // The entry of the only device: 40 + 8 + 104 bytes to skip, but rsi is the start; 255 bytes reach its end.
            let code = Instructions.writeBootInformation(255) + Instructions.systemCall(231, 0)
            let guest = Solo5Builder(target: 2, devices: [("storage", 1)], code: code)
            try duplicate(file([UInt8](repeating: 0, count: 4096)), to: 77)
            try supervise(
                guest,
                devices: [
                    AttachedDevice(
                        name: "storage", kind: .block(capacityBytes: 4096, sectorBytes: 1024), descriptor: 77)
                ])
        }
        let entry = (result?.standardOutputContent ?? []).dropFirst(40 + 8 + 104)
        var properties: [UInt8] = []
        properties.add(4096 as UInt64)
        properties.add(1024 as UInt64)
        properties.add(77 as UInt64)
        #expect(Array(entry.dropFirst(72).prefix(24)) == properties)
        #expect(entry.dropFirst(96).first == 1)
    }

    @Test func reportsAFaultWithRegisters() async {
        let result = await #expect(processExitsWith: .exitCode(255), observing: [\.standardErrorContent]) {
            try supervise(Solo5Builder(target: 2, code: Instructions.writeToText))
        }
        let report = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
        #expect(
            report.contains(
                "guest fault: write to 0x100000 (page fault, protected), instruction at 0x100000\n  rip    "))
        // A function's first instruction finds the stack 8 below a multiple of 16, and no register tells of the host.
        #expect(report.contains("rsp    00000000003ffff8  rbp    0000000000000000"))
        #expect(report.contains("rdi    0000000000011000"))
    }

    @Test func reportsAFaultOfAGuestWithItsOwnThreadPointer() async {
        let result = await #expect(processExitsWith: .exitCode(255), observing: [\.standardErrorContent]) {
            // arch_prctl(ARCH_SET_FS, 0): mov edi, 0x1002; xor esi, esi; mov eax, 158; syscall; ud2
            let code: [UInt8] = [0xBF, 0x02, 0x10, 0, 0, 0x31, 0xF6, 0xB8, 158, 0, 0, 0, 0x0F, 0x05, 0x0F, 0x0B]
            try supervise(Solo5Builder(target: 2, code: code))
        }
        let report = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
        #expect(report.contains("guest fault: invalid instruction, instruction at 0x10000e\n"))
    }

    @Test func cannotExecuteData() async {
        let result = await #expect(processExitsWith: .exitCode(255), observing: [\.standardErrorContent]) {
            // mov eax, 0x101000; jmp rax
            try supervise(Solo5Builder(target: 2, code: [0xB8, 0x00, 0x10, 0x10, 0x00, 0xFF, 0xE0]))
        }
        let report = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
        #expect(report.contains("guest fault: execution of 0x101000"))
    }

    @Test func diesOfACallOutsideTheContract() async {
        await #expect(processExitsWith: .exitCode(159)) {
            try supervise(Solo5Builder(target: 2, code: Instructions.systemCall(39, 0)))
        }
        // Standard error is not the console.
        await #expect(processExitsWith: .exitCode(159)) {
            try supervise(Solo5Builder(target: 2, code: Instructions.systemCall(1, 2)))
        }
    }

    @Test func writesSectorsOfItsDisk() async {
        await #expect(processExitsWith: .exitCode(0)) {
            try duplicate(file([UInt8](repeating: 0, count: 4096)), to: 77)
            // pwrite64(77, 0x101000, 0x200, 0xE00): the last sector. `third` has 8 bits, so its second byte is patched.
            var write = Instructions.systemCall(18, 77)
            write[12] = 2
            let code = Instructions.at(offset: 0xE00) + write + Instructions.systemCall(231, 0)
            try supervise(
                Solo5Builder(target: 2, devices: [("storage", 1)], code: code),
                devices: [
                    AttachedDevice(name: "storage", kind: .block(capacityBytes: 4096, sectorBytes: 512), descriptor: 77)
                ])
        }
    }

    @Test func cannotMakeItsDiskGrow() async {
        await #expect(processExitsWith: .exitCode(159)) {
            try duplicate(file([UInt8](repeating: 0, count: 4096)), to: 77)
            var write = Instructions.systemCall(18, 77)
            write[12] = 2
            let code = Instructions.at(offset: 0xE01) + write + Instructions.systemCall(231, 0)
            try supervise(
                Solo5Builder(target: 2, devices: [("storage", 1)], code: code),
                devices: [
                    AttachedDevice(name: "storage", kind: .block(capacityBytes: 4096, sectorBytes: 512), descriptor: 77)
                ])
        }
    }

    @Test func survivesAConsoleThatIsGone() async {
        await #expect(processExitsWith: .exitCode(0)) {
            var ends: [Int32] = [0, 0]
            // SAFETY: the array has the two elements that the call fills.
            _ = unsafe pipe(&ends)
            _ = lx_close(ends[0])
            try duplicate(ends[1], to: 1)
            let code = Instructions.writeBootInformation(40) + Instructions.systemCall(231, 0)
            try supervise(Solo5Builder(target: 2, code: code))
        }
    }
}
