// Who is on the link: hardware addresses that ARP and neighbour discovery found, and frames that wait for them.

#include "net_wire.h"

enum { NEIGHBOURS = 64, WAITING = 8, LARGEST_WAITING = 9216 + ETHERNET_HEADER, ATTEMPTS = 10 };

/// A question is repeated after this time, and an answer is believed for the other one before it is asked for again.
static const uint64_t ask_again = 500 * NANOSECONDS_PER_MILLISECOND;
static const uint64_t believed = 30 * NANOSECONDS_PER_SECOND;

struct neighbour {
    /// NULL: the place is free.
    struct net_device *device;
    struct net_address address;
    uint8_t mac[MAC_SIZE];
    uint8_t known, asking, attempts;
    uint64_t confirmed, asked;
};

struct waiting_frame {
    struct neighbour *neighbour;
    size_t size;
    uint8_t frame[LARGEST_WAITING];
};

static struct neighbour neighbours[NEIGHBOURS];
static struct waiting_frame waiting[WAITING];
static size_t next_waiting;

static struct neighbour *find(struct net_device *device, const struct net_address *address) {
    static struct neighbour *last = neighbours;
    if (last->device == device && address_equal(&last->address, address))
        return last;
    for (size_t index = 0; index < NEIGHBOURS; index++) {
        struct neighbour *neighbour = &neighbours[index];
        if (neighbour->device == device && address_equal(&neighbour->address, address))
            return last = neighbour;
    }
    return NULL;
}

static void forget(struct neighbour *neighbour) {
    for (size_t index = 0; index < WAITING; index++)
        if (waiting[index].neighbour == neighbour)
            waiting[index].neighbour = NULL;
    neighbour->device = NULL;
}

/// Takes a free place, or that of whoever was confirmed longest ago.
static struct neighbour *add(struct net_device *device, const struct net_address *address) {
    struct neighbour *chosen = neighbours;
    for (size_t index = 0; index < NEIGHBOURS && chosen->device != NULL; index++)
        if (neighbours[index].device == NULL || neighbours[index].confirmed < chosen->confirmed)
            chosen = &neighbours[index];
    forget(chosen);
    *chosen = (struct neighbour){.device = device, .address = *address, .confirmed = net_now};
    return chosen;
}

static void ask(struct neighbour *neighbour) {
    neighbour->asking = 1;
    neighbour->attempts++;
    neighbour->asked = net_now;
    net_wake_at(net_now + ask_again);
    if (address_is_v4(&neighbour->address))
        arp_ask(neighbour->device, &neighbour->address);
    else
        discovery_ask(neighbour->device, &neighbour->address);
}

static void send_to(const struct neighbour *neighbour, uint8_t *frame, size_t size) {
    net_copy(frame, neighbour->mac, MAC_SIZE);
    net_copy(frame + MAC_SIZE, neighbour->device->mac, MAC_SIZE);
    device_send(neighbour->device, frame, size);
}

static void keep(struct neighbour *neighbour, const uint8_t *frame, size_t size) {
    if (size > LARGEST_WAITING)
        return;
    struct waiting_frame *place = &waiting[next_waiting++ % WAITING];
    place->neighbour = neighbour;
    place->size = size;
    net_copy(place->frame, frame, size);
}

void neighbour_send(struct net_device *device, const struct net_address *address, uint8_t *frame, size_t size) {
    struct neighbour *neighbour = find(device, address);
    if (neighbour == NULL)
        neighbour = add(device, address);
    if (neighbour->known)
        send_to(neighbour, frame, size);
    else
        keep(neighbour, frame, size);
    // The question is composed elsewhere than the frame, which is sent or kept by now.
    if (!neighbour->asking && (!neighbour->known || net_now - neighbour->confirmed > believed))
        ask(neighbour);
}

void neighbour_learn(struct net_device *device, const struct net_address *address, const uint8_t mac[MAC_SIZE],
                     int create) {
    struct neighbour *neighbour = find(device, address);
    if (neighbour == NULL && create)
        neighbour = add(device, address);
    if (neighbour == NULL || mac[0] & 1)
        return;
    net_copy(neighbour->mac, mac, MAC_SIZE);
    neighbour->known = 1;
    neighbour->asking = neighbour->attempts = 0;
    neighbour->confirmed = net_now;
    for (size_t index = 0; index < WAITING; index++) {
        struct waiting_frame *place = &waiting[(next_waiting + index) % WAITING];
        if (place->neighbour != neighbour)
            continue;
        place->neighbour = NULL;
        send_to(neighbour, place->frame, place->size);
    }
}

void neighbour_timers(void) {
    for (size_t index = 0; index < NEIGHBOURS; index++) {
        struct neighbour *neighbour = &neighbours[index];
        if (neighbour->device == NULL || !neighbour->asking)
            continue;
        if (net_now - neighbour->asked < ask_again)
            net_wake_at(neighbour->asked + ask_again);
        else if (neighbour->attempts < ATTEMPTS)
            ask(neighbour);
        else
            forget(neighbour);
    }
}
