/*
 * Which descriptors are files of the engine. The kernel knows: the other end of such a descriptor has a name. What is
 * remembered here only saves the question for descriptors that are not the engine's.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "shim.h"

#define REMEMBERED 65536

enum { UNKNOWN = 0, FOREIGN = 1, MINE = 2 };

static unsigned char kinds[REMEMBERED];

HIDDEN void file_forget(int fd)
{
    if (fd >= 0 && fd < REMEMBERED)
        __atomic_store_n(&kinds[fd], UNKNOWN, __ATOMIC_RELAXED);
}

HIDDEN void file_remember(int fd, int mine)
{
    if (fd >= 0 && fd < REMEMBERED)
        __atomic_store_n(&kinds[fd], mine ? MINE : FOREIGN, __ATOMIC_RELAXED);
}

HIDDEN int file_is_foreign(int fd)
{
    return fd >= 0 && fd < REMEMBERED && __atomic_load_n(&kinds[fd], __ATOMIC_RELAXED) == FOREIGN;
}

HIDDEN int file_seems_mine(int fd)
{
    return fd >= 0 && fd < REMEMBERED && __atomic_load_n(&kinds[fd], __ATOMIC_RELAXED) == MINE;
}

HIDDEN uint64_t file_of_surely(int fd)
{
    static const char name[] = DOOR_FILE_NAME; /* zero, this, 16 digits, slash, 16 digits */
    struct sockaddr_un peer;
    socklen_t bytes = sizeof(peer);
    int kept = errno;
    uint64_t id = 0;
    if (fd < 0)
        return 0;
    if (getpeername(fd, (struct sockaddr *)&peer, &bytes) == 0 && bytes == offsetof(struct sockaddr_un, sun_path) + sizeof(name) + 33
        && peer.sun_family == AF_UNIX && peer.sun_path[0] == 0 && memcmp(peer.sun_path + 1, name, sizeof(name) - 1) == 0) {
        const char *digits = peer.sun_path + sizeof(name) + 17;
        for (int i = 0; i < 16; i++)
            id = id << 4 | (unsigned)(digits[i] <= '9' ? digits[i] - '0' : digits[i] - 'a' + 10);
    }
    errno = kept;
    file_remember(fd, id != 0);
    return id;
}

HIDDEN uint64_t file_of(int fd)
{
    return file_is_foreign(fd) ? 0 : file_of_surely(fd);
}
