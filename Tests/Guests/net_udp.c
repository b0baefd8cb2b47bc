// UDP: listeners by port, and datagrams that fit one packet.

#include "net_wire.h"

enum { UDP_HEADER = 8, LISTENERS = 8 };

static struct {
    uint16_t port;
    void (*receive)(const struct udp_datagram *datagram);
} listeners[LISTENERS];

int udp_listen(uint16_t port, void (*receive)(const struct udp_datagram *datagram)) {
    for (int index = 0; index < LISTENERS; index++) {
        if (listeners[index].receive != NULL)
            continue;
        listeners[index].port = port;
        listeners[index].receive = receive;
        return 1;
    }
    return 0;
}

void udp_receive(const struct ip_packet *packet) {
    const uint8_t *header = packet->payload;
    if (packet->size < UDP_HEADER || load16(header + 4) < UDP_HEADER || load16(header + 4) > packet->size)
        return;
    struct ip_packet exact = *packet;
    exact.size = load16(header + 4);
    // IPv4 alone allows to leave the checksum out.
    if ((load16(header + 6) != 0 || !address_is_v4(&packet->source)) && checksum_packet(&exact) != 0)
        return;
    struct udp_datagram datagram = {
        .device = packet->device,
        .local = packet->destination,
        .remote = packet->source,
        .local_port = load16(header + 2),
        .remote_port = load16(header),
        .data = header + UDP_HEADER,
        .size = exact.size - UDP_HEADER,
    };
    for (int index = 0; index < LISTENERS; index++)
        if (listeners[index].receive != NULL && listeners[index].port == datagram.local_port)
            listeners[index].receive(&datagram);
}

int udp_send(const struct udp_datagram *datagram) {
    struct ip_packet packet = {
        .device = datagram->device,
        .source = datagram->local,
        .destination = datagram->remote,
        .protocol = PROTOCOL_UDP,
        .hop_limit = HOP_LIMIT,
        .payload = ip_payload(),
        .size = UDP_HEADER + datagram->size,
    };
    if (packet.device == NULL && !ip_route(&packet.destination, &packet.device, &packet.source))
        return 0;
    size_t header = address_is_v4(&packet.destination) ? IPV4_HEADER : IPV6_HEADER;
    if (header + packet.size > packet.device->mtu)
        return 0;
    store16(packet.payload, datagram->local_port);
    store16(packet.payload + 2, datagram->remote_port);
    store16(packet.payload + 4, (uint16_t)packet.size);
    store16(packet.payload + 6, 0);
    net_copy(packet.payload + UDP_HEADER, datagram->data, datagram->size);
    uint16_t checksum = checksum_packet(&packet);
    checksum_store(packet.payload + 6, checksum != 0 ? checksum : 0xffff);
    return ip_send(&packet);
}
