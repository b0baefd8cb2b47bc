// Sleeps for as many milliseconds as the command line says, for ever without one, and uses no processor time meanwhile.

#include "guest.h"

NO_DEVICES;

int guest_main(void) {
    const char *limit = command_line();
    uint64_t left = parse_number(limit, 0) * NANOSECONDS_PER_MILLISECOND;
    put("sleeping\n");
    while (!*limit)
        wait_ready(3600 * NANOSECONDS_PER_SECOND);

    uint64_t end = clock_monotonic() + left;
    for (uint64_t now = end - left; now < end; now = clock_monotonic())
        wait_ready(end - now);
    put("awake\n");
    return 0;
}
