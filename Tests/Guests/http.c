// An HTTP server on the network device `service`; see README.md for its options and pages.

#include "http_guest.h"

#ifdef GUEST_VIRT
DEVICES(NET_DEVICE("service"), VSOCK_DEVICE("vsock"));
#else
DEVICES(NET_DEVICE("service"));
#endif

int guest_main(void) { return serve_http(); }
