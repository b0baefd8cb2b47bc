// The network of the test guests: Ethernet, ARP, IPv4, IPv6 with neighbour discovery, ICMP echo, UDP and TCP on every
// network device of the manifest. One thread, no locks: `net_run` reads frames, calls back, sends, and waits.

#pragma once

#include "guest.h"
#include "stream.h"

// net_address.c: addresses of both families; an IPv4 address is kept as ::ffff:a.b.c.d.

struct net_address {
    union {
        uint8_t bytes[16];
        uint64_t words[2];
    };
};

enum { ADDRESS_TEXT = 48 };

static inline int address_equal(const struct net_address *left, const struct net_address *right) {
    return left->words[0] == right->words[0] && left->words[1] == right->words[1];
}
int address_is_v4(const struct net_address *address);
struct net_address address_from_v4(const uint8_t bytes[4]);
/// Whether the first `prefix` of 128 bits are the same.
int address_matches(const struct net_address *left, const struct net_address *right, unsigned prefix);
/// Reads an address that ends at `end`; returns 0 when it is none.
int address_parse(const char *text, const char *end, struct net_address *address);
/// Writes the address and a NUL; returns the length.
size_t address_format(const struct net_address *address, char text[ADDRESS_TEXT]);

// net_device.c: the devices and the loop.

enum { NET_V4, NET_V6, NET_FAMILIES };
enum { NET_DEVICES = 8, MAC_SIZE = 6 };

/// What a device has of one address family.
struct net_interface {
    struct net_address address, gateway;
    /// Of 128 bits, also for IPv4.
    uint8_t prefix;
    uint8_t has_address, has_gateway;
};

struct net_device {
    const char *name;
    uint64_t handle;
    uint8_t mac[MAC_SIZE];
    uint16_t mtu;
    struct net_interface interfaces[NET_FAMILIES];
    struct net_address link_local;
};

extern struct net_device net_devices[NET_DEVICES];
extern size_t net_device_count;
/// Nanoseconds at the last time the loop woke up.
extern uint64_t net_now;

/// Finds the devices of the manifest; to be called before the options are read.
void net_find_devices(void);
/// Announces the addresses and makes room for connections.
void net_start(void);
/// Serves until `finished` says so; it is asked each time that everything that came has been answered.
void net_run(int (*finished)(void));
/// Calls `attend` each time that the loop wakes up, for what is no network.
void net_attend(void (*attend)(void));
/// Asks that the loop wake up no later than `deadline`.
void net_wake_at(uint64_t deadline);

// net_options.c

/// Applies an option that says an address, named without the leading `--`. 0: not a network option; negative: the value
/// is not valid.
int net_option(const char *name, const char *value);
extern struct net_address net_dns_servers[4];
extern size_t net_dns_server_count;

// net_memory.c

/// Memory that is never given back, zeroed, or NULL when there is not enough left.
void *net_allocate(size_t size);
/// The same, with anything in it.
void *net_allocate_buffer(size_t size);
uint64_t net_memory_left(void);
void net_copy(void *destination, const void *source, size_t size);
int net_same(const void *left, const void *right, size_t size);

// net_udp.c

struct udp_datagram {
    struct net_device *device;
    struct net_address local, remote;
    uint16_t local_port, remote_port;
    const uint8_t *data;
    size_t size;
};

/// Calls `receive` for each datagram to `port`; returns 0 when there are too many listeners.
int udp_listen(uint16_t port, void (*receive)(const struct udp_datagram *datagram));
/// Sends a datagram; without a device, device and local address are chosen by the route. 0 when it was not sent.
int udp_send(const struct udp_datagram *datagram);

// net_tcp*.c

enum tcp_state { TCP_FREE, TCP_SYN_SENT, TCP_SYN_RECEIVED, TCP_OPEN, TCP_TIME_WAIT };

struct tcp_connection;

/// Called whenever a connection opened, got bytes, got room, was closed by the other side or is gone (`state` is
/// TCP_FREE; it must not be used afterwards).
typedef void tcp_callback(struct tcp_connection *connection);

struct tcp_connection {
    enum tcp_state state;
    struct net_device *device;
    struct net_address local, remote;
    uint16_t local_port, remote_port;
    tcp_callback *advance;
    /// The application's own.
    void *context;

    /// Bytes from the other side, to be taken by the application, and bytes for it, to be added by the application.
    struct stream input, output;
    /// The other side sends nothing any more once `input` is empty.
    uint8_t peer_closed;
    /// The application adds nothing any more.
    uint8_t closing;

    uint8_t fin_sent, fin_acknowledged, ended_first, acknowledge, queued, duplicates, retries, recovering;
    uint32_t send_unacknowledged, send_next, recover_until, receive_next, advertised_end;
    uint32_t send_window;
    uint16_t segment_size;
    /// When to send again or to give up; 0 is never.
    uint64_t deadline;
    struct tcp_connection *next_in_bucket, *next_free;
};

int tcp_listen(uint16_t port, tcp_callback *advance);
/// Starts to connect; NULL when there is no route or no free connection.
struct tcp_connection *tcp_connect(const struct net_address *remote, uint16_t port, tcp_callback *advance,
                                   void *context);
/// Says that nothing is added any more; what was added is still sent.
void tcp_close(struct tcp_connection *connection);
/// Tells the other side that the connection is void and forgets it, without a call back.
void tcp_abort(struct tcp_connection *connection);
/// Has `advance` called soon.
void tcp_wake(struct tcp_connection *connection);
/// A number below `tcp_limit()` that no other connection has at the same time.
size_t tcp_index(const struct tcp_connection *connection);
size_t tcp_limit(void);
