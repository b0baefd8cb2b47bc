// Has one network device, `service0`. Without a command line it prints what the tender says about it; with `send` it
// sends one broadcast frame, and with `echo` it also waits up to 10 seconds for a frame of the same type and sends it
// back.

#include "guest.h"

DEVICES(NET_DEVICE("service0"));

enum { FRAME = 60, LARGEST_FRAME = 2048, ADDRESS = 6, TYPE = 12 };
/// The Ethernet type 0x88b5 is set aside for local experiments: no host sends it by itself.
enum { TYPE_HIGH = 0x88, TYPE_LOW = 0xb5 };

static uint8_t frame[LARGEST_FRAME];

static void describe(const struct manifest_entry *device, uint64_t handle) {
    put("service0 handle ");
    put_number(handle);
    put(" mtu ");
    put_number(device->net.mtu);
    put(" mac");
    for (int index = 0; index < ADDRESS; index++) {
        put(" ");
        put_number(device->net.mac[index]);
    }
    put("\n");
}

static void send_broadcast(const struct manifest_entry *device, uint64_t handle) {
    for (int index = 0; index < ADDRESS; index++) {
        frame[index] = 0xff;
        frame[ADDRESS + index] = device->net.mac[index];
    }
    frame[TYPE] = TYPE_HIGH, frame[TYPE + 1] = TYPE_LOW;
    if (net_write(handle, frame, FRAME) != 0)
        guest_abort("the frame could not be sent");
    put("sent 60 bytes\n");
}

static void echo_one(uint64_t handle) {
    uint64_t end = clock_monotonic() + 10 * NANOSECONDS_PER_SECOND;
    size_t size = sizeof frame;
    while (net_read(handle, frame, &size) != 0 || frame[TYPE] != TYPE_HIGH || frame[TYPE + 1] != TYPE_LOW) {
        uint64_t now = clock_monotonic();
        if (now >= end)
            guest_abort("no frame came");
        wait_ready(end - now);
        size = sizeof frame;
    }
    if (net_write(handle, frame, size) != 0)
        guest_abort("the frame could not be sent back");
    put("echoed ");
    put_number(size);
    put(" bytes\n");
}

int guest_main(void) {
    uint64_t handle;
    const struct manifest_entry *device = find_device("service0", &handle);
    if (device == NULL || !device->attached)
        guest_abort("service0 is not attached");
    describe(device, handle);
    if (equal(command_line(), "send") || equal(command_line(), "echo"))
        send_broadcast(device, handle);
    if (equal(command_line(), "echo"))
        echo_one(handle);
    return 0;
}
