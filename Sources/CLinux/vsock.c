#include "vsock.h"

ssize_t lx_receive_passed(int fd, void *data, size_t size, int descriptors[LX_MOST_PASSED], int *count) {
    struct iovec place = {.iov_base = data, .iov_len = size};
    /* Of the size that one process can pass at once, so that the kernel leaves none out unseen. */
    union { char space[CMSG_SPACE(253 * sizeof(int))]; struct cmsghdr align; } control;
    struct msghdr message = {
        .msg_iov = &place, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof control.space};
    *count = 0;
    ssize_t got = LX_RETRY(recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC));
    if (got < 0) return got;
    for (struct cmsghdr *head = CMSG_FIRSTHDR(&message); head; head = CMSG_NXTHDR(&message, head)) {
        if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS) continue;
        size_t passed = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < passed; i++) {
            int descriptor;
            memcpy(&descriptor, CMSG_DATA(head) + i * sizeof(int), sizeof descriptor);
            if (*count < LX_MOST_PASSED) descriptors[(*count)++] = descriptor;
            else close(descriptor);
        }
    }
    return got;
}

static int stream_socket(const char *path, struct sockaddr_un *address) {
    size_t size = strlen(path);
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    if (size >= sizeof address->sun_path) return -ENAMETOOLONG;
    memcpy(address->sun_path, path, size + 1);
    return (int)LX_RESULT(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

int lx_stream_listen(const char *path, int backlog) {
    struct sockaddr_un address;
    int fd = stream_socket(path, &address);
    if (fd < 0) return fd;
    if (bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && listen(fd, backlog) == 0) return fd;
    int error = errno;
    close(fd);
    return -error;
}

int lx_stream_connect(const char *path) {
    struct sockaddr_un address;
    int fd = stream_socket(path, &address);
    if (fd < 0) return fd;
    if (LX_RETRY(connect(fd, (struct sockaddr *)&address, sizeof address)) == 0) return fd;
    int error = errno;
    close(fd);
    return -error;
}

int lx_watch_wait(int set, int timeout_ms, uint64_t tokens[LX_WATCH_MOST], uint32_t events[LX_WATCH_MOST]) {
    struct epoll_event found[LX_WATCH_MOST];
    int count = epoll_wait(set, found, LX_WATCH_MOST, timeout_ms);
    if (count < 0) return errno == EINTR ? 0 : -errno;
    for (int i = 0; i < count; i++) {
        tokens[i] = found[i].data.u64;
        events[i] = found[i].events;
    }
    return count;
}
