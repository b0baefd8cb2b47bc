// The options that give devices their addresses, in MirageOS' words: those of the device `service` without its name,
// those of any other device with it.

#include "net.h"

struct net_address net_dns_servers[4];
size_t net_dns_server_count;

static const char *find_character(const char *text, char character) {
    while (*text && *text != character)
        text++;
    return text;
}

/// Reads an address of the family; returns 0 when it is none.
static int parse(const char *text, const char *end, int family, struct net_address *address) {
    return address_parse(text, end, address) && address_is_v4(address) == (family == NET_V4);
}

static int set_address(struct net_interface *interface, int family, const char *value) {
    const char *slash = find_character(value, '/'), *digit = slash;
    unsigned limit = family == NET_V4 ? 32 : 128, prefix = 0;
    if (!parse(value, slash, family, &interface->address) || *slash == 0 || slash[1] == 0)
        return -1;
    while (*++digit) {
        if (*digit < '0' || *digit > '9' || (prefix = prefix * 10 + (unsigned)(*digit - '0')) > limit)
            return -1;
    }
    interface->prefix = (uint8_t)(prefix + 128 - limit);
    interface->has_address = 1;
    return 1;
}

static int set_gateway(struct net_interface *interface, int family, const char *value) {
    interface->has_gateway = parse(value, find_character(value, 0), family, &interface->gateway) != 0;
    return interface->has_gateway ? 1 : -1;
}

static int set_dns_servers(const char *value) {
    for (;; value++) {
        const char *end = find_character(value, ',');
        struct net_address server;
        if (!address_parse(value, end, &server))
            return -1;
        if (net_dns_server_count < sizeof net_dns_servers / sizeof *net_dns_servers)
            net_dns_servers[net_dns_server_count++] = server;
        value = end;
        if (*value == 0)
            return 1;
    }
}

/// The device that the option is for; `rest` is set to the option without the device's name.
static struct net_device *device_for(const char *name, const char **rest) {
    struct net_device *unnamed = NULL;
    *rest = name;
    for (size_t index = 0; index < net_device_count; index++) {
        struct net_device *device = &net_devices[index];
        size_t size = length(device->name);
        if (equal(device->name, "service"))
            unnamed = device;
        else if (size < length(name) && net_same(device->name, name, size) && name[size] == '-') {
            *rest = name + size + 1;
            return device;
        }
    }
    return unnamed;
}

int net_option(const char *name, const char *value) {
    static const char *const families[] = {"ipv4", "ipv6"}, *const gateways[] = {"ipv4-gateway", "ipv6-gateway"};
    if (equal(name, "dns-servers"))
        return set_dns_servers(value);
    const char *rest;
    struct net_device *device = device_for(name, &rest);
    if (device == NULL)
        return 0;
    for (int family = 0; family < NET_FAMILIES; family++) {
        if (equal(rest, families[family]))
            return set_address(&device->interfaces[family], family, value);
        if (equal(rest, gateways[family]))
            return set_gateway(&device->interfaces[family], family, value);
    }
    return 0;
}
