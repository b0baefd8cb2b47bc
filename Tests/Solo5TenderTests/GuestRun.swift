import CLinux
import GuestImages
import HostSystem
import Solo5Tender

/// An anonymous file with `bytes` in it.
func file(_ bytes: [UInt8]) throws -> Int32 {
    let descriptor = try anonymousFile(named: "test").release()
    try writeAll(bytes, to: descriptor, named: "test")
    return descriptor
}

/// What a supervisor does with a guest: forks, lets the child become the guest, and ends as the guest ended, with the
/// fault's report on stderr. To be called in an exit test, whose process is the supervisor.
func supervise(
    _ guest: Solo5Builder, memoryMiB: UInt64 = 4, commandLine: String = "", devices: [AttachedDevice] = []
) throws -> Never {
    let launch = TenderLaunch(
        target: guest.target == 1 ? .hvt : .spt, memoryMiB: memoryMiB, commandLine: Array(commandLine.utf8),
        executable: try file(guest.elf.image),
        kvm: guest.target == 1 ? try open("/dev/kvm", flags: [.readWrite]).release() : nil, devices: devices)
    let faults = try FaultRecord()
    let child = try check("fork", "", lx_fork())
    if child == 0 {
        do {
            try prepareTender(launch, faults: faults).enter()
        } catch {
            try writeAll(Array("cannot run: \(error)\n".utf8), to: 2, named: "stderr")
            exitNow(1)
        }
    }
    let end = try waitForChild(child)
    if let report = faults.report { try writeAll(Array((report + "\n").utf8), to: 2, named: "stderr") }
    exitNow(end?.end.shellStatus ?? 1)
}

/// Instructions of small guests. Data begins at 0x101000.
enum Instructions {
    /// spt: mov rsi, rdi; write(1, rsi, `count`)
    static func writeBootInformation(_ count: UInt8) -> [UInt8] {
        [0x48, 0x89, 0xFE] + systemCall(1, 1, third: count)
    }
    /// spt: the system call `number` with `first`, and the third argument `third`; the second is whatever rsi holds.
    static func systemCall(_ number: UInt8, _ first: UInt8, third: UInt8 = 0) -> [UInt8] {
        [0xB8, number, 0, 0, 0, 0xBF, first, 0, 0, 0, 0xBA, third, 0, 0, 0, 0x0F, 0x05]
    }
    /// spt: mov r10, `offset`; mov rsi, 0x101000
    static func at(offset: UInt32) -> [UInt8] {
        var code: [UInt8] = [0x41, 0xBA]
        code.add(offset)
        return code + [0xBE, 0x00, 0x10, 0x10, 0x00]
    }
    /// hvt: out 0x500 + `hypercall`, `argument`
    static func hypercall(_ hypercall: UInt8, _ argument: UInt32) -> [UInt8] {
        var code: [UInt8] = [0xB8]
        code.add(argument)
        return code + [0xBA, hypercall, 0x05, 0, 0, 0xEF]
    }
    /// mov byte [0x100000], al: a write to the program itself.
    static let writeToText: [UInt8] = [0x88, 0x04, 0x25, 0x00, 0x00, 0x10, 0x00]
}
