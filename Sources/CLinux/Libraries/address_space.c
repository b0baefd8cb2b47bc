#include "include/address_space.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/resource.h>

enum { PAGE = 4096 };

static int can_map(void) {
    void *page = mmap(0, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) return 0;
    munmap(page, PAGE);
    return 1;
}

long lx_address_space(void) {
    struct rlimit before;
    if (getrlimit(RLIMIT_AS, &before) < 0) return -errno;
    struct rlimit tried = before;
    unsigned long low = 0, high = (1ul << 47) / PAGE;
    if (before.rlim_max != RLIM_INFINITY && before.rlim_max / PAGE < high) high = before.rlim_max / PAGE;
    while (low < high) {
        unsigned long middle = low + (high - low) / 2;
        tried.rlim_cur = middle * PAGE;
        if (setrlimit(RLIMIT_AS, &tried) < 0) break;
        if (can_map())
            high = middle;
        else
            low = middle + 1;
    }
    if (setrlimit(RLIMIT_AS, &before) < 0) return -errno;
    return (long)low * PAGE - PAGE;
}
