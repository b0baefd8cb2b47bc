// An HTTP server on the network device `service`; see README.md for its options and pages.

#include "http_guest.h"

DEVICES(NET_DEVICE("service"));

int guest_main(void) { return serve_http(); }
