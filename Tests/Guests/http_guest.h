// The HTTP server as a guest: http_guest.c serves, http_host.c is what its pages tell of the guest, http_fetch.c is a
// client.

#pragma once

#include "http.h"
#include "net.h"

/// What the server has of each connection, at the connection's index.
struct served {
    struct http_exchange exchange;
    /// NULL while there is none.
    struct tcp_connection *connection;
    /// What is being fetched for it, if anything.
    struct tcp_connection *client;
    uint8_t head_passed;
};

extern struct served *served;

/// Serves until a request asks to end; the result is the status.
int serve_http(void);
/// Ends a fetch whose result nobody wants any more.
void fetch_abandon(struct served *place);
