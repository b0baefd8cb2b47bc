// What the parts of the network share among themselves: packets, checksums, numbers in network order.

#pragma once

#include "net.h"

enum {
    ETHERNET_HEADER = 14,
    ETHERNET_IPV4 = 0x0800,
    ETHERNET_ARP = 0x0806,
    ETHERNET_IPV6 = 0x86dd,
    IPV4_HEADER = 20,
    IPV6_HEADER = 40,
    PROTOCOL_ICMP = 1,
    PROTOCOL_TCP = 6,
    PROTOCOL_UDP = 17,
    PROTOCOL_ICMPV6 = 58,
    /// Neighbour discovery is only believed with this hop limit: no router passed it on.
    HOP_LIMIT_OWN_LINK = 255,
    HOP_LIMIT = 64,
    LARGEST_FRAME = 65536,
};

typedef uint16_t __attribute__((aligned(1), may_alias)) unaligned16;
typedef uint32_t __attribute__((aligned(1), may_alias)) unaligned32;
typedef uint64_t __attribute__((aligned(1), may_alias)) unaligned64;

static inline uint16_t load16(const uint8_t *bytes) { return __builtin_bswap16(*(const unaligned16 *)bytes); }
static inline uint32_t load32(const uint8_t *bytes) { return __builtin_bswap32(*(const unaligned32 *)bytes); }
static inline void store16(uint8_t *bytes, uint16_t value) { *(unaligned16 *)bytes = __builtin_bswap16(value); }
static inline void store32(uint8_t *bytes, uint32_t value) { *(unaligned32 *)bytes = __builtin_bswap32(value); }

/// An IP packet without its header. To send one, the payload must lie at `ip_payload()`.
struct ip_packet {
    struct net_device *device;
    struct net_address source, destination;
    uint8_t protocol, hop_limit;
    uint8_t *payload;
    size_t size;
};

// net_checksum.c

/// Adds `size` bytes to a sum; all pieces but the last have an even size.
uint64_t checksum_add(uint64_t sum, const void *data, size_t size);
/// The complement of the sum, to be stored as it is with `checksum_store`. 0 over data with a right checksum.
uint16_t checksum_finish(uint64_t sum);
/// The checksum of a payload with the pseudo header of its family.
uint16_t checksum_packet(const struct ip_packet *packet);
static inline void checksum_store(uint8_t *bytes, uint16_t checksum) { *(unaligned16 *)bytes = checksum; }

// net_device.c

/// Sends a frame whose Ethernet header is filled in.
void device_send(struct net_device *device, const uint8_t *frame, size_t size);
/// The interface of the address's family.
static inline struct net_interface *interface_of(struct net_device *device, const struct net_address *address) {
    return &device->interfaces[address_is_v4(address) ? NET_V4 : NET_V6];
}
int device_owns(const struct net_device *device, const struct net_address *address);

// net_ip.c

void ipv4_receive(struct net_device *device, uint8_t *packet, size_t size);
void ipv6_receive(struct net_device *device, uint8_t *packet, size_t size);
uint8_t *ip_payload(void);
/// Sends by the device's route. Returns 0 when it cannot be sent.
int ip_send(const struct ip_packet *packet);
/// The device and own address to reach `remote` with; 0 when there is no way.
int ip_route(const struct net_address *remote, struct net_device **device, struct net_address *local);

// net_neighbour.c

/// Sends the frame to the neighbour `address`, now or when its hardware address is known.
void neighbour_send(struct net_device *device, const struct net_address *address, uint8_t *frame, size_t size);
/// Notes the hardware address of a neighbour: of any when `create`, otherwise only of one that is being used.
void neighbour_learn(struct net_device *device, const struct net_address *address, const uint8_t mac[MAC_SIZE],
                     int create);
void neighbour_timers(void);

// net_arp.c, net_icmp.c, net_discovery.c

void arp_receive(struct net_device *device, const uint8_t *packet, size_t size);
void arp_ask(struct net_device *device, const struct net_address *address);
void arp_announce(struct net_device *device);
void icmp_receive(const struct ip_packet *packet);
void icmpv6_receive(const struct ip_packet *packet);
void discovery_receive(const struct ip_packet *packet);
void discovery_ask(struct net_device *device, const struct net_address *address);
void discovery_announce(struct net_device *device);

// net_udp.c, net_tcp*.c

void udp_receive(const struct ip_packet *packet);
void tcp_receive(const struct ip_packet *packet);
void tcp_start(void);
void tcp_timers(void);
/// Calls back for everything that happened and sends what that gave.
void tcp_work(void);
