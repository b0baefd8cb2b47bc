// An ordinary program for a Linux guest: asks the vAccel agent at VACCEL_RPC_ADDRESS, vsock://2:PORT, what the image in a
// file shows, or in a disk, of which what is behind the image does not matter.
//
// usage: classify FILE

#include <errno.h>
#include <fcntl.h>
#include <linux/vm_sockets.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vaccel.h"

enum { LARGEST = 1 << 20 };

static uint8_t image[LARGEST], sent[LARGEST + VACCEL_AROUND], received[LARGEST];
static struct stream output = {.bytes = sent, .capacity = sizeof sent};
static struct stream input = {.bytes = received, .capacity = sizeof received};

static void fail(const char *what) {
    printf("classify: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int reach_agent(void) {
    const char *place = getenv("VACCEL_RPC_ADDRESS");
    struct sockaddr_vm host = {.svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_HOST};
    if (place == NULL || sscanf(place, "vsock://%*u:%u", &host.svm_port) != 1) {
        printf("classify: VACCEL_RPC_ADDRESS is %s\n", place ? place : "not set");
        exit(1);
    }
    int agent = socket(AF_VSOCK, SOCK_STREAM, 0);
    if (agent < 0 || connect(agent, (struct sockaddr *)&host, sizeof host) < 0)
        fail(place);
    return agent;
}

/// Sends what was added and waits for one answer, which stays until the next call.
static struct vaccel_message call(int agent) {
    static size_t last;
    stream_take(&input, last);
    for (ssize_t done; stream_size(&output) > 0; stream_take(&output, (size_t)done))
        if ((done = write(agent, stream_front(&output), stream_size(&output))) <= 0)
            fail("write");
    while ((last = vaccel_frame_size(&input)) == 0) {
        ssize_t got = read(agent, stream_back(&input), stream_space(&input));
        if (got <= 0)
            fail("read");
        stream_added(&input, (size_t)got);
    }
    struct vaccel_message answer, reason;
    if (!vaccel_read_answer(&input, last, &answer, &reason)) {
        printf("the agent says: %.*s\n", (int)reason.size, (const char *)reason.bytes);
        exit(1);
    }
    return answer;
}

int main(int count, char **words) {
    if (count != 2)
        return 2;
    int file = open(words[1], O_RDONLY);
    ssize_t size = 0, got;
    while (file >= 0 && (got = read(file, image + size, sizeof image - (size_t)size)) > 0)
        size += got;
    if (size <= 0)
        fail(words[1]);
    int agent = reach_agent();
    vaccel_add_session(&output);
    uint64_t session = vaccel_field(call(agent), 1, NULL);
    vaccel_add_image(&output, session, image, (size_t)size);
    const char *tags;
    size_t length = vaccel_tags(call(agent), &tags);
    printf("%.*s\n", (int)length, tags);
    vaccel_add_end(&output, session);
    call(agent);
    return 0;
}
