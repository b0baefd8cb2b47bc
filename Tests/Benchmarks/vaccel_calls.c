/*
 * Times calls of a vAccel agent, the exchange of the same bytes with a process that does nothing else, and the library's own
 * call, in turn.
 *
 * usage: vaccel_calls SOCKET COUNT image BYTES     an image of so many bytes, its 1024 bytes of answer
 *        vaccel_calls SOCKET COUNT sgemm N         a product of N x N matrices
 *
 * Prints of each, in microseconds: the median, the 99th percentile, the 10th, which the machine's other work disturbs less, and
 * how long processors ran for a call in all processes together, on average, which it disturbs least. The result of the agent's first product has to be in
 * its answer as the library's own call gives it.
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

static double own_time(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* Microseconds that a process has run. See proc(5), /proc/PID/schedstat. */
static double time_of(int pid) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/schedstat", pid);
    FILE *file = fopen(path, "r");
    double nanoseconds = 0;
    if (!file || fscanf(file, "%lf", &nanoseconds) != 1) fail(path);
    fclose(file);
    return nanoseconds / 1e3;
}

/* The same of a process and its children. */
static double time_with_children(int pid) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", pid, pid);
    double time = time_of(pid);
    FILE *file = fopen(path, "r");
    int child;
    if (!file) fail(path);
    while (fscanf(file, "%d", &child) == 1) time += time_of(child);
    fclose(file);
    return time;
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

static void report(const char *name, double *times, int count, double run) {
    qsort(times, (size_t)count, sizeof *times, by_size);
    printf("%s %.1f %.1f %.1f %.1f\n", name, times[count / 2], times[count * 99 / 100], times[count / 10], run);
}

typedef void (*sgemm_function)(int, int, int, int, int, int, float, const float *, int, const float *, int, float, float *, int);

static sgemm_function sgemm;

static void multiply(int n, const void *a, const void *b, void *c) {
    sgemm(101, 111, 111, n, n, n, 1, a, n, b, n, 0, c, n);
}

/* What a request is to a peer: its bytes, those of its answer, and a product of matrices at these places in both. */
struct exchange {
    size_t request, answer;
    int n;
    size_t a, b, c;
};

/* A process that does nothing but read a request, multiply and answer, until the other end is closed: no remote call can
   take less. */
static int bare_peer(const struct exchange *exchange, pid_t *pid) {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0) fail("socketpair");
    *pid = fork();
    if (*pid < 0) fail("fork");
    if (*pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(pair[0]);
        unsigned char *request = calloc(1, exchange->request), *answer = calloc(1, exchange->answer);
        while (read_all(pair[1], request, exchange->request)) {
            if (exchange->n) multiply(exchange->n, request + exchange->a, request + exchange->b, answer + exchange->c);
            send_all(pair[1], answer, exchange->answer);
        }
        _exit(0);
    }
    close(pair[1]);
    return pair[0];
}

/* A connection to the agent, and the number of a session there. */
static int connect_agent(const char *path, uint64_t *session) {
    unsigned char message[1] = {0}, frame[256], answer[256];
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    int agent = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(agent, (struct sockaddr *)&address, sizeof address) < 0) fail("connect");
    send_all(agent, frame, put_frame(frame, "CreateSession", message, 0));
    read_answer(agent, answer);
    *session = 0;
    for (int i = 0; i < 9; i++) *session |= (uint64_t)(answer[15 + i] & 0x7f) << 7 * i;
    return agent;
}

/* The first place of `count` bytes of a matrix in a frame. */
static size_t place(const unsigned char *frame, size_t length, const void *matrix, size_t size, size_t from) {
    unsigned char *found = memmem(frame + from, length - from, matrix, size);
    if (!found) fail("a matrix in the frame");
    return (size_t)(found - frame);
}

enum { AGENT, WIRE, BARE, WAYS };

static void usage(void) {
    fprintf(stderr, "usage: vaccel_calls SOCKET COUNT image|sgemm SIZE\n");
    exit(2);
}

int main(int argc, char **argv) {
    if (argc != 5) usage();
    int count = atoi(argv[2]), is_image = strcmp(argv[3], "image") == 0;
    size_t size = (size_t)atol(argv[4]), bytes = size * size * 4, room = (is_image ? size : 3 * bytes) + 4096;
    unsigned char *message = calloc(1, room), *frame = calloc(1, room), *answer = calloc(1, room);
    uint64_t session;
    int agent = connect_agent(argv[1], &session);
    size_t length = put_number(message, 1, session);
    struct exchange exchange = {0};
    float *matrix = NULL, *result = NULL;
    if (is_image) {
        length += put_bytes(message + length, 2, answer, size);
        length = put_frame(frame, "ImageClassification", message, length);
    } else {
        void *library = dlopen("libopenblas.so.0", RTLD_NOW);
        if (!library) { fprintf(stderr, "%s\n", dlerror()); return 3; }
        sgemm = (sgemm_function)dlsym(library, "cblas_sgemm");
        matrix = malloc(bytes);
        result = malloc(bytes);
        for (size_t i = 0; i < size * size; i++) matrix[i] = (float)(i % 7) + 1;
        length = put_frame(frame, "Genop", message, put_product(message, session, (int64_t)size, matrix));
        exchange.n = (int)size;
        exchange.a = place(frame, length, matrix, bytes, 0);
        exchange.b = place(frame, length, matrix, bytes, exchange.a + bytes);
    }
    exchange.request = length;
    send_all(agent, frame, length);
    exchange.answer = read_answer(agent, answer);
    if (!is_image) {
        multiply((int)size, matrix, matrix, result);
        exchange.c = place(answer, exchange.answer, result, bytes, 0);
    }
    pid_t pid = 0;
    int peer = bare_peer(&exchange, &pid);

    struct ucred other;
    if (getsockopt(agent, SOL_SOCKET, SO_PEERCRED, &other, &(socklen_t){sizeof other}) < 0) fail("SO_PEERCRED");
    double agents = 0, peers = 0, own[WAYS] = {0};
    double *times[WAYS];
    for (int way = 0; way < WAYS; way++) times[way] = malloc(sizeof(double) * (size_t)count);
    for (int i = -count / 10 - 2; i < count; i++) {
        if (i == 0) {
            agents = time_with_children(other.pid);
            peers = time_of(pid);
        }
        double at[WAYS + 1] = {now()}, run[WAYS + 1] = {own_time()};
        send_all(agent, frame, length);
        read_answer(agent, answer);
        at[1] = now();
        run[1] = own_time();
        send_all(peer, frame, length);
        if (!read_all(peer, answer, exchange.answer)) fail("the peer is gone");
        at[2] = now();
        run[2] = own_time();
        if (!is_image) multiply((int)size, matrix, matrix, result);
        at[3] = now();
        run[3] = own_time();
        for (int way = 0; i >= 0 && way < WAYS; way++) {
            times[way][i] = at[way + 1] - at[way];
            own[way] += (run[way + 1] - run[way]) / count;
        }
    }
    report("agent", times[AGENT], count, own[AGENT] + (time_with_children(other.pid) - agents) / count);
    report("wire", times[WIRE], count, own[WIRE] + (time_of(pid) - peers) / count);
    if (!is_image) report("bare", times[BARE], count, own[BARE]);
    close(peer);
    waitpid(pid, NULL, 0);
    return 0;
}
