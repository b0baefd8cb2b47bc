// Gives up: prints a message and ends with 255, the status of an abort in Solo5.

#include "guest.h"

NO_DEVICES;

int guest_main(void) { guest_abort("the abort guest gives up"); }
