/* Unix sockets, descriptor passing, pseudo terminals. */
#ifndef CLINUX_SOCKETS_H
#define CLINUX_SOCKETS_H

#include "clinux.h"
#include <linux/netlink.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>

int lx_unix_listen(const char *path, int type);
/* Receives datagrams at `path`, from everybody who can reach it. */
int lx_unix_receive_at(const char *path);
int lx_unix_connect(const char *path, int type);
/* Sends one descriptor with `size` bytes of text; recvtty-like programs read the text as the terminal's name. */
int lx_send_descriptor(int socket, int fd, const char *text, size_t size);
int lx_receive_descriptor(int socket);
/* One message and the descriptor beside it, -1 where there is none. */
ssize_t lx_receive_with_descriptor(int socket, void *data, size_t size, int *fd);

/* A socket for rtnetlink(7), NETLINK_ROUTE, or for packet filters, NETLINK_NETFILTER: see netlink(7). */
static inline int lx_netlink_socket(int family) { return (int)LX_RESULT(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, family)); }
static inline int lx_link_exists(int index) { char name[IF_NAMESIZE]; return if_indextoname((unsigned)index, name) != NULL; }
static inline int lx_link_index(const char *name) { unsigned index = if_nametoindex(name); return index ? (int)index : -errno; }
/* Makes a tap device in the caller's network namespace, one that goes with the descriptor; `name` has a %d for a free
 * number and becomes the device's. See the kernel's Documentation/networking/tuntap.rst. */
int lx_tap_open(char name[16]);
/* Has an open tap stay when it is closed, for the caller's user alone. */
int lx_tap_leave(int fd);
/* Has an open macvtap device pass frames without a header (IFF_VNET_HDR, which it begins with). */
int lx_macvtap_frames(int fd);
/* Any socket will do for an interface's flags. See netdevice(7). */
static inline int lx_loopback_up(void) {
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    int result = (int)LX_RESULT(ioctl(fd, SIOCSIFFLAGS, &request));
    close(fd);
    return result;
}
static inline int lx_socketpair(int type, int out[2]) { return (int)LX_RESULT(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, out)); }
static inline int lx_accept(int fd) { return (int)LX_RETRY(accept4(fd, NULL, NULL, SOCK_CLOEXEC)); }
static inline ssize_t lx_send(int fd, const void *data, size_t size) { return LX_RETRY(send(fd, data, size, MSG_NOSIGNAL)); }
static inline ssize_t lx_receive(int fd, void *data, size_t size) { return LX_RETRY(recv(fd, data, size, 0)); }
static inline int lx_set_controlling_terminal(int fd) { return (int)LX_RESULT(ioctl(fd, TIOCSCTTY, 0)); }
static inline int lx_set_window_size(int fd, unsigned short rows, unsigned short columns) {
    struct winsize w = {.ws_row = rows, .ws_col = columns};
    return (int)LX_RESULT(ioctl(fd, TIOCSWINSZ, &w));
}
static inline int lx_get_window_size(int fd, unsigned short *rows, unsigned short *columns) {
    struct winsize w;
    if (ioctl(fd, TIOCGWINSZ, &w) < 0) return -errno;
    *rows = w.ws_row; *columns = w.ws_col;
    return 0;
}
static inline int lx_is_terminal(int fd) { struct termios t; return tcgetattr(fd, &t) == 0; }
static inline int lx_unlock_terminal(int fd) { int zero = 0; return (int)LX_RESULT(ioctl(fd, TIOCSPTLCK, &zero)); }
static inline int lx_terminal_number(int fd) { int n; return ioctl(fd, TIOCGPTN, &n) < 0 ? -errno : n; }
static inline int lx_terminal_peer(int fd) { return (int)LX_RESULT(ioctl(fd, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC)); }
/* A line feed of the program stays one: no carriage return comes before it. */
static inline int lx_terminal_plain_newlines(int fd) {
    struct termios t;
    if (tcgetattr(fd, &t) < 0) return -errno;
    t.c_oflag &= ~(tcflag_t)ONLCR;
    return (int)LX_RESULT(tcsetattr(fd, TCSANOW, &t));
}
static inline int lx_terminal_begins_lines(int fd) {
    struct termios t;
    return tcgetattr(fd, &t) == 0 && (t.c_oflag & OPOST) && (t.c_oflag & ONLCR);
}
/* Raw mode but for what is printed, whose line feeds still begin a line; the former settings go to `saved`. */
static inline int lx_terminal_raw(int fd, struct termios *saved) {
    struct termios t;
    if (tcgetattr(fd, &t) < 0) return -errno;
    *saved = t;
    cfmakeraw(&t);
    t.c_oflag |= OPOST;
    return (int)LX_RESULT(tcsetattr(fd, TCSANOW, &t));
}
static inline int lx_terminal_restore(int fd, const struct termios *saved) { return (int)LX_RESULT(tcsetattr(fd, TCSANOW, saved)); }

#endif
