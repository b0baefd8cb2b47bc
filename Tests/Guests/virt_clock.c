// The clocks. KVM tells how its processor's cycle counter runs and what time it is; elsewhere the counter is measured
// against the local APIC's timer, and the time comes from the PC's real-time clock.

#include "virt.h"

enum { KVM_LEAF = 0x40000000, KVM_HAS_CLOCKS = 1 << 3 };
enum { KVM_WALL_CLOCK = 0x4b564d00, KVM_SYSTEM_CLOCK = 0x4b564d01, KVM_CLOCK_ENABLE = 1 };

// The local APIC's timer counts nanoseconds down.
enum { APIC_INITIAL_COUNT = 0xfee00380, APIC_COUNT = 0xfee00390, APIC_DIVIDE = 0xfee003e0, DIVIDE_BY_1 = 0xb };

enum { RTC_INDEX = 0x70, RTC_DATA = 0x71 };
enum { RTC_SECOND = 0, RTC_MINUTE = 2, RTC_HOUR = 4, RTC_DAY = 7, RTC_MONTH = 8, RTC_YEAR = 9, RTC_A = 10, RTC_B = 11 };
enum { RTC_UPDATING = 0x80, RTC_BINARY = 4 };

/// Nanoseconds are `base + ((cycles - start) * multiplier >> shift)`.
static struct {
    uint64_t base, start, multiplier;
    unsigned shift;
} scale;
/// What the wall clock is ahead of the monotonic one; 0: not known yet.
static uint64_t wall_offset;
static int has_kvm_clock;

static uint64_t cycles(void) {
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

/// Whether the processor says that KVM's clocks are there.
static int finds_kvm(void) {
    uint32_t a = KVM_LEAF, b, c, d;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(d));
    if (b != 0x4b4d564b || c != 0x564b4d56 || d != 0x4d) // KVMKVMKVM
        return 0;
    a = KVM_LEAF + 1;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(d));
    return (a & KVM_HAS_CLOCKS) != 0;
}

/// See Documentation/virt/kvm/x86/msr.rst. The values are read once: they change when the machine was paused, and then
/// the clock stands where it stood.
static void read_kvm_clock(void) {
    static volatile struct __attribute__((packed, aligned(32))) {
        uint32_t version, padding;
        uint64_t cycles, nanoseconds;
        uint32_t multiplier;
        int8_t shift;
        uint8_t flags, more_padding[2];
    } system;
    write_register(KVM_SYSTEM_CLOCK, (uint64_t)(uintptr_t)&system | KVM_CLOCK_ENABLE);
    scale.base = system.nanoseconds;
    scale.start = system.cycles;
    scale.multiplier = system.multiplier;
    scale.shift = (unsigned)(32 - system.shift);
}

static void read_pair(uint64_t *counter, uint32_t *count) {
    uint64_t shortest = ~0ull;
    for (int attempt = 0; attempt < 5; attempt++) {
        uint64_t before = cycles();
        uint32_t now = DEVICE_MEMORY(uint32_t, APIC_COUNT);
        uint64_t after = cycles();
        // The one that was interrupted least.
        if (after - before < shortest) {
            shortest = after - before;
            *counter = before + shortest / 2;
            *count = now;
        }
    }
}

/// Takes 2 ms.
static void measure_cycles(void) {
    uint64_t start, end;
    uint32_t start_count, end_count;
    DEVICE_MEMORY(uint32_t, APIC_DIVIDE) = DIVIDE_BY_1;
    DEVICE_MEMORY(uint32_t, APIC_INITIAL_COUNT) = UINT32_MAX;
    read_pair(&start, &start_count);
    do {
        read_pair(&end, &end_count);
    } while (start_count - end_count < 2 * NANOSECONDS_PER_MILLISECOND);
    scale.start = start;
    scale.shift = 32;
    scale.multiplier = ((uint64_t)(start_count - end_count) << 32) / (end - start);
}

static void start_clock(void) {
    has_kvm_clock = finds_kvm();
    if (has_kvm_clock)
        read_kvm_clock();
    if (scale.multiplier == 0)
        measure_cycles();
}

uint64_t clock_monotonic(void) {
    if (scale.multiplier == 0)
        start_clock();
    unsigned __int128 passed = (unsigned __int128)(cycles() - scale.start) * scale.multiplier;
    return scale.base + (uint64_t)(passed >> scale.shift);
}

static unsigned read_rtc(uint8_t index) {
    out8(RTC_INDEX, index);
    return in8(RTC_DATA);
}

static unsigned read_rtc_number(uint8_t index) {
    unsigned number = read_rtc(index);
    return read_rtc(RTC_B) & RTC_BINARY ? number : number / 16 * 10 + number % 16;
}

/// Days from 1970-01-01 to the first of a month.
static uint64_t days_before(unsigned year, unsigned month) {
    static const uint16_t days[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    uint64_t leap_days = (year - 1969) / 4 + (month > 2 && year % 4 == 0);
    return (year - 1970) * 365ull + leap_days + days[(month - 1) % 12];
}

/// Seconds since 1970, in this century.
static uint64_t read_real_time(void) {
    while (read_rtc(RTC_A) & RTC_UPDATING)
        __asm__ volatile("pause");
    uint64_t days = days_before(2000 + read_rtc_number(RTC_YEAR), read_rtc_number(RTC_MONTH));
    days += read_rtc_number(RTC_DAY) - 1;
    return ((days * 24 + read_rtc_number(RTC_HOUR)) * 60 + read_rtc_number(RTC_MINUTE)) * 60 +
           read_rtc_number(RTC_SECOND);
}

static uint64_t read_kvm_wall_clock(void) {
    static volatile struct __attribute__((aligned(16))) {
        uint32_t version, seconds, nanoseconds;
    } wall;
    write_register(KVM_WALL_CLOCK, (uint64_t)(uintptr_t)&wall);
    return wall.seconds * NANOSECONDS_PER_SECOND + wall.nanoseconds;
}

uint64_t clock_wall(void) {
    uint64_t now = clock_monotonic();
    if (wall_offset == 0)
        wall_offset = has_kvm_clock ? read_kvm_wall_clock() : read_real_time() * NANOSECONDS_PER_SECOND - now;
    return now + wall_offset;
}
