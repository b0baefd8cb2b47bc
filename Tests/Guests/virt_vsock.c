// Virtio socket devices (section 5.10): stream packets, credit both ways. There is at most one.

#include "virt_virtio.h"

enum { RECEIVE = 0, SEND = 1, EVENT = 2, QUEUE = 64, BUFFER = 4096, HEADER = 44, ROOM = 256 << 10 };
enum { STREAM = 1, HOST = 2 };
enum { REQUEST = 1, RESPONSE, RESET, SHUTDOWN, DATA, CREDIT_UPDATE, CREDIT_REQUEST };
enum { SHUTDOWN_RECEIVE = 1, SHUTDOWN_SEND = 2 };

struct header {
    uint64_t source_cid, destination_cid;
    uint32_t source_port, destination_port, length;
    uint16_t type, operation;
    uint32_t flags, buffer, forwarded;
} __attribute__((packed));
_Static_assert(sizeof(struct header) == HEADER, "5.10.6");

static struct virtio_queue receive, send, event;
static struct virtio_device *vsock;
static uint8_t *received, *sent;
static uint64_t cid, busy, bit;

void vsock_attach(uint64_t handle, struct virtio_device *device) {
    vsock = device;
    bit = 1ull << handle;
    virtio_open(device, 0);
    cid = DEVICE_MEMORY(uint32_t, device->configuration);
    virtio_open_queue(device, RECEIVE, QUEUE, &receive);
    virtio_open_queue(device, SEND, QUEUE, &send);
    virtio_open_queue(device, EVENT, QUEUE, &event);
    received = virt_allocate(receive.size * (size_t)BUFFER, BUFFER);
    sent = virt_allocate(send.size * (size_t)BUFFER, BUFFER);
    for (uint16_t index = 0; index < receive.size; index++) {
        receive.descriptors[index].address = (uintptr_t)received + index * (size_t)BUFFER;
        receive.descriptors[index].size = BUFFER;
        receive.descriptors[index].flags = DESCRIPTOR_WRITE;
        virtio_offer(&receive, index);
    }
    for (uint16_t index = 0; index < send.size; index++)
        send.descriptors[index].address = (uintptr_t)sent + index * (size_t)BUFFER;
    send.available->flags = AVAILABLE_NO_INTERRUPT;
    virtio_begin(device);
    virtio_notify(&receive);
}

int vsock_is_there(void) { return vsock != NULL; }
uint64_t vsock_ready(void) { return vsock != NULL && virtio_has_used(&receive) ? bit : 0; }
uint64_t vsock_patience(void) { return vsock != NULL ? virtio_patience(vsock) : ~0ull; }

/// Waits for a free buffer: the device takes packets whatever else it does.
static uint16_t free_buffer(void) {
    for (;;) {
        uint16_t index;
        uint32_t unused;
        while (virtio_take(&send, &index, &unused))
            busy &= ~(1ull << index);
        for (index = 0; index < send.size; index++)
            if (!(busy >> index & 1))
                return index;
        __asm__ volatile("pause");
    }
}

static void put_packet(struct vsock_stream *stream, uint16_t operation, uint32_t flags, const void *data, size_t size) {
    uint16_t index = free_buffer();
    uint8_t *place = sent + index * (size_t)BUFFER;
    struct header header = {cid, HOST, stream->port, stream->host_port, (uint32_t)size, STREAM, operation, flags, ROOM,
                            stream->forwarded};
    stream->told = stream->forwarded;
    __builtin_memcpy(place, &header, HEADER);
    __builtin_memcpy(place + HEADER, data, size);
    busy |= 1ull << index;
    send.descriptors[index].size = (uint32_t)(HEADER + size);
    virtio_offer(&send, index);
    virtio_notify(&send);
}

void vsock_connect(struct vsock_stream *stream, uint32_t port, uint32_t host_port) {
    *stream = (struct vsock_stream){.port = port, .host_port = host_port};
    put_packet(stream, REQUEST, 0, "", 0);
}

size_t vsock_send(struct vsock_stream *stream, const void *data, size_t size) {
    uint32_t underway = stream->sent - stream->host_forwarded;
    size_t room = stream->host_buffer > underway ? stream->host_buffer - underway : 0;
    if (size > room)
        size = room;
    if (size > BUFFER - HEADER)
        size = BUFFER - HEADER;
    if (size > 0)
        put_packet(stream, DATA, 0, data, size);
    stream->sent += (uint32_t)size;
    return size;
}

void vsock_shutdown(struct vsock_stream *stream, int both) {
    put_packet(stream, SHUTDOWN, SHUTDOWN_SEND | (both ? SHUTDOWN_RECEIVE : 0), "", 0);
}

void vsock_reset(struct vsock_stream *stream) {
    put_packet(stream, RESET, 0, "", 0);
    stream->is_reset = stream->has_ended = 1;
}

void vsock_forward(struct vsock_stream *stream, uint32_t bytes) {
    stream->forwarded += bytes;
    if (stream->forwarded - stream->told >= ROOM / 4)
        put_packet(stream, CREDIT_UPDATE, 0, "", 0);
}

static void take(struct vsock_stream *stream, const struct header *header,
                 void (*data)(struct vsock_stream *, const uint8_t *, size_t)) {
    stream->host_buffer = header->buffer;
    stream->host_forwarded = header->forwarded;
    switch (header->operation) {
    case REQUEST:
        stream->is_open = 1;
        put_packet(stream, RESPONSE, 0, "", 0);
        break;
    case RESPONSE: stream->is_open = 1; break;
    case RESET: stream->is_reset = stream->has_ended = 1; break;
    case SHUTDOWN:
        if (header->flags & SHUTDOWN_SEND)
            stream->has_ended = 1;
        break;
    case CREDIT_REQUEST: put_packet(stream, CREDIT_UPDATE, 0, "", 0); break;
    case DATA:
        stream->received += header->length;
        data(stream, (const uint8_t *)header + HEADER, header->length);
        break;
    }
}

int vsock_poll(struct vsock_stream *(*find)(uint32_t, uint32_t, int),
               void (*data)(struct vsock_stream *, const uint8_t *, size_t)) {
    uint16_t index;
    uint32_t written;
    if (!virtio_take(&receive, &index, &written))
        return 0;
    const struct header *header = (const void *)(received + index * (size_t)BUFFER);
    if (written < HEADER || header->length > written - HEADER || header->source_cid != HOST)
        guest_abort("the device wrote no packet");
    struct vsock_stream *stream =
        find(header->destination_port, header->source_port, header->operation == REQUEST);
    struct vsock_stream stranger = {.port = header->destination_port, .host_port = header->source_port};
    if (stream != NULL)
        take(stream, header, data);
    else if (header->operation != RESET)
        put_packet(&stranger, RESET, 0, "", 0);
    virtio_offer(&receive, index);
    virtio_notify(&receive);
    return 1;
}

void vsock_wait(uint64_t nanoseconds) {
    uint64_t patience = vsock_patience();
    if (!vsock_ready())
        interrupts_wait(nanoseconds < patience ? nanoseconds : patience);
}
