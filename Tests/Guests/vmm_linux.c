// An ordinary program that speaks the API of Firecracker or of Cloud Hypervisor, as its arguments have it, and stands in for
// them in tests. It has the files, devices and sockets of the real ones, and their ways to end; the guest is vmm_guest.c.
//
// See src/firecracker/swagger/firecracker.yaml of Firecracker, docs/api.md and docs/device_model.md of Cloud Hypervisor.

#define _GNU_SOURCE
#include "vmm.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static struct machine machine = {.events = -1, .exit_port = -1, .vsock = -1};

const char *member(const char *from, const char *name, char *text, size_t size) {
    char key[64];
    snprintf(key, sizeof key, "\"%s\":\"", name);
    const char *at = from ? strstr(from, key) : NULL;
    if (!at)
        return NULL;
    size_t length = 0;
    for (at += strlen(key); *at && *at != '"' && length + 1 < size; at++) {
        if (*at == '\\' && at[1])
            at++;
        text[length++] = *at;
    }
    text[length] = 0;
    return at;
}

static void fail(int status, const char *what) {
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(status);
}

// --- the start of the program

// Both refuse what they do not know; the statuses are theirs.
static const char *take_arguments(int count, char **arguments) {
    const char *socket_path = NULL;
    for (int index = 1; index < count; index += 2) {
        const char *name = arguments[index], *value = index + 1 < count ? arguments[index + 1] : "";
        snprintf(machine.arguments + strlen(machine.arguments), sizeof machine.arguments - strlen(machine.arguments),
                 "%s %s\n", name, value);
        if (!strcmp(name, "--api-sock"))
            socket_path = value;
        else if (!strcmp(name, "--api-socket") && !strncmp(value, "path=", 5))
            machine.is_cloud = 1, socket_path = value + 5;
        else if (!strcmp(name, "--event-monitor") && !strncmp(value, "path=", 5))
            machine.events = open(value + 5, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
        else if (!strcmp(name, "--log-path"))
            close(open(value, O_WRONLY | O_APPEND | O_CLOEXEC));
        else if (strcmp(name, "--level") && strcmp(name, "--seccomp")) {
            fprintf(stderr, "unexpected argument '%s'\n", name);
            exit(machine.is_cloud ? 2 : 153);
        }
    }
    return socket_path ? socket_path : (exit(2), NULL);
}

static int listen_at(const char *path) {
    if (machine.is_cloud) {
        char lock[256];
        struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        snprintf(lock, sizeof lock, "%s.lock", path);
        int file = open(lock, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
        if (file < 0 || fcntl(file, F_OFD_SETLK, &whole) != 0)
            fail(1, "api.lock");
    }
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 8) != 0)
        fail(1, "api");
    return listener;
}

// --- the API

static void answer(int client, const char *reason) {
    char body[512];
    if (!reason) {
        dprintf(client, "HTTP/1.1 204 \r\nServer: stand-in\r\nConnection: keep-alive\r\n\r\n");
        return;
    }
    snprintf(body, sizeof body,
             machine.is_cloud ? "[\"Error from API\",\"The VM could not boot\",\"%s\"]" : "{\"fault_message\":\"%s\"}",
             reason);
    dprintf(client, "HTTP/1.1 %d \r\nServer: stand-in\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
            machine.is_cloud ? 500 : 400, strlen(body), body);
}

// What starts the guest; everything else is kept until then.
static int is_start(const char *request, const char *body) {
    return !strcmp(request, "PUT /api/v1/vm.boot") ||
           (!strcmp(request, "PUT /actions") && strstr(body, "InstanceStart") != NULL);
}

static int is_stop(const char *request, const char *body) {
    return !strcmp(request, "PUT /api/v1/vm.power-button") || strstr(body, "SendCtrlAltDel") != NULL;
}

static const char *open_exit_port(const char *body) {
    char path[256];
    const char *console = strstr(body, "\"debug_console\":");
    if (!console || !member(console, "file", path, sizeof path))
        return NULL;
    machine.exit_port = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    return machine.exit_port < 0 ? "the debug console cannot be opened" : NULL;
}

// Carries out a request; 1 when the guest begins by it.
static int take(int client, const char *request, const char *body) {
    static int runs;
    size_t length = strlen(machine.told);
    snprintf(machine.told + length, sizeof machine.told - length, "%s %s\n", request, body);
    if (is_stop(request, body)) {
        machine.is_asked = 1;
        answer(client, NULL);
        return runs;
    }
    // An MTU is a word that older versions do not have.
    if (!machine.is_cloud && strstr(body, "\"mtu\"")) {
        answer(client, "unknown field `mtu`");
        machine.told[length] = 0;
        return runs;
    }
    const char *reason = is_start(request, body) ? prepare_machine(&machine) : open_exit_port(body);
    answer(client, reason);
    if (!reason && is_start(request, body))
        runs = 1;
    return runs;
}

// Takes the first request from what has come; returns its length, 0 when it is not all there.
static size_t split(char *text, char **request, char **body) {
    char *end = strstr(text, "\r\n\r\n");
    if (!end)
        return 0;
    char *length = strcasestr(text, "content-length:");
    size_t size = length && length < end ? (size_t)atoi(length + 15) : 0;
    *body = end + 4;
    if (strlen(*body) < size)
        return 0;
    *request = text;
    *strstr(text, " HTTP/1.1\r\n") = 0;
    return (size_t)(*body - text) + size;
}

static int attend(int client) {
    static char text[LONGEST];
    static size_t filled;
    int runs = 0;
    ssize_t size = read(client, text + filled, sizeof text - filled - 1);
    if (size <= 0)
        exit(0);
    filled += (size_t)size;
    text[filled] = 0;
    char *request, *body;
    size_t length;
    while ((length = split(text, &request, &body))) {
        char behind = text[length];
        text[length] = 0;
        runs = take(client, request, body);
        text[length] = behind;
        memmove(text, text + length, filled - length + 1);
        filled -= length;
    }
    return runs;
}

int main(int count, char **arguments) {
    umask(077);
    const char *path = take_arguments(count, arguments);
    if (open("/dev/kvm", O_RDWR | O_CLOEXEC) < 0)
        fail(1, "/dev/kvm");
    int listener = listen_at(path);
    int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (client < 0)
        fail(1, "accept");
    int runs = 0;
    for (;;) {
        struct pollfd wait = {.fd = client, .events = POLLIN};
        if (poll(&wait, 1, -1) == 1)
            runs = attend(client);
        if (runs)
            run_guest(&machine);
    }
}
