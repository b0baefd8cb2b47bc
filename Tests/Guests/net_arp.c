// ARP for IPv4 over Ethernet (RFC 826).

#include "net_wire.h"

enum { ARP_SIZE = 28, ARP_REQUEST = 1, ARP_REPLY = 2, SMALLEST_FRAME = 60 };

static const uint8_t everybody[MAC_SIZE] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
static const uint8_t nobody[MAC_SIZE];

static void send(struct net_device *device, uint16_t operation, const uint8_t *to, const uint8_t *target_mac,
                 const uint8_t *target) {
    uint8_t frame[SMALLEST_FRAME] = {0};
    uint8_t *packet = frame + ETHERNET_HEADER;
    net_copy(frame, to, MAC_SIZE);
    net_copy(frame + MAC_SIZE, device->mac, MAC_SIZE);
    store16(frame + 12, ETHERNET_ARP);
    store16(packet, 1);
    store16(packet + 2, ETHERNET_IPV4);
    packet[4] = MAC_SIZE;
    packet[5] = 4;
    store16(packet + 6, operation);
    net_copy(packet + 8, device->mac, MAC_SIZE);
    net_copy(packet + 14, device->interfaces[NET_V4].address.bytes + 12, 4);
    net_copy(packet + 18, target_mac, MAC_SIZE);
    net_copy(packet + 24, target, 4);
    device_send(device, frame, sizeof frame);
}

void arp_receive(struct net_device *device, const uint8_t *packet, size_t size) {
    if (size < ARP_SIZE || load16(packet) != 1 || load16(packet + 2) != ETHERNET_IPV4 || packet[4] != MAC_SIZE ||
        packet[5] != 4)
        return;
    const uint8_t *sender_mac = packet + 8, *sender = packet + 14;
    struct net_address address = address_from_v4(sender), target = address_from_v4(packet + 24);
    int for_us = device_owns(device, &target);
    if (load32(sender) != 0 && !device_owns(device, &address))
        neighbour_learn(device, &address, sender_mac, for_us);
    if (for_us && load16(packet + 6) == ARP_REQUEST)
        send(device, ARP_REPLY, sender_mac, sender_mac, sender);
}

void arp_ask(struct net_device *device, const struct net_address *address) {
    send(device, ARP_REQUEST, everybody, nobody, address->bytes + 12);
}

void arp_announce(struct net_device *device) {
    const struct net_interface *interface = &device->interfaces[NET_V4];
    if (interface->has_address)
        send(device, ARP_REQUEST, everybody, nobody, interface->address.bytes + 12);
}
