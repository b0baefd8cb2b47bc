// What the guest of the stand-in does: the first word of its boot string says, or `stand-in=WORD` among others. A real guest
// would be executed; here the monitor's own process does what its devices would.
//
//   told             prints the monitor's arguments, and what it has been asked for
//   exit STATUS      writes it to the exit port where there is one, and resets the machine; abort and fault: as 127
//   reset, power     resets the machine, or switches it off
//   end STATUS       has the monitor end by itself, as one that fails
//   spin, sleep      prints the word with -ing, and goes on for ever; button: until it is asked to shut down
//   disks            prints the size of each disk and the word that it begins with, and writes to its first byte
//   memory           writes to all the memory that the machine is to have
//   refuse           is none that the monitor starts
//   connect PORT     sends the word "guest" to that port of the host's and prints the answer
//   serve PORT       answers a program of the host's with what comes, once

#define _GNU_SOURCE
#include "vmm.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static const char *open_disks(struct machine *machine) {
    char path[256];
    const char *at = machine->told;
    while ((at = member(at, machine->is_cloud ? "path" : "path_on_host", path, sizeof path))) {
        const char *flag = strstr(at, machine->is_cloud ? "\"readonly\":" : "\"is_read_only\":");
        int reads = flag && !strncmp(strchr(flag, ':'), ":true", 5);
        int disk = open(path, (reads ? O_RDONLY : O_RDWR) | O_CLOEXEC);
        struct flock whole = {.l_type = reads ? F_RDLCK : F_WRLCK, .l_whence = SEEK_SET};
        if (disk < 0 || fcntl(disk, F_OFD_SETLK, &whole) != 0 || machine->disk_count == MOST_DISKS)
            return "a disk cannot be opened and locked";
        machine->disks[machine->disk_count++] = disk;
    }
    return NULL;
}

static const char *open_taps(const struct machine *machine) {
    struct ifreq request = {.ifr_flags = 0};
    char name[64];
    const char *at = machine->told;
    while ((at = member(at, machine->is_cloud ? "tap" : "host_dev_name", name, sizeof name))) {
        int tap = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
        snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
        request.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
        if (tap < 0 || ioctl(tap, TUNSETIFF, &request) != 0)
            return "a tap cannot be opened";
        int size = 12, socket_of_any = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (ioctl(tap, TUNSETVNETHDRSZ, &size) != 0)
            return "a tap takes no header";
        if (ioctl(socket_of_any, SIOCGIFFLAGS, &request) != 0 || !(request.ifr_flags & IFF_UP))
            return "a tap is not up";
        close(socket_of_any);
    }
    return NULL;
}

static struct sockaddr_un address(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    return address;
}

static const char *open_vsock(struct machine *machine) {
    if (!member(strstr(machine->told, "vsock"), machine->is_cloud ? "socket" : "uds_path", machine->vsock_path,
                sizeof machine->vsock_path))
        return NULL;
    struct sockaddr_un own = address(machine->vsock_path);
    machine->vsock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(machine->vsock, (struct sockaddr *)&own, sizeof own) != 0 || listen(machine->vsock, 8) != 0)
        return "the vsock socket cannot be made";
    return NULL;
}

// Splits the boot string's word from what follows.
static char *boot_word(const struct machine *machine, char **rest) {
    static char line[LONGEST];
    if (!member(machine->told, machine->is_cloud ? "cmdline" : "boot_args", line, sizeof line))
        line[0] = 0;
    char *named = strstr(line, "stand-in="), *word = named ? strchr(named, '=') + 1 : line;
    *rest = strchr(word, ' ');
    if (*rest)
        *(*rest)++ = 0;
    else
        *rest = word + strlen(word);
    return word;
}

const char *prepare_machine(struct machine *machine) {
    char path[256], *rest;
    if (!strcmp(boot_word(machine, &rest), "refuse"))
        return "no such machine";
    if (!member(machine->told, machine->is_cloud ? "kernel" : "kernel_image_path", path, sizeof path) ||
        access(path, R_OK) != 0)
        return "the kernel cannot be opened";
    if (member(machine->told, machine->is_cloud ? "initramfs" : "initrd_path", path, sizeof path) &&
        access(path, R_OK) != 0)
        return "the initial RAM disk cannot be opened";
    // For the guest's random numbers.
    if (machine->is_cloud && open("/dev/urandom", O_RDONLY | O_CLOEXEC) < 0)
        return "/dev/urandom cannot be opened";
    const char *reason = open_disks(machine);
    if (!reason)
        reason = open_taps(machine);
    return reason ? reason : open_vsock(machine);
}

static void wait_for_ever(void) {
    for (;;)
        pause();
}

static void reset(const struct machine *machine) {
    fflush(stdout);
    if (!machine->is_cloud)
        exit(0);
    dprintf(machine->events, "{\n  \"source\": \"vm\",\n  \"event\": \"rebooting\",\n  \"properties\": null\n}\n\n");
    wait_for_ever();
}

static void end(const struct machine *machine, int status) {
    unsigned char bytes[2] = {(unsigned char)status, 0};
    fflush(stdout);
    if (machine->exit_port >= 0 && write(machine->exit_port, bytes, sizeof bytes) == sizeof bytes)
        wait_for_ever();
    reset(machine);
}

static void print_disks(const struct machine *machine) {
    struct stat found;
    for (int number = 0; number < machine->disk_count; number++) {
        int disk = machine->disks[number];
        char word[32] = "";
        if (fstat(disk, &found) != 0 || pread(disk, word, sizeof word - 1, 0) < 0)
            continue;
        printf("disk of %lld bytes, %s", (long long)found.st_size,
               pwrite(disk, "\7", 1, 0) == 1 ? "written" : "read only");
        printf(word[0] ? ", begins with %s\n" : "\n", word);
    }
}

static void reach(const struct machine *machine, const char *port) {
    char path[128], answer[64] = "";
    snprintf(path, sizeof path, "%s_%s", machine->vsock_path, port);
    struct sockaddr_un host = address(path);
    int stream = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(stream, (struct sockaddr *)&host, sizeof host) != 0) {
        printf("nobody listens at port %s\n", port);
        return;
    }
    int is_said = write(stream, "guest\n", 6) == 6 && shutdown(stream, SHUT_WR) == 0;
    if (is_said && read(stream, answer, sizeof answer - 1) > 0)
        printf("answer: %s", answer);
    else
        printf("hung up\n");
}

// A program of the host's says CONNECT and the port, and is told another.
static void serve(const struct machine *machine, const char *port) {
    char wanted[64], line[64] = "", text[256];
    snprintf(wanted, sizeof wanted, "CONNECT %s\n", port);
    printf("serving\n");
    fflush(stdout);
    int stream = accept4(machine->vsock, NULL, NULL, SOCK_CLOEXEC);
    for (size_t length = 0; length < sizeof line - 1 && !strchr(line, '\n'); length++)
        if (read(stream, line + length, 1) != 1)
            return;
    if (strcmp(line, wanted) != 0)
        return;
    dprintf(stream, "OK 1073741824\n");
    ssize_t size = read(stream, text, sizeof text);
    if (size > 0 && write(stream, text, (size_t)size) == size)
        printf("served %zd bytes\n", size);
}

static void touch_memory(const struct machine *machine) {
    const char *size = strstr(machine->told, machine->is_cloud ? "\"size\":" : "\"mem_size_mib\":");
    size_t bytes = size ? strtoul(strchr(size, ':') + 1, NULL, 10) << (machine->is_cloud ? 0 : 20) : 0;
    char *memory = malloc(bytes);
    if (!memory)
        return;
    memset(memory, 1, bytes);
    printf("touched %d\n", memory[bytes - 1]);
}

static void act(struct machine *machine, const char *word, const char *rest) {
    if (!strcmp(word, "exit"))
        end(machine, atoi(rest));
    else if (!strcmp(word, "abort") || !strcmp(word, "fault"))
        end(machine, 127);
    else if (!strcmp(word, "end") || !strcmp(word, "power"))
        exit(atoi(rest));
    else if (!strcmp(word, "disks"))
        print_disks(machine);
    else if (!strcmp(word, "memory"))
        touch_memory(machine);
    else if (!strcmp(word, "connect"))
        reach(machine, rest);
    else if (!strcmp(word, "serve"))
        serve(machine, rest);
    else if (!strcmp(word, "told"))
        printf("%s%s", machine->arguments, machine->told);
    else if (strcmp(word, "reset"))
        printf("unknown word %s\n", word);
    reset(machine);
}

void run_guest(struct machine *machine) {
    static int has_begun;
    char *rest, *word = boot_word(machine, &rest);
    int waits = !strcmp(word, "spin") || !strcmp(word, "sleep") || !strcmp(word, "button");
    if (!has_begun && waits) {
        printf("%s\n", !strcmp(word, "spin") ? "spinning" : !strcmp(word, "sleep") ? "sleeping" : "waiting");
        fflush(stdout);
    }
    has_begun = 1;
    if (!waits)
        act(machine, word, rest);
    if (machine->is_asked && !strcmp(word, "button")) {
        printf("asked to shut down\n");
        exit(0);
    }
}
