// TCP: segments that go out.

#include "net_tcp.h"

static const uint64_t first_timeout = 300 * NANOSECONDS_PER_MILLISECOND;
static const uint64_t longest_timeout = 10 * NANOSECONDS_PER_SECOND;

uint16_t tcp_device_segment(const struct net_device *device, const struct net_address *remote) {
    size_t headers = TCP_HEADER + (address_is_v4(remote) ? IPV4_HEADER : IPV6_HEADER);
    return device->mtu > headers ? (uint16_t)(device->mtu - headers) : 1;
}

/// Completes and sends the segment whose data, `size` bytes, lies behind the header.
static void send_segment(const struct ip_packet *packet, uint16_t source_port, uint16_t destination_port,
                         uint32_t sequence, uint32_t acknowledgement, uint8_t flags, size_t header_size,
                         uint16_t window) {
    uint8_t *header = packet->payload;
    store16(header, source_port);
    store16(header + 2, destination_port);
    store32(header + 4, sequence);
    store32(header + 8, acknowledgement);
    header[12] = (uint8_t)(header_size / 4 << 4);
    header[13] = flags;
    store16(header + 14, window);
    store32(header + 16, 0);
    checksum_store(header + 16, checksum_packet(packet));
    ip_send(packet);
}

/// The room for what comes, which must not shrink below what was said before.
static uint16_t window_of(struct tcp_connection *connection) {
    stream_compact(&connection->input);
    size_t room = stream_space(&connection->input);
    uint32_t end = connection->receive_next + (uint32_t)room;
    if (before(end, connection->advertised_end))
        end = connection->advertised_end;
    connection->advertised_end = end;
    return (uint16_t)(end - connection->receive_next);
}

/// Sends the segment at `sequence` with `size` bytes of the output from `offset` on.
static void send_data(struct tcp_connection *connection, uint32_t sequence, size_t offset, size_t size, uint8_t flags) {
    size_t header_size = TCP_HEADER;
    struct ip_packet packet = {
        .device = connection->device,
        .source = connection->local,
        .destination = connection->remote,
        .protocol = PROTOCOL_TCP,
        .hop_limit = HOP_LIMIT,
        .payload = ip_payload(),
    };
    if (flags & TCP_SYN) {
        // The one option: the largest segment that can be received.
        store16(packet.payload + TCP_HEADER, 0x0204);
        store16(packet.payload + TCP_HEADER + 2, tcp_device_segment(connection->device, &connection->remote));
        header_size += 4;
    }
    if (connection->state != TCP_SYN_SENT)
        flags |= TCP_ACK;
    net_copy(packet.payload + header_size, stream_front(&connection->output) + offset, size);
    packet.size = header_size + size;
    send_segment(&packet, connection->local_port, connection->remote_port, sequence,
                 flags & TCP_ACK ? connection->receive_next : 0, flags, header_size, window_of(connection));
    connection->acknowledge = 0;
}

void tcp_send_empty(struct tcp_connection *connection, uint8_t flags) {
    uint32_t sequence = flags & TCP_SYN ? connection->send_unacknowledged : connection->send_next;
    send_data(connection, sequence, 0, 0, flags);
}

void tcp_restart_timer(struct tcp_connection *connection) {
    uint64_t timeout = first_timeout << connection->retries;
    int due = connection->send_next != connection->send_unacknowledged || stream_size(&connection->output) > 0;
    tcp_set_timer(connection, !due ? 0 : timeout < longest_timeout ? timeout : longest_timeout);
}

/// The bytes of output that have been sent and not been acknowledged.
static size_t data_on_its_way(const struct tcp_connection *connection) {
    return connection->send_next - connection->send_unacknowledged - connection->fin_sent;
}

void tcp_send_again(struct tcp_connection *connection) {
    if (connection->state == TCP_SYN_SENT || connection->state == TCP_SYN_RECEIVED) {
        tcp_send_empty(connection, TCP_SYN);
        return;
    }
    // Nothing is on its way when the other side has no room: one byte asks whether it has some now.
    if (connection->send_next == connection->send_unacknowledged)
        connection->send_next++;
    size_t data = data_on_its_way(connection);
    size_t size = smaller((uint32_t)data, connection->segment_size);
    connection->recover_until = connection->send_next;
    connection->recovering = 1;
    send_data(connection, connection->send_unacknowledged, 0, size,
              connection->fin_sent && size == data ? TCP_FIN : TCP_PSH);
}

/// Sends one segment that is due; returns 0 when none is.
static int send_next_segment(struct tcp_connection *connection) {
    size_t sent = data_on_its_way(connection), left = stream_size(&connection->output) - sent;
    size_t window = connection->send_window > sent ? connection->send_window - sent : 0;
    size_t size = left < connection->segment_size ? left : connection->segment_size;
    // A small piece waits for room unless it is the last or the window never had more.
    if (size > window)
        size = window >= connection->segment_size || sent == 0 ? window : 0;
    int end = connection->closing && size == left;
    if (connection->fin_sent || (size == 0 && !end))
        return 0;
    uint32_t sequence = connection->send_next;
    connection->send_next += (uint32_t)size + (uint32_t)end;
    if (end) {
        connection->fin_sent = 1;
        connection->ended_first = !connection->peer_closed;
    }
    int flags = (end ? TCP_FIN : 0) | (size > 0 && size == left ? TCP_PSH : 0);
    send_data(connection, sequence, sent, size, (uint8_t)flags);
    return 1;
}

/// Whether the room grew so much that the other side should know.
static int has_new_room(struct tcp_connection *connection) {
    stream_compact(&connection->input);
    uint32_t end = connection->receive_next + (uint32_t)stream_space(&connection->input);
    uint32_t growth = end - connection->advertised_end, known = connection->advertised_end - connection->receive_next;
    return before(connection->advertised_end, end) &&
           (growth >= connection->input.capacity / 2 || (known < connection->segment_size && growth > known));
}

void tcp_send_due(struct tcp_connection *connection) {
    if (connection->state == TCP_OPEN) {
        int idle = connection->send_next == connection->send_unacknowledged, sent = 0;
        while (send_next_segment(connection))
            sent = 1;
        // Without room on the other side the timer has it asked for some.
        int is_patient = connection->deadline == 0 || connection->deadline > net_now + longest_timeout;
        if (idle && (sent || (is_patient && stream_size(&connection->output) > 0)))
            tcp_restart_timer(connection);
    }
    if (connection->acknowledge || (connection->state == TCP_OPEN && !connection->peer_closed && !connection->closing &&
                                    has_new_room(connection)))
        tcp_send_empty(connection, connection->state == TCP_SYN_RECEIVED ? TCP_SYN : 0);
}

void tcp_refuse(const struct tcp_segment *segment) {
    if (segment->flags & TCP_RST)
        return;
    struct ip_packet packet = {
        .device = segment->packet->device,
        .source = segment->packet->destination,
        .destination = segment->packet->source,
        .protocol = PROTOCOL_TCP,
        .hop_limit = HOP_LIMIT,
        .payload = ip_payload(),
        .size = TCP_HEADER,
    };
    uint32_t end = segment->sequence + (uint32_t)segment->size + !!(segment->flags & TCP_SYN) +
                   !!(segment->flags & TCP_FIN);
    int acknowledges = segment->flags & TCP_ACK;
    send_segment(&packet, segment->destination_port, segment->source_port,
                 acknowledges ? segment->acknowledgement : 0, acknowledges ? 0 : end,
                 acknowledges ? TCP_RST : TCP_RST | TCP_ACK, TCP_HEADER, 0);
}
