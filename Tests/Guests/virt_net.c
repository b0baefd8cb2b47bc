// Virtio network devices (section 5.1), without any of the offers that save work.

#include "virt_virtio.h"

enum { FEATURE_MTU = 1 << 3, FEATURE_MAC = 1 << 5 };
enum { RECEIVE = 0, SEND = 1, QUEUE = 64 };
// What lies where in the device's configuration.
enum { CONFIG_MAC = 0, CONFIG_MTU = 10, MAC_BYTES = 6 };
/// Before each frame: all of it is 0 without the offers.
enum { HEADER = 12, ETHERNET = 14 + 4, DEFAULT_MTU = 1500, HANDLES = 64, GRAIN = 64 };

struct card {
    struct virtio_queue receive, send;
    uint8_t *received, *sent;
    size_t buffer;
    /// A bit for each buffer that the device has not sent yet.
    uint64_t busy;
};

static struct card *cards[HANDLES];

static void read_configuration(struct manifest_entry *entry, uintptr_t configuration, uint32_t features) {
    // An address of our own when the device has none: the first byte says that it is one.
    static uint8_t own = 1;
    for (int index = 0; index < MAC_BYTES; index++)
        entry->net.mac[index] = DEVICE_MEMORY(uint8_t, configuration + CONFIG_MAC + index);
    if (!(features & FEATURE_MAC))
        __builtin_memcpy(entry->net.mac, (uint8_t[]){2, 0, 0, 0, 0, own++}, MAC_BYTES);
    entry->net.mtu = features & FEATURE_MTU ? DEVICE_MEMORY(uint16_t, configuration + CONFIG_MTU) : DEFAULT_MTU;
}

void net_attach(struct manifest_entry *entry, uint64_t handle, struct virtio_device *device) {
    struct card *card = cards[handle] = virt_allocate(sizeof *card, GRAIN);
    read_configuration(entry, device->configuration, virtio_open(device, FEATURE_MAC | FEATURE_MTU));
    card->buffer = (HEADER + ETHERNET + entry->net.mtu + GRAIN - 1) / GRAIN * GRAIN;
    virtio_open_queue(device, RECEIVE, QUEUE, &card->receive);
    virtio_open_queue(device, SEND, QUEUE, &card->send);
    card->received = virt_allocate(card->receive.size * card->buffer, GRAIN);
    card->sent = virt_allocate(card->send.size * card->buffer, GRAIN);
    for (uint16_t index = 0; index < card->receive.size; index++) {
        card->receive.descriptors[index].address = (uintptr_t)card->received + index * card->buffer;
        card->receive.descriptors[index].size = (uint32_t)card->buffer;
        card->receive.descriptors[index].flags = DESCRIPTOR_WRITE;
        virtio_offer(&card->receive, index);
    }
    for (uint16_t index = 0; index < card->send.size; index++)
        card->send.descriptors[index].address = (uintptr_t)card->sent + index * card->buffer;
    // Nobody waits for what is sent.
    card->send.available->flags = AVAILABLE_NO_INTERRUPT;
    virtio_begin(device);
    virtio_notify(&card->receive);
}

uint64_t net_ready(void) {
    uint64_t ready = 0;
    for (uint64_t handle = 1; handle < guest_manifest.entry_count; handle++)
        if (cards[handle] != NULL && virtio_has_used(&cards[handle]->receive))
            ready |= 1ull << handle;
    return ready;
}

uint64_t net_patience(void) {
    uint64_t shortest = ~0ull;
    for (uint64_t handle = 1; handle < guest_manifest.entry_count; handle++) {
        if (cards[handle] == NULL)
            continue;
        uint64_t patience = virtio_patience(cards[handle]->receive.device);
        shortest = patience < shortest ? patience : shortest;
    }
    return shortest;
}

int net_read(uint64_t handle, void *data, size_t *size) {
    struct card *card = cards[handle];
    uint16_t index;
    uint32_t written;
    if (card == NULL || !virtio_take(&card->receive, &index, &written))
        return 1;
    uint32_t frame = written > HEADER ? written - HEADER : 0;
    if (frame < *size)
        *size = frame;
    __builtin_memcpy(data, card->received + index * card->buffer + HEADER, *size);
    virtio_offer(&card->receive, index);
    virtio_notify(&card->receive);
    return 0;
}

int net_write(uint64_t handle, const void *data, size_t size) {
    struct card *card = cards[handle];
    if (card == NULL || size > card->buffer - HEADER)
        return 1;
    uint16_t index;
    uint32_t unused;
    while (virtio_take(&card->send, &index, &unused))
        card->busy &= ~(1ull << index);
    index = card->send.available->index % card->send.size;
    if (card->busy >> index & 1)
        return 1;
    card->busy |= 1ull << index;
    __builtin_memcpy(card->sent + index * card->buffer + HEADER, data, size);
    card->send.descriptors[index].size = (uint32_t)(HEADER + size);
    virtio_offer(&card->send, index);
    virtio_notify(&card->send);
    return 0;
}
