// Neighbour discovery for IPv6 (RFC 4861): questions and answers about neighbours, nothing about routers.

#include "net_wire.h"

enum {
    SOLICITATION = 135,
    ADVERTISEMENT = 136,
    MESSAGE = 24,
    WITH_OPTION = 32,
    SOURCE_MAC = 1,
    TARGET_MAC = 2,
    SOLICITED = 0x40,
    OVERRIDE = 0x20,
};

static const struct net_address nowhere;
static const struct net_address all_nodes = {.bytes = {0xff, 2, [15] = 1}};

static void send(struct net_device *device, const struct net_address *source, const struct net_address *destination,
                 uint8_t type, uint8_t flags, const struct net_address *target) {
    struct ip_packet packet = {
        .device = device,
        .source = *source,
        .destination = *destination,
        .protocol = PROTOCOL_ICMPV6,
        .hop_limit = HOP_LIMIT_OWN_LINK,
        .size = WITH_OPTION,
    };
    // Not in `ip_payload()`: that may hold the packet whose neighbour is being asked for.
    uint8_t frame[ETHERNET_HEADER + IPV6_HEADER + WITH_OPTION];
    uint8_t *message = packet.payload = frame + ETHERNET_HEADER + IPV6_HEADER;
    store32(message, (uint32_t)type << 24);
    store32(message + 4, (uint32_t)flags << 24);
    net_copy(message + 8, target->bytes, 16);
    message[MESSAGE] = type == SOLICITATION ? SOURCE_MAC : TARGET_MAC;
    message[MESSAGE + 1] = 1;
    net_copy(message + MESSAGE + 2, device->mac, MAC_SIZE);
    checksum_store(message + 2, checksum_packet(&packet));
    ip_send(&packet);
}

/// The hardware address in the option of this kind, or NULL.
static const uint8_t *find_option(const struct ip_packet *packet, uint8_t kind) {
    for (size_t offset = MESSAGE; offset + 8 <= packet->size; offset += packet->payload[offset + 1] * 8u) {
        if (packet->payload[offset + 1] == 0)
            return NULL;
        if (packet->payload[offset] == kind)
            return packet->payload + offset + 2;
    }
    return NULL;
}

void discovery_receive(const struct ip_packet *packet) {
    if (packet->size < MESSAGE)
        return;
    struct net_address target;
    net_copy(target.bytes, packet->payload + 8, 16);
    if (packet->payload[0] == ADVERTISEMENT) {
        const uint8_t *mac = find_option(packet, TARGET_MAC);
        if (mac != NULL)
            neighbour_learn(packet->device, &target, mac, 0);
        return;
    }
    if (packet->payload[0] != SOLICITATION || !device_owns(packet->device, &target))
        return;
    // Somebody without an address checks whether this one is taken: all hear that it is.
    if (address_equal(&packet->source, &nowhere)) {
        send(packet->device, &target, &all_nodes, ADVERTISEMENT, OVERRIDE, &target);
        return;
    }
    const uint8_t *mac = find_option(packet, SOURCE_MAC);
    if (mac != NULL)
        neighbour_learn(packet->device, &packet->source, mac, 1);
    send(packet->device, &target, &packet->source, ADVERTISEMENT, SOLICITED | OVERRIDE, &target);
}

void discovery_ask(struct net_device *device, const struct net_address *address) {
    struct net_address group = {.bytes = {0xff, 2, [11] = 1, [12] = 0xff}};
    net_copy(group.bytes + 13, address->bytes + 13, 3);
    const struct net_interface *interface = &device->interfaces[NET_V6];
    int own = interface->has_address && (address->bytes[0] != 0xfe || (address->bytes[1] & 0xc0) != 0x80);
    send(device, own ? &interface->address : &device->link_local, &group, SOLICITATION, 0, address);
}

void discovery_announce(struct net_device *device) {
    const struct net_interface *interface = &device->interfaces[NET_V6];
    if (!interface->has_address)
        return;
    send(device, &interface->address, &all_nodes, ADVERTISEMENT, OVERRIDE, &interface->address);
    send(device, &device->link_local, &all_nodes, ADVERTISEMENT, OVERRIDE, &device->link_local);
}
