/*
 * Times calls of a vAccel agent beside a bare exchange of the same bytes over a Unix socket, in turn.
 *
 * usage: vaccel_calls SOCKET COUNT image BYTES     an image of so many bytes, its 1024 bytes of answer
 *        vaccel_calls SOCKET COUNT sgemm N         a product of N x N matrices, beside the library's own call
 *
 * Prints the median and the 99th percentile of both in microseconds.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

static void fail(const char *what) {
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(1);
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void send_all(int fd, const unsigned char *data, size_t size) {
    while (size > 0) {
        ssize_t n = write(fd, data, size);
        if (n <= 0) fail("write");
        data += n;
        size -= (size_t)n;
    }
}

/* 0 at the end of the stream. */
static int read_all(int fd, unsigned char *data, size_t size) {
    while (size > 0) {
        ssize_t n = read(fd, data, size);
        if (n < 0) fail("read");
        if (n == 0) return 0;
        data += n;
        size -= (size_t)n;
    }
    return 1;
}

static size_t put_varint(unsigned char *out, uint64_t value) {
    size_t n = 0;
    while (value > 0x7f) {
        out[n++] = (unsigned char)(value | 0x80);
        value >>= 7;
    }
    out[n++] = (unsigned char)value;
    return n;
}

static size_t put_bytes(unsigned char *out, unsigned field, const void *data, size_t size) {
    size_t n = put_varint(out, field << 3 | 2);
    n += put_varint(out + n, size);
    memmove(out + n, data, size);
    return n + size;
}

static size_t put_number(unsigned char *out, unsigned field, uint64_t value) {
    size_t n = put_varint(out, field << 3);
    return n + put_varint(out + n, value);
}

/* A request's frame around a method's message. */
static size_t put_frame(unsigned char *out, const char *method, const unsigned char *message, size_t size) {
    static const char service[] = "vaccel.sync.agent.AgentService";
    size_t n = 10;
    n += put_bytes(out + n, 1, service, sizeof service - 1);
    n += put_bytes(out + n, 2, method, strlen(method));
    n += put_bytes(out + n, 3, message, size);
    uint32_t length = (uint32_t)(n - 10);
    const unsigned char header[10] = {length >> 24, length >> 16 & 255, length >> 8 & 255, length & 255, 0, 0, 0, 1, 1, 0};
    memcpy(out, header, 10);
    return n;
}

static size_t read_answer(int fd, unsigned char *out) {
    if (!read_all(fd, out, 10)) fail("the agent closed the connection");
    size_t length = (size_t)out[0] << 24 | (size_t)out[1] << 16 | (size_t)out[2] << 8 | out[3];
    if (!read_all(fd, out + 10, length)) fail("the agent closed the connection");
    return length + 10;
}

static size_t put_argument(unsigned char *out, unsigned field, const void *data, size_t size, unsigned kind) {
    unsigned char *inner = malloc(size + 64);
    size_t n = put_bytes(inner, 1, data, size);
    n += put_number(inner + n, 2, size);
    n += put_number(inner + n, 3, kind);
    n = put_bytes(out, field, inner, n);
    free(inner);
    return n;
}

static size_t put_product(unsigned char *out, uint64_t session, int64_t n, const float *matrix) {
    const unsigned char op = 17;
    const float one = 1, zero = 0;
    size_t size = (size_t)(n * n) * 4, at = put_number(out, 1, session);
    at += put_argument(out + at, 2, &op, 1, 9);
    for (int i = 0; i < 3; i++) at += put_argument(out + at, 2, &n, 8, 7);
    at += put_argument(out + at, 2, &one, 4, 17);
    at += put_argument(out + at, 2, matrix, size, 18);
    at += put_argument(out + at, 2, &n, 8, 7);
    at += put_argument(out + at, 2, matrix, size, 18);
    at += put_argument(out + at, 2, &n, 8, 7);
    at += put_argument(out + at, 2, &zero, 4, 17);
    at += put_argument(out + at, 2, &n, 8, 7);
    return at + put_argument(out + at, 3, matrix, size, 18);
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void report(const char *name, double *times, int count) {
    qsort(times, (size_t)count, sizeof *times, by_size);
    printf("%s %.1f %.1f\n", name, times[count / 2], times[count * 99 / 100]);
}

/* A process that reads so many bytes and answers with so many, until the other end is closed. */
static int bare_peer(size_t request, size_t answer, pid_t *pid) {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0) fail("socketpair");
    *pid = fork();
    if (*pid < 0) fail("fork");
    if (*pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(pair[0]);
        unsigned char *buffer = calloc(1, request > answer ? request : answer);
        while (read_all(pair[1], buffer, request)) send_all(pair[1], buffer, answer);
        _exit(0);
    }
    close(pair[1]);
    return pair[0];
}

typedef void (*sgemm_function)(int, int, int, int, int, int, float, const float *, int, const float *, int, float, float *, int);

int main(int argc, char **argv) {
    if (argc != 5) {
        fprintf(stderr, "usage: vaccel_calls SOCKET COUNT image|sgemm SIZE\n");
        return 2;
    }
    int count = atoi(argv[2]), is_image = strcmp(argv[3], "image") == 0;
    size_t size = (size_t)atol(argv[4]), room = is_image ? size : 3 * size * size * 4;
    unsigned char *message = calloc(1, room + 4096), *frame = calloc(1, room + 4096), *answer = calloc(1, room + 4096);
    float *matrix = malloc(size * size * 4 * !is_image + 4), *result = malloc(size * size * 4 * !is_image + 4);
    for (size_t i = 0; !is_image && i < size * size; i++) matrix[i] = (float)(i % 7);

    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strncpy(address.sun_path, argv[1], sizeof address.sun_path - 1);
    int agent = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(agent, (struct sockaddr *)&address, sizeof address) < 0) fail("connect");
    send_all(agent, frame, put_frame(frame, "CreateSession", message, 0));
    read_answer(agent, answer);
    uint64_t session = 0;
    for (int i = 0; i < 9; i++) session |= (uint64_t)(answer[15 + i] & 0x7f) << 7 * i;

    size_t length = put_number(message, 1, session);
    if (is_image) length += put_bytes(message + length, 2, frame, size);
    else length = put_product(message, session, (int64_t)size, matrix);
    length = put_frame(frame, is_image ? "ImageClassification" : "Genop", message, length);
    send_all(agent, frame, length);
    size_t answered = read_answer(agent, answer);

    pid_t pid = 0;
    int peer = is_image ? bare_peer(length, answered, &pid) : -1;
    sgemm_function sgemm = NULL;
    if (!is_image) {
        void *library = dlopen("libopenblas.so.0", RTLD_NOW);
        if (!library) { fprintf(stderr, "%s\n", dlerror()); return 3; }
        sgemm = (sgemm_function)dlsym(library, "cblas_sgemm");
    }
    double *ours = malloc(sizeof *ours * (size_t)count), *bare = malloc(sizeof *bare * (size_t)count);
    int n = (int)size;
    for (int i = -count / 10 - 2; i < count; i++) {
        double begin = now();
        send_all(agent, frame, length);
        read_answer(agent, answer);
        double middle = now();
        if (is_image) {
            send_all(peer, frame, length);
            if (!read_all(peer, answer, answered)) fail("the peer is gone");
        } else {
            sgemm(101, 111, 111, n, n, n, 1, matrix, n, matrix, n, 0, result, n);
        }
        double end = now();
        if (i >= 0) { ours[i] = middle - begin; bare[i] = end - middle; }
    }
    report("agent", ours, count);
    report("bare", bare, count);
    if (peer >= 0) {
        close(peer);
        waitpid(pid, NULL, 0);
    }
    return 0;
}
