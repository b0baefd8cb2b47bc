#include "include/tender.h"

int lx_wait(int set, int timer, uint64_t nanoseconds, uint64_t *ready) {
    /* A value of zero would disarm the timer, and a wait without devices would never end. */
    struct itimerspec when = {.it_value = {.tv_sec = (time_t)(nanoseconds / 1000000000),
                                           .tv_nsec = (long)(nanoseconds % 1000000000) | 1}};
    if (timerfd_settime(timer, 0, &when, NULL) < 0) return -errno;
    struct epoll_event events[65];
    int count, devices = 0;
    do count = epoll_pwait(set, events, 65, -1, NULL);
    while (count < 0 && errno == EINTR);
    if (count < 0) return -errno;
    *ready = 0;
    for (int i = 0; i < count; i++) {
        if (events[i].data.u64 == LX_TIMER_TOKEN) continue;
        *ready |= 1ULL << events[i].data.u64;
        devices++;
    }
    return devices;
}
