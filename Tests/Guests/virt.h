// What the files of the virt platform share: a guest that boots on a virtual machine as hardware has it, by the PVH
// protocol or by Linux' 64-bit one, and drives a PC's serial port and virtio devices of version 1 itself.

#pragma once

#include "guest.h"

static inline void out8(uint16_t port, uint8_t value) {
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port) : "memory");
}
static inline void out16(uint16_t port, uint16_t value) {
    __asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port) : "memory");
}
static inline void out32(uint16_t port, uint32_t value) {
    __asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port) : "memory");
}
static inline uint8_t in8(uint16_t port) {
    uint8_t value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port) : "memory");
    return value;
}
static inline uint16_t in16(uint16_t port) {
    uint16_t value;
    __asm__ volatile("inw %1, %0" : "=a"(value) : "Nd"(port) : "memory");
    return value;
}
static inline uint32_t in32(uint16_t port) {
    uint32_t value;
    __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port) : "memory");
    return value;
}

static inline uint64_t read_register(uint32_t number) {
    uint32_t low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(number));
    return (uint64_t)high << 32 | low;
}
static inline void write_register(uint32_t number, uint64_t value) {
    __asm__ volatile("wrmsr" : : "c"(number), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)) : "memory");
}

/// Memory of a device: a processor reads and writes it in order and in the width that is asked for.
#define DEVICE_MEMORY(type, address) (*(volatile type *)(uintptr_t)(address))

// virt_entry.S

extern uint64_t low_page_table[512];
/// Loads the page tables again after a change.
void reload_page_tables(void);
/// Continues with `next` on another stack.
_Noreturn void continue_on_stack(uint64_t stack_end, void (*next)(void));

// virt_boot.c: what the monitor says of the machine.

struct boot_facts {
    char *command_line;
    /// The end of the memory that the program lies in.
    uint64_t memory_end;
    /// Where the monitor says the ACPI tables begin; 0 when it does not.
    uint64_t acpi_root;
};

extern struct boot_facts boot_facts;

/// Memory behind the program, zeroed and never given back; before `guest_main` only.
void *virt_allocate(size_t size, size_t alignment);

// virt_serial.c

void serial_start(void);
/// Whether there is something for `console_read`, which has been called before.
int serial_has_input(void);

// virt_interrupts.c

/// What the interrupt controllers deliver; all of them only wake the processor. Lines, which are by level, have a vector of
/// their own: beside the timer's or a message in the same one, the end of a line's interrupt would not reach the I/O APIC.
enum { VECTOR_LINE = 0x30, VECTOR_EDGE = 0x31, VECTOR_SPURIOUS = 0x3f };

void interrupts_start(void);
/// Has the interrupt with this number (an input of an I/O APIC) wake the processor.
void interrupts_route(unsigned line);
/// Sleeps until an interrupt comes, which may have come since the last time, or `nanoseconds` are over.
void interrupts_wait(uint64_t nanoseconds);

// virt_virtio.c

/// Attaches the devices that the guest declares to those that the machine has, each kind in order.
void virtio_start(void);
/// Has the devices take back their interrupts.
void virtio_acknowledge(void);

// virt_net.c

/// A bit for each handle with a packet.
uint64_t net_ready(void);
/// How long to sleep at most while a packet may come, in nanoseconds.
uint64_t net_patience(void);

// virt_vsock.c: streams to and from the host, see the specification's section 5.10.

struct vsock_stream {
    uint32_t port, host_port;
    /// Whether the host has accepted, will send nothing more, or has ended it.
    uint8_t is_open, has_ended, is_reset;
    uint32_t sent, host_buffer, host_forwarded, received, forwarded, told;
};

/// Whether there is a device.
int vsock_is_there(void);
/// The bit of its handle when there is a packet.
uint64_t vsock_ready(void);
/// How long to sleep at most while a packet may come, in nanoseconds.
uint64_t vsock_patience(void);
/// Asks for a connection to a port of the host's.
void vsock_connect(struct vsock_stream *stream, uint32_t port, uint32_t host_port);
/// Sends what there is room for; the number of bytes.
size_t vsock_send(struct vsock_stream *stream, const void *data, size_t size);
/// Says that nothing more is sent, or that nothing more is wanted either.
void vsock_shutdown(struct vsock_stream *stream, int both);
/// Says that the stream is void; nothing more comes of it.
void vsock_reset(struct vsock_stream *stream);
/// Says that received bytes need no room any more.
void vsock_forward(struct vsock_stream *stream, uint32_t bytes);
/// Takes one packet, if there is one. `stream` finds or makes the stream of ports, NULL when there is none and none is
/// wanted; `data` gets what has come.
int vsock_poll(struct vsock_stream *(*stream)(uint32_t port, uint32_t host_port, int is_request),
               void (*data)(struct vsock_stream *stream, const uint8_t *bytes, size_t size));
/// Sleeps until a packet may be there, or `nanoseconds` are over.
void vsock_wait(uint64_t nanoseconds);

// virt_files.c: files of the host's.

/// Whether there is a device.
int files_are_there(void);
/// Reads what a file begins with; the number of bytes, -1 when it cannot be read.
int files_read(const char *path, char *text, size_t room);
/// Makes a file of `text`; 0 unless it cannot be done.
int files_write(const char *path, const char *text, size_t size);

// virt_button.c

/// Notes that the power button was pressed, and has it take back its interrupt.
void button_acknowledge(void);
int button_is_pressed(void);

// virt_power.c

/// Ends the machine without telling a status.
_Noreturn void power_reset(void);
