// Bytes on their way between two sides that work in pieces: what was added at the end is taken at the start. The bytes
// lie in one piece always, so both sides may work on them in place. Plain C for guests and for Linux programs.

#pragma once

#include <stddef.h>
#include <stdint.h>

struct stream {
    uint8_t *bytes;
    size_t start, end, capacity;
};

static inline uint8_t *stream_front(const struct stream *stream) { return stream->bytes + stream->start; }
static inline uint8_t *stream_back(const struct stream *stream) { return stream->bytes + stream->end; }
static inline size_t stream_size(const struct stream *stream) { return stream->end - stream->start; }
/// The bytes that may be added behind `stream_back`.
static inline size_t stream_space(const struct stream *stream) { return stream->capacity - stream->end; }
static inline void stream_added(struct stream *stream, size_t size) { stream->end += size; }

static inline void stream_take(struct stream *stream, size_t size) {
    stream->start += size;
    if (stream->start == stream->end)
        stream->start = stream->end = 0;
}

/// Moves the bytes to the front when that frees at least half of the capacity: then old and new place do not overlap.
static inline void stream_compact(struct stream *stream) {
    if (stream->start < stream->capacity / 2)
        return;
    size_t size = stream_size(stream);
    __builtin_memcpy(stream->bytes, stream->bytes + stream->start, size);
    stream->start = 0;
    stream->end = size;
}
