// Exceptions and interrupts. The guest runs with interrupts off and takes them only while it sleeps: they wake it, and
// whoever slept looks at what has changed.

#include "virt.h"

enum { GATES = 64, SELECTOR_CODE = 0x8, INTERRUPT_GATE = 0x8e };

// The local APIC's registers.
enum {
    LOCAL_APIC = 0xfee00000,
    APIC_ID = LOCAL_APIC + 0x20,
    APIC_TASK_PRIORITY = LOCAL_APIC + 0x80,
    APIC_END = LOCAL_APIC + 0xb0,
    APIC_SPURIOUS = LOCAL_APIC + 0xf0,
    APIC_TIMER = LOCAL_APIC + 0x320,
    APIC_EXTERNAL = LOCAL_APIC + 0x350,
    APIC_INITIAL_COUNT = LOCAL_APIC + 0x380,
    APIC_DIVIDE = LOCAL_APIC + 0x3e0,
};
enum { APIC_ENABLED = 0x100, APIC_MASKED = 0x10000, DIVIDE_BY_1 = 0xb, DIVIDE_BY_128 = 0xa };

// An I/O APIC takes the number of a register at one address and its value at another. QEMU's microvm has a second one,
// whose lines count on from the first one's.
enum { IO_APIC = 0xfec00000, IO_APIC_DISTANCE = 0x10000, IO_APIC_VALUE = 0x10, IO_APIC_LINES = 24 };
enum { REDIRECTION = 0x10, LEVEL_TRIGGERED = 0x8000 };

enum { PIC_MASK_1 = 0x21, PIC_MASK_2 = 0xa1 };
enum { PIT_COUNT = 0x40, PIT_CONTROL = 0x43, PIT_ONCE = 0x30 };

struct interrupt_frame {
    uint64_t instruction, code_segment, flags, stack, stack_segment;
};

struct gate {
    uint16_t offset_low, selector;
    uint8_t stack, type;
    uint16_t offset_middle;
    uint32_t offset_high, reserved;
};

static struct gate gates[GATES];

static _Noreturn void end_by_exception(const char *name, uint64_t instruction) {
    uint64_t address;
    __asm__ volatile("movq %%cr2, %0" : "=r"(address));
    put("exception: ");
    put(name);
    put(" at ");
    put_hexadecimal(instruction);
    put(", address ");
    put_hexadecimal(address);
    put("\n");
    guest_exit(255);
}

#define EXCEPTION(function, name)                                                                                      \
    __attribute__((interrupt)) static void function(struct interrupt_frame *frame) {                                   \
        end_by_exception(name, frame->instruction);                                                                    \
    }
#define EXCEPTION_WITH_CODE(function, name)                                                                            \
    __attribute__((interrupt)) static void function(struct interrupt_frame *frame, uint64_t code) {                    \
        (void)code;                                                                                                    \
        end_by_exception(name, frame->instruction);                                                                    \
    }

EXCEPTION(divide_error, "division")
EXCEPTION(undefined_instruction, "undefined instruction")
EXCEPTION_WITH_CODE(double_fault, "double fault")
EXCEPTION_WITH_CODE(general_protection, "general protection")
EXCEPTION_WITH_CODE(page_fault, "page fault")

__attribute__((interrupt)) static void wake(struct interrupt_frame *frame) {
    (void)frame;
    // A line that stays up would interrupt for ever.
    virtio_acknowledge();
    button_acknowledge();
    DEVICE_MEMORY(uint32_t, APIC_END) = 0;
}

/// Needs no acknowledgement.
__attribute__((interrupt)) static void spurious(struct interrupt_frame *frame) { (void)frame; }

static void set_gate(unsigned number, uintptr_t handler) {
    gates[number] = (struct gate){.offset_low = (uint16_t)handler,
                                  .selector = SELECTOR_CODE,
                                  .type = INTERRUPT_GATE,
                                  .offset_middle = (uint16_t)(handler >> 16),
                                  .offset_high = (uint32_t)(handler >> 32)};
}

void interrupts_start(void) {
    set_gate(0, (uintptr_t)divide_error);
    set_gate(6, (uintptr_t)undefined_instruction);
    set_gate(8, (uintptr_t)double_fault);
    set_gate(13, (uintptr_t)general_protection);
    set_gate(14, (uintptr_t)page_fault);
    set_gate(VECTOR_LINE, (uintptr_t)wake);
    set_gate(VECTOR_EDGE, (uintptr_t)wake);
    set_gate(VECTOR_SPURIOUS, (uintptr_t)spurious);
    struct __attribute__((packed)) {
        uint16_t limit;
        const struct gate *gates;
    } table = {sizeof gates - 1, gates};
    __asm__ volatile("lidt %0" : : "m"(table));

    // The old interrupt controllers and their timer stay quiet, whatever the firmware did with them. A timer that
    // nobody hears would wake the monitor all the same, 18 times a second.
    out8(PIC_MASK_1, 0xff);
    out8(PIC_MASK_2, 0xff);
    out8(PIT_CONTROL, PIT_ONCE);
    out8(PIT_COUNT, 1);
    out8(PIT_COUNT, 0);
    DEVICE_MEMORY(uint32_t, APIC_SPURIOUS) = APIC_ENABLED | VECTOR_SPURIOUS;
    DEVICE_MEMORY(uint32_t, APIC_TASK_PRIORITY) = 0;
    DEVICE_MEMORY(uint32_t, APIC_EXTERNAL) = APIC_MASKED;
    DEVICE_MEMORY(uint32_t, APIC_TIMER) = VECTOR_EDGE;
}

static void write_io_apic(uintptr_t base, uint32_t number, uint32_t value) {
    DEVICE_MEMORY(uint32_t, base) = number;
    DEVICE_MEMORY(uint32_t, base + IO_APIC_VALUE) = value;
}

void interrupts_route(unsigned line) {
    uintptr_t base = IO_APIC + line / IO_APIC_LINES * IO_APIC_DISTANCE;
    uint32_t number = REDIRECTION + 2 * (line % IO_APIC_LINES);
    write_io_apic(base, number + 1, DEVICE_MEMORY(uint32_t, APIC_ID));
    // By level: no interrupt is lost that comes while nobody looks.
    write_io_apic(base, number, LEVEL_TRIGGERED | VECTOR_LINE);
}

/// The timer of the local APIC of a virtual machine counts nanoseconds.
static void set_timer(uint64_t nanoseconds) {
    uint32_t divide = DIVIDE_BY_1;
    if (nanoseconds > UINT32_MAX) {
        nanoseconds /= 128;
        divide = DIVIDE_BY_128;
    }
    DEVICE_MEMORY(uint32_t, APIC_DIVIDE) = divide;
    DEVICE_MEMORY(uint32_t, APIC_INITIAL_COUNT) = nanoseconds < UINT32_MAX ? (uint32_t)nanoseconds : UINT32_MAX;
}

void interrupts_wait(uint64_t nanoseconds) {
    // A timer of zero would never fire.
    set_timer(nanoseconds > 0 ? nanoseconds : 1);
    // What came before is taken after hlt has begun, because sti waits for one more instruction.
    __asm__ volatile("sti\n\thlt\n\tcli" : : : "memory");
}
