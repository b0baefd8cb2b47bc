// The guest's side of a virtual machine as hardware has it: what the guests ask for, of the parts in virt_*.

#include "virt.h"

const char *command_line(void) { return boot_facts.command_line; }
uint64_t memory_size(void) { return boot_facts.memory_end; }

const struct manifest_entry *find_device(const char *name, uint64_t *handle) {
    for (uint32_t index = 1; index < guest_manifest.entry_count; index++) {
        *handle = index;
        if (equal(guest_manifest.entries[index].name, name))
            return &guest_manifest.entries[index];
    }
    return NULL;
}

const struct manifest_entry *device_at(uint64_t handle) {
    return handle < guest_manifest.entry_count ? &guest_manifest.entries[handle] : NULL;
}

uint64_t wait_ready(uint64_t timeout_nanoseconds) {
    uint64_t start = clock_monotonic();
    for (;;) {
        uint64_t ready = net_ready() | vsock_ready();
        uint64_t passed = clock_monotonic() - start;
        if (ready != 0 || passed >= timeout_nanoseconds || serial_has_input() || button_is_pressed())
            return ready;
        uint64_t left = timeout_nanoseconds - passed, patience = net_patience(), other = vsock_patience();
        patience = other < patience ? other : patience;
        interrupts_wait(left < patience ? left : patience);
    }
}
