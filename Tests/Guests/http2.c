// The HTTP server of http.c on two network devices.

#include "http_guest.h"

DEVICES(NET_DEVICE("service"), NET_DEVICE("service1"));

int guest_main(void) { return serve_http(); }
