// Virtio devices on the PCI bus (section 4.1). The firmware has given them addresses already.

#include "virt_virtio.h"

enum { CONFIG_ADDRESS = 0xcf8, CONFIG_DATA = 0xcfc };
enum { ENABLE = 1u << 31, NO_DEVICE = 0xffff, SLOTS = 32, FUNCTIONS = 8 };

// The configuration space.
enum {
    PCI_ID = 0x00,
    PCI_COMMAND = 0x04,
    PCI_HEADER_TYPE = 0x0c,
    PCI_BARS = 0x10,
    PCI_CAPABILITIES = 0x34,
};
enum { COMMAND_MEMORY = 2, COMMAND_MASTER = 4, COMMAND_NO_INTX = 0x400, HAS_CAPABILITIES = 1 << 20 };
enum { MANY_FUNCTIONS = 1 << 23, BAR_64_BITS = 4 };
enum { CAPABILITY_VENDOR = 0x09, CAPABILITY_MSIX = 0x11 };
enum { MSIX_ENABLE = 1u << 31, LOCAL_APIC = 0xfee00000, NO_VECTOR = 0xffff };

enum { VIRTIO_VENDOR = 0x1af4, MODERN_FIRST = 0x1040, OLDER_NET = 0x1000, OLDER_BLOCK = 0x1001, OLDER_FILES = 0x1009 };

// What a capability of virtio's tells, section 4.1.4.
enum { TELLS_COMMON = 1, TELLS_NOTIFICATION = 2, TELLS_DEVICE = 4 };

/// Section 4.1.4.3.
struct common {
    uint32_t device_features_half, device_features, driver_features_half, driver_features;
    uint16_t configuration_vector, queue_count;
    uint8_t status, generation;
    uint16_t queue_select, queue_size, queue_vector, queue_enable, queue_notification;
    uint32_t queue_descriptors[2], queue_available[2], queue_used[2];
};

static volatile struct common *common_of(const struct virtio_device *device) {
    return (volatile struct common *)device->registers;
}

static uint8_t status(const struct virtio_device *device) { return common_of(device)->status; }
static void set_status(const struct virtio_device *device, uint8_t value) { common_of(device)->status = value; }

static uint32_t features(const struct virtio_device *device, uint32_t half) {
    common_of(device)->device_features_half = half;
    return common_of(device)->device_features;
}

static void accept(const struct virtio_device *device, uint32_t half, uint32_t value) {
    common_of(device)->driver_features_half = half;
    common_of(device)->driver_features = value;
}

static uint32_t select_queue(const struct virtio_device *device, uint16_t index) {
    common_of(device)->queue_select = index;
    return common_of(device)->queue_size;
}

static void set_address(volatile uint32_t halves[2], const volatile void *address) {
    halves[0] = (uint32_t)(uintptr_t)address;
    halves[1] = (uint32_t)((uintptr_t)address >> 32);
}

static void enable_queue(const struct virtio_device *device, struct virtio_queue *queue) {
    volatile struct common *common = common_of(device);
    common->queue_size = queue->size;
    set_address(common->queue_descriptors, queue->descriptors);
    set_address(common->queue_available, queue->available);
    set_address(common->queue_used, queue->used);
    common->queue_vector = device->has_interrupt ? 0 : NO_VECTOR;
    queue->notification = device->notification + common->queue_notification * device->notification_multiplier;
    common->queue_enable = 1;
}

static void notify(const struct virtio_queue *queue) { DEVICE_MEMORY(uint16_t, queue->notification) = queue->index; }

/// An interrupt by message is over when it has been delivered.
static void acknowledge(const struct virtio_device *device) { (void)device; }

static const struct virtio_transport transport = {
    status, set_status, features, accept, select_queue, enable_queue, notify, acknowledge,
};

/// A function of a device is its slot times 8 and its number.
static uint32_t read_config(unsigned function, unsigned offset) {
    out32(CONFIG_ADDRESS, ENABLE | function << 8 | (offset & 0xfc));
    return in32(CONFIG_DATA);
}

static void write_config(unsigned function, unsigned offset, uint32_t value) {
    out32(CONFIG_ADDRESS, ENABLE | function << 8 | (offset & 0xfc));
    out32(CONFIG_DATA, value);
}

static uintptr_t read_bar(unsigned function, unsigned bar) {
    uint32_t low = read_config(function, PCI_BARS + 4 * bar);
    if (low & BAR_64_BITS && read_config(function, PCI_BARS + 4 * bar + 4) != 0)
        guest_abort("a virtio device lies above 4 GiB");
    return low & ~0xfu;
}

/// Has all queues interrupt by the first message of the device's table.
static void enable_messages(unsigned function, unsigned capability) {
    uint32_t place = read_config(function, capability + 4);
    uintptr_t entry = read_bar(function, place & 7) + (place & ~7u);
    DEVICE_MEMORY(uint32_t, entry) = LOCAL_APIC;
    DEVICE_MEMORY(uint32_t, entry + 4) = 0;
    DEVICE_MEMORY(uint32_t, entry + 8) = VECTOR_EDGE;
    DEVICE_MEMORY(uint32_t, entry + 12) = 0;
    write_config(function, capability, read_config(function, capability) | MSIX_ENABLE);
}

static void read_capability(struct virtio_device *device, unsigned function, unsigned offset) {
    uint32_t head = read_config(function, offset);
    if ((head & 0xff) == CAPABILITY_MSIX) {
        enable_messages(function, offset);
        device->has_interrupt = 1;
    }
    if ((head & 0xff) != CAPABILITY_VENDOR)
        return;
    uint32_t kind = head >> 24;
    if (kind != TELLS_COMMON && kind != TELLS_NOTIFICATION && kind != TELLS_DEVICE)
        return;
    uintptr_t address =
        read_bar(function, read_config(function, offset + 4) & 0xff) + read_config(function, offset + 8);
    if (kind == TELLS_COMMON) {
        device->registers = address;
    } else if (kind == TELLS_DEVICE) {
        device->configuration = address;
    } else {
        device->notification = address;
        device->notification_multiplier = read_config(function, offset + 16);
    }
}

static void add(unsigned function, uint16_t id) {
    struct virtio_device device = {.transport = &transport};
    if (id == OLDER_NET || id == OLDER_BLOCK)
        device.kind = id == OLDER_NET ? VIRTIO_NET : VIRTIO_BLOCK;
    else
        device.kind = id == OLDER_FILES ? VIRTIO_FILES : (enum virtio_kind)(id - MODERN_FIRST);
    if (device.kind != VIRTIO_NET && device.kind != VIRTIO_BLOCK && device.kind != VIRTIO_FILES &&
        device.kind != VIRTIO_VSOCK)
        return;
    uint32_t command = read_config(function, PCI_COMMAND);
    write_config(function, PCI_COMMAND, (command & 0xffff) | COMMAND_MEMORY | COMMAND_MASTER | COMMAND_NO_INTX);
    unsigned next = command & HAS_CAPABILITIES ? read_config(function, PCI_CAPABILITIES) & 0xfc : 0;
    for (; next != 0; next = read_config(function, next) >> 8 & 0xfc)
        read_capability(&device, function, next);
    if (device.registers == 0 || device.configuration == 0 || device.notification == 0)
        guest_abort("a virtio device is older than version 1");
    virtio_add(&device);
}

/// Only the first bus: QEMU puts devices there unless it is told otherwise.
int pci_find(void) {
    out32(CONFIG_ADDRESS, ENABLE);
    if (in32(CONFIG_ADDRESS) != ENABLE)
        return 0;
    for (unsigned function = 0; function < SLOTS * FUNCTIONS; function++) {
        uint32_t id = read_config(function, PCI_ID);
        if ((id & 0xffff) == VIRTIO_VENDOR)
            add(function, (uint16_t)(id >> 16));
        // Without the first function there are no others, and mostly there is only that one.
        if (function % FUNCTIONS == 0 &&
            ((id & 0xffff) == NO_DEVICE || !(read_config(function, PCI_HEADER_TYPE) & MANY_FUNCTIONS)))
            function += FUNCTIONS - 1;
    }
    return 1;
}
