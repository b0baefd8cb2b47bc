// Checks both clocks: the monotonic one advances over a wait of 20 ms, the wall clock is past the start of 2020.

#include "guest.h"

NO_DEVICES;

static const uint64_t start_of_2020 = 1577836800ull * NANOSECONDS_PER_SECOND;

int guest_main(void) {
    uint64_t before = clock_monotonic();
    wait_ready(20 * NANOSECONDS_PER_MILLISECOND);
    uint64_t after = clock_monotonic();
    uint64_t wall = clock_wall();

    put("monotonic ");
    put_number(before);
    put(" then ");
    put_number(after);
    put("\nwall ");
    put_number(wall);
    put("\n");
    if (after <= before)
        guest_abort("the monotonic clock does not advance");
    if (after - before < 19 * NANOSECONDS_PER_MILLISECOND)
        guest_abort("the wait was too short");
    if (wall < start_of_2020)
        guest_abort("the wall clock is before 2020");
    put("clocks are good\n");
    return 0;
}
