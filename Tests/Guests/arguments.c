// Prints the command line byte for byte between brackets, and its length.

#include "guest.h"

NO_DEVICES;

int guest_main(void) {
    put("[");
    put(command_line());
    put("]\nlength ");
    put_number(length(command_line()));
    put("\n");
    return 0;
}
