// What the pages tell of the guest: words, devices, memory.

#include "http_guest.h"
#include "options.h"

enum { PAGE = 4096, MIB = 1 << 20 };

int host_grow(uint64_t mib) {
    if (mib > net_memory_left() / MIB)
        return 0;
    volatile uint8_t *memory = net_allocate_buffer((size_t)mib * MIB);
    for (size_t offset = 0; memory != NULL && offset < mib * MIB; offset += PAGE)
        memory[offset] = 1;
    return memory != NULL;
}

static void page_args(struct http_text *text) {
    for (size_t index = 0; index < word_count; index++) {
        text_add(text, words[index]);
        text_add(text, "\n");
    }
}

static void page_mac(struct http_text *text) {
    for (size_t index = 0; index < net_device_count; index++) {
        text_add(text, net_devices[index].name);
        for (int byte = 0; byte < MAC_SIZE; byte++) {
            text_add(text, byte == 0 ? " " : ":");
            text_add_hexadecimal_byte(text, net_devices[index].mac[byte]);
        }
        text_add(text, "\n");
    }
}

static void page_mtu(struct http_text *text) {
    for (size_t index = 0; index < net_device_count; index++) {
        text_add(text, net_devices[index].name);
        text_add(text, " ");
        text_add_number(text, net_devices[index].mtu);
        text_add(text, "\n");
    }
}

static void add_address(struct http_text *text, const char *before, const struct net_address *address) {
    char written[ADDRESS_TEXT];
    address_format(address, written);
    text_add(text, before);
    text_add(text, written);
}

/// DEVICE ADDRESS/PREFIX[ via GATEWAY], a line for each address, then `dns ADDRESS` for each server.
static void page_addresses(struct http_text *text) {
    for (size_t index = 0; index < net_device_count * NET_FAMILIES; index++) {
        const struct net_device *device = &net_devices[index / NET_FAMILIES];
        const struct net_interface *interface = &device->interfaces[index % NET_FAMILIES];
        if (!interface->has_address)
            continue;
        text_add(text, device->name);
        add_address(text, " ", &interface->address);
        text_add(text, "/");
        text_add_number(text, interface->prefix - (index % NET_FAMILIES == NET_V4 ? 96u : 0u));
        if (interface->has_gateway)
            add_address(text, " via ", &interface->gateway);
        text_add(text, "\n");
    }
    for (size_t index = 0; index < net_dns_server_count; index++) {
        add_address(text, "dns ", &net_dns_servers[index]);
        text_add(text, "\n");
    }
}

static void page_memory(struct http_text *text) {
    text_add(text, "size ");
    text_add_number(text, memory_size());
    text_add(text, "\nfree ");
    text_add_number(text, net_memory_left());
    text_add(text, "\n");
}

int host_page(const char *name, size_t size, struct http_text *text) {
    static const struct {
        const char *name;
        void (*write)(struct http_text *text);
    } pages[] = {
        {"args", page_args},           {"mac", page_mac},       {"mtu", page_mtu},
        {"addresses", page_addresses}, {"memory", page_memory},
    };
    for (size_t index = 0; index < sizeof pages / sizeof *pages; index++) {
        if (!text_is(name, size, pages[index].name, 0))
            continue;
        pages[index].write(text);
        return 1;
    }
    return 0;
}
