// The HTTP server as a guest: http_guest.c serves, http_host.c is what its pages tell of the guest, http_fetch.c is a
// client, http_vaccel.c one of vAccel's.

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
    /// Of a call of vAccel's: whether there is a session, and its number.
    uint8_t has_session;
    uint64_t session;
};

extern struct served *served;

/// Serves until a request asks to end; the result is the status.
int serve_http(void);
/// Connects the client to ADDRESS:PORT or [ADDRESS]:PORT; returns 0 when it is neither, or cannot be reached.
int fetch_connect(struct served *place, const char *source, size_t size);
/// Lets go of a client that may live on for a while.
void fetch_release(struct served *place);
/// Ends a fetch whose result nobody wants any more.
void fetch_abandon(struct served *place);

/// Sets where the vAccel agent is, ADDRESS:PORT.
void vaccel_set_agent(const char *address);
