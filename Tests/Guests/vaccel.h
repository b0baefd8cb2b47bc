// A client's side of vAccel, of which one call is there: what does an image show.

#pragma once

#include "stream.h"

enum {
    /// Room for a frame and the names around an image.
    VACCEL_AROUND = 256,
};

/// Bytes of a message, in the stream that they came by.
struct vaccel_message {
    const uint8_t *bytes;
    size_t size;
};

/// Calls, each with room for it in `output`: for a session, for what an image shows, for the session's end.
void vaccel_add_session(struct stream *output);
void vaccel_add_image(struct stream *output, uint64_t session, const uint8_t *image, size_t size);
void vaccel_add_end(struct stream *output, uint64_t session);

/// The size of the frame at the front with its head, or 0 when it has not come yet.
size_t vaccel_frame_size(const struct stream *input);
/// The answer in the frame of that size at the front; 0 with the reason in `reason` when the call failed.
int vaccel_read_answer(const struct stream *input, size_t size, struct vaccel_message *answer,
                       struct vaccel_message *reason);
/// The last field of that number: its value, or its bytes in `part` when it has some.
uint64_t vaccel_field(struct vaccel_message message, unsigned field, struct vaccel_message *part);
/// The text of the answer about an image, and its size.
size_t vaccel_tags(struct vaccel_message answer, const char **tags);
