// Keeps its processor busy for ever.

#include "guest.h"

NO_DEVICES;

int guest_main(void) {
    put("spinning\n");
    for (;;)
        __asm__ volatile("pause");
}
