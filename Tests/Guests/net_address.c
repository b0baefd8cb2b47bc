// Addresses of both families as text and as bytes.

#include "net.h"

static const struct net_address mapped_v4 = {.bytes = {[10] = 0xff, [11] = 0xff}};

int address_is_v4(const struct net_address *address) { return address_matches(address, &mapped_v4, 96); }

struct net_address address_from_v4(const uint8_t bytes[4]) {
    struct net_address address = mapped_v4;
    for (int index = 0; index < 4; index++)
        address.bytes[12 + index] = bytes[index];
    return address;
}

int address_matches(const struct net_address *left, const struct net_address *right, unsigned prefix) {
    for (unsigned word = 0; word < 2 && prefix > 0; word++) {
        unsigned bits = prefix < 64 ? prefix : 64;
        if (__builtin_bswap64(left->words[word] ^ right->words[word]) >> (64 - bits))
            return 0;
        prefix -= bits;
    }
    return 1;
}

static int digit_of(char character) {
    if (character >= '0' && character <= '9')
        return character - '0';
    if (character >= 'a' && character <= 'f')
        return character - 'a' + 10;
    return character >= 'A' && character <= 'F' ? character - 'A' + 10 : 16;
}

/// Reads a number of at most four digits; returns where it ends, or NULL when there is none or it is over `limit`.
static const char *parse_group(const char *text, const char *end, int base, unsigned limit, unsigned *value) {
    const char *first = text;
    for (*value = 0; text < end && digit_of(*text) < base; text++)
        *value = *value * (unsigned)base + (unsigned)digit_of(*text);
    return text == first || text - first > 4 || *value > limit ? NULL : text;
}

static int parse_v4(const char *text, const char *end, uint8_t bytes[4]) {
    for (int index = 0; index < 4; index++) {
        unsigned value;
        if (index > 0 && (text == end || *text++ != '.'))
            return 0;
        if ((text = parse_group(text, end, 10, 255, &value)) == NULL)
            return 0;
        bytes[index] = (uint8_t)value;
    }
    return text == end;
}

/// Reads groups up to a `::` or the end into `groups`; returns their number, or -1 when one is wrong.
static int parse_groups(const char **text, const char *end, uint16_t groups[8]) {
    int count = 0;
    while (*text < end && **text != ':') {
        unsigned value;
        if (count == 8 || (*text = parse_group(*text, end, 16, 0xffff, &value)) == NULL)
            return -1;
        groups[count++] = (uint16_t)value;
        if (*text < end && **text != ':')
            return -1;
        if (*text + 1 < end && (*text)[1] != ':')
            ++*text;
    }
    return count;
}

static int parse_v6(const char *text, const char *end, struct net_address *address) {
    uint16_t head[8], tail[8];
    int tail_count = 0, head_count = parse_groups(&text, end, head);
    if (head_count < 0)
        return 0;
    if (text < end) {
        if (end - text < 2 || text[1] != ':')
            return 0;
        text += 2;
        tail_count = parse_groups(&text, end, tail);
        if (tail_count < 0 || text != end || head_count + tail_count > 7)
            return 0;
    } else if (head_count != 8) {
        return 0;
    }
    *address = (struct net_address){.words = {0, 0}};
    for (int index = 0; index < head_count + tail_count; index++) {
        int position = index < head_count ? index : 8 - tail_count + index - head_count;
        uint16_t group = index < head_count ? head[index] : tail[index - head_count];
        address->bytes[2 * position] = (uint8_t)(group >> 8);
        address->bytes[2 * position + 1] = (uint8_t)group;
    }
    return 1;
}

int address_parse(const char *text, const char *end, struct net_address *address) {
    uint8_t bytes[4];
    if (!parse_v4(text, end, bytes))
        return parse_v6(text, end, address);
    *address = address_from_v4(bytes);
    return 1;
}

static char *format_number(char *text, unsigned number, unsigned base) {
    if (number >= base)
        text = format_number(text, number / base, base);
    *text = "0123456789abcdef"[number % base];
    return text + 1;
}

size_t address_format(const struct net_address *address, char text[ADDRESS_TEXT]) {
    char *next = text;
    int v4 = address_is_v4(address);
    for (int index = v4 ? 12 : 0; index < 16; index += v4 ? 1 : 2) {
        if (next != text)
            *next++ = v4 ? '.' : ':';
        unsigned group = v4 ? address->bytes[index] : address->bytes[index] * 256u + address->bytes[index + 1];
        next = format_number(next, group, v4 ? 10 : 16);
    }
    *next = 0;
    return (size_t)(next - text);
}
