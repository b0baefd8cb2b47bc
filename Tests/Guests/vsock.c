// Streams to and from the host by a virtio socket device. virt only. Its words are commands, one after the other:
//
//   connect PORT BYTES  sends so many bytes to a port of the host's, expects them back, and ends its own direction first
//   many PORT COUNT     has so many connections at once, a byte each way in all of them
//   serve PORT COUNT    answers so many connections, one after the other, with what comes
//   refused PORT 0      says whether nobody listens there

#include "virt.h"

DEVICES(VSOCK_DEVICE("vsock"));

enum { MOST = 1100, FIRST_PORT = 5000, PIECE = 4000, PERIOD = 65521, ROOM = 256 << 10 };

static struct vsock_stream streams[MOST];
static size_t stream_count;
static uint32_t served_port;
/// What has come and is to be sent back.
static uint8_t backlog[ROOM];
static size_t backlog_size;
static uint64_t got, wrong;
static int echoes;

static struct vsock_stream *find(uint32_t port, uint32_t host_port, int is_request) {
    for (size_t index = 0; index < stream_count; index++)
        if (streams[index].port == port && streams[index].host_port == host_port)
            return &streams[index];
    if (!is_request || port != served_port || stream_count > 0)
        return NULL;
    streams[0] = (struct vsock_stream){.port = port, .host_port = host_port};
    stream_count = 1;
    return streams;
}

/// What is at a place of the stream: its period is a prime.
static uint8_t byte_at(uint64_t place) { return (uint8_t)(place % PERIOD * 31 >> 3); }

static void take(struct vsock_stream *stream, const uint8_t *bytes, size_t size) {
    if (echoes) {
        if (size > ROOM - backlog_size)
            guest_abort("the host sends more than there is room for");
        __builtin_memcpy(backlog + backlog_size, bytes, size);
        backlog_size += size;
        return;
    }
    for (size_t index = 0; index < size; index++)
        if (bytes[index] != byte_at(got + index))
            wrong++;
    got += size;
    vsock_forward(stream, (uint32_t)size);
}

static void attend(void) {
    while (vsock_poll(find, take))
        continue;
}

static void rest(void) {
    vsock_wait(NANOSECONDS_PER_SECOND);
    attend();
}

static int begin(struct vsock_stream *stream, uint32_t host_port) {
    static uint32_t next = FIRST_PORT;
    vsock_connect(stream, next++, host_port);
    while (!stream->is_open && !stream->is_reset)
        rest();
    return stream->is_open;
}

static void end(struct vsock_stream *stream) {
    vsock_shutdown(stream, 1);
    while (!stream->is_reset)
        rest();
}

static void connect(uint32_t port, uint64_t size) {
    static uint8_t piece[PIECE];
    uint64_t sent = 0;
    stream_count = 1;
    got = wrong = 0;
    if (!begin(streams, port))
        guest_abort("nobody listens");
    while (got < size || !streams->has_ended) {
        size_t wanted = size - sent < PIECE ? size - sent : PIECE;
        for (size_t index = 0; index < wanted; index++)
            piece[index] = byte_at(sent + index);
        size_t done = vsock_send(streams, piece, wanted);
        sent += done;
        if (done > 0 && sent == size)
            vsock_shutdown(streams, 0);
        attend();
        if (done == 0 && got < size && !streams->has_ended)
            rest();
        if (streams->has_ended && got < size)
            guest_abort("the host ends too early");
        if (got == size && !streams->has_ended)
            rest();
    }
    if (wrong != 0)
        guest_abort("other bytes came back");
    if (!streams->is_reset)
        end(streams);
    put("exchanged ");
    put_number(size);
    put(" bytes\n");
}

static void many(uint32_t port, uint64_t count) {
    if (count > MOST)
        guest_abort("too many connections");
    got = 0;
    for (uint64_t index = 0; index < count; index++) {
        stream_count = index + 1;
        uint8_t byte = byte_at(index);
        if (!begin(&streams[index], port) || vsock_send(&streams[index], &byte, 1) != 1)
            guest_abort("a connection fails");
    }
    while (got < count)
        rest();
    put("had ");
    put_number(count);
    put(" connections\n");
    for (uint64_t index = 0; index < count; index++)
        end(&streams[index]);
}

static void answer(void) {
    while (stream_count == 0)
        rest();
    struct vsock_stream *stream = streams;
    while (!stream->is_reset) {
        size_t done = vsock_send(stream, backlog, backlog_size);
        backlog_size -= done;
        for (size_t index = 0; done > 0 && index < backlog_size; index++)
            backlog[index] = backlog[index + done];
        vsock_forward(stream, (uint32_t)done);
        attend();
        if (backlog_size == 0 && stream->has_ended) {
            end(stream);
            break;
        }
        if (done == 0)
            rest();
    }
    stream_count = 0;
}

static void serve(uint32_t port, uint64_t count) {
    served_port = port;
    stream_count = 0;
    echoes = 1;
    put("listening\n");
    while (count-- > 0)
        answer();
    echoes = 0;
    put("served\n");
}

int guest_main(void) {
    char what[16], text[24];
    const char *line = command_line();
    if (!vsock_is_there())
        guest_abort("there is no device");
    while (*next_word(&line, what, sizeof what)) {
        uint32_t port = (uint32_t)parse_number(next_word(&line, text, sizeof text), 0);
        uint64_t number = parse_number(next_word(&line, text, sizeof text), 0);
        if (equal(what, "connect"))
            connect(port, number);
        else if (equal(what, "many"))
            many(port, number);
        else if (equal(what, "serve"))
            serve(port, number);
        else if (equal(what, "refused")) {
            stream_count = 1;
            put(begin(streams, port) ? "accepted\n" : "refused\n");
        } else
            guest_abort("unknown word");
    }
    return 0;
}
