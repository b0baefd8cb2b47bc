// Virtio devices of version 1, see the OASIS specification "Virtual I/O Device (VIRTIO) Version 1.2"; the sections in
// the comments are of that one. virt_mmio.c and virt_pci.c are the two ways to reach them.

#pragma once

#include "virt.h"

enum virtio_kind { VIRTIO_NET = 1, VIRTIO_BLOCK = 2, VIRTIO_FILES = 9, VIRTIO_VSOCK = 19 };
enum { VIRTIO_DEVICES = 32 };

struct virtio_device;
struct virtio_queue;

/// What differs between the two ways.
struct virtio_transport {
    uint8_t (*status)(const struct virtio_device *device);
    void (*set_status)(const struct virtio_device *device, uint8_t status);
    /// 32 of the features: half 0 or 1.
    uint32_t (*features)(const struct virtio_device *device, uint32_t half);
    void (*accept)(const struct virtio_device *device, uint32_t half, uint32_t features);
    /// Selects a queue; the result is its largest size, 0 when there is none.
    uint32_t (*select_queue)(const struct virtio_device *device, uint16_t index);
    /// Enables the queue that is selected, and says how to notify it.
    void (*enable_queue)(const struct virtio_device *device, struct virtio_queue *queue);
    void (*notify)(const struct virtio_queue *queue);
    void (*acknowledge)(const struct virtio_device *device);
};

struct virtio_device {
    const struct virtio_transport *transport;
    enum virtio_kind kind;
    /// Whether it is one of those that the guest declares.
    uint8_t is_attached;
    /// Whether it interrupts; otherwise somebody has to look.
    uint8_t has_interrupt;
    /// Its registers, what is of its kind among them, and where it is notified.
    uintptr_t registers, configuration, notification;
    uint32_t notification_multiplier;
};

struct virtio_descriptor {
    uint64_t address;
    uint32_t size;
    uint16_t flags, next;
};
enum { DESCRIPTOR_NEXT = 1, DESCRIPTOR_WRITE = 2 };

struct virtio_available {
    uint16_t flags, index, ring[];
};
enum { AVAILABLE_NO_INTERRUPT = 1 };

struct virtio_used {
    uint16_t flags, index;
    struct {
        uint32_t id, size;
    } ring[];
};
enum { USED_NO_NOTIFY = 1 };

struct virtio_queue {
    const struct virtio_device *device;
    uint16_t index, size;
    /// How many of the used entries were taken.
    uint16_t taken;
    uintptr_t notification;
    volatile struct virtio_descriptor *descriptors;
    volatile struct virtio_available *available;
    volatile struct virtio_used *used;
};

// virt_virtio.c

/// A device that was found.
void virtio_add(const struct virtio_device *device);
/// Resets the device and negotiates; the result is what it offers of `wanted`, a set of the first 32 features.
uint32_t virtio_open(struct virtio_device *device, uint32_t wanted);
/// Makes a queue of at most `size` entries, a power of two.
void virtio_open_queue(struct virtio_device *device, uint16_t index, uint16_t size, struct virtio_queue *queue);
/// Says that the device may begin.
void virtio_begin(struct virtio_device *device);
/// Makes the chain that begins with this descriptor available.
void virtio_offer(struct virtio_queue *queue, uint16_t descriptor);
/// Tells the device that there is something, unless it does not want to know.
void virtio_notify(const struct virtio_queue *queue);
int virtio_has_used(const struct virtio_queue *queue);
/// Takes back one chain; 0: none is done. `size` is what the device wrote.
int virtio_take(struct virtio_queue *queue, uint16_t *descriptor, uint32_t *size);
/// How long to sleep at most while a device may have something, in nanoseconds.
uint64_t virtio_patience(const struct virtio_device *device);

// virt_mmio.c and virt_pci.c: add the devices there are.

/// Takes the words about devices out of the command line; returns whether there was one.
int mmio_find_by_words(char *line);
void mmio_find_by_address(void);
/// Returns whether there is a PCI bus at all.
int pci_find(void);

// virt_net.c, virt_block.c, virt_files.c and virt_vsock.c

/// Drives the device as the one with this handle.
void net_attach(struct manifest_entry *entry, uint64_t handle, struct virtio_device *device);
void block_attach(struct manifest_entry *entry, uint64_t handle, struct virtio_device *device);
void vsock_attach(uint64_t handle, struct virtio_device *device);
/// Drives the device as the only one of its kind.
void files_attach(struct virtio_device *device);
