// An ordinary program for a Linux guest of QEMU: ends the machine with a status by isa-debug-exit, as virt_power.c does.
// Ends with 1 where it may not or where there is no such device.

#include <stdlib.h>
#include <sys/io.h>
#include <unistd.h>

enum { EXIT_PORT = 0x501, LARGEST_STATUS = 127 };

int main(int count, char **arguments) {
    int status = count > 1 ? atoi(arguments[1]) & 255 : 0;
    sync();
    if (ioperm(EXIT_PORT, 2, 1) != 0)
        return 1;
    outw((unsigned short)(status < LARGEST_STATUS ? status : LARGEST_STATUS), EXIT_PORT);
    return 1;
}
