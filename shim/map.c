/* mmap: of a file of the engine, and of shared anonymous memory that the engine could not open by itself. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shim.h"

#ifndef MFD_HUGE_SHIFT
#define MFD_HUGE_SHIFT 26
#endif

/*
 * The engine answers with an open file of memory, which is shared with it. It learns from the kernel when nothing holds that open
 * file any more: this descriptor, or what was mapped of it. So munmap needs no word to the engine, and neither does a death.
 */
static void *map_mine(int fd, uint64_t file, void *address, size_t length, int protection, int flags, off_t offset)
{
    struct door_request request = {
        .call = DOOR_CALL_MAP, .file = file, .a = (uint64_t)offset, .b = length, .c = (uint32_t)protection, .d = (uint32_t)flags,
    };
    uint64_t base = 0;
    int64_t result = door_call_map(fd, &request, &base);
    if (result < 0) {
        errno = (int)-result;
        return MAP_FAILED;
    }
    int memory = (int)result;
    void *mapping = NEXT(mmap)(address, length, protection, flags, memory, (off_t)base);
    int kept = errno;
    file_forget(memory);
    NEXT(close)(memory);
    errno = kept;
    return mapping;
}

/* Puts a memory file in the place of shared anonymous memory and lends it to the engine. On any failure the mapping is made as asked. */
static int lend(size_t length, int flags)
{
    unsigned kind = MFD_CLOEXEC;
    if (flags & MAP_HUGETLB)
        kind |= MFD_HUGETLB | (unsigned)((flags >> MAP_HUGE_SHIFT) & MAP_HUGE_MASK) << MFD_HUGE_SHIFT;
    int fd = memfd_create("fastiova-shared", kind);
    if (fd < 0)
        return -1;
    struct door_greeting greeting = { .magic = DOOR_MAGIC, .version = DOOR_VERSION, .kind = DOOR_GREET_LEND };
    struct door_answer answer;
    memcpy(greeting.key, door_get()->key, sizeof(greeting.key));
    if (ftruncate(fd, (off_t)length) != 0 || door_greet(&greeting, fd, &answer, NULL, 1) < 0) {
        NEXT(close)(fd);
        return -1;
    }
    return fd;
}

static void *map_any(void *(*next)(void *, size_t, int, int, int, off_t), void *address, size_t length, int protection, int flags, int fd, off_t offset)
{
    const struct door *door = door_get();
    if (LIKELY(!door))
        return next(address, length, protection, flags, fd, offset);
    if (!(flags & MAP_ANONYMOUS)) {
        uint64_t file = file_of(fd);
        return LIKELY(file == 0) ? next(address, length, protection, flags, fd, offset) : map_mine(fd, file, address, length, protection, flags, offset);
    }
    if ((door->flags & DOOR_FLAG_LEND) && (flags & MAP_TYPE) == MAP_SHARED && length != 0) {
        int kept = errno;
        size_t unit = flags & MAP_HUGETLB ? (size_t)1 << (((flags >> MAP_HUGE_SHIFT) & MAP_HUGE_MASK) ?: 21) : 4096;
        int memory = lend((length + unit - 1) & ~(unit - 1), flags);
        errno = kept;
        if (memory >= 0) {
            void *mapping = next(address, length, protection, flags & ~(MAP_ANONYMOUS | MAP_HUGETLB | (MAP_HUGE_MASK << MAP_HUGE_SHIFT)), memory, 0);
            kept = errno;
            NEXT(close)(memory);
            errno = kept;
            return mapping;
        }
    }
    return next(address, length, protection, flags, fd, offset);
}

EXPORTED void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset)
{
    return map_any(NEXT(mmap), address, length, protection, flags, fd, offset);
}

EXPORTED void *mmap64(void *address, size_t length, int protection, int flags, int fd, off_t offset)
{
    return map_any(NEXT(mmap64), address, length, protection, flags, fd, offset);
}
