// The pages of the HTTP server.

#include "http.h"

enum { PERIOD = 251, LARGEST_GROWTH = 1 << 20 };

static struct http_text text;

static void respond(struct http_exchange *exchange, struct stream *output, const char *status, const char *words) {
    text_clear(&text);
    text_add(&text, words);
    http_respond(exchange, output, status, &text);
}

static void answer_bytes(struct http_exchange *exchange, struct stream *output, const char *number, size_t size) {
    uint64_t count;
    if (!text_number(number, size, HTTP_MOST_BYTES, &count)) {
        respond(exchange, output, "400 Bad Request", "bytes: a number up to 16777216\n");
        return;
    }
    http_respond_head(exchange, output, "200 OK", (int64_t)count);
    exchange->phase = HTTP_SEND_BYTES;
    exchange->left = count;
    exchange->position = 0;
}

void http_fill_bytes(struct http_exchange *exchange, struct stream *output) {
    static uint8_t pattern[PERIOD * 17];
    if (pattern[1] == 0)
        for (size_t index = 0; index < sizeof pattern; index++)
            pattern[index] = (uint8_t)(index % PERIOD);
    while (exchange->left > 0 && stream_space(output) > 0) {
        size_t offset = exchange->position % PERIOD, size = sizeof pattern - offset;
        size = size < stream_space(output) ? size : stream_space(output);
        size = size < exchange->left ? size : (size_t)exchange->left;
        host_copy(stream_back(output), pattern + offset, size);
        stream_added(output, size);
        exchange->position += size;
        exchange->left -= size;
    }
}

static void answer_grow(struct http_exchange *exchange, struct stream *output, const char *number, size_t size) {
    uint64_t mib;
    if (!text_number(number, size, LARGEST_GROWTH, &mib))
        respond(exchange, output, "400 Bad Request", "grow: a number of MiB\n");
    else if (!host_grow(mib))
        respond(exchange, output, "507 Insufficient Storage", "not enough memory\n");
    else
        respond(exchange, output, "200 OK", "touched\n");
}

static void answer_exit(struct http_exchange *exchange, struct stream *output, const char *number, size_t size) {
    uint64_t status;
    if (!text_number(number, size, 255, &status)) {
        respond(exchange, output, "400 Bad Request", "exit: a number up to 255\n");
        return;
    }
    exchange->close_after = 1;
    respond(exchange, output, "200 OK", "ending\n");
    host_exit((int)status);
}

static void answer_fetch(struct http_exchange *exchange, struct stream *output, const char *source, size_t size) {
    if (host_fetch(exchange, source, size))
        exchange->phase = HTTP_FETCH;
    else
        respond(exchange, output, "502 Bad Gateway", "cannot connect\n");
}

static void answer_page(struct http_exchange *exchange, struct stream *output, const char *name, size_t size) {
    text_clear(&text);
    if (host_page(name, size, &text))
        http_respond(exchange, output, "200 OK", &text);
    else
        respond(exchange, output, "404 Not Found", "no such page\n");
}

static void answer_get(struct http_exchange *exchange, const char *path, size_t size, struct stream *output) {
    static const struct {
        const char *path;
        void (*answer)(struct http_exchange *exchange, struct stream *output, const char *rest, size_t size);
    } pages[] = {
        {"/bytes/", answer_bytes}, {"/grow/", answer_grow}, {"/exit/", answer_exit},
        {"/fetch?", answer_fetch}, {"/", answer_page},
    };
    // No other page has a query; one that is there all the same changes nothing.
    if (!text_begins(path, size, "/fetch?"))
        for (size_t index = 0; index < size; index++)
            if (path[index] == '?')
                size = index;
    if (text_is(path, size, "/", 0)) {
        respond(exchange, output, "200 OK", "hello from the http guest\n");
        return;
    }
    for (size_t index = 0; index < sizeof pages / sizeof *pages; index++) {
        size_t prefix = 0;
        while (pages[index].path[prefix])
            prefix++;
        if (!text_begins(path, size, pages[index].path))
            continue;
        pages[index].answer(exchange, output, path + prefix, size - prefix);
        return;
    }
    respond(exchange, output, "400 Bad Request", "a target begins with a slash\n");
}

static void answer_classify(struct http_exchange *exchange, const struct http_request *request, struct stream *output) {
    if (request->body_size == 0 || request->body_size > HTTP_LARGEST_IMAGE) {
        respond(exchange, output, "413 Content Too Large", "an image of 1 to 24576 bytes\n");
    } else if (!host_classify(exchange)) {
        respond(exchange, output, "502 Bad Gateway", "cannot connect to an agent\n");
    } else {
        exchange->phase = HTTP_CLASSIFY;
        exchange->left = request->body_size;
    }
}

static void answer_post(struct http_exchange *exchange, const struct http_request *request, struct stream *output) {
    if (text_is(request->target, request->target_size, "/classify", 0)) {
        answer_classify(exchange, request, output);
    } else if (!text_is(request->target, request->target_size, "/echo", 0)) {
        respond(exchange, output, "404 Not Found", "POST goes to /echo or /classify\n");
    } else {
        http_respond_head(exchange, output, "200 OK", (int64_t)request->body_size);
        exchange->phase = HTTP_ECHO;
        exchange->left = request->body_size;
    }
}

void http_answer(struct http_exchange *exchange, const struct http_request *request, struct stream *output) {
    if (text_is(request->method, request->method_size, "GET", 0)) {
        answer_get(exchange, request->target, request->target_size, output);
    } else if (!text_is(request->method, request->method_size, "POST", 0)) {
        respond(exchange, output, "405 Method Not Allowed", "GET or POST\n");
    } else {
        answer_post(exchange, request, output);
    }
}
