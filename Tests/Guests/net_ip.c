// IPv4 and IPv6: headers and routes. Fragments and packets with extension headers are dropped.

#include "net_wire.h"

enum { MORE_FRAGMENTS_OR_OFFSET = 0x3fff, LARGEST_HEADERS = ETHERNET_HEADER + IPV6_HEADER };

static uint8_t sent[LARGEST_FRAME];

uint8_t *ip_payload(void) { return sent + LARGEST_HEADERS; }

static void receive_payload(const struct ip_packet *packet) {
    switch (packet->protocol) {
    case PROTOCOL_ICMP:
        if (address_is_v4(&packet->source))
            icmp_receive(packet);
        break;
    case PROTOCOL_ICMPV6:
        if (!address_is_v4(&packet->source))
            icmpv6_receive(packet);
        break;
    case PROTOCOL_TCP:
        tcp_receive(packet);
        break;
    case PROTOCOL_UDP:
        udp_receive(packet);
        break;
    }
}

void ipv4_receive(struct net_device *device, uint8_t *bytes, size_t size) {
    if (size < IPV4_HEADER || bytes[0] >> 4 != 4)
        return;
    size_t header = (bytes[0] & 15) * 4u, total = load16(bytes + 2);
    if (header < IPV4_HEADER || header > total || total > size || checksum_finish(checksum_add(0, bytes, header)) != 0)
        return;
    if (load16(bytes + 6) & MORE_FRAGMENTS_OR_OFFSET)
        return;
    struct ip_packet packet = {
        .device = device,
        .source = address_from_v4(bytes + 12),
        .destination = address_from_v4(bytes + 16),
        .protocol = bytes[9],
        .hop_limit = bytes[8],
        .payload = bytes + header,
        .size = total - header,
    };
    // Nobody gets an answer that claims to come from many or from nowhere.
    if (device_owns(device, &packet.destination) && bytes[12] != 0 && bytes[12] < 224)
        receive_payload(&packet);
}

void ipv6_receive(struct net_device *device, uint8_t *bytes, size_t size) {
    if (size < IPV6_HEADER || bytes[0] >> 4 != 6 || IPV6_HEADER + load16(bytes + 4) > size)
        return;
    struct ip_packet packet = {
        .device = device,
        .protocol = bytes[6],
        .hop_limit = bytes[7],
        .payload = bytes + IPV6_HEADER,
        .size = load16(bytes + 4),
    };
    net_copy(packet.source.bytes, bytes + 8, 16);
    net_copy(packet.destination.bytes, bytes + 24, 16);
    if (packet.source.bytes[0] == 0xff || address_is_v4(&packet.source))
        return;
    // Of what is for many only neighbour discovery matters here.
    if (device_owns(device, &packet.destination))
        receive_payload(&packet);
    else if (packet.destination.bytes[0] == 0xff && packet.protocol == PROTOCOL_ICMPV6)
        icmpv6_receive(&packet);
}

static void fill_v4(const struct ip_packet *packet, uint8_t *header) {
    static uint16_t identification;
    header[0] = 0x45;
    header[1] = 0;
    store16(header + 2, (uint16_t)(IPV4_HEADER + packet->size));
    store16(header + 4, ++identification);
    store16(header + 6, 0);
    header[8] = packet->hop_limit;
    header[9] = packet->protocol;
    store16(header + 10, 0);
    net_copy(header + 12, packet->source.bytes + 12, 4);
    net_copy(header + 16, packet->destination.bytes + 12, 4);
    checksum_store(header + 10, checksum_finish(checksum_add(0, header, IPV4_HEADER)));
}

static void fill_v6(const struct ip_packet *packet, uint8_t *header) {
    store32(header, 0x60000000);
    store16(header + 4, (uint16_t)packet->size);
    header[6] = packet->protocol;
    header[7] = packet->hop_limit;
    net_copy(header + 8, packet->source.bytes, 16);
    net_copy(header + 24, packet->destination.bytes, 16);
}

static int is_link_local(const struct net_address *address) {
    return address->bytes[0] == 0xfe && (address->bytes[1] & 0xc0) == 0x80;
}

static int is_on_link(struct net_device *device, const struct net_address *address) {
    const struct net_interface *interface = interface_of(device, address);
    return is_link_local(address) ||
           (interface->has_address && address_matches(address, &interface->address, interface->prefix));
}

int ip_send(const struct ip_packet *packet) {
    int v4 = address_is_v4(&packet->destination);
    size_t header_size = v4 ? IPV4_HEADER : IPV6_HEADER;
    uint8_t *header = packet->payload - header_size;
    (v4 ? fill_v4 : fill_v6)(packet, header);
    uint8_t *frame = header - ETHERNET_HEADER;
    store16(frame + 12, v4 ? ETHERNET_IPV4 : ETHERNET_IPV6);
    size_t size = ETHERNET_HEADER + header_size + packet->size;

    if (packet->destination.bytes[0] == 0xff) {
        // RFC 2464, section 7: the hardware address of what is for many.
        store16(frame, 0x3333);
        net_copy(frame + 2, packet->destination.bytes + 12, 4);
        net_copy(frame + 6, packet->device->mac, MAC_SIZE);
        device_send(packet->device, frame, size);
        return 1;
    }
    const struct net_interface *interface = interface_of(packet->device, &packet->destination);
    int direct = !interface->has_gateway || is_on_link(packet->device, &packet->destination);
    neighbour_send(packet->device, direct ? &packet->destination : &interface->gateway, frame, size);
    return 1;
}

int ip_route(const struct net_address *remote, struct net_device **device, struct net_address *local) {
    *device = NULL;
    for (size_t index = 0; index < net_device_count && *device == NULL; index++)
        if (is_on_link(&net_devices[index], remote))
            *device = &net_devices[index];
    for (size_t index = 0; index < net_device_count && *device == NULL; index++)
        if (interface_of(&net_devices[index], remote)->has_gateway)
            *device = &net_devices[index];
    if (*device == NULL)
        return 0;
    const struct net_interface *interface = interface_of(*device, remote);
    *local = is_link_local(remote) ? (*device)->link_local : interface->address;
    return is_link_local(remote) || interface->has_address;
}
