// Text for pages and from requests.

#include "http.h"

void text_clear(struct http_text *text) { text->size = 0; }

void text_add_bytes(struct http_text *text, const char *more, size_t size) {
    for (; size > 0 && text->size < sizeof text->bytes; size--)
        text->bytes[text->size++] = *more++;
}

void text_add(struct http_text *text, const char *more) {
    while (*more)
        text_add_bytes(text, more++, 1);
}

void text_add_number(struct http_text *text, uint64_t number) {
    if (number >= 10)
        text_add_number(text, number / 10);
    text_add_bytes(text, &"0123456789"[number % 10], 1);
}

void text_add_hexadecimal_byte(struct http_text *text, unsigned byte) {
    text_add_bytes(text, &"0123456789abcdef"[byte >> 4 & 15], 1);
    text_add_bytes(text, &"0123456789abcdef"[byte & 15], 1);
}

static char lower(char character) { return character >= 'A' && character <= 'Z' ? character + 32 : character; }

int text_is(const char *bytes, size_t size, const char *text, int any_case) {
    for (; size > 0 && *text; size--, bytes++, text++)
        if (any_case ? lower(*bytes) != lower(*text) : *bytes != *text)
            return 0;
    return size == 0 && *text == 0;
}

int text_begins(const char *bytes, size_t size, const char *text) {
    for (; size > 0 && *text && *bytes == *text; size--)
        bytes++, text++;
    return *text == 0;
}

int text_number(const char *bytes, size_t size, uint64_t limit, uint64_t *number) {
    *number = 0;
    for (size_t index = 0; index < size; index++) {
        if (bytes[index] < '0' || bytes[index] > '9')
            return 0;
        *number = *number * 10 + (uint64_t)(bytes[index] - '0');
        if (*number > limit)
            return 0;
    }
    return size > 0;
}
