// TCP: segments that come in. What comes out of order is dropped and asked for again; what comes twice is acknowledged
// again.

#include "net_tcp.h"

enum { OPTION_END = 0, OPTION_NOTHING = 1, OPTION_SEGMENT = 2 };

/// The other side's largest segment, 0 when it does not say.
static uint16_t read_options(const uint8_t *option, const uint8_t *end) {
    while (option < end && *option != OPTION_END) {
        if (*option == OPTION_NOTHING) {
            option++;
            continue;
        }
        if (end - option < 2 || option[1] < 2 || option[1] > end - option)
            return 0;
        if (option[0] == OPTION_SEGMENT && option[1] == 4)
            return load16(option + 2);
        option += option[1];
    }
    return 0;
}

/// Reads the header; returns 0 when the segment is damaged or cut off.
static int read_segment(const struct ip_packet *packet, struct tcp_segment *segment) {
    const uint8_t *header = packet->payload;
    if (packet->size < TCP_HEADER)
        return 0;
    size_t header_size = (header[12] >> 4) * 4u;
    if (header_size < TCP_HEADER || header_size > packet->size || checksum_packet(packet) != 0)
        return 0;
    *segment = (struct tcp_segment){
        .packet = packet,
        .source_port = load16(header),
        .destination_port = load16(header + 2),
        .sequence = load32(header + 4),
        .acknowledgement = load32(header + 8),
        .flags = header[13],
        .window = load16(header + 14),
        .data = header + header_size,
        .size = packet->size - header_size,
    };
    if (segment->flags & TCP_SYN)
        segment->maximum_size = read_options(header + TCP_HEADER, header + header_size);
    return 1;
}

/// Takes the numbers of the other side's first segment.
static void synchronize(struct tcp_connection *connection, const struct tcp_segment *segment) {
    uint16_t own = tcp_device_segment(connection->device, &connection->remote);
    if (segment->maximum_size >= 64)
        connection->segment_size = segment->maximum_size;
    connection->segment_size = (uint16_t)smaller(connection->segment_size, own);
    connection->receive_next = connection->advertised_end = segment->sequence + 1;
    connection->send_window = segment->window;
}

static void open_new(const struct tcp_segment *segment) {
    if (!(segment->flags & TCP_SYN) || segment->flags & (TCP_ACK | TCP_RST)) {
        tcp_refuse(segment);
        return;
    }
    struct tcp_connection *connection = tcp_accept(segment);
    if (connection == NULL) {
        // Without a listener that is an answer; without a place the other side asks again soon.
        if (!tcp_is_listening(segment->destination_port))
            tcp_refuse(segment);
        return;
    }
    synchronize(connection, segment);
    tcp_send_empty(connection, TCP_SYN);
    tcp_restart_timer(connection);
}

/// The answer to a SYN of ours.
static void finish_connecting(struct tcp_connection *connection, const struct tcp_segment *segment) {
    int acknowledged = segment->flags & TCP_ACK && segment->acknowledgement == connection->send_next;
    if (segment->flags & TCP_ACK && !acknowledged) {
        tcp_refuse(segment);
    } else if (segment->flags & TCP_RST) {
        if (acknowledged)
            tcp_forget(connection, 1);
    } else if (segment->flags & TCP_SYN && acknowledged) {
        synchronize(connection, segment);
        connection->send_unacknowledged = connection->send_next;
        connection->state = TCP_OPEN;
        connection->acknowledge = 1;
        connection->retries = 0;
        tcp_restart_timer(connection);
        tcp_queue(connection);
    }
}

/// A reset is believed when it is exactly what comes next (RFC 5961); what else lies in the window gets an answer that
/// makes an honest sender repeat it right.
static void reset(struct tcp_connection *connection, const struct tcp_segment *segment) {
    if (segment->sequence == connection->receive_next)
        tcp_forget(connection, 1);
    else if (!before(segment->sequence, connection->receive_next) &&
             before(segment->sequence, connection->advertised_end))
        tcp_send_empty(connection, 0);
}

/// Cuts off what came before. Returns 0 when the segment begins after what is expected.
static int cut_old(struct tcp_connection *connection, struct tcp_segment *segment) {
    if (before(connection->receive_next, segment->sequence)) {
        tcp_send_empty(connection, 0);
        return 0;
    }
    uint32_t old = connection->receive_next - segment->sequence;
    if (old == 0)
        return 1;
    // Whoever sends again has not seen the acknowledgement.
    connection->acknowledge = 1;
    tcp_queue(connection);
    if (old > segment->size) {
        segment->flags &= (uint8_t)~TCP_FIN;
        old = (uint32_t)segment->size;
    }
    segment->data += old;
    segment->size -= old;
    segment->sequence = connection->receive_next;
    return 1;
}

static void take_acknowledged(struct tcp_connection *connection, uint32_t acknowledgement) {
    uint32_t count = acknowledgement - connection->send_unacknowledged;
    if (connection->state == TCP_SYN_RECEIVED) {
        connection->state = TCP_OPEN;
        count--;
    } else if (connection->fin_sent && acknowledgement == connection->send_next) {
        connection->fin_acknowledged = 1;
        count--;
    }
    stream_take(&connection->output, count);
    stream_compact(&connection->output);
    connection->send_unacknowledged = acknowledgement;
    connection->duplicates = connection->retries = 0;
    // What was lost together is found one by one: each acknowledgement of a part shows the next gap.
    if (connection->recovering && before(acknowledgement, connection->recover_until)) {
        uint32_t until = connection->recover_until;
        tcp_send_again(connection);
        connection->recover_until = until;
    } else {
        connection->recovering = 0;
    }
    tcp_restart_timer(connection);
    tcp_queue(connection);
}

/// The same acknowledgement for the third time: the segment behind it was lost.
static void count_duplicate(struct tcp_connection *connection, const struct tcp_segment *segment) {
    if (segment->size > 0 || segment->window != connection->send_window ||
        connection->send_next == connection->send_unacknowledged)
        return;
    if (++connection->duplicates == 3 && !connection->recovering)
        tcp_send_again(connection);
}

static void take_window(struct tcp_connection *connection, uint16_t window) {
    if (connection->send_window == 0 && window > 0 && !connection->fin_sent) {
        // What was sent into a closed window to ask has not been taken.
        connection->send_next = connection->send_unacknowledged;
        connection->recovering = 0;
    }
    if (window != connection->send_window)
        tcp_queue(connection);
    connection->send_window = window;
}

/// Returns 0 when the segment acknowledges what was never sent.
static int acknowledged(struct tcp_connection *connection, const struct tcp_segment *segment) {
    uint32_t acknowledgement = segment->acknowledgement;
    int is_late = connection->state == TCP_SYN_RECEIVED && acknowledgement == connection->send_unacknowledged;
    if (is_late || before(connection->send_next, acknowledgement)) {
        if (connection->state == TCP_SYN_RECEIVED)
            tcp_refuse(segment);
        else
            tcp_send_empty(connection, 0);
        return 0;
    }
    if (before(connection->send_unacknowledged, acknowledgement))
        take_acknowledged(connection, acknowledgement);
    else if (acknowledgement == connection->send_unacknowledged && connection->state == TCP_OPEN)
        count_duplicate(connection, segment);
    if (acknowledgement == connection->send_unacknowledged) {
        connection->retries = 0;
        take_window(connection, segment->window);
    }
    return 1;
}

static void take_data(struct tcp_connection *connection, const struct tcp_segment *segment) {
    size_t room = stream_space(&connection->input);
    size_t size = segment->size < room ? segment->size : room;
    if (connection->peer_closed)
        return;
    net_copy(stream_back(&connection->input), segment->data, size);
    stream_added(&connection->input, size);
    connection->receive_next += (uint32_t)size;
    if (segment->size > 0 || segment->flags & TCP_FIN) {
        connection->acknowledge = 1;
        tcp_queue(connection);
    }
    if (segment->flags & TCP_FIN && size == segment->size) {
        connection->receive_next++;
        connection->peer_closed = 1;
    }
    if (connection->send_next == connection->send_unacknowledged && stream_size(&connection->output) == 0)
        connection->deadline = 0;
}

/// Ends a connection whose both directions have ended.
static void end_if_over(struct tcp_connection *connection) {
    if (!connection->fin_acknowledged || !connection->peer_closed)
        return;
    if (!connection->ended_first) {
        tcp_forget(connection, 1);
        return;
    }
    if (connection->acknowledge)
        tcp_send_empty(connection, 0);
    tcp_enter_time_wait(connection);
}

static void receive_waiting(struct tcp_connection *connection, const struct tcp_segment *segment) {
    int restarts = (segment->flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN &&
                   before(connection->receive_next, segment->sequence);
    if (restarts) {
        // The other side uses the same port again for the next connection.
        tcp_forget(connection, 0);
        open_new(segment);
    } else if (segment->flags & TCP_RST) {
        tcp_forget(connection, 0);
    } else if (segment->size > 0 || segment->flags & (TCP_SYN | TCP_FIN)) {
        tcp_send_empty(connection, 0);
    }
}

void tcp_receive(const struct ip_packet *packet) {
    struct tcp_segment segment;
    if (!read_segment(packet, &segment))
        return;
    struct tcp_connection *connection = tcp_find(&segment);
    if (connection == NULL) {
        open_new(&segment);
    } else if (connection->state == TCP_SYN_SENT) {
        finish_connecting(connection, &segment);
    } else if (connection->state == TCP_TIME_WAIT) {
        receive_waiting(connection, &segment);
    } else if (segment.flags & TCP_RST) {
        reset(connection, &segment);
    } else if (segment.flags & TCP_SYN) {
        tcp_send_empty(connection, connection->state == TCP_SYN_RECEIVED ? TCP_SYN : 0);
    } else if (segment.flags & TCP_ACK && acknowledged(connection, &segment) && cut_old(connection, &segment)) {
        take_data(connection, &segment);
        end_if_over(connection);
    }
}
