// The little that the test guests share. Each guest is one file with a `guest_main`; the platform files
// (platform_hvt.c, platform_spt.c, platform_virt.c) translate the calls below into hypercalls, into system calls or
// into what hardware does.

#pragma once

#include <stddef.h>
#include <stdint.h>

#include "notes.h"

#define NANOSECONDS_PER_SECOND 1000000000ull
#define NANOSECONDS_PER_MILLISECOND 1000000ull

/// The bytes at the top of memory that `guest_main` may use as its stack; everything above the kernel's end and below
/// them is free.
#define STACK_RESERVE (64 * 1024)

/// What a guest does. The result is the exit status.
int guest_main(void);

// guest.c: text, numbers and strings.

/// Collects text and passes it on at each end of line, so that one line costs one exit to the host.
void put(const char *text);
void put_number(uint64_t number);
void put_hexadecimal(uint64_t number);
/// Prints what `put` has collected without waiting for the end of the line.
void flush(void);

/// Prints `message` and ends with status 255, which is how Solo5 reports an abort.
_Noreturn void guest_abort(const char *message);
_Noreturn void guest_exit(int status);

int equal(const char *left, const char *right);
size_t length(const char *text);
/// Reads a decimal number from all of `text`; returns `fallback` when `text` is empty and aborts when it is no number.
uint64_t parse_number(const char *text, uint64_t fallback);
/// Copies the next word of `line`, without blanks, to `place`, and goes on behind it; an empty one at the end.
const char *next_word(const char **line, char *place, size_t size);

// platform_hvt.c, platform_spt.c, platform_virt.c: what the host offers.

/// The command line, as the tender joined it or the monitor passed it.
const char *command_line(void);
uint64_t memory_size(void);
/// The first address behind the loaded program.
uint64_t kernel_end(void);
/// NULL when there is no device of this name. `handle` is set to the device's index.
const struct manifest_entry *find_device(const char *name, uint64_t *handle);
/// The device with this handle, which count from 1; NULL behind the last.
const struct manifest_entry *device_at(uint64_t handle);

void console_write(const void *data, size_t size);
/// Ends at once, without flushing.
_Noreturn void platform_exit(int status);

/// Nanoseconds from an unknown start, and since 1970.
uint64_t clock_monotonic(void);
uint64_t clock_wall(void);
/// Waits until a network device has a packet or the time is over, which on spt may count from the last call of
/// `clock_monotonic`; returns a bit for each handle with a packet.
uint64_t wait_ready(uint64_t timeout_nanoseconds);

// Devices: 0 is success, anything else a failure. `net_read` sets `*size` to what it got.
int block_read(uint64_t handle, uint64_t offset, void *data, size_t size);
int block_write(uint64_t handle, uint64_t offset, const void *data, size_t size);
int net_read(uint64_t handle, void *data, size_t *size);
int net_write(uint64_t handle, const void *data, size_t size);

#if defined GUEST_HVT
/// Passes the lower 32 bits of `argument` to the monitor as hypercall `number`.
void hypercall(uint16_t number, const volatile void *argument);
#elif defined GUEST_SPT
/// A Linux system call; the result is negative errno when it failed.
long system_call(long number, long a, long b, long c, long d, long e, long f);
#elif defined GUEST_VIRT
/// Takes what has come in on the console, without waiting; the result is the number of bytes. From the first call on,
/// `wait_ready` returns as well when there is something.
size_t console_read(void *data, size_t size);
/// Whether the machine was asked to end. From the first call on, `wait_ready` returns as well then.
int power_button(void);
#endif
