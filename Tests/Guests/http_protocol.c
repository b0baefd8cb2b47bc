// HTTP/1.1 (RFC 9112): heads of requests and responses, keep-alive, bodies with a length.

#include "http.h"

/// The size of the head with its empty line, or 0 when that has not come yet.
static size_t find_head_end(const char *bytes, size_t size) {
    for (size_t index = 3; index < size; index++)
        if (bytes[index] == '\n' && bytes[index - 1] == '\r' && bytes[index - 2] == '\n' && bytes[index - 3] == '\r')
            return index + 1;
    return 0;
}

static size_t find(const char *bytes, size_t size, char character) {
    size_t index = 0;
    while (index < size && bytes[index] != character)
        index++;
    return index;
}

/// METHOD TARGET HTTP/1.x; returns 0 when the line is something else.
static int read_request_line(const char *line, size_t size, struct http_request *request) {
    size_t first = find(line, size, ' ');
    if (first == 0 || first == size)
        return 0;
    request->method = line;
    request->method_size = first;
    request->target = line + first + 1;
    request->target_size = find(request->target, size - first - 1, ' ');
    const char *version = request->target + request->target_size + 1;
    if (request->target_size == 0 || version + 8 != line + size || !text_begins(version, 8, "HTTP/1."))
        return 0;
    request->keep_alive = version[7] != '0';
    return 1;
}

/// Returns 0 when the field cannot be understood but would have to be.
static int read_field(const char *line, size_t size, struct http_request *request) {
    size_t name_size = find(line, size, ':');
    if (name_size == size)
        return 0;
    const char *value = line + name_size + 1;
    size_t value_size = size - name_size - 1;
    for (; value_size > 0 && (*value == ' ' || *value == '\t'); value_size--)
        value++;
    while (value_size > 0 && (value[value_size - 1] == ' ' || value[value_size - 1] == '\t'))
        value_size--;

    if (text_is(line, name_size, "content-length", 1)) {
        request->has_length = 1;
        return text_number(value, value_size, INT64_MAX / 16, &request->body_size);
    }
    if (text_is(line, name_size, "transfer-encoding", 1))
        request->is_chunked = 1;
    if (text_is(line, name_size, "expect", 1))
        request->expects_continue = text_is(value, value_size, "100-continue", 1);
    if (text_is(line, name_size, "connection", 1)) {
        if (text_is(value, value_size, "close", 1))
            request->keep_alive = 0;
        else if (text_is(value, value_size, "keep-alive", 1))
            request->keep_alive = 1;
    }
    return 1;
}

static int read_head(const char *head, size_t size, struct http_request *request) {
    for (int is_first = 1;; is_first = 0) {
        size_t line = find(head, size, '\r');
        if (line == 0)
            return !is_first;
        if (!(is_first ? read_request_line : read_field)(head, line, request))
            return 0;
        head += line + 2;
        size -= line + 2;
    }
}

static void add(struct stream *output, const void *bytes, size_t size) {
    host_copy(stream_back(output), bytes, size);
    stream_added(output, size);
}

void http_respond_head(struct http_exchange *exchange, struct stream *output, const char *status, int64_t body_size) {
    static struct http_text head;
    text_clear(&head);
    text_add(&head, "HTTP/1.1 ");
    text_add(&head, status);
    text_add(&head, "\r\nContent-Type: text/plain\r\n");
    if (body_size >= 0) {
        text_add(&head, "Content-Length: ");
        text_add_number(&head, (uint64_t)body_size);
        text_add(&head, "\r\n");
    } else {
        exchange->close_after = 1;
    }
    text_add(&head, exchange->close_after ? "Connection: close\r\n\r\n" : "Connection: keep-alive\r\n\r\n");
    add(output, head.bytes, head.size);
}

void http_respond(struct http_exchange *exchange, struct stream *output, const char *status,
                  const struct http_text *body) {
    http_respond_head(exchange, output, status, (int64_t)body->size);
    add(output, body->bytes, body->size);
}

static void refuse(struct http_exchange *exchange, struct stream *output, const char *status) {
    static const struct http_text empty;
    exchange->close_after = 1;
    http_respond(exchange, output, status, &empty);
    exchange->phase = HTTP_OVER;
}

static void begin(struct http_exchange *exchange, struct stream *output, const char *head, size_t size) {
    struct http_request request = {0};
    if (!read_head(head, size, &request)) {
        refuse(exchange, output, "400 Bad Request");
        return;
    }
    if (request.is_chunked) {
        refuse(exchange, output, "411 Length Required");
        return;
    }
    // Only a POST has a body that leaves a connection in order.
    int strange = request.body_size > 0 && !text_is(request.method, request.method_size, "POST", 0);
    exchange->close_after = strange || !request.keep_alive;
    if (request.expects_continue && request.body_size > 0)
        add(output, "HTTP/1.1 100 Continue\r\n\r\n", 25);
    // What answers at once and is not interested in the body skips it.
    exchange->phase = request.body_size > 0 ? HTTP_SKIP : HTTP_HEAD;
    exchange->left = request.body_size;
    http_answer(exchange, &request, output);
}

/// Reads a head when it is there in full; returns whether something happened.
static int try_to_begin(struct http_exchange *exchange, struct stream *input, struct stream *output) {
    const char *bytes = (const char *)stream_front(input);
    size_t size = stream_size(input), limit = size < HTTP_LONGEST_HEAD ? size : HTTP_LONGEST_HEAD;
    if (exchange->close_after) {
        exchange->phase = HTTP_OVER;
        return 1;
    }
    if (size == 0 || stream_space(output) < HTTP_LONGEST_PAGE)
        return 0;
    size_t head = find_head_end(bytes, limit);
    if (head == 0 && size >= HTTP_LONGEST_HEAD)
        refuse(exchange, output, "431 Request Header Fields Too Large");
    if (head == 0)
        return size >= HTTP_LONGEST_HEAD;
    begin(exchange, output, bytes, head);
    stream_take(input, head);
    return 1;
}

/// Passes a body on or drops it; returns whether something happened.
static int pass_body(struct http_exchange *exchange, struct stream *input, struct stream *output) {
    size_t size = stream_size(input) < exchange->left ? stream_size(input) : (size_t)exchange->left;
    if (exchange->phase == HTTP_ECHO) {
        size = size < stream_space(output) ? size : stream_space(output);
        add(output, stream_front(input), size);
    }
    stream_take(input, size);
    exchange->left -= size;
    if (exchange->left == 0)
        exchange->phase = HTTP_HEAD;
    return size > 0 || exchange->left == 0;
}

static int advance_once(struct http_exchange *exchange, struct stream *input, struct stream *output) {
    uint64_t before = exchange->left;
    switch (exchange->phase) {
    case HTTP_HEAD:
        return try_to_begin(exchange, input, output);
    case HTTP_SEND_BYTES:
        http_fill_bytes(exchange, output);
        if (exchange->left == 0)
            exchange->phase = HTTP_HEAD;
        return exchange->left != before || exchange->left == 0;
    case HTTP_ECHO:
    case HTTP_SKIP:
        return pass_body(exchange, input, output);
    case HTTP_FETCH:
        if (!host_fetch_more(exchange, output))
            return 0;
        exchange->phase = HTTP_HEAD;
        return 1;
    case HTTP_CLASSIFY:
        if (!host_classify_more(exchange, input, output))
            return 0;
        // What failed may have left some of the body.
        exchange->phase = exchange->left > 0 ? HTTP_SKIP : HTTP_HEAD;
        return 1;
    case HTTP_OVER:
        return 0;
    }
    return 0;
}

int http_advance(struct http_exchange *exchange, struct stream *input, struct stream *output, int ended) {
    while (advance_once(exchange, input, output))
        continue;
    if (exchange->phase == HTTP_OVER)
        return 1;
    // A request that was cut off never comes; what is still being answered is.
    int needs_input = exchange->phase == HTTP_ECHO || exchange->phase == HTTP_SKIP ||
                      (exchange->phase == HTTP_HEAD && stream_space(output) >= HTTP_LONGEST_PAGE) ||
                      (exchange->phase == HTTP_CLASSIFY && exchange->left > stream_size(input));
    int wants_whole = exchange->phase == HTTP_HEAD || exchange->phase == HTTP_CLASSIFY;
    return ended && needs_input && (stream_size(input) == 0 || wants_whole);
}
