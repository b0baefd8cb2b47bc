// The HTTP server as a guest: http_guest.c serves, http_host.c is what its pages tell of the guest, http_fetch.c is a
// client, http_vaccel.c one of vAccel's, which reaches its agent by http_agent.c.

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
    /// What it asks an agent by, if not by that.
    struct agent_channel *channel;
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

// http_agent.c: a connection to the vAccel agent, by TCP or by a virtio socket.

/// Sets where the agent is, ADDRESS:PORT or vsock://2:PORT; returns 0 when it is neither, or there is no such device.
int agent_set(const char *address);
/// Connects; returns 0 when that is not possible.
int agent_connect(struct served *place);
/// What has come and what is to be sent; NULL once the connection is gone.
struct stream *agent_input(const struct served *place);
struct stream *agent_output(const struct served *place);
/// Whether nothing comes behind the input.
int agent_has_ended(const struct served *place);
/// Has what was added sent, and room that was made told.
void agent_wake(struct served *place);
/// Ends the connection once what was added is sent.
void agent_finish(struct served *place);
/// Ends it at once, if there is one.
void agent_abandon(struct served *place);
