#include "http_guest.h"

#include "options.h"

enum { DEFAULT_PORT = 8080, ECHO_PORT = 7 };

struct served *served;

static uint16_t port = DEFAULT_PORT;
static int is_ending, exit_status;
static uint64_t exit_time;

void host_copy(void *destination, const void *source, size_t size) { net_copy(destination, source, size); }

void host_exit(int status) {
    is_ending = 1;
    exit_status = status;
    // Time for the answer to leave; nobody can be made to fetch it.
    exit_time = net_now + 500 * NANOSECONDS_PER_MILLISECOND;
    net_wake_at(exit_time);
}

static int finished(void) {
    if (is_ending && exit_time > net_now)
        net_wake_at(exit_time);
    return is_ending && exit_time <= net_now;
}

static void advance(struct tcp_connection *connection) {
    struct served *place = &served[tcp_index(connection)];
    if (connection->state == TCP_FREE) {
        agent_abandon(place);
        if (is_ending && place->connection != NULL && place->exchange.close_after)
            exit_time = net_now;
        place->connection = NULL;
        return;
    }
    if (place->connection == NULL)
        *place = (struct served){.connection = connection};
    if (http_advance(&place->exchange, &connection->input, &connection->output, connection->peer_closed))
        tcp_close(connection);
}

/// A datagram with its two ends as they are is its own answer.
static void echo(const struct udp_datagram *question) { udp_send(question); }

static int set_port(const char *value) {
    uint64_t number;
    if (!text_number(value, length(value), 65535, &number) || number == 0)
        return -1;
    port = (uint16_t)number;
    return 1;
}

static int apply_option(const char *name, const char *value) {
    // What every MirageOS unikernel takes and this one has no use for.
    static const char *const ignored[] = {"accept-router-advertisements", "ipv4-only", "ipv6-only", "interface",
                                          "logs", "name", "delay"};
    if (equal(name, "port"))
        return set_port(value);
    if (equal(name, "vaccel"))
        return agent_set(value) ? 1 : -1;
    for (size_t index = 0; index < sizeof ignored / sizeof *ignored; index++)
        if (equal(name, ignored[index]))
            return 1;
    return net_option(name, value);
}

int serve_http(void) {
    net_find_devices();
    read_words();
    read_options(apply_option);
    net_start();
    served = net_allocate(tcp_limit() * sizeof *served);
    if (served == NULL || tcp_limit() == 0)
        guest_abort("there is not enough memory for a single connection");
    tcp_listen(port, advance);
    udp_listen(ECHO_PORT, echo);
    put("http: listening on ");
    put_number(port);
    put("\n");
    net_run(finished);
    return exit_status;
}
