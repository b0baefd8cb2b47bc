// Virtio block devices (section 5.2), one request at a time.

#include "virt_virtio.h"

enum { FEATURE_READ_ONLY = 1 << 5, FEATURE_BLOCK_SIZE = 1 << 6 };
// What lies where in the device's configuration.
enum { CONFIG_CAPACITY = 0, CONFIG_BLOCK_SIZE = 20 };
enum { SECTOR = 512, QUEUE = 4, HANDLES = 64, GRAIN = 64 };
enum { READ = 0, WRITE = 1, SUCCESS = 0, UNKNOWN = 0xff };

struct disk {
    struct virtio_queue queue;
    uint64_t capacity;
    struct {
        uint32_t type, reserved;
        uint64_t sector;
    } request;
    volatile uint8_t result;
};

static struct disk *disks[HANDLES];

void block_attach(struct manifest_entry *entry, uint64_t handle, struct virtio_device *device) {
    struct disk *disk = disks[handle] = virt_allocate(sizeof *disk, GRAIN);
    uint32_t features = virtio_open(device, FEATURE_READ_ONLY | FEATURE_BLOCK_SIZE);
    uintptr_t capacity = device->configuration + CONFIG_CAPACITY;
    uint64_t sectors = DEVICE_MEMORY(uint32_t, capacity) | (uint64_t)DEVICE_MEMORY(uint32_t, capacity + 4) << 32;
    disk->capacity = entry->block.capacity = sectors * SECTOR;
    entry->block.block_size = SECTOR;
    if (features & FEATURE_BLOCK_SIZE)
        entry->block.block_size = (uint16_t)DEVICE_MEMORY(uint32_t, device->configuration + CONFIG_BLOCK_SIZE);
    virtio_open_queue(device, 0, QUEUE, &disk->queue);
    virtio_begin(device);
}

static void describe(struct disk *disk, uint16_t index, const volatile void *address, size_t size, uint16_t flags) {
    volatile struct virtio_descriptor *descriptor = &disk->queue.descriptors[index];
    descriptor->address = (uintptr_t)address;
    descriptor->size = (uint32_t)size;
    descriptor->flags = flags;
    descriptor->next = (uint16_t)(index + 1);
}

static int transfer(uint64_t handle, uint32_t type, uint64_t offset, const void *data, size_t size) {
    struct disk *disk = disks[handle];
    if (disk == NULL || offset % SECTOR != 0 || size % SECTOR != 0 || offset > disk->capacity ||
        size > disk->capacity - offset)
        return 1;
    disk->request.type = type;
    disk->request.sector = offset / SECTOR;
    disk->result = UNKNOWN;
    describe(disk, 0, &disk->request, sizeof disk->request, DESCRIPTOR_NEXT);
    describe(disk, 1, data, size, DESCRIPTOR_NEXT | (type == READ ? DESCRIPTOR_WRITE : 0));
    describe(disk, 2, &disk->result, 1, DESCRIPTOR_WRITE);
    virtio_offer(&disk->queue, 0);
    virtio_notify(&disk->queue);
    uint16_t index;
    uint32_t written;
    while (!virtio_take(&disk->queue, &index, &written))
        interrupts_wait(virtio_patience(disk->queue.device));
    return disk->result != SUCCESS;
}

int block_read(uint64_t handle, uint64_t offset, void *data, size_t size) {
    return transfer(handle, READ, offset, data, size);
}

int block_write(uint64_t handle, uint64_t offset, const void *data, size_t size) {
    return transfer(handle, WRITE, offset, data, size);
}
