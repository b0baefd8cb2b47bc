// What all virtio devices have in common: finding them, beginning, and queues.

#include "virt_virtio.h"

// Section 2.1.
enum { ACKNOWLEDGE = 1, DRIVER = 2, DRIVER_OK = 4, FEATURES_OK = 8, FAILED = 128 };
/// In the second half of the features; what is older has another layout.
enum { VERSION_1 = 1 };

static struct virtio_device devices[VIRTIO_DEVICES];
static size_t device_count;

void virtio_add(const struct virtio_device *device) {
    if (device_count < VIRTIO_DEVICES)
        devices[device_count++] = *device;
}

static struct virtio_device *next_device(enum virtio_kind kind) {
    for (size_t index = 0; index < device_count; index++)
        if (devices[index].kind == kind && !devices[index].is_attached)
            return &devices[index];
    return NULL;
}

static void attach(struct manifest_entry *entry, uint64_t handle) {
    static const enum virtio_kind kinds[] = {
        [DEVICE_NET] = VIRTIO_NET, [DEVICE_BLOCK] = VIRTIO_BLOCK, [DEVICE_VSOCK] = VIRTIO_VSOCK,
        [DEVICE_FILES] = VIRTIO_FILES};
    struct virtio_device *device = next_device(kinds[entry->type]);
    if (device == NULL)
        return;
    device->is_attached = 1;
    entry->attached = 1;
    if (entry->type == DEVICE_NET)
        net_attach(entry, handle, device);
    else if (entry->type == DEVICE_VSOCK)
        vsock_attach(handle, device);
    else if (entry->type == DEVICE_FILES)
        files_attach(device);
    else
        block_attach(entry, handle, device);
}

void virtio_start(void) {
    int was_told = mmio_find_by_words(boot_facts.command_line);
    if (guest_manifest.entry_count < 2)
        return;
    // In a machine with PCI, something else may be where another machine has its devices.
    if (!pci_find() && !was_told)
        mmio_find_by_address();
    for (uint32_t handle = 1; handle < guest_manifest.entry_count; handle++)
        attach(&guest_manifest.entries[handle], handle);
}

void virtio_acknowledge(void) {
    for (size_t index = 0; index < device_count; index++)
        if (devices[index].is_attached)
            devices[index].transport->acknowledge(&devices[index]);
}

uint64_t virtio_patience(const struct virtio_device *device) {
    return device->has_interrupt ? 3600 * NANOSECONDS_PER_SECOND : NANOSECONDS_PER_MILLISECOND;
}

// Section 3.1.1.
uint32_t virtio_open(struct virtio_device *device, uint32_t wanted) {
    const struct virtio_transport *transport = device->transport;
    transport->set_status(device, 0);
    while (transport->status(device) != 0)
        __asm__ volatile("pause");
    transport->set_status(device, ACKNOWLEDGE);
    transport->set_status(device, ACKNOWLEDGE | DRIVER);
    uint32_t accepted = transport->features(device, 0) & wanted;
    transport->accept(device, 0, accepted);
    transport->accept(device, 1, transport->features(device, 1) & VERSION_1);
    transport->set_status(device, ACKNOWLEDGE | DRIVER | FEATURES_OK);
    if (!(transport->status(device) & FEATURES_OK)) {
        transport->set_status(device, FAILED);
        guest_abort("a virtio device does not take what it offers");
    }
    return accepted;
}

void virtio_open_queue(struct virtio_device *device, uint16_t index, uint16_t size, struct virtio_queue *queue) {
    uint32_t largest = device->transport->select_queue(device, index);
    if (largest == 0)
        guest_abort("a virtio device lacks a queue");
    *queue = (struct virtio_queue){.device = device, .index = index, .size = size};
    if (queue->size > largest)
        queue->size = (uint16_t)largest;
    queue->descriptors = virt_allocate(queue->size * sizeof *queue->descriptors, 16);
    queue->available = virt_allocate(sizeof *queue->available + queue->size * sizeof *queue->available->ring, 2);
    queue->used = virt_allocate(sizeof *queue->used + queue->size * sizeof *queue->used->ring, 4);
    device->transport->enable_queue(device, queue);
}

void virtio_begin(struct virtio_device *device) {
    device->transport->set_status(device, ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK);
}

/// The device sees writes in the order they are made; only the compiler has to be told.
static void keep_order(void) { __asm__ volatile("" : : : "memory"); }

void virtio_offer(struct virtio_queue *queue, uint16_t descriptor) {
    uint16_t index = queue->available->index;
    queue->available->ring[index % queue->size] = descriptor;
    keep_order();
    queue->available->index = (uint16_t)(index + 1);
}

void virtio_notify(const struct virtio_queue *queue) {
    // What was written has to be seen before the flags are read. A locked instruction of any kind does that.
    __asm__ volatile("lock orq $0, (%%rsp)" : : : "memory", "cc");
    if (!(queue->used->flags & USED_NO_NOTIFY))
        queue->device->transport->notify(queue);
}

int virtio_has_used(const struct virtio_queue *queue) { return queue->used->index != queue->taken; }

int virtio_take(struct virtio_queue *queue, uint16_t *descriptor, uint32_t *size) {
    if (!virtio_has_used(queue))
        return 0;
    keep_order();
    uint16_t place = queue->taken++ % queue->size;
    *descriptor = (uint16_t)queue->used->ring[place].id;
    *size = queue->used->ring[place].size;
    return 1;
}
