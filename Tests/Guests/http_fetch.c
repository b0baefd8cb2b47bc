// The client: fetches a page from elsewhere while the request that asked for it waits.

#include "http_guest.h"

/// Room for the longest source with what is written around it.
enum { LONGEST_SOURCE = 1024 };

static void advance(struct tcp_connection *client) {
    struct served *place = client->context;
    if (place == NULL)
        return;
    if (client->state == TCP_FREE)
        place->client = NULL;
    if (place->connection != NULL)
        tcp_wake(place->connection);
}

void fetch_release(struct served *place) {
    if (place->client != NULL)
        place->client->context = NULL;
    place->client = NULL;
}

void fetch_abandon(struct served *place) {
    struct tcp_connection *client = place->client;
    fetch_release(place);
    if (client != NULL)
        tcp_abort(client);
}

static size_t find(const char *bytes, size_t size, char character) {
    size_t index = 0;
    while (index < size && bytes[index] != character)
        index++;
    return index;
}

/// Reads ADDRESS:PORT or [ADDRESS]:PORT; returns 0 when it is neither.
static int read_host(const char *source, size_t size, struct net_address *address, uint16_t *port) {
    uint64_t number;
    size_t bracket = size > 0 && source[0] == '[';
    size_t end = bracket ? find(source, size, ']') : find(source, size, ':');
    size_t colon = end + bracket;
    if (colon >= size || source[colon] != ':' || !address_parse(source + bracket, source + end, address) ||
        !text_number(source + colon + 1, size - colon - 1, 65535, &number))
        return 0;
    *port = (uint16_t)number;
    return 1;
}

static void add(struct stream *output, const char *bytes, size_t size) {
    net_copy(stream_back(output), bytes, size);
    stream_added(output, size);
}

int fetch_connect(struct served *place, const char *source, size_t size) {
    struct net_address address;
    uint16_t port;
    if (!read_host(source, size, &address, &port))
        return 0;
    place->client = tcp_connect(&address, port, advance, place);
    return place->client != NULL;
}

int host_fetch(struct http_exchange *exchange, const char *source, size_t size) {
    struct served *place = (struct served *)exchange;
    size_t host = find(source, size, '/');
    if (size > LONGEST_SOURCE || !fetch_connect(place, source, host))
        return 0;
    place->head_passed = 0;
    struct stream *output = &place->client->output;
    static const char method[] = "GET ", version[] = " HTTP/1.0\r\nHost: ", end[] = "\r\nConnection: close\r\n\r\n";
    add(output, method, sizeof method - 1);
    add(output, host < size ? source + host : "/", host < size ? size - host : 1);
    add(output, version, sizeof version - 1);
    add(output, source, host);
    add(output, end, sizeof end - 1);
    return 1;
}

/// The size of the head with its empty line, or 0 when that has not come yet.
static size_t head_size(const struct stream *input) {
    const uint8_t *bytes = stream_front(input);
    for (size_t index = 3; index < stream_size(input); index++)
        if (net_same(bytes + index - 3, "\r\n\r\n", 4))
            return index + 1;
    return 0;
}

/// Answers with the other side's status as the first line of the body. Returns 0 when there is none yet.
static int pass_head(struct served *place, struct stream *output) {
    struct stream *input = &place->client->input;
    size_t size = head_size(input);
    if (size == 0 || stream_space(output) < HTTP_LONGEST_PAGE)
        return 0;
    const char *line = (const char *)stream_front(input);
    size_t line_size = find(line, size, '\r'), version = find(line, line_size, ' ') + 1;
    http_respond_head(&place->exchange, output, "200 OK", -1);
    if (version < line_size && line_size < 256)
        add(output, line + version, line_size - version);
    add(output, "\n", 1);
    stream_take(input, size);
    place->head_passed = 1;
    return 1;
}

static int give_up(struct served *place, struct stream *output) {
    static struct http_text text;
    if (!place->head_passed && stream_space(output) < HTTP_LONGEST_PAGE)
        return 0;
    text_clear(&text);
    text_add(&text, "the other side ended too soon\n");
    if (!place->head_passed)
        http_respond(&place->exchange, output, "502 Bad Gateway", &text);
    fetch_abandon(place);
    return 1;
}

int host_fetch_more(struct http_exchange *exchange, struct stream *output) {
    struct served *place = (struct served *)exchange;
    if (place->client == NULL)
        return give_up(place, output);
    struct stream *input = &place->client->input;
    if (!place->head_passed && !pass_head(place, output))
        return place->client->peer_closed && head_size(input) == 0 ? give_up(place, output) : 0;
    size_t size = stream_size(input) < stream_space(output) ? stream_size(input) : stream_space(output);
    add(output, (const char *)stream_front(input), size);
    stream_take(input, size);
    // Room that was made is told to the other side. Without any the two would wake each other for ever.
    if (size > 0)
        tcp_wake(place->client);
    if (stream_size(input) > 0 || !place->client->peer_closed)
        return 0;
    tcp_close(place->client);
    fetch_release(place);
    return 1;
}
