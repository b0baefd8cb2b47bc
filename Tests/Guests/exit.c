// Ends with the status that the command line names, 0 without one.

#include "guest.h"

NO_DEVICES;

int guest_main(void) { return (int)parse_number(command_line(), 0); }
