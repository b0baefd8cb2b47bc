// What a Solo5 tender reads from the ELF file of a guest before it boots it: the ABI note, the manifest of devices,
// and an interpreter that does not exist, so that nobody starts the file as a Linux program.
//
// On the virt platform, where no tender is, it is our own note with the program's name, and the manifest is a variable.
//
// Every guest says `DEVICES(...)` once, with one BLOCK_DEVICE or NET_DEVICE for each device it wants, or `NO_DEVICES`.

#pragma once

#include <stddef.h>
#include <stdint.h>

/// The third and fourth are the virt platform's only.
enum device_type { DEVICE_BLOCK = 1, DEVICE_NET = 2, DEVICE_VSOCK = 3, DEVICE_FILES = 4, DEVICE_RESERVED_FIRST = 1 << 30 };

/// One device in the manifest. The tender fills in all but name and type, in its copy in guest memory.
struct manifest_entry {
    char name[68];
    uint32_t type;
    union {
        struct {
            uint64_t capacity;
            uint16_t block_size;
        } block;
        struct {
            uint8_t mac[6];
            uint16_t mtu;
        } net;
    };
    union {
        int32_t host_fd;
        uint64_t host_data;
    };
    uint8_t attached;
};
_Static_assert(sizeof(struct manifest_entry) == 104, "manifest entries are 104 bytes long");

/// The manifest as the tender passes it in the boot information. Entry 0 is reserved; a device's handle is its index.
struct manifest {
    uint32_t version;
    uint32_t entry_count;
    struct manifest_entry entries[];
};

#define NOTE_HEADER uint32_t name_size, desc_size, type; char name[8]
#define IN_SECTION(section_name) __attribute__((section(section_name), used, retain, aligned(8)))

#define BLOCK_DEVICE(device_name) {.name = device_name, .type = DEVICE_BLOCK}
#define NET_DEVICE(device_name) {.name = device_name, .type = DEVICE_NET}
#define VSOCK_DEVICE(device_name) {.name = device_name, .type = DEVICE_VSOCK}
#define FILES_DEVICE(device_name) {.name = device_name, .type = DEVICE_FILES}

#ifdef GUEST_VIRT
extern struct manifest guest_manifest;

#define PROGRAM_NAME_SIZE ((sizeof GUEST_NAME + 3) / 4 * 4)
#define MANIFEST_NOTE(entry_total, ...)                                                                                \
    __attribute__((section(".note.Swiftlet"), used, retain, aligned(4))) static const struct {                         \
        uint32_t name_size, desc_size, type;                                                                           \
        char name[12], program[PROGRAM_NAME_SIZE];                                                                     \
    } program_note = {.name_size = 9, .desc_size = sizeof GUEST_NAME, .type = 1, .name = "Swiftlet", GUEST_NAME};      \
    struct manifest guest_manifest = {                                                                                 \
        .version = 1,                                                                                                  \
        .entry_count = entry_total,                                                                                    \
        .entries = {{.type = DEVICE_RESERVED_FIRST}, __VA_ARGS__},                                                     \
    }
#else
#define MANIFEST_NOTE(entry_total, ...)                                                                                \
    IN_SECTION(".note.solo5.manifest") static const struct {                                                           \
        NOTE_HEADER;                                                                                                   \
        uint32_t padding, version, entry_count;                                                                        \
        struct manifest_entry entries[entry_total];                                                                    \
    } manifest_note = {                                                                                                \
        .name_size = 6,                                                                                                \
        .desc_size = 12 + sizeof(struct manifest_entry[entry_total]),                                                  \
        .type = 0x3154464d, /* "MFT1" */                                                                               \
        .name = "Solo5",                                                                                               \
        .version = 1,                                                                                                  \
        .entry_count = entry_total,                                                                                    \
        .entries = {{.type = DEVICE_RESERVED_FIRST}, __VA_ARGS__},                                                     \
    }
#endif

#define DEVICES(...)                                                                                                   \
    MANIFEST_NOTE(1 + sizeof((struct manifest_entry[]){__VA_ARGS__}) / sizeof(struct manifest_entry), __VA_ARGS__)
#define NO_DEVICES MANIFEST_NOTE(1, )

/// Declares which tender can boot the guest: 1 is hvt, 2 is spt. Version 2 is current.
#define ABI_NOTE(target_number)                                                                                        \
    IN_SECTION(".note.solo5.abi") static const struct {                                                                \
        NOTE_HEADER;                                                                                                   \
        uint32_t target, version, reserved[2];                                                                         \
    } abi_note = {                                                                                                     \
        .name_size = 6,                                                                                                \
        .desc_size = 16,                                                                                               \
        .type = 0x31494241, /* "ABI1" */                                                                               \
        .name = "Solo5",                                                                                               \
        .target = target_number,                                                                                       \
        .version = 2,                                                                                                  \
    }

/// Real unikernels carry this foreign note too; a reader of notes has to step over it.
#define FOREIGN_NOTE                                                                                                   \
    IN_SECTION(".note.solo5.not_openbsd") static const struct {                                                        \
        NOTE_HEADER;                                                                                                   \
        uint32_t value;                                                                                                \
    } foreign_note = {.name_size = 8, .desc_size = 4, .type = 1, .name = "OpenBSD"}

#define INTERPRETER IN_SECTION(".interp") static const char interpreter[] = "/nonexistent/solo5/"
