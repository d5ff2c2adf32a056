/*
 * poll and ppoll. A token lies on the connection of a file while the file is readable, so the kernel's poll, select and
 * epoll work by themselves. What a token cannot say is asked of the engine: whether the file is still readable when
 * something else than a read has emptied it, and whether it is writable.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "shim.h"

#define READING (POLLIN | POLLRDNORM)
#define WRITING (POLLOUT | POLLWRNORM | POLLWRBAND)

/* Corrects what the kernel found for files of the engine. Answers how many descriptors have events left. */
static int correct(struct pollfd *entries, nfds_t count)
{
    int ready = 0;
    for (nfds_t i = 0; i < count; i++) {
        struct pollfd *entry = &entries[i];
        uint64_t file = entry->revents & (READING | WRITING) ? file_of(entry->fd) : 0;
        if (file != 0) {
            struct door_request request = { .call = DOOR_CALL_POLL, .file = file };
            int64_t now = door_call(entry->fd, &request);
            if (now >= 0) {
                entry->revents &= (short)~POLLWRBAND;
                if (!(now & POLLIN))
                    entry->revents &= (short)~READING;
                if (!(now & POLLOUT))
                    entry->revents &= (short)~WRITING;
            }
        }
        ready += entry->revents != 0;
    }
    return ready;
}

static int has_mine(const struct pollfd *entries, nfds_t count)
{
    if (!door_get())
        return 0;
    for (nfds_t i = 0; i < count; i++) {
        if (entries[i].fd >= 0 && !file_is_foreign(entries[i].fd) && file_of_surely(entries[i].fd) != 0)
            return 1;
    }
    return 0;
}

/* Waits again, for what is left of the time, when nothing but stale tokens was found. */
static int wait_for(struct pollfd *entries, nfds_t count, const struct timespec *limit, const sigset_t *signals)
{
    struct timespec end = { 0 }, left;
    if (limit) {
        clock_gettime(CLOCK_MONOTONIC, &end);
        end.tv_sec += limit->tv_sec;
        end.tv_nsec += limit->tv_nsec;
        left = *limit;
    }
    for (;;) {
        int found = NEXT(ppoll)(entries, count, limit ? &left : NULL, signals);
        if (found <= 0)
            return found;
        int ready = correct(entries, count);
        if (ready > 0 || (limit && left.tv_sec == 0 && left.tv_nsec == 0))
            return ready;
        if (limit) {
            struct timespec now;
            clock_gettime(CLOCK_MONOTONIC, &now);
            long long rest = (end.tv_sec - now.tv_sec) * 1000000000LL + end.tv_nsec - now.tv_nsec;
            rest = rest > 0 ? rest : 0;
            left.tv_sec = rest / 1000000000;
            left.tv_nsec = rest % 1000000000;
        }
    }
}

EXPORTED int poll(struct pollfd *entries, nfds_t count, int milliseconds)
{
    if (LIKELY(!has_mine(entries, count)))
        return NEXT(poll)(entries, count, milliseconds);
    struct timespec limit = { .tv_sec = milliseconds / 1000, .tv_nsec = milliseconds % 1000 * 1000000L };
    return wait_for(entries, count, milliseconds < 0 ? NULL : &limit, NULL);
}

EXPORTED int ppoll(struct pollfd *entries, nfds_t count, const struct timespec *limit, const sigset_t *signals)
{
    if (LIKELY(!has_mine(entries, count)))
        return NEXT(ppoll)(entries, count, limit, signals);
    return wait_for(entries, count, limit, signals);
}

EXPORTED int __poll_chk(struct pollfd *entries, nfds_t count, int milliseconds, size_t room)
{
    if (count > room / sizeof(*entries))
        __builtin_trap();
    return poll(entries, count, milliseconds);
}

EXPORTED int __ppoll_chk(struct pollfd *entries, nfds_t count, const struct timespec *limit, const sigset_t *signals, size_t room)
{
    if (count > room / sizeof(*entries))
        __builtin_trap();
    return ppoll(entries, count, limit, signals);
}
