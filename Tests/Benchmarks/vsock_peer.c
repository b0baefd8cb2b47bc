/* The host's end of a guest's virtio sockets, as cheap as it can be. Serves one connection after the other.
 *
 * usage: vsock_peer SOCKET
 *
 * A connection begins with a letter and a number of eight bytes:
 *   p COUNT   sends so many messages of 64 bytes back, each when it is whole
 *   s BYTES   takes so many bytes, and answers with one
 *   r BYTES   sends so many bytes, and waits for one
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { PIECE = 65536, MESSAGE = 64 };

static char buffer[PIECE];

/* Whether all of it came, or went. */
static int moves(int peer, uint64_t size, int sends) {
    while (size > 0) {
        size_t piece = size < PIECE ? (size_t)size : PIECE;
        ssize_t done = sends ? send(peer, buffer, piece, MSG_NOSIGNAL) : recv(peer, buffer, piece, 0);
        if (done <= 0) return 0;
        size -= (uint64_t)done;
    }
    return 1;
}

static void serve(int peer) {
    char what;
    uint64_t number;
    if (recv(peer, &what, 1, MSG_WAITALL) != 1 || recv(peer, &number, 8, MSG_WAITALL) != 8) return;
    if (what == 'p') {
        while (number-- > 0 && moves(peer, MESSAGE, 0) && moves(peer, MESSAGE, 1)) continue;
    } else if (moves(peer, number, what == 'r')) {
        moves(peer, 1, what == 's');
    }
    /* Until the guest has had everything. */
    recv(peer, buffer, 1, 0);
}

int main(int count, char **words) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (count != 2 || strlen(words[1]) >= sizeof address.sun_path) return 2;
    strcpy(address.sun_path, words[1]);
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || chmod(words[1], 0777) < 0 || listen(listener, 8) < 0) {
        perror(words[1]);
        return 1;
    }
    for (int peer; (peer = accept(listener, NULL, NULL)) >= 0; close(peer)) serve(peer);
    perror("accept");
    return 1;
}
