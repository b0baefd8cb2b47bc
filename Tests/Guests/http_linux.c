// The HTTP server of the guest http as an ordinary Linux program, to compare the two: the same pages from the same
// source, on sockets and one epoll set, one thread. The only option is --port=N.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http.h"

enum { BUFFER = 32 * 1024, EVENTS = 64, PAGE = 4096, MIB = 1 << 20, BACKLOG = 1024, DEFAULT_PORT = 8080 };

struct connection {
    struct http_exchange exchange;
    struct stream input, output;
    int socket, ended, closing, waits_for_room;
    uint8_t buffers[2][BUFFER];
};

static char **words;
static int epoll_set, exit_status = -1;

void host_copy(void *destination, const void *source, size_t size) { memcpy(destination, source, size); }

void host_exit(int status) { exit_status = status; }

int host_fetch(struct http_exchange *exchange, const char *source, size_t size) {
    (void)exchange, (void)source, (void)size;
    return 0;
}

int host_fetch_more(struct http_exchange *exchange, struct stream *output) {
    (void)exchange, (void)output;
    return 1;
}

int host_classify(struct http_exchange *exchange) {
    (void)exchange;
    return 0;
}

int host_classify_more(struct http_exchange *exchange, struct stream *input, struct stream *output) {
    (void)exchange, (void)input, (void)output;
    return 1;
}

int host_grow(uint64_t mib) {
    char *memory = mmap(NULL, mib * MIB + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return 0;
    for (uint64_t offset = 0; offset < mib * MIB; offset += PAGE)
        memory[offset] = 1;
    return 1;
}

int host_page(const char *name, size_t size, struct http_text *text) {
    if (!text_is(name, size, "args", 0))
        return 0;
    for (char **word = words; *word != NULL; word++) {
        text_add(text, *word);
        text_add(text, "\n");
    }
    return 1;
}

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void watch(struct connection *connection, int operation) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    if (connection->waits_for_room)
        event.events = EPOLLOUT;
    if (epoll_ctl(epoll_set, operation, connection->socket, &event) != 0)
        fail("epoll_ctl");
}

static void end(struct connection *connection) {
    close(connection->socket);
    free(connection);
}

static void accept_all(int listener) {
    for (;;) {
        int one = 1, socket = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (socket < 0)
            return;
        setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        // Not zeroed: the buffers are touched as they are used.
        struct connection *connection = malloc(sizeof *connection);
        if (connection == NULL)
            fail("malloc");
        connection->exchange = (struct http_exchange){0};
        connection->input = (struct stream){.bytes = connection->buffers[0], .capacity = BUFFER};
        connection->output = (struct stream){.bytes = connection->buffers[1], .capacity = BUFFER};
        connection->socket = socket;
        connection->ended = connection->closing = connection->waits_for_room = 0;
        watch(connection, EPOLL_CTL_ADD);
    }
}

/// Reads what has come; returns 0 when the connection is void.
static int receive(struct connection *connection) {
    stream_compact(&connection->input);
    size_t space = stream_space(&connection->input);
    if (connection->ended || space == 0)
        return 1;
    ssize_t count = read(connection->socket, stream_back(&connection->input), space);
    if (count > 0)
        stream_added(&connection->input, (size_t)count);
    connection->ended = count == 0;
    return count >= 0 || errno == EAGAIN || errno == EINTR;
}

/// Writes what the socket takes; returns 0 when the connection is void.
static int send_some(struct connection *connection) {
    size_t size = stream_size(&connection->output);
    if (size == 0)
        return 1;
    ssize_t count = send(connection->socket, stream_front(&connection->output), size, MSG_NOSIGNAL);
    if (count > 0)
        stream_take(&connection->output, (size_t)count);
    stream_compact(&connection->output);
    return count >= 0 || errno == EAGAIN || errno == EINTR;
}

static void serve(struct connection *connection) {
    if (!connection->waits_for_room && !receive(connection)) {
        end(connection);
        return;
    }
    size_t written;
    do {
        if (!connection->closing)
            connection->closing =
                http_advance(&connection->exchange, &connection->input, &connection->output, connection->ended);
        written = stream_size(&connection->output);
        if (!send_some(connection)) {
            end(connection);
            return;
        }
        // What had no room before may have some now, and nothing else would say so.
    } while (written > 0 && stream_size(&connection->output) == 0 && !connection->closing);
    int waits = stream_size(&connection->output) > 0;
    if (connection->closing && !waits) {
        end(connection);
        return;
    }
    if (waits != connection->waits_for_room) {
        connection->waits_for_room = waits;
        watch(connection, EPOLL_CTL_MOD);
    }
}

static int listen_on(uint16_t port) {
    int one = 1, zero = 0, listener = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_in6 any6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(port)};
    if (listener >= 0)
        setsockopt(listener, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof zero);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (listener < 0 || bind(listener, (struct sockaddr *)&any6, sizeof any6) != 0) {
        // No IPv6 here.
        close(listener);
        listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
        if (bind(listener, (struct sockaddr *)&any, sizeof any) != 0)
            fail("bind");
    }
    if (listen(listener, BACKLOG) != 0)
        fail("listen");
    return listener;
}

static void terminate(int signal_number) { _exit(128 + signal_number); }

int main(int count, char **arguments) {
    uint16_t port = DEFAULT_PORT;
    words = arguments + 1;
    for (int index = 1; index < count; index++)
        if (strncmp(arguments[index], "--port=", 7) == 0)
            port = (uint16_t)atoi(arguments[index] + 7);
    // Process 1 of a container only dies of signals that it handles.
    signal(SIGTERM, terminate);
    signal(SIGINT, terminate);
    int listener = listen_on(port);
    epoll_set = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(epoll_set, EPOLL_CTL_ADD, listener, &event);
    printf("http: listening on %d\n", port);
    fflush(stdout);
    while (exit_status < 0) {
        struct epoll_event events[EVENTS];
        int ready = epoll_wait(epoll_set, events, EVENTS, -1);
        for (int index = 0; index < ready; index++) {
            if (events[index].data.ptr == NULL)
                accept_all(listener);
            else
                serve(events[index].data.ptr);
        }
    }
    return exit_status;
}
