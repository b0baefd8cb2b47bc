// The network devices and the loop that serves them.

#include "net_wire.h"

/// Frames that are read before what they caused is answered: enough to answer many at once, few enough to stay prompt.
enum { BATCH = 64 };

struct net_device net_devices[NET_DEVICES];
size_t net_device_count;
uint64_t net_now;

static uint8_t received[LARGEST_FRAME];
static uint64_t wake_time;
static void (*attend_others)(void);

static void add_device(const struct manifest_entry *entry, uint64_t handle) {
    struct net_device *device = &net_devices[net_device_count++];
    device->name = entry->name;
    device->handle = handle;
    device->mtu = entry->net.mtu;
    net_copy(device->mac, entry->net.mac, MAC_SIZE);
    // The link-local address that RFC 4291, appendix A, makes of the hardware address.
    const uint8_t *mac = device->mac;
    device->link_local = (struct net_address){.bytes = {0xfe, 0x80, 0, 0, 0, 0, 0, 0, mac[0] ^ 2, mac[1], mac[2], 0xff,
                                                        0xfe, mac[3], mac[4], mac[5]}};
}

void net_find_devices(void) {
    const struct manifest_entry *entry;
    for (uint64_t handle = 1; (entry = device_at(handle)) != NULL; handle++)
        if (entry->type == DEVICE_NET && entry->attached && net_device_count < NET_DEVICES)
            add_device(entry, handle);
}

int device_owns(const struct net_device *device, const struct net_address *address) {
    for (int family = 0; family < NET_FAMILIES; family++)
        if (device->interfaces[family].has_address && address_equal(&device->interfaces[family].address, address))
            return 1;
    return address_equal(&device->link_local, address);
}

void device_send(struct net_device *device, const uint8_t *frame, size_t size) {
    // A frame that the host does not take is lost like any other: whoever needs it sends it again.
    if (size <= (size_t)device->mtu + ETHERNET_HEADER)
        net_write(device->handle, frame, size);
}

static void receive_frame(struct net_device *device, uint8_t *frame, size_t size) {
    if (size < ETHERNET_HEADER)
        return;
    // A switch may flood frames for others; a bit in the first byte marks those for many.
    if (!(frame[0] & 1) && !net_same(frame, device->mac, MAC_SIZE))
        return;
    uint8_t *packet = frame + ETHERNET_HEADER;
    size -= ETHERNET_HEADER;
    switch (load16(frame + 12)) {
    case ETHERNET_ARP:
        arp_receive(device, packet, size);
        break;
    case ETHERNET_IPV4:
        ipv4_receive(device, packet, size);
        break;
    case ETHERNET_IPV6:
        ipv6_receive(device, packet, size);
        break;
    }
}

/// Reads what there is, up to a batch; returns whether there may be more.
static int read_frames(struct net_device *device) {
    for (int count = 0; count < BATCH; count++) {
        size_t size = sizeof received;
        if (net_read(device->handle, received, &size) != 0)
            return 0;
        receive_frame(device, received, size);
    }
    return 1;
}

void net_attend(void (*attend)(void)) { attend_others = attend; }

void net_wake_at(uint64_t deadline) {
    if (deadline < wake_time)
        wake_time = deadline;
}

void net_start(void) {
    net_now = clock_monotonic();
    tcp_start();
    for (size_t index = 0; index < net_device_count; index++) {
        arp_announce(&net_devices[index]);
        discovery_announce(&net_devices[index]);
    }
}

static void run_timers(void) {
    if (net_now < wake_time)
        return;
    wake_time = net_now + 3600 * NANOSECONDS_PER_SECOND;
    neighbour_timers();
    tcp_timers();
}

void net_run(int (*finished)(void)) {
    uint64_t ready = ~0ull;
    for (;;) {
        uint64_t more = 0;
        for (size_t index = 0; index < net_device_count; index++)
            if (ready >> net_devices[index].handle & 1 && read_frames(&net_devices[index]))
                more |= 1ull << net_devices[index].handle;
        run_timers();
        if (attend_others != NULL)
            attend_others();
        tcp_work();
        if (finished())
            return;
        ready = more | wait_ready(more || net_now >= wake_time ? 0 : wake_time - net_now);
        net_now = clock_monotonic();
    }
}
