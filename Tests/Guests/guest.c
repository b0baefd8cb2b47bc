// Text, numbers and strings for the test guests.

#include "guest.h"

static char pending[512];
static size_t pending_size;

void flush(void) {
    if (pending_size > 0)
        console_write(pending, pending_size);
    pending_size = 0;
}

void put(const char *text) {
    for (; *text; text++) {
        pending[pending_size++] = *text;
        if (*text == '\n' || pending_size == sizeof pending)
            flush();
    }
}

static void put_in_base(uint64_t number, unsigned base) {
    char digits[21];
    size_t position = sizeof digits - 1;
    digits[position] = 0;
    do {
        digits[--position] = "0123456789abcdef"[number % base];
        number /= base;
    } while (number > 0);
    put(digits + position);
}

void put_number(uint64_t number) { put_in_base(number, 10); }

void put_hexadecimal(uint64_t number) {
    put("0x");
    put_in_base(number, 16);
}

_Noreturn void guest_exit(int status) {
    flush();
    platform_exit(status);
}

_Noreturn void guest_abort(const char *message) {
    put("abort: ");
    put(message);
    put("\n");
    guest_exit(255);
}

size_t length(const char *text) {
    size_t size = 0;
    while (text[size])
        size++;
    return size;
}

int equal(const char *left, const char *right) {
    while (*left && *left == *right)
        left++, right++;
    return *left == *right;
}

uint64_t parse_number(const char *text, uint64_t fallback) {
    if (!*text)
        return fallback;
    uint64_t number = 0;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            guest_abort("the command line is not a number");
        number = number * 10 + (uint64_t)(*text - '0');
    }
    return number;
}

const char *next_word(const char **line, char *place, size_t size) {
    while (**line == ' ')
        (*line)++;
    size_t index = 0;
    while (**line && **line != ' ' && index + 1 < size)
        place[index++] = *(*line)++;
    place[index] = 0;
    return place;
}

// The compiler may call these two for any initialisation or assignment of a structure.

// Eight bytes at a time: where KVM emulates instructions, each step of a repeated one costs as much as any other.

void *memset(void *destination, int byte, size_t size) {
    void *next = destination;
    uint64_t pattern = (uint8_t)byte * 0x0101010101010101u;
    size_t words = size / 8, rest = size % 8;
    __asm__ volatile("rep stosq" : "+D"(next), "+c"(words) : "a"(pattern) : "memory");
    __asm__ volatile("rep stosb" : "+D"(next), "+c"(rest) : "a"(pattern) : "memory");
    return destination;
}

void *memcpy(void *restrict destination, const void *restrict source, size_t size) {
    void *next = destination;
    size_t words = size / 8, rest = size % 8;
    __asm__ volatile("rep movsq" : "+D"(next), "+S"(source), "+c"(words) : : "memory");
    __asm__ volatile("rep movsb" : "+D"(next), "+S"(source), "+c"(rest) : : "memory");
    return destination;
}
