#include "include/tcp.h"

#include <linux/filter.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

/* Keeps what comes from `peer`. See the kernel's Documentation/networking/filter.rst; nobody can take it off again. */
static int only_from(int fd, const uint8_t peer[4]) {
    uint32_t source = (uint32_t)peer[0] << 24 | (uint32_t)peer[1] << 16 | (uint32_t)peer[2] << 8 | peer[3];
    struct sock_filter code[] = {
        /* The source address in the header of IP. */
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)SKF_NET_OFF + 12),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, source, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 0xFFFFFFFF),
        BPF_STMT(BPF_RET | BPF_K, 0),
    };
    struct sock_fprog program = {.len = sizeof code / sizeof *code, .filter = code};
    int on = 1;
    if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) < 0) return -errno;
    return (int)LX_RESULT(setsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof on));
}

int lx_tcp_listen(const uint8_t address[4], uint16_t port, const uint8_t peer[4]) {
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_port = htons(port)};
    memcpy(&own.sin_addr, address, 4);
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    int r = only_from(fd, peer);
    /* What an earlier guest's connections have left does not matter. */
    if (r >= 0) r = (int)LX_RESULT(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on));
    if (r >= 0) r = (int)LX_RESULT(bind(fd, (struct sockaddr *)&own, sizeof own));
    if (r >= 0) r = (int)LX_RESULT(listen(fd, 64));
    if (r >= 0) return fd;
    close(fd);
    return r;
}
