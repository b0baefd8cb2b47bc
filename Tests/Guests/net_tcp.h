// What the parts of TCP share among themselves.

#pragma once

#include "net_wire.h"

enum {
    TCP_HEADER = 20,
    TCP_FIN = 1,
    TCP_SYN = 2,
    TCP_RST = 4,
    TCP_PSH = 8,
    TCP_ACK = 16,
    /// What every IPv4 and every IPv6 host takes without saying so.
    DEFAULT_SEGMENT_V4 = 536,
    DEFAULT_SEGMENT_V6 = 1220,
    MAXIMUM_RETRIES = 8,
};

/// A segment that came in. `sequence` and `size` are moved when what is old is cut off.
struct tcp_segment {
    const struct ip_packet *packet;
    uint16_t source_port, destination_port, window, maximum_size;
    uint32_t sequence, acknowledgement;
    uint8_t flags;
    const uint8_t *data;
    size_t size;
};

/// Whether sequence number `left` comes before `right`, which may have wrapped.
static inline int before(uint32_t left, uint32_t right) { return (int32_t)(left - right) < 0; }
static inline uint32_t smaller(uint32_t left, uint32_t right) { return left < right ? left : right; }

// net_tcp.c: the connections.

struct tcp_connection *tcp_find(const struct tcp_segment *segment);
int tcp_is_listening(uint16_t port);
/// A new connection for a segment to a port that is listened to, or NULL.
struct tcp_connection *tcp_accept(const struct tcp_segment *segment);
/// Has the application called back and what is due sent, once all that came has been looked at.
void tcp_queue(struct tcp_connection *connection);
/// Gives the connection back; calls back when `tell`.
void tcp_forget(struct tcp_connection *connection, int tell);
/// Sets or, with 0, clears the time after which `tcp_timers` looks at the connection.
void tcp_set_timer(struct tcp_connection *connection, uint64_t nanoseconds);
void tcp_enter_time_wait(struct tcp_connection *connection);

// net_tcp_output.c

/// The largest segment that the device takes.
uint16_t tcp_device_segment(const struct net_device *device, const struct net_address *remote);
/// Sends data as the window allows, the end when it is due, and an acknowledgement when nothing else carried it.
void tcp_send_due(struct tcp_connection *connection);
/// Sends an empty segment with these flags and TCP_ACK.
void tcp_send_empty(struct tcp_connection *connection, uint8_t flags);
/// Sends the oldest segment that was not acknowledged once more.
void tcp_send_again(struct tcp_connection *connection);
/// Sets the timer for what is on its way now.
void tcp_restart_timer(struct tcp_connection *connection);
/// Answers a segment that belongs to no connection.
void tcp_refuse(const struct tcp_segment *segment);
