// A client of vAccel's: asks an agent what an image shows. Calls are messages of Protocol Buffers in frames of ttrpc;
// see Specs/vaccel.md.

#include "http_guest.h"

enum {
    FRAME_HEAD = 10,
    REQUEST = 1,
    RESPONSE = 2,
    /// Frame and names around an image, and a session's number.
    AROUND = 256,
    LENGTH_DELIMITED = 2,
};

static const char *agent = "169.254.83.3:65500";

void vaccel_set_agent(const char *address) { agent = address; }

// --- writing

static void add_byte(struct stream *output, unsigned byte) {
    *stream_back(output) = (uint8_t)byte;
    stream_added(output, 1);
}

static void add_number(struct stream *output, uint64_t number) {
    for (; number > 127; number >>= 7)
        add_byte(output, (unsigned)(number & 127) | 128);
    add_byte(output, (unsigned)number);
}

static size_t number_size(uint64_t number) {
    size_t size = 1;
    while (number >>= 7)
        size++;
    return size;
}

static void add_field(struct stream *output, unsigned field, const void *bytes, size_t size) {
    add_byte(output, field << 3 | LENGTH_DELIMITED);
    add_number(output, size);
    net_copy(stream_back(output), bytes, size);
    stream_added(output, size);
}

static void add_big_endian(struct stream *output, uint32_t number) {
    for (int shift = 24; shift >= 0; shift -= 8)
        add_byte(output, number >> shift & 255);
}

/// Begins a call whose message has `size` bytes, which the caller adds.
static void add_call(struct stream *output, uint32_t stream, const char *method, size_t size) {
    static const char service[] = "vaccel.sync.agent.AgentService";
    size_t payload = size > 0 ? 1 + number_size(size) + size : 0;
    add_big_endian(output, (uint32_t)(2 + sizeof service - 1 + 2 + length(method) + payload));
    add_big_endian(output, stream);
    add_byte(output, REQUEST);
    add_byte(output, 0);
    add_field(output, 1, service, sizeof service - 1);
    add_field(output, 2, method, length(method));
    if (size == 0)
        return;
    add_byte(output, 3 << 3 | LENGTH_DELIMITED);
    add_number(output, size);
}

static void add_image(struct stream *output, uint64_t session, const uint8_t *image, size_t size) {
    size_t message = 1 + number_size(session) + 1 + number_size(size) + size;
    add_call(output, 3, "ImageClassification", message);
    add_byte(output, 1 << 3);
    add_number(output, session);
    add_field(output, 2, image, size);
}

static void add_end(struct stream *output, uint64_t session) {
    add_call(output, 5, "DestroySession", 1 + number_size(session));
    add_byte(output, 1 << 3);
    add_number(output, session);
}

// --- reading

struct message {
    const uint8_t *bytes;
    size_t size;
};

static uint64_t take_number(struct message *message) {
    uint64_t number = 0;
    for (unsigned shift = 0; message->size > 0 && shift < 64; shift += 7) {
        uint8_t byte = *message->bytes++;
        message->size--;
        number |= (uint64_t)(byte & 127) << shift;
        if (byte < 128)
            return number;
    }
    message->size = 0;
    return 0;
}

/// The last field of that number: its value, or its bytes in `part` when it has some.
static uint64_t find_field(struct message message, unsigned field, struct message *part) {
    uint64_t value = 0;
    while (message.size > 0) {
        uint64_t key = take_number(&message), number = take_number(&message);
        struct message inside = {message.bytes, 0};
        if ((key & 7) == LENGTH_DELIMITED) {
            inside.size = number < message.size ? (size_t)number : message.size;
            message.bytes += inside.size;
            message.size -= inside.size;
        } else if ((key & 7) != 0) {
            break;
        }
        if (key >> 3 != field)
            continue;
        value = number;
        if (part != NULL)
            *part = inside;
    }
    return value;
}

/// The size of the frame at the front with its head, or 0 when it has not come yet.
static size_t frame_size(const struct stream *input) {
    const uint8_t *bytes = stream_front(input);
    if (stream_size(input) < FRAME_HEAD)
        return 0;
    size_t size = (size_t)bytes[0] << 24 | (size_t)bytes[1] << 16 | (size_t)bytes[2] << 8 | bytes[3];
    return stream_size(input) - FRAME_HEAD < size ? 0 : FRAME_HEAD + size;
}

/// The answer in the frame at the front; 0 with the reason in `reason` when the call failed.
static int read_answer(const struct stream *input, size_t size, struct message *answer, struct message *reason) {
    struct message response = {stream_front(input) + FRAME_HEAD, size - FRAME_HEAD}, status = {0};
    *answer = *reason = (struct message){0};
    if (stream_front(input)[8] != RESPONSE)
        return 0;
    find_field(response, 1, &status);
    find_field(response, 2, answer);
    find_field(status, 2, reason);
    return find_field(status, 1, NULL) == 0;
}

// --- the call

int host_classify(struct http_exchange *exchange) {
    struct served *place = (struct served *)exchange;
    if (!fetch_connect(place, agent, length(agent)))
        return 0;
    place->has_session = 0;
    add_call(&place->client->output, 1, "CreateSession", 0);
    return 1;
}

static int fail(struct served *place, struct stream *output, struct message reason) {
    static struct http_text text;
    text_clear(&text);
    text_add(&text, "the agent ");
    text_add(&text, reason.size > 0 ? "says: " : "ended too soon");
    text_add_bytes(&text, (const char *)reason.bytes, reason.size);
    text_add(&text, "\n");
    http_respond(&place->exchange, output, "502 Bad Gateway", &text);
    fetch_abandon(place);
    return 1;
}

static int finish(struct served *place, struct stream *output, struct message answer) {
    static struct http_text text;
    struct message tags = {0};
    find_field(answer, 1, &tags);
    size_t size = 0;
    while (size < tags.size && tags.bytes[size] != 0)
        size++;
    text_clear(&text);
    text_add_bytes(&text, (const char *)tags.bytes, size);
    text_add(&text, "\n");
    http_respond(&place->exchange, output, "200 OK", &text);
    add_end(&place->client->output, place->session);
    tcp_close(place->client);
    fetch_release(place);
    return 1;
}

int host_classify_more(struct http_exchange *exchange, struct stream *input, struct stream *output) {
    struct served *place = (struct served *)exchange;
    if (stream_space(output) < HTTP_LONGEST_PAGE)
        return 0;
    if (place->client == NULL)
        return fail(place, output, (struct message){0});
    struct stream *answers = &place->client->input;
    struct message answer, reason;
    size_t size = frame_size(answers);
    if (size == 0)
        return place->client->peer_closed ? fail(place, output, (struct message){0}) : 0;
    // The answer to CreateSession waits until the image is there.
    int is_session = !place->has_session;
    size_t room = stream_space(&place->client->output);
    if (is_session && (stream_size(input) < exchange->left || room < exchange->left + AROUND))
        return 0;
    if (!read_answer(answers, size, &answer, &reason))
        return fail(place, output, reason);
    if (!is_session)
        return finish(place, output, answer);
    place->session = find_field(answer, 1, NULL);
    place->has_session = 1;
    stream_take(answers, size);
    add_image(&place->client->output, place->session, stream_front(input), (size_t)exchange->left);
    stream_take(input, (size_t)exchange->left);
    exchange->left = 0;
    tcp_wake(place->client);
    return 0;
}
