// The Internet checksum (RFC 1071). Sums are taken in the order of the machine's bytes: the result, stored in that order
// too, is the same.

#include "net_wire.h"

static inline uint64_t add_with_carry(uint64_t sum, uint64_t word) {
    sum += word;
    return sum + (sum < word);
}

uint64_t checksum_add(uint64_t sum, const void *data, size_t size) {
    const uint8_t *next = data;
    for (; size >= 32; size -= 32, next += 32) {
        const unaligned64 *words = (const unaligned64 *)next;
        sum = add_with_carry(sum, words[0]);
        sum = add_with_carry(sum, words[1]);
        sum = add_with_carry(sum, words[2]);
        sum = add_with_carry(sum, words[3]);
    }
    for (; size >= 8; size -= 8, next += 8)
        sum = add_with_carry(sum, *(const unaligned64 *)next);
    for (; size >= 2; size -= 2, next += 2)
        sum = add_with_carry(sum, *(const unaligned16 *)next);
    return size > 0 ? add_with_carry(sum, *next) : sum;
}

uint16_t checksum_finish(uint64_t sum) {
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

uint16_t checksum_packet(const struct ip_packet *packet) {
    uint64_t sum = 0;
    if (packet->protocol != PROTOCOL_ICMP) {
        unsigned skip = address_is_v4(&packet->source) ? 12 : 0;
        sum = checksum_add(sum, packet->source.bytes + skip, 16 - skip);
        sum = checksum_add(sum, packet->destination.bytes + skip, 16 - skip);
        sum += (uint64_t)packet->protocol << 8;
        sum += __builtin_bswap16((uint16_t)packet->size);
    }
    return checksum_finish(checksum_add(sum, packet->payload, packet->size));
}
