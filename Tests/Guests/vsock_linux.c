// An ordinary program for a Linux guest: streams to and from its host by virtio sockets. The words are those of vsock.c,
// one command for each run:
//
//   connect PORT BYTES   sends so many bytes to a port of the host's, expects them back, and ends its own direction first
//   many PORT COUNT      has so many connections at once, a byte each way in all of them
//   serve PORT COUNT     answers so many connections, one after the other, with what comes
//   refused PORT CID     says whether nobody listens there, and after how many milliseconds that was known; CID 0 is the host
//   relay PORT TO        passes what comes to the port on to the host's port TO, and back, until it is ended
//   pingpong PORT COUNT  sends 64 bytes and waits for them, so many times; the median in microseconds
//   send PORT BYTES      sends only, and says how fast; receive PORT BYTES: the other way round; all three with vsock_peer.c

#include <errno.h>
#include <linux/vm_sockets.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PIECE = 65536, MOST = 4096 };

static char out[PIECE], in[PIECE];

static int fail(const char *what) {
    printf("%s: %s\n", what, strerror(errno));
    return 1;
}

static struct sockaddr_vm address(unsigned cid, unsigned port) {
    return (struct sockaddr_vm){.svm_family = AF_VSOCK, .svm_cid = cid, .svm_port = port};
}

static int reach_at(unsigned cid, unsigned port) {
    struct sockaddr_vm host = address(cid, port);
    int fd = socket(AF_VSOCK, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&host, sizeof host) == 0)
        return fd;
    close(fd);
    return -1;
}

static int reach(unsigned port) { return reach_at(VMADDR_CID_HOST, port); }

static double milliseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/// What is at a place of the stream: its period is a prime.
static char byte_at(long place) { return (char)(place % 65521 * 31 >> 3); }

static int exchange(int fd, long size) {
    long sent = 0, got = 0;
    while (got < size) {
        struct pollfd wait = {.fd = fd, .events = (short)(POLLIN | (sent < size ? POLLOUT : 0))};
        if (poll(&wait, 1, -1) < 0)
            return fail("poll");
        if (wait.revents & POLLOUT && sent < size) {
            long piece = size - sent < PIECE ? size - sent : PIECE;
            for (long i = 0; i < piece; i++)
                out[i] = byte_at(sent + i);
            long done = send(fd, out, (size_t)piece, MSG_DONTWAIT | MSG_NOSIGNAL);
            if (done < 0 && errno != EAGAIN)
                return fail("send");
            sent += done > 0 ? done : 0;
            if (sent == size)
                shutdown(fd, SHUT_WR);
        }
        if (wait.revents & (POLLIN | POLLHUP)) {
            long done = recv(fd, in, sizeof in, 0);
            if (done <= 0)
                return fail(done == 0 ? "early end" : "recv");
            for (long i = 0; i < done; i++)
                if (in[i] != byte_at(got + i)) {
                    printf("wrong byte at %ld\n", got + i);
                    return 1;
                }
            got += done;
        }
    }
    if (recv(fd, in, 1, 0) != 0)
        return fail("no end");
    printf("exchanged %ld bytes\n", got);
    return 0;
}

static int many(unsigned port, long count) {
    static int all[MOST];
    struct rlimit limit = {MOST + 64, MOST + 64};
    setrlimit(RLIMIT_NOFILE, &limit);
    for (long i = 0; i < count; i++) {
        if ((all[i] = reach(port)) < 0)
            return fail("connect");
        char byte = (char)i;
        if (send(all[i], &byte, 1, 0) != 1)
            return fail("send");
    }
    for (long i = 0; i < count; i++) {
        char byte;
        if (recv(all[i], &byte, 1, 0) != 1 || byte != (char)i)
            return fail("recv");
    }
    printf("had %ld connections\n", count);
    return 0;
}

static int listen_at(unsigned port, int backlog) {
    struct sockaddr_vm own = address(VMADDR_CID_ANY, port);
    int listener = socket(AF_VSOCK, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&own, sizeof own) < 0 || listen(listener, backlog) < 0)
        return -1;
    printf("listening\n");
    fflush(stdout);
    return listener;
}

/// Passes on what comes from the one to the other; returns whether more may come.
static int pass(int from, int to) {
    ssize_t got = recv(from, in, sizeof in, 0);
    for (ssize_t done = 0, piece; done < got; done += piece)
        if ((piece = send(to, in + done, (size_t)(got - done), MSG_NOSIGNAL)) < 0)
            exit(0);
    if (got <= 0)
        shutdown(to, SHUT_WR);
    return got > 0;
}

static int relay(unsigned port, long to) {
    int listener = listen_at(port, 128);
    signal(SIGCHLD, SIG_IGN);
    for (int peer; listener >= 0 && (peer = accept(listener, NULL, NULL)) >= 0; close(peer)) {
        if (fork() != 0)
            continue;
        int host = reach((unsigned)to);
        struct pollfd ends[] = {{.fd = peer, .events = POLLIN}, {.fd = host, .events = POLLIN}};
        if (host < 0)
            exit(1);
        while ((ends[0].fd >= 0 || ends[1].fd >= 0) && poll(ends, 2, -1) > 0)
            for (int from = 0; from < 2; from++)
                if (ends[from].revents != 0 && !pass(from ? host : peer, from ? peer : host))
                    ends[from].fd = -1;
        exit(0);
    }
    return fail("relay");
}

static int serve(unsigned port, long count) {
    int listener = listen_at(port, 16);
    if (listener < 0)
        return fail("listen");
    while (count-- > 0) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0)
            return fail("accept");
        long got;
        while ((got = recv(fd, in, sizeof in, 0)) > 0)
            for (long done = 0, piece; done < got; done += piece)
                if ((piece = send(fd, in + done, (size_t)(got - done), MSG_NOSIGNAL)) < 0)
                    return fail("send");
        close(fd);
    }
    printf("served\n");
    return 0;
}

static int refused(unsigned port, unsigned cid) {
    double start = milliseconds();
    if (reach_at(cid ? cid : VMADDR_CID_HOST, port) >= 0) {
        printf("accepted\n");
        return 1;
    }
    int error = errno;
    printf("refused: %s after %.0f ms\n", strerror(error), milliseconds() - start);
    return 0;
}

/// A connection to Tests/Benchmarks/vsock_peer.c, which is told what is to happen on it.
static int reach_peer(unsigned port, char what, long number) {
    char request[9] = {what};
    int fd = reach(port);
    memcpy(request + 1, &number, sizeof number);
    return fd >= 0 && send(fd, request, sizeof request, 0) == sizeof request ? fd : -1;
}

static int is_longer(const void *left, const void *right) {
    double difference = *(const double *)left - *(const double *)right;
    return difference > 0 ? 1 : difference < 0 ? -1 : 0;
}

static int pingpong(unsigned port, long count) {
    double *taken = calloc((size_t)count, sizeof *taken);
    int fd = reach_peer(port, 'p', count);
    if (fd < 0 || taken == NULL)
        return fail("connect");
    for (long i = 0; i < count; i++) {
        double start = milliseconds();
        if (send(fd, out, 64, 0) != 64 || recv(fd, in, 64, MSG_WAITALL) != 64)
            return fail("exchange");
        taken[i] = (milliseconds() - start) * 1e3;
    }
    qsort(taken, (size_t)count, sizeof *taken, is_longer);
    printf("pingpong %.1f us\n", taken[count / 2]);
    return 0;
}

/// Both end with one byte of the receiver's: not every device passes the end of one direction on.
static int stream(unsigned port, long size, int sends) {
    int fd = reach_peer(port, sends ? 's' : 'r', size);
    if (fd < 0)
        return fail("connect");
    double start = milliseconds();
    for (long left = size, done; left > 0; left -= done) {
        size_t piece = (size_t)(left < PIECE ? left : PIECE);
        if ((done = sends ? send(fd, out, piece, 0) : recv(fd, in, piece, 0)) <= 0)
            return fail("stream");
    }
    if ((sends ? recv(fd, in, 1, 0) : send(fd, out, 1, 0)) != 1)
        return fail("end of the stream");
    printf("%s %.1f MB/s\n", sends ? "send" : "receive", (double)size / 1e3 / (milliseconds() - start));
    return 0;
}

int main(int count, char **words) {
    if (count != 4)
        return 2;
    unsigned port = (unsigned)atol(words[2]);
    long number = atol(words[3]);
    const char *what = words[1];
    if (strcmp(what, "many") == 0)
        return many(port, number);
    if (strcmp(what, "serve") == 0)
        return serve(port, number);
    if (strcmp(what, "refused") == 0)
        return refused(port, (unsigned)number);
    if (strcmp(what, "relay") == 0)
        return relay(port, number);
    if (strcmp(what, "pingpong") == 0)
        return pingpong(port, number);
    if (strcmp(what, "send") == 0 || strcmp(what, "receive") == 0)
        return stream(port, number, *what == 's');
    int fd = reach(port);
    return fd < 0 ? fail("connect") : exchange(fd, number);
}
