// The power button: ACPI's, of a PC's power management or of QEMU's microvm, and Ctrl-Alt-Del on the keyboard, which is
// Firecracker's. It takes no table of ACPI's language: QEMU has these where its own tables say.

#include "virt.h"

// Where ACPI's tables begin when the monitor does not say, and what is read of them: ACPI specification 6.5, sections
// 5.2.5, 5.2.7 and 5.2.9.
enum { SEARCH_START = 0xe0000, SEARCH_END = 0x100000, SEARCH_STEP = 16 };
enum { ROOT_TABLE = 16, ROOT_LARGE_TABLE = 24, TABLE_LENGTH = 4, TABLE_ENTRIES = 36 };
enum {
    FACP_INTERRUPT = 46,
    FACP_ENABLE_PORT = 48,
    FACP_ENABLE_VALUE = 52,
    FACP_EVENTS = 56,
    FACP_CONTROL = 64,
    FACP_EVENTS_LENGTH = 88,
    FACP_FLAGS = 112,
    FACP_SLEEP_ADDRESS = 248,
};
enum { HARDWARE_REDUCED = 1 << 20, POWER_BUTTON = 1 << 8, CONTROL_ACPI = 1 };

// Generic events of QEMU's: a page whose first register tells what has happened and forgets it.
enum { GENERIC_PAGE = 0xfff, GENERIC_POWER_BUTTON = 2, GENERIC_LINE = 9 };

enum { KEYBOARD_DATA = 0x60, KEYBOARD_STATUS = 0x64, KEYBOARD_LINE = 1 };
enum { HAS_DATA = 1, NOTHING_THERE = 0xff, WRITE_COMMAND_BYTE = 0x60, COMMAND_BYTE_INTERRUPT = 0x61 };
enum { KEY_PREFIX = 0xe0, KEY_DELETE_1 = 0x53, KEY_DELETE_2 = 0x71 };

static int is_watched, is_pressed;
/// 0: there is none.
static uint16_t event_port;
static uintptr_t generic_events;
static int has_keyboard;

static uint32_t read32(uintptr_t address) { return *(const uint32_t *)address; }

static uintptr_t find_root(void) {
    if (boot_facts.acpi_root != 0)
        return boot_facts.acpi_root;
    for (uintptr_t address = SEARCH_START; address < SEARCH_END; address += SEARCH_STEP)
        if (read32(address) == 0x20445352 && read32(address + 4) == 0x20525450) // "RSD PTR "
            return address;
    return 0;
}

/// The address of the fixed table, "FACP"; 0: there is none.
static uintptr_t find_fixed_table(void) {
    uintptr_t root = find_root();
    if (root == 0)
        return 0;
    // All tables lie below 4 GiB, whatever the size of their addresses.
    uintptr_t list = read32(root + ROOT_TABLE), size = 4;
    if (list == 0)
        list = read32(root + ROOT_LARGE_TABLE), size = 8;
    uintptr_t end = list + read32(list + TABLE_LENGTH);
    for (uintptr_t entry = list + TABLE_ENTRIES; entry < end; entry += size)
        if (read32(read32(entry)) == 0x50434146)
            return read32(entry);
    return 0;
}

static void watch_acpi(void) {
    uintptr_t table = find_fixed_table();
    if (table == 0)
        return;
    if (read32(table + FACP_FLAGS) & HARDWARE_REDUCED) {
        generic_events = read32(table + FACP_SLEEP_ADDRESS) & ~(uintptr_t)GENERIC_PAGE;
        interrupts_route(GENERIC_LINE);
        return;
    }
    event_port = *(const uint16_t *)(table + FACP_EVENTS);
    uint16_t control_port = *(const uint16_t *)(table + FACP_CONTROL);
    if (!(in16(control_port) & CONTROL_ACPI))
        out8(*(const uint16_t *)(table + FACP_ENABLE_PORT), *(const uint8_t *)(table + FACP_ENABLE_VALUE));
    interrupts_route(*(const uint16_t *)(table + FACP_INTERRUPT));
    out16(event_port + *(const uint8_t *)(table + FACP_EVENTS_LENGTH) / 2, POWER_BUTTON);
}

static void watch_keyboard(void) {
    has_keyboard = in8(KEYBOARD_STATUS) != NOTHING_THERE;
    if (!has_keyboard)
        return;
    interrupts_route(KEYBOARD_LINE);
    out8(KEYBOARD_STATUS, WRITE_COMMAND_BYTE);
    out8(KEYBOARD_DATA, COMMAND_BYTE_INTERRUPT);
}

static void read_keyboard(void) {
    static uint8_t last;
    while (in8(KEYBOARD_STATUS) & HAS_DATA) {
        uint8_t key = in8(KEYBOARD_DATA);
        // By one table of keys or the other.
        if (last == KEY_PREFIX && (key == KEY_DELETE_1 || key == KEY_DELETE_2))
            is_pressed = 1;
        last = key;
    }
}

void button_acknowledge(void) {
    if (!is_watched)
        return;
    if (event_port != 0 && in16(event_port) & POWER_BUTTON) {
        out16(event_port, POWER_BUTTON);
        is_pressed = 1;
    }
    if (generic_events != 0 && DEVICE_MEMORY(uint32_t, generic_events) & GENERIC_POWER_BUTTON)
        is_pressed = 1;
    if (has_keyboard)
        read_keyboard();
}

int button_is_pressed(void) { return is_pressed; }

int power_button(void) {
    if (!is_watched) {
        is_watched = 1;
        watch_acpi();
        watch_keyboard();
    }
    return is_pressed;
}
