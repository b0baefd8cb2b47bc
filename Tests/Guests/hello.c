// Prints a greeting and the command line.

#include "guest.h"

NO_DEVICES;

int guest_main(void) {
    put("Hello from swiftlet guest\n");
    put("command line: ");
    put(command_line());
    put("\n");
    return 0;
}
