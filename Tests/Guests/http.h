// The HTTP server, as far as it does not depend on where it runs: http_protocol.c and http_pages.c need nothing but the
// functions declared last, which the guest (http_guest.c) and the Linux program (http_linux.c) each have their own of.

#pragma once

#include "stream.h"

enum http_phase { HTTP_HEAD, HTTP_SEND_BYTES, HTTP_ECHO, HTTP_SKIP, HTTP_FETCH, HTTP_CLASSIFY, HTTP_OVER };

/// One request after the other on a connection. All zero at the start.
struct http_exchange {
    enum http_phase phase;
    /// What is still to be sent, echoed or skipped, and how much was sent.
    uint64_t left, position;
    uint8_t close_after;
    /// The host's own, while it fetches.
    void *fetch;
};

struct http_request {
    const char *method, *target;
    size_t method_size, target_size;
    uint64_t body_size;
    uint8_t keep_alive, has_length, is_chunked, expects_continue;
};

/// What a page says; longer text is cut off.
struct http_text {
    size_t size;
    char bytes[11 * 1024];
};

enum {
    HTTP_LONGEST_HEAD = 8 * 1024,
    /// A response with its head fits this; less room is waited for.
    HTTP_LONGEST_PAGE = 12 * 1024,
    HTTP_MOST_BYTES = 16 * 1024 * 1024,
    /// An image has to fit the buffers of a connection.
    HTTP_LARGEST_IMAGE = 24 * 1024,
};

// http_protocol.c

/// Reads requests from `input` and writes responses to `output`, as far as both go. Returns nonzero when the connection
/// is to be closed after what was written. `ended`: nothing comes behind `input`.
int http_advance(struct http_exchange *exchange, struct stream *input, struct stream *output, int ended);
/// Writes the head and the body of a response.
void http_respond(struct http_exchange *exchange, struct stream *output, const char *status,
                  const struct http_text *body);
/// Writes a head for a body of `body_size` bytes, or, when that is negative, of all until the connection ends.
void http_respond_head(struct http_exchange *exchange, struct stream *output, const char *status, int64_t body_size);

// http_pages.c

/// Answers a request, or begins to.
void http_answer(struct http_exchange *exchange, const struct http_request *request, struct stream *output);
/// Fills what fits of a body for /bytes: byte I is I modulo 251.
void http_fill_bytes(struct http_exchange *exchange, struct stream *output);

// http_text.c

void text_clear(struct http_text *text);
void text_add(struct http_text *text, const char *more);
void text_add_bytes(struct http_text *text, const char *more, size_t size);
void text_add_number(struct http_text *text, uint64_t number);
void text_add_hexadecimal_byte(struct http_text *text, unsigned byte);
/// Whether the `size` bytes at `bytes` are this text, of any case when `any_case`.
int text_is(const char *bytes, size_t size, const char *text, int any_case);
int text_begins(const char *bytes, size_t size, const char *text);
/// Reads all of the bytes as a decimal number up to `limit`; returns 0 when they are none.
int text_number(const char *bytes, size_t size, uint64_t limit, uint64_t *number);

// What the place offers that the server runs in.

/// Writes the page of this name; returns 0 when there is no such page.
int host_page(const char *name, size_t size, struct http_text *text);
/// Touches so much memory; returns 0 when there is not enough.
int host_grow(uint64_t mib);
/// Ends the program once what was answered has left.
void host_exit(int status);
/// Starts to fetch ADDRESS:PORT/PATH; returns 0 when that is not possible.
int host_fetch(struct http_exchange *exchange, const char *source, size_t size);
/// Writes what has come; returns nonzero when that was all.
int host_fetch_more(struct http_exchange *exchange, struct stream *output);
/// Starts to ask an accelerator what an image shows, which is the request's body; returns 0 when that is not possible.
int host_classify(struct http_exchange *exchange);
/// Takes the body, of which `left` bytes are to come, and writes the answer; returns nonzero when that is done.
int host_classify_more(struct http_exchange *exchange, struct stream *input, struct stream *output);
void host_copy(void *destination, const void *source, size_t size);
