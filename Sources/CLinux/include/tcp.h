/* Sockets of TCP over IPv4. */
#ifndef CLINUX_TCP_H
#define CLINUX_TCP_H

#include "clinux.h"

/* Listens at `address`, four bytes; a packet from any other than `peer` is dropped before the socket sees it. */
int lx_tcp_listen(const uint8_t address[4], uint16_t port, const uint8_t peer[4]);

#endif
