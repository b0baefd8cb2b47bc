// How the HTTP server reaches its vAccel agent: by TCP, or by a virtio socket where the machine has one.

#include "http_guest.h"

static const char *address = "169.254.83.3:65500";

#ifdef GUEST_VIRT
#include "virt.h"

enum { CHANNELS = 16, ROOM = 32 * 1024, FIRST_PORT = 5000, LAST_PORT = 1 << 30 };
static const char scheme[] = "vsock://2:";

struct agent_channel {
    struct vsock_stream stream;
    struct stream input, output;
    /// Who asks; NULL when nobody waits for an answer any more.
    struct served *place;
    uint8_t is_used, is_ending, end_sent;
};

static struct agent_channel *channels;
/// Of the host's; 0 when the agent is reached by TCP.
static uint32_t agent_port;

static struct vsock_stream *find(uint32_t port, uint32_t host_port, int is_request) {
    for (size_t index = 0; index < CHANNELS && !is_request; index++)
        if (channels[index].is_used && channels[index].stream.port == port && host_port == agent_port)
            return &channels[index].stream;
    return NULL;
}

static void take(struct vsock_stream *stream, const uint8_t *bytes, size_t size) {
    struct agent_channel *channel = (struct agent_channel *)stream;
    if (channel->place == NULL || size > stream_space(&channel->input)) {
        // Nobody wants it, or it is longer than any answer.
        stream->has_ended = 1;
        vsock_forward(stream, (uint32_t)size);
        return;
    }
    net_copy(stream_back(&channel->input), bytes, size);
    stream_added(&channel->input, size);
    vsock_forward(stream, (uint32_t)size);
}

static void send(struct agent_channel *channel) {
    struct stream *output = &channel->output;
    for (size_t done = 1; channel->stream.is_open && done > 0; stream_take(output, done))
        done = vsock_send(&channel->stream, stream_front(output), stream_size(output));
    if (channel->is_ending && !channel->end_sent && stream_size(output) == 0) {
        vsock_shutdown(&channel->stream, 1);
        channel->end_sent = 1;
    }
    if (channel->stream.is_reset && channel->place == NULL)
        channel->is_used = 0;
}

static void attend(void) {
    if (channels == NULL)
        return;
    while (vsock_poll(find, take))
        continue;
    for (struct agent_channel *channel = channels; channel < channels + CHANNELS; channel++) {
        if (!channel->is_used)
            continue;
        send(channel);
        if (channel->place != NULL && channel->place->connection != NULL)
            tcp_wake(channel->place->connection);
    }
}

static int set_port(const char *text) {
    uint64_t port;
    size_t size = length(text), prefix = sizeof scheme - 1;
    if (!text_begins(text, size, scheme) || !vsock_is_there() ||
        !text_number(text + prefix, size - prefix, ~0u, &port) || port == 0)
        return 0;
    agent_port = (uint32_t)port;
    net_attend(attend);
    return 1;
}

static int is_by_vsock(void) { return agent_port != 0; }

/// Makes room for the streams when the first is wanted.
static int make_channels(void) {
    if (channels != NULL)
        return 1;
    uint8_t *room = net_allocate_buffer(CHANNELS * 2 * (size_t)ROOM);
    channels = net_allocate(CHANNELS * sizeof *channels);
    if (room == NULL || channels == NULL)
        return 0;
    for (size_t index = 0; index < CHANNELS; index++) {
        channels[index].input = (struct stream){.bytes = room + index * 2 * ROOM, .capacity = ROOM};
        channels[index].output = (struct stream){.bytes = room + (index * 2 + 1) * ROOM, .capacity = ROOM};
    }
    return 1;
}

static int open_channel(struct served *place) {
    static uint32_t next = FIRST_PORT;
    if (!make_channels())
        return 0;
    struct agent_channel *channel = channels;
    while (channel < channels + CHANNELS && channel->is_used)
        channel++;
    if (channel == channels + CHANNELS)
        return 0;
    channel->input.start = channel->input.end = channel->output.start = channel->output.end = 0;
    channel->is_ending = channel->end_sent = 0;
    channel->is_used = 1;
    channel->place = place;
    place->channel = channel;
    vsock_connect(&channel->stream, next, agent_port);
    next = next == LAST_PORT ? FIRST_PORT : next + 1;
    return 1;
}

static struct stream *channel_input(struct agent_channel *channel) { return &channel->input; }
static struct stream *channel_output(struct agent_channel *channel) { return &channel->output; }
static int channel_has_ended(struct agent_channel *channel) { return channel->stream.has_ended; }

static void finish_channel(struct agent_channel *channel) {
    channel->place = NULL;
    channel->is_ending = 1;
    send(channel);
}

static void abandon_channel(struct agent_channel *channel) {
    if (!channel->stream.is_reset)
        vsock_reset(&channel->stream);
    channel->place = NULL;
    channel->is_used = 0;
}

#else

static int set_port(const char *text) { return text == NULL; }
static int is_by_vsock(void) { return 0; }
static int open_channel(struct served *place) { return place == NULL; }
static struct stream *channel_input(struct agent_channel *channel) { return (void)channel, NULL; }
static struct stream *channel_output(struct agent_channel *channel) { return (void)channel, NULL; }
static int channel_has_ended(struct agent_channel *channel) { return channel == NULL; }
static void send(struct agent_channel *channel) { (void)channel; }
static void finish_channel(struct agent_channel *channel) { (void)channel; }
static void abandon_channel(struct agent_channel *channel) { (void)channel; }

#endif

int agent_set(const char *text) {
    if (text_begins(text, length(text), "vsock:"))
        return set_port(text);
    address = text;
    return 1;
}

int agent_connect(struct served *place) {
    return is_by_vsock() ? open_channel(place) : fetch_connect(place, address, length(address));
}

struct stream *agent_input(const struct served *place) {
    if (place->channel != NULL)
        return channel_input(place->channel);
    return place->client != NULL ? &place->client->input : NULL;
}

struct stream *agent_output(const struct served *place) {
    if (place->channel != NULL)
        return channel_output(place->channel);
    return place->client != NULL ? &place->client->output : NULL;
}

int agent_has_ended(const struct served *place) {
    if (place->channel != NULL)
        return channel_has_ended(place->channel);
    return place->client == NULL || place->client->peer_closed;
}

void agent_wake(struct served *place) {
    if (place->channel != NULL)
        send(place->channel);
    else if (place->client != NULL)
        tcp_wake(place->client);
}

void agent_finish(struct served *place) {
    if (place->channel != NULL) {
        finish_channel(place->channel);
        place->channel = NULL;
    } else if (place->client != NULL) {
        tcp_close(place->client);
        fetch_release(place);
    }
}

void agent_abandon(struct served *place) {
    if (place->channel != NULL)
        abandon_channel(place->channel);
    place->channel = NULL;
    fetch_abandon(place);
}
