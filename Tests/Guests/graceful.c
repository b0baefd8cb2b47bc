// Waits until it is asked to end, by the power button or Ctrl-Alt-Del, and ends with the status that the command line
// names. virt only: Solo5 has no way to ask.

#include "guest.h"

NO_DEVICES;

int guest_main(void) {
    int status = (int)parse_number(command_line(), 0);
    int is_asked = power_button();
    put("waiting\n");
    for (; !is_asked; is_asked = power_button())
        wait_ready(3600 * NANOSECONDS_PER_SECOND);
    put("asked to end\n");
    return status;
}
