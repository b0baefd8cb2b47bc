// Reads lines from the console and prints each in brackets; `exit N` ends with that status. virt only: a Solo5 guest
// has no input.

#include "guest.h"

NO_DEVICES;

enum { LONGEST_LINE = 256 };

static char line[LONGEST_LINE];
static size_t line_size;

static void answer(void) {
    line[line_size] = 0;
    static const char command[] = "exit ";
    size_t same = 0;
    while (command[same] && line[same] == command[same])
        same++;
    if (!command[same])
        guest_exit((int)parse_number(line + same, 0));
    put("[");
    put(line);
    put("]\n");
    line_size = 0;
}

static void take(char character) {
    // A terminal in raw mode sends a carriage return.
    if (character == '\n' || character == '\r')
        answer();
    else if (line_size < sizeof line - 1)
        line[line_size++] = character;
}

int guest_main(void) {
    put("ready\n");
    for (;;) {
        char input[64];
        size_t size = console_read(input, sizeof input);
        for (size_t index = 0; index < size; index++)
            take(input[index]);
        if (size == 0)
            wait_ready(3600 * NANOSECONDS_PER_SECOND);
    }
}
