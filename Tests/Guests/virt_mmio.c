// Virtio devices at an address in memory (section 4.2). A monitor tells of them on the command line, in Linux' words
// virtio_mmio.device=SIZE@ADDRESS:INTERRUPT, or has them where QEMU's microvm has.

#include "virt_virtio.h"

// The registers, section 4.2.2.
enum {
    MAGIC = 0x00,
    VERSION = 0x04,
    DEVICE_ID = 0x08,
    DEVICE_FEATURES = 0x10,
    DEVICE_FEATURES_HALF = 0x14,
    DRIVER_FEATURES = 0x20,
    DRIVER_FEATURES_HALF = 0x24,
    QUEUE_SELECT = 0x30,
    QUEUE_LARGEST = 0x34,
    QUEUE_SIZE = 0x38,
    QUEUE_READY = 0x44,
    QUEUE_NOTIFY = 0x50,
    INTERRUPT_STATUS = 0x60,
    INTERRUPT_ACKNOWLEDGE = 0x64,
    STATUS = 0x70,
    QUEUE_DESCRIPTORS = 0x80,
    QUEUE_AVAILABLE = 0x90,
    QUEUE_USED = 0xa0,
    CONFIGURATION = 0x100,
};
enum { MAGIC_VALUE = 0x74726976, MODERN = 2 };

// QEMU's microvm has 24 places, whose interrupts begin at 24, or with one I/O APIC only 8 places, whose interrupts
// begin at 16 or, without ACPI, at 5. An interrupt too many does no harm.
enum { FIRST_ADDRESS = 0xfeb00000, DISTANCE = 512, PLACES = 24, FEW_PLACES = 8 };
enum { FIRST_LINE = 24, FIRST_LINE_OF_FEW = 16, FIRST_LINE_WITHOUT_ACPI = 5 };

static uint32_t get(const struct virtio_device *device, unsigned offset) {
    return DEVICE_MEMORY(uint32_t, device->registers + offset);
}

static void set(const struct virtio_device *device, unsigned offset, uint32_t value) {
    DEVICE_MEMORY(uint32_t, device->registers + offset) = value;
}

static uint8_t status(const struct virtio_device *device) { return (uint8_t)get(device, STATUS); }
static void set_status(const struct virtio_device *device, uint8_t value) { set(device, STATUS, value); }

static uint32_t features(const struct virtio_device *device, uint32_t half) {
    set(device, DEVICE_FEATURES_HALF, half);
    return get(device, DEVICE_FEATURES);
}

static void accept(const struct virtio_device *device, uint32_t half, uint32_t value) {
    set(device, DRIVER_FEATURES_HALF, half);
    set(device, DRIVER_FEATURES, value);
}

static uint32_t select_queue(const struct virtio_device *device, uint16_t index) {
    set(device, QUEUE_SELECT, index);
    return get(device, QUEUE_LARGEST);
}

static void set_address(const struct virtio_device *device, unsigned offset, const volatile void *address) {
    set(device, offset, (uint32_t)(uintptr_t)address);
    set(device, offset + 4, (uint32_t)((uintptr_t)address >> 32));
}

static void enable_queue(const struct virtio_device *device, struct virtio_queue *queue) {
    set(device, QUEUE_SIZE, queue->size);
    set_address(device, QUEUE_DESCRIPTORS, queue->descriptors);
    set_address(device, QUEUE_AVAILABLE, queue->available);
    set_address(device, QUEUE_USED, queue->used);
    set(device, QUEUE_READY, 1);
    queue->notification = device->registers + QUEUE_NOTIFY;
}

static void notify(const struct virtio_queue *queue) { DEVICE_MEMORY(uint32_t, queue->notification) = queue->index; }

static void acknowledge(const struct virtio_device *device) {
    uint32_t reasons = get(device, INTERRUPT_STATUS);
    if (reasons != 0)
        set(device, INTERRUPT_ACKNOWLEDGE, reasons);
}

static const struct virtio_transport transport = {
    status, set_status, features, accept, select_queue, enable_queue, notify, acknowledge,
};

/// Returns whether there is a device.
static int add(uintptr_t address) {
    struct virtio_device device = {.transport = &transport, .has_interrupt = 1, .registers = address};
    if (get(&device, MAGIC) != MAGIC_VALUE || get(&device, DEVICE_ID) == 0)
        return 0;
    if (get(&device, VERSION) != MODERN)
        guest_abort("a virtio device is older than version 1: QEMU wants -global virtio-mmio.force-legacy=false");
    device.kind = (enum virtio_kind)get(&device, DEVICE_ID);
    device.configuration = address + CONFIGURATION;
    virtio_add(&device);
    return 1;
}

void mmio_find_by_address(void) {
    // QEMU fills the places from the last to the first: this way the devices come in the order of its command line.
    for (unsigned place = PLACES; place-- > 0;) {
        if (!add(FIRST_ADDRESS + place * DISTANCE))
            continue;
        interrupts_route(FIRST_LINE + place);
        if (place < FEW_PLACES) {
            interrupts_route(FIRST_LINE_OF_FEW + place);
            interrupts_route(FIRST_LINE_WITHOUT_ACPI + place);
        }
    }
}

static int begins_with(const char *text, const char *prefix) {
    while (*prefix && *text == *prefix)
        text++, prefix++;
    return *prefix == 0;
}

static unsigned digit(char character) {
    if (character >= '0' && character <= '9')
        return (unsigned)(character - '0');
    if (character >= 'a' && character <= 'f')
        return (unsigned)(character - 'a') + 10;
    return 16;
}

static uint64_t read_number(const char *text, unsigned base) {
    uint64_t number = 0;
    for (; digit(*text) < base; text++)
        number = number * base + digit(*text);
    return number;
}

/// Adds the device of one word.
static void add_by_word(const char *word) {
    while (*word && *word != '@')
        word++;
    uintptr_t address = begins_with(word, "@0x") ? read_number(word + 3, 16) : 0;
    while (*word && *word != ':')
        word++;
    if (address == 0 || *word != ':')
        guest_abort("a word about a virtio device is not SIZE@0xADDRESS:INTERRUPT");
    if (add(address))
        interrupts_route((unsigned)read_number(word + 1, 10));
}

int mmio_find_by_words(char *line) {
    static const char device_word[] = "virtio_mmio.device=", no_pci[] = "pci=off";
    int found = 0;
    char *to = line;
    for (const char *from = line; *from;) {
        const char *end = from;
        while (*end && *end != ' ')
            end++;
        int is_device = begins_with(from, device_word);
        if (is_device || (begins_with(from, no_pci) && end == from + sizeof no_pci - 1)) {
            // The blank before it goes as well; all else stays byte for byte.
            if (is_device)
                add_by_word(from), found = 1;
            to -= to > line;
            from = end + (to == line && *end);
            continue;
        }
        while (from < end)
            *to++ = *from++;
        if (*from)
            *to++ = *from++;
    }
    *to = 0;
    return found;
}
