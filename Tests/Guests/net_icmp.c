// Echo in both families (RFC 792, RFC 4443).

#include "net_wire.h"

enum { ICMP_HEADER = 8, ECHO = 8, ECHO_REPLY = 0, ECHO_V6 = 128, ECHO_REPLY_V6 = 129, FIRST_DISCOVERY = 133 };

static void answer(const struct ip_packet *question, uint8_t type) {
    struct ip_packet reply = {
        .device = question->device,
        .source = question->destination,
        .destination = question->source,
        .protocol = question->protocol,
        .hop_limit = HOP_LIMIT,
        .payload = ip_payload(),
        .size = question->size,
    };
    if (question->size > question->device->mtu)
        return;
    net_copy(reply.payload, question->payload, question->size);
    reply.payload[0] = type;
    store16(reply.payload + 2, 0);
    checksum_store(reply.payload + 2, checksum_packet(&reply));
    ip_send(&reply);
}

void icmp_receive(const struct ip_packet *packet) {
    if (packet->size >= ICMP_HEADER && checksum_packet(packet) == 0 && packet->payload[0] == ECHO)
        answer(packet, ECHO_REPLY);
}

void icmpv6_receive(const struct ip_packet *packet) {
    if (packet->size < ICMP_HEADER || checksum_packet(packet) != 0)
        return;
    if (packet->payload[0] == ECHO_V6 && packet->destination.bytes[0] != 0xff)
        answer(packet, ECHO_REPLY_V6);
    else if (packet->payload[0] >= FIRST_DISCOVERY && packet->hop_limit == HOP_LIMIT_OWN_LINK)
        discovery_receive(packet);
}
