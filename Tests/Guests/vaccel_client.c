// A client's side of vAccel: calls are messages of Protocol Buffers in frames of ttrpc; see Specs/vaccel.md. Plain C for
// guests and for Linux programs.

#include "vaccel.h"

enum { FRAME_HEAD = 10, REQUEST = 1, RESPONSE = 2, LENGTH_DELIMITED = 2 };

static size_t length(const char *text) {
    size_t size = 0;
    while (text[size])
        size++;
    return size;
}

static void add_bytes(struct stream *output, const void *bytes, size_t size) {
    uint8_t *back = stream_back(output);
    for (size_t index = 0; index < size; index++)
        back[index] = ((const uint8_t *)bytes)[index];
    stream_added(output, size);
}

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
    add_bytes(output, bytes, size);
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

void vaccel_add_session(struct stream *output) { add_call(output, 1, "CreateSession", 0); }

void vaccel_add_image(struct stream *output, uint64_t session, const uint8_t *image, size_t size) {
    size_t message = 1 + number_size(session) + 1 + number_size(size) + size;
    add_call(output, 3, "ImageClassification", message);
    add_byte(output, 1 << 3);
    add_number(output, session);
    add_field(output, 2, image, size);
}

void vaccel_add_end(struct stream *output, uint64_t session) {
    add_call(output, 5, "DestroySession", 1 + number_size(session));
    add_byte(output, 1 << 3);
    add_number(output, session);
}

// --- reading

static uint64_t take_number(struct vaccel_message *message) {
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

uint64_t vaccel_field(struct vaccel_message message, unsigned field, struct vaccel_message *part) {
    uint64_t value = 0;
    while (message.size > 0) {
        uint64_t key = take_number(&message), number = take_number(&message);
        struct vaccel_message inside = {message.bytes, 0};
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

size_t vaccel_frame_size(const struct stream *input) {
    const uint8_t *bytes = stream_front(input);
    if (stream_size(input) < FRAME_HEAD)
        return 0;
    size_t size = (size_t)bytes[0] << 24 | (size_t)bytes[1] << 16 | (size_t)bytes[2] << 8 | bytes[3];
    return stream_size(input) - FRAME_HEAD < size ? 0 : FRAME_HEAD + size;
}

int vaccel_read_answer(const struct stream *input, size_t size, struct vaccel_message *answer,
                       struct vaccel_message *reason) {
    struct vaccel_message response = {stream_front(input) + FRAME_HEAD, size - FRAME_HEAD}, status = {0};
    *answer = *reason = (struct vaccel_message){0};
    if (stream_front(input)[8] != RESPONSE)
        return 0;
    vaccel_field(response, 1, &status);
    vaccel_field(response, 2, answer);
    vaccel_field(status, 2, reason);
    return vaccel_field(status, 1, NULL) == 0;
}

size_t vaccel_tags(struct vaccel_message answer, const char **tags) {
    struct vaccel_message found = {0};
    vaccel_field(answer, 1, &found);
    size_t size = 0;
    while (size < found.size && found.bytes[size] != 0)
        size++;
    *tags = (const char *)found.bytes;
    return size;
}
