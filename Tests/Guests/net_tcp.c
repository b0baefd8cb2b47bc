// TCP (RFC 9293): the connections, from a listener or by connecting, and their timers.

#include "net_tcp.h"

enum { CONNECTIONS = 512, BUCKETS = 1024, BUFFER = 32 * 1024, LISTENERS = 8, FIRST_LOCAL_PORT = 49152 };

static const uint64_t time_wait = 1 * NANOSECONDS_PER_SECOND;
/// For what the other side is not obliged to do: to say anything, and to end when this side has.
static const uint64_t patience = 120 * NANOSECONDS_PER_SECOND, patience_at_end = 10 * NANOSECONDS_PER_SECOND;

static struct tcp_connection *connections;
static size_t connection_count;
static struct tcp_connection *buckets[BUCKETS];
static struct tcp_connection *first_free;
static struct tcp_connection **queue;
static size_t queue_size;
static struct {
    uint16_t port;
    tcp_callback *advance;
} listeners[LISTENERS];

/// Makes as many connections as half of the free memory can hold.
void tcp_start(void) {
    size_t each = sizeof(struct tcp_connection) + 2 * sizeof *queue + 2 * BUFFER;
    connection_count = smaller(CONNECTIONS, (uint32_t)(net_memory_left() / 2 / each));
    connections = net_allocate(connection_count * sizeof *connections);
    // Twice: a connection may be queued again while its earlier place is not cleared yet.
    queue = net_allocate(2 * connection_count * sizeof *queue);
    for (size_t index = connection_count; index-- > 0;) {
        struct tcp_connection *connection = &connections[index];
        connection->input = (struct stream){.bytes = net_allocate_buffer(BUFFER), .capacity = BUFFER};
        connection->output = (struct stream){.bytes = net_allocate_buffer(BUFFER), .capacity = BUFFER};
        connection->next_free = first_free;
        first_free = connection;
    }
}

size_t tcp_index(const struct tcp_connection *connection) { return (size_t)(connection - connections); }
size_t tcp_limit(void) { return connection_count; }

int tcp_listen(uint16_t port, tcp_callback *advance) {
    for (int index = 0; index < LISTENERS; index++) {
        if (listeners[index].advance != NULL)
            continue;
        listeners[index].port = port;
        listeners[index].advance = advance;
        return 1;
    }
    return 0;
}

static tcp_callback *listener(uint16_t port) {
    for (int index = 0; index < LISTENERS; index++)
        if (listeners[index].advance != NULL && listeners[index].port == port)
            return listeners[index].advance;
    return NULL;
}

int tcp_is_listening(uint16_t port) { return listener(port) != NULL; }

static struct tcp_connection **bucket_of(const struct net_address *remote, uint16_t remote_port, uint16_t local_port) {
    uint64_t hash = remote->words[0] ^ remote->words[1] ^ ((uint64_t)remote_port << 16 | local_port);
    return &buckets[(hash * 0x9e3779b97f4a7c15u) >> 54];
}

static struct tcp_connection *find(const struct net_address *remote, uint16_t remote_port,
                                   const struct net_address *local, uint16_t local_port) {
    struct tcp_connection *connection = *bucket_of(remote, remote_port, local_port);
    while (connection != NULL &&
           (connection->remote_port != remote_port || connection->local_port != local_port ||
            !address_equal(&connection->remote, remote) || !address_equal(&connection->local, local)))
        connection = connection->next_in_bucket;
    return connection;
}

struct tcp_connection *tcp_find(const struct tcp_segment *segment) {
    const struct ip_packet *packet = segment->packet;
    return find(&packet->source, segment->source_port, &packet->destination, segment->destination_port);
}

void tcp_queue(struct tcp_connection *connection) {
    if (connection->queued)
        return;
    connection->queued = 1;
    queue[queue_size++] = connection;
}

void tcp_wake(struct tcp_connection *connection) { tcp_queue(connection); }

void tcp_set_timer(struct tcp_connection *connection, uint64_t nanoseconds) {
    connection->deadline = nanoseconds == 0 ? 0 : net_now + nanoseconds;
    if (nanoseconds != 0)
        net_wake_at(connection->deadline);
}

/// When no place is free, the connection that waited longest for strays of its past gives way.
static void free_oldest_waiting(void) {
    struct tcp_connection *oldest = NULL;
    for (size_t index = 0; index < connection_count; index++)
        if (connections[index].state == TCP_TIME_WAIT &&
            (oldest == NULL || connections[index].deadline < oldest->deadline))
            oldest = &connections[index];
    if (oldest != NULL)
        tcp_forget(oldest, 0);
}

/// A number that an earlier connection between the same ports has not reached: it grows by one each 4 microseconds.
static uint32_t first_sequence(void) {
    static uint32_t opened;
    return (uint32_t)(net_now / 4096) + (opened += 65536);
}

/// A connection with its buffers empty and its addresses still to be filled in.
static struct tcp_connection *allocate(void) {
    if (first_free == NULL)
        free_oldest_waiting();
    struct tcp_connection *connection = first_free;
    if (connection == NULL)
        return NULL;
    first_free = connection->next_free;
    // What was queued for the last use of the place is still in the queue.
    *connection = (struct tcp_connection){
        .input = {.bytes = connection->input.bytes, .capacity = BUFFER},
        .output = {.bytes = connection->output.bytes, .capacity = BUFFER},
        .queued = connection->queued,
    };
    connection->send_unacknowledged = first_sequence();
    connection->send_next = connection->send_unacknowledged + 1;
    return connection;
}

static void register_connection(struct tcp_connection *connection) {
    struct tcp_connection **bucket =
        bucket_of(&connection->remote, connection->remote_port, connection->local_port);
    connection->next_in_bucket = *bucket;
    *bucket = connection;
    connection->segment_size = address_is_v4(&connection->remote) ? DEFAULT_SEGMENT_V4 : DEFAULT_SEGMENT_V6;
}

struct tcp_connection *tcp_accept(const struct tcp_segment *segment) {
    tcp_callback *advance = listener(segment->destination_port);
    struct tcp_connection *connection = advance != NULL ? allocate() : NULL;
    if (connection == NULL)
        return NULL;
    connection->state = TCP_SYN_RECEIVED;
    connection->device = segment->packet->device;
    connection->local = segment->packet->destination;
    connection->remote = segment->packet->source;
    connection->local_port = segment->destination_port;
    connection->remote_port = segment->source_port;
    connection->advance = advance;
    register_connection(connection);
    return connection;
}

struct tcp_connection *tcp_connect(const struct net_address *remote, uint16_t port, tcp_callback *advance,
                                   void *context) {
    static uint16_t offset;
    struct net_device *device;
    struct net_address local;
    if (!ip_route(remote, &device, &local))
        return NULL;
    struct tcp_connection *connection = allocate();
    if (connection == NULL)
        return NULL;
    do {
        connection->local_port = (uint16_t)(FIRST_LOCAL_PORT + offset++ % (65536 - FIRST_LOCAL_PORT));
    } while (find(remote, port, &local, connection->local_port) != NULL);
    connection->state = TCP_SYN_SENT;
    connection->device = device;
    connection->local = local;
    connection->remote = *remote;
    connection->remote_port = port;
    connection->advance = advance;
    connection->context = context;
    register_connection(connection);
    tcp_send_empty(connection, TCP_SYN);
    tcp_restart_timer(connection);
    return connection;
}

void tcp_close(struct tcp_connection *connection) {
    connection->closing = 1;
    tcp_queue(connection);
}

void tcp_abort(struct tcp_connection *connection) {
    tcp_send_empty(connection, TCP_RST);
    tcp_forget(connection, 0);
}

void tcp_forget(struct tcp_connection *connection, int tell) {
    struct tcp_connection **link = bucket_of(&connection->remote, connection->remote_port, connection->local_port);
    while (*link != connection)
        link = &(*link)->next_in_bucket;
    *link = connection->next_in_bucket;
    int is_known = connection->state != TCP_SYN_RECEIVED && connection->state != TCP_TIME_WAIT;
    connection->state = TCP_FREE;
    connection->deadline = 0;
    // The application knows nothing of the others.
    if (tell && is_known)
        connection->advance(connection);
    connection->next_free = first_free;
    first_free = connection;
}

void tcp_enter_time_wait(struct tcp_connection *connection) {
    connection->state = TCP_FREE;
    connection->advance(connection);
    connection->state = TCP_TIME_WAIT;
    tcp_set_timer(connection, time_wait);
}

/// Calls back and sends. A connection whose both directions have ended waits or goes.
static void work_on(struct tcp_connection *connection) {
    if (connection->state == TCP_FREE)
        return;
    if (connection->state == TCP_OPEN && !connection->closing)
        connection->advance(connection);
    if (connection->state == TCP_OPEN && connection->closing)
        // Nobody reads any more.
        stream_take(&connection->input, stream_size(&connection->input));
    if (connection->state != TCP_FREE)
        tcp_send_due(connection);
    if (connection->state == TCP_OPEN && connection->deadline == 0)
        tcp_set_timer(connection, connection->closing ? patience_at_end : patience);
}

void tcp_work(void) {
    // What is queued meanwhile is worked on as well.
    while (queue_size > 0) {
        size_t count = queue_size;
        for (size_t index = 0; index < count; index++) {
            queue[index]->queued = 0;
            work_on(queue[index]);
        }
        queue_size -= count;
        for (size_t index = 0; index < queue_size; index++)
            queue[index] = queue[count + index];
    }
}

static void run_timer(struct tcp_connection *connection) {
    int due = connection->send_next != connection->send_unacknowledged || stream_size(&connection->output) > 0;
    connection->deadline = 0;
    if (connection->state == TCP_TIME_WAIT) {
        tcp_forget(connection, 0);
    } else if (!due || connection->retries++ == MAXIMUM_RETRIES) {
        if (connection->state != TCP_SYN_SENT)
            tcp_send_empty(connection, TCP_RST);
        tcp_forget(connection, 1);
    } else {
        tcp_send_again(connection);
        tcp_restart_timer(connection);
    }
}

void tcp_timers(void) {
    for (size_t index = 0; index < connection_count; index++) {
        struct tcp_connection *connection = &connections[index];
        if (connection->deadline != 0 && connection->deadline <= net_now)
            run_timer(connection);
        if (connection->deadline != 0)
            net_wake_at(connection->deadline);
    }
}
