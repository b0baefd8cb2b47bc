import CLinux
import Testing

@testable import Solo5Tender

@Suite struct FaultRecordTests {
    @Test func isEmptyAtFirst() throws {
        #expect(try FaultRecord().report == nil)
    }

    @Test func keepsTextAndReplacesWhatIsNotPrintable() throws {
        let faults = try FaultRecord()
        faults.record("guest fault\n  rip \u{1B}[31m\u{7F}\0é")
        #expect(faults.report == "guest fault\n  rip ?[31m????")
    }

    @Test func cutsTextToItsPage() throws {
        let faults = try FaultRecord()
        faults.record(String(repeating: "x", count: 10_000))
        #expect(faults.report?.utf8.count == Int(LX_FAULT_TEXT_SIZE))
    }

    /// An spt guest can write what it likes into the page.
    @Test func isNotMisledByWhatAGuestScribbles() throws {
        let faults = try FaultRecord()
        // SAFETY: the page is mapped as long as the record lives.
        unsafe UnsafeMutableRawPointer(faults.page).initializeMemory(as: UInt8.self, repeating: 0xFF, count: 4096)
        #expect(faults.report == nil)
        unsafe faults.page.pointee.kind = UInt32(LX_FAULT_TEXT)
        #expect(faults.report == String(repeating: "?", count: Int(LX_FAULT_TEXT_SIZE)))
        unsafe faults.page.pointee.kind = UInt32(LX_FAULT_REGISTERS)
        #expect(faults.report?.hasPrefix("guest fault: trap 18446744073709551615 (error 0xffffffffffffffff), ") == true)
    }

    @Test(
        arguments: [
            (14, 6, "write to 0x8 (page fault, not mapped)"),
            (14, 4, "read of 0x8 (page fault, not mapped)"),
            (14, 0x15, "execution of 0x8 (page fault, protected)"),
            (13, 0, "general protection fault (error 0x0)"),
            (6, 0, "invalid instruction"),
            (0, 0, "division error"),
            (19, 0, "floating point error (trap 19)"),
        ] as [(UInt64, UInt64, String)])
    func namesTrap(trap: UInt64, error: UInt64, text: String) {
        var fault = lx_fault()
        fault.trap = trap
        fault.error = error
        fault.address = 8
        fault.registers.0 = 0x10_0020
        fault.registers.17 = 15
        let lines = RegisterReport(fault).text.split(separator: "\n")
        #expect(lines.first == "guest fault: \(text), instruction at 0x100020")
        #expect(
            lines.dropFirst().first
                == "  rip    0000000000100020  rflags 0000000000000000  rsp    0000000000000000  rbp    0000000000000000"
        )
        #expect(lines.last == "  r14    0000000000000000  r15    000000000000000f")
    }
}
