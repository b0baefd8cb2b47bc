/// eBPF code in the making: instructions as `struct bpf_insn` lays them out, with places to jump to.
///
/// See the kernel's Documentation/bpf/standardization/instruction-set.rst. R1 to R5 are arguments of a call and lost by
/// it, R0 is its result, R6 to R9 are kept, R10 is the end of 512 bytes of memory.
struct PacketCode {
    /// A place in the code.
    struct Label: Equatable { fileprivate let number: Int }

    /// What a jump compares the lower half of a register for, with the code of its instruction.
    enum Test: UInt64 { case equal = 0x16, notEqual = 0x56, greater = 0x26, less = 0xa6, anyBit = 0x46 }

    /// Functions of the kernel, see bpf-helpers(7), with their numbers.
    enum Function: UInt32 {
        case lookUpMap = 1, updateMap
        case storeBytes = 9, replaceHeaderChecksum, replaceChecksum
        case cloneRedirect = 13
        case redirect = 23
        case loadBytes = 26
        case lookUpUDP = 85
        case release = 86
        case lookUpTCP = 99
    }

    private var code: [UInt64] = []
    private var places: [Int?] = []
    private var jumps: [(instruction: Int, label: Label)] = []

    private mutating func add(
        _ operation: UInt64, to: UInt64 = 0, from: UInt64 = 0, offset: Int = 0, value: UInt32 = 0
    ) {
        code.append(
            operation | to << 8 | from << 12 | UInt64(UInt16(truncatingIfNeeded: offset)) << 16 | UInt64(value) << 32)
    }

    /// A place that is still to be found.
    mutating func label() -> Label {
        places.append(nil)
        return Label(number: places.count - 1)
    }

    /// Here it is.
    mutating func place(_ label: Label) { places[label.number] = code.count }

    mutating func jump(to label: Label) {
        jumps.append((code.count, label))
        add(0x05)
    }

    mutating func jump(if register: UInt64, _ test: Test, _ value: UInt32, to label: Label) {
        jumps.append((code.count, label))
        add(test.rawValue, to: register, value: value)
    }

    /// For a pointer, which the kernel wants to see compared whole.
    mutating func jump(ifNull register: UInt64, to label: Label) {
        jumps.append((code.count, label))
        add(0x15, to: register)
    }

    /// A number of 32 bits, extended by its sign.
    mutating func set(_ register: UInt64, _ value: Int32) { add(0xb7, to: register, value: UInt32(bitPattern: value)) }
    mutating func copy(_ register: UInt64, from: UInt64) { add(0xbf, to: register, from: from) }
    mutating func add(_ register: UInt64, _ value: Int32) { add(0x07, to: register, value: UInt32(bitPattern: value)) }
    mutating func add(_ register: UInt64, from: UInt64) { add(0x0f, to: register, from: from) }
    mutating func and(_ register: UInt64, _ value: UInt32) { add(0x57, to: register, value: value) }
    mutating func shiftLeft(_ register: UInt64, _ bits: UInt32) { add(0x67, to: register, value: bits) }
    /// Reverses the bytes of the lower 16 bits: from the network's order to the machine's.
    mutating func reverse16(_ register: UInt64) { add(0xdc, to: register, value: 16) }

    mutating func loadByte(_ register: UInt64, _ base: UInt64, _ offset: Int) {
        add(0x71, to: register, from: base, offset: offset)
    }
    mutating func loadHalf(_ register: UInt64, _ base: UInt64, _ offset: Int) {
        add(0x69, to: register, from: base, offset: offset)
    }
    mutating func loadWord(_ register: UInt64, _ base: UInt64, _ offset: Int) {
        add(0x61, to: register, from: base, offset: offset)
    }
    mutating func storeWord(_ value: UInt32, at offset: Int) { add(0x62, to: 10, offset: offset, value: value) }
    mutating func storeWord(from register: UInt64, at offset: Int) { add(0x63, to: 10, from: register, offset: offset) }

    /// The open map with this descriptor; two instructions.
    mutating func loadMap(_ register: UInt64, _ descriptor: Int32) {
        let byDescriptor: UInt64 = 1
        add(0x18, to: register, from: byDescriptor, value: UInt32(bitPattern: descriptor))
        add(0)
    }

    mutating func call(_ function: Function) { add(0x85, value: function.rawValue) }

    /// Ends the program with R0 as its answer.
    mutating func exit() { add(0x95) }

    /// The instructions, every jump with its distance.
    var instructions: [UInt64] {
        var finished = code
        for (at, label) in jumps {
            let distance = (places[label.number] ?? 0) - at - 1
            finished[at] |= UInt64(UInt16(truncatingIfNeeded: distance)) << 16
        }
        return finished
    }
}
