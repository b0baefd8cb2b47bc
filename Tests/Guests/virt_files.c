// A client of the Plan 9 file protocol, 9P2000.L, over a virtio device; one request at a time. See the protocol's page in
// diod's protocol.md and section 5 of the manual of Plan 9.

#include "virt_virtio.h"

enum { QUEUE = 4, GRAIN = 64, MESSAGE = 8192, HEADER = 7 };
enum { ROOT = 1, FILE_IN_USE = 2, NOBODY = -1, NO_TAG = 0xffff };
enum {
    ERROR = 7,
    OPEN = 12,
    CREATE = 14,
    VERSION = 100,
    ATTACH = 104,
    WALK = 110,
    READ = 116,
    WRITE = 118,
    CLUNK = 120,
};
enum { MODE = 0644, TO_WRITE = 01, TO_CUT = 01000, MOST_PARTS = 16 };

static struct {
    struct virtio_queue queue;
    uint8_t request[MESSAGE], answer[MESSAGE];
    size_t size;
} *files;

static void add(const void *bytes, size_t size) {
    if (size > MESSAGE - files->size)
        guest_abort("a message is too long");
    __builtin_memcpy(files->request + files->size, bytes, size);
    files->size += size;
}

static void add32(uint32_t number) { add(&number, sizeof number); }
static void add64(uint64_t number) { add(&number, sizeof number); }

static void add_text(const char *text, size_t size) {
    uint16_t length = (uint16_t)size;
    add(&length, sizeof length);
    add(text, size);
}

static void begin(uint8_t type) {
    static const uint16_t tag;
    files->size = sizeof(uint32_t);
    add(&type, sizeof type);
    add(&tag, sizeof tag);
}

static void describe(uint16_t index, const void *address, size_t size, uint16_t flags) {
    volatile struct virtio_descriptor *descriptor = &files->queue.descriptors[index];
    descriptor->address = (uintptr_t)address;
    descriptor->size = (uint32_t)size;
    descriptor->flags = flags;
    descriptor->next = (uint16_t)(index + 1);
}

/// Sends the request; what the answer has behind its header, NULL when that is an error.
static const uint8_t *answer(void) {
    uint32_t size = (uint32_t)files->size;
    __builtin_memcpy(files->request, &size, sizeof size);
    describe(0, files->request, files->size, DESCRIPTOR_NEXT);
    describe(1, files->answer, MESSAGE, DESCRIPTOR_WRITE);
    virtio_offer(&files->queue, 0);
    virtio_notify(&files->queue);
    uint16_t index;
    uint32_t written;
    while (!virtio_take(&files->queue, &index, &written))
        interrupts_wait(virtio_patience(files->queue.device));
    return files->answer[4] == files->request[4] + 1 ? files->answer + HEADER : NULL;
}

void files_attach(struct virtio_device *device) {
    files = virt_allocate(sizeof *files, GRAIN);
    virtio_open(device, 0);
    virtio_open_queue(device, 0, QUEUE, &files->queue);
    virtio_begin(device);
    static const char version[] = "9P2000.L";
    begin(VERSION);
    add32(MESSAGE);
    add_text(version, sizeof version - 1);
    if (answer() == NULL)
        guest_abort("the server of files knows another protocol");
    begin(ATTACH);
    add32(ROOT);
    add32((uint32_t)NOBODY);
    add_text("", 0);
    add_text("", 0);
    add32(0);
    if (answer() == NULL)
        guest_abort("the server of files shares nothing");
}

int files_are_there(void) { return files != NULL; }

/// The end of the path's first part.
static const char *part_end(const char *path) {
    while (*path != 0 && *path != '/')
        path++;
    return path;
}

/// Goes to `path`, or to what it is in and sets `last` to its last part.
static int walk(const char *path, const char **last) {
    begin(WALK);
    add32(ROOT);
    add32(FILE_IN_USE);
    size_t place = files->size;
    uint16_t count = 0;
    add(&count, sizeof count);
    while (*path == '/')
        path++;
    for (; *path != 0 && count < MOST_PARTS; count++) {
        const char *end = part_end(path);
        if (last != NULL && *end == 0)
            break;
        add_text(path, (size_t)(end - path));
        path = *end == '/' ? end + 1 : end;
    }
    if (last != NULL)
        *last = path;
    __builtin_memcpy(files->request + place, &count, sizeof count);
    const uint8_t *got = answer();
    uint16_t walked = 0;
    if (got != NULL)
        __builtin_memcpy(&walked, got, sizeof walked);
    return got == NULL || walked != count;
}

static void clunk(void) {
    begin(CLUNK);
    add32(FILE_IN_USE);
    answer();
}

int files_read(const char *path, char *text, size_t room) {
    if (walk(path, NULL) != 0)
        return -1;
    begin(OPEN);
    add32(FILE_IN_USE);
    add32(0);
    int size = -1;
    if (answer() != NULL) {
        begin(READ);
        add32(FILE_IN_USE);
        add64(0);
        add32((uint32_t)(room < MESSAGE / 2 ? room : MESSAGE / 2));
        const uint8_t *got = answer();
        if (got != NULL) {
            __builtin_memcpy(&size, got, sizeof size);
            __builtin_memcpy(text, got + sizeof size, (size_t)size);
        }
    }
    clunk();
    return size;
}

/// Opens what is at `path` for writing, or makes it.
static int open_to_write(const char *path) {
    if (walk(path, NULL) == 0) {
        begin(OPEN);
        add32(FILE_IN_USE);
        add32(TO_WRITE | TO_CUT);
        return answer() == NULL;
    }
    const char *name;
    if (walk(path, &name) != 0)
        return 1;
    begin(CREATE);
    add32(FILE_IN_USE);
    add_text(name, length(name));
    add32(TO_WRITE);
    add32(MODE);
    add32(0);
    return answer() == NULL;
}

int files_write(const char *path, const char *text, size_t size) {
    int failed = open_to_write(path);
    if (!failed) {
        begin(WRITE);
        add32(FILE_IN_USE);
        add64(0);
        add32((uint32_t)size);
        add(text, size);
        failed = answer() == NULL;
    }
    clunk();
    return failed;
}
