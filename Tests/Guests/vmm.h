// A stand-in for monitors that are configured over an HTTP API, for machines without them: vmm_linux.c is their API,
// vmm_guest.c what their guest does.
#ifndef VMM_H
#define VMM_H

#include <stddef.h>

enum { LONGEST = 1 << 16, MOST_DISKS = 8 };

struct machine {
    // Cloud Hypervisor, not Firecracker.
    int is_cloud;
    // The program's arguments, one a line.
    char arguments[1024];
    // What it has been asked for: a request and its body on a line.
    char told[2 * LONGEST];
    // Where Cloud Hypervisor reports, -1 elsewhere.
    int events, exit_port;
    int disks[MOST_DISKS], disk_count;
    // The socket of the host's programs, -1 without a virtio socket device.
    int vsock;
    char vsock_path[108];
    // Set when the guest has been asked to shut down.
    int is_asked;
};

// Copies the text of a member of a JSON object, the first of that name behind `from`; returns what is behind it, NULL
// where there is none.
const char *member(const char *from, const char *name, char *text, size_t size);

// Opens what the machine needs; returns a reason why not, NULL for success.
const char *prepare_machine(struct machine *machine);

// Does what the boot string says, a bit at a time: called again and again, for the API goes on meanwhile.
void run_guest(struct machine *machine);

#endif
