/* The interposed functions. A descriptor or path that is not the engine's goes to the next function untouched. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "shim.h"

#define NO_POSITION UINT64_MAX
#define IOMMUFD_TYPE ';'

/* The C library's headers may declare some of these names as macros or with attributes of their own. */
#undef open
#undef openat
#undef fopen

static int64_t answered(int64_t result)
{
    if (result < 0) {
        errno = (int)-result;
        return -1;
    }
    return result;
}

static int open_mine(const char *path, int flags, int *fd)
{
    struct door_request request = { .call = DOOR_CALL_OPEN, .a = (uintptr_t)path, .b = (uint64_t)(uint32_t)flags };
    int64_t result = door_call(-1, &request);
    if (result == DOOR_NOT_MINE || (result < 0 && path_is_status(path)))
        return 0;
    *fd = (int)answered(result);
    return 1;
}

static int open_any(int (*next)(const char *, int, ...), const char *path, int flags, mode_t mode)
{
    char buffer[512];
    int fd;
    if (UNLIKELY(path_may_be_mine(path)) && open_mine(path, flags, &fd))
        return fd;
    fd = next(path_in_view(path, buffer, sizeof(buffer)), flags, mode);
    file_remember(fd, 0);
    return fd;
}

static int openat_any(int (*next)(int, const char *, int, ...), int folder, const char *path, int flags, mode_t mode)
{
    char buffer[512];
    int fd;
    if (UNLIKELY(path_may_be_mine(path)) && open_mine(path, flags, &fd))
        return fd;
    fd = next(folder, path_in_view(path, buffer, sizeof(buffer)), flags, mode);
    file_remember(fd, 0);
    return fd;
}

#define MODE_OF(flags, last)                                     \
    ({                                                           \
        mode_t mode = 0;                                         \
        if ((flags) & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY))) {  \
            va_list list;                                        \
            va_start(list, last);                                \
            mode = va_arg(list, mode_t);                         \
            va_end(list);                                        \
        }                                                        \
        mode;                                                    \
    })

EXPORTED int open(const char *path, int flags, ...)
{
    return open_any(NEXT(open), path, flags, MODE_OF(flags, flags));
}

EXPORTED int open64(const char *path, int flags, ...)
{
    return open_any(NEXT(open64), path, flags, MODE_OF(flags, flags));
}

EXPORTED int openat(int folder, const char *path, int flags, ...)
{
    return openat_any(NEXT(openat), folder, path, flags, MODE_OF(flags, flags));
}

EXPORTED int openat64(int folder, const char *path, int flags, ...)
{
    return openat_any(NEXT(openat64), folder, path, flags, MODE_OF(flags, flags));
}

/* What programs call that were compiled with checks of the C library. */
EXPORTED int __open_2(const char *path, int flags)
{
    return open_any(NEXT(open), path, flags, 0);
}

EXPORTED int __open64_2(const char *path, int flags)
{
    return open_any(NEXT(open64), path, flags, 0);
}

EXPORTED int __openat_2(int folder, const char *path, int flags)
{
    return openat_any(NEXT(openat), folder, path, flags, 0);
}

EXPORTED int __openat64_2(int folder, const char *path, int flags)
{
    return openat_any(NEXT(openat64), folder, path, flags, 0);
}

/* The C library opens without the functions above. What is read here through a stream is a text that the engine made: never written. */
static FILE *fopen_any(FILE *(*next)(const char *, const char *), const char *path, const char *mode)
{
    char buffer[512];
    int fd;
    if (LIKELY(!path_may_be_mine(path)) || mode[0] != 'r' || !open_mine(path, O_RDONLY | O_CLOEXEC, &fd))
        return next(path_in_view(path, buffer, sizeof(buffer)), mode);
    if (fd < 0)
        return NULL;
    FILE *stream = fdopen(fd, mode);
    if (!stream) {
        int kept = errno;
        NEXT(close)(fd);
        errno = kept;
    }
    return stream;
}

EXPORTED FILE *fopen(const char *path, const char *mode)
{
    return fopen_any(NEXT(fopen), path, mode);
}

EXPORTED FILE *fopen64(const char *path, const char *mode)
{
    return fopen_any(NEXT(fopen64), path, mode);
}

/*
 * The kernel closes a file before close returns; so does the engine, which is told by the kernel and waited for.
 * Forgotten before, because afterwards the number may be somebody else's already.
 */
EXPORTED int close(int fd)
{
    uint64_t file = UNLIKELY(file_seems_mine(fd)) ? file_of_surely(fd) : 0;
    file_forget(fd);
    int result = NEXT(close)(fd);
    if (UNLIKELY(file != 0))
        door_settle(file);
    return result;
}

EXPORTED int dup(int fd)
{
    int copy = NEXT(dup)(fd);
    file_forget(copy);
    return copy;
}

EXPORTED int dup2(int fd, int copy)
{
    uint64_t file = UNLIKELY(file_seems_mine(copy)) ? file_of_surely(copy) : 0;
    int result = NEXT(dup2)(fd, copy);
    file_forget(result);
    if (UNLIKELY(file != 0))
        door_settle(file);
    return result;
}

EXPORTED int dup3(int fd, int copy, int flags)
{
    uint64_t file = UNLIKELY(file_seems_mine(copy)) ? file_of_surely(copy) : 0;
    int result = NEXT(dup3)(fd, copy, flags);
    file_forget(result);
    if (UNLIKELY(file != 0))
        door_settle(file);
    return result;
}

static int fcntl_any(int (*next)(int, int, ...), int fd, int command, void *argument)
{
    int result = next(fd, command, argument);
    if (command == F_DUPFD || command == F_DUPFD_CLOEXEC)
        file_forget(result);
    return result;
}

/* The argument is a pointer or a number; both fit into a pointer on every 64-bit machine. */
#define ARGUMENT(last)                     \
    ({                                     \
        va_list list;                      \
        va_start(list, last);              \
        void *word = va_arg(list, void *); \
        va_end(list);                      \
        word;                              \
    })

EXPORTED int fcntl(int fd, int command, ...)
{
    return fcntl_any(NEXT(fcntl), fd, command, ARGUMENT(command));
}

EXPORTED int fcntl64(int fd, int command, ...)
{
    return fcntl_any(NEXT(fcntl64), fd, command, ARGUMENT(command));
}

/* Requests that the kernel answers for every file, whatever lies behind it. */
static int is_for_every_file(unsigned long request)
{
    return request == FIOCLEX || request == FIONCLEX || request == FIONBIO || request == FIOASYNC;
}

EXPORTED int ioctl(int fd, unsigned long request, ...)
{
    void *argument = ARGUMENT(request);
    uint64_t file = 0;
    if (door_get()) {
        if (_IOC_TYPE(request) == IOMMUFD_TYPE)
            file = file_of_surely(fd);
        else if (!is_for_every_file(request))
            file = file_of(fd);
    }
    if (file == 0)
        return NEXT(ioctl)(fd, request, argument);
    struct door_request call = { .call = DOOR_CALL_IOCTL, .file = file, .a = (uint32_t)request, .b = (uintptr_t)argument };
    return (int)answered(door_call(fd, &call));
}

static ssize_t transfer(uint32_t call, int fd, uint64_t file, const void *buffer, size_t count, uint64_t position)
{
    struct door_request request = { .call = call, .file = file, .a = (uintptr_t)buffer, .b = count, .c = position };
    return (ssize_t)answered(door_call(fd, &request));
}

#define FILE_OF(fd) (file_is_foreign(fd) || !door_get() ? 0 : file_of_surely(fd))

EXPORTED ssize_t read(int fd, void *buffer, size_t count)
{
    uint64_t file = FILE_OF(fd);
    return LIKELY(file == 0) ? NEXT(read)(fd, buffer, count) : transfer(DOOR_CALL_READ, fd, file, buffer, count, NO_POSITION);
}

EXPORTED ssize_t __read_chk(int fd, void *buffer, size_t count, size_t room)
{
    if (count > room)
        __builtin_trap();
    return read(fd, buffer, count);
}

EXPORTED ssize_t write(int fd, const void *buffer, size_t count)
{
    uint64_t file = FILE_OF(fd);
    return LIKELY(file == 0) ? NEXT(write)(fd, buffer, count) : transfer(DOOR_CALL_WRITE, fd, file, buffer, count, NO_POSITION);
}

EXPORTED ssize_t pread(int fd, void *buffer, size_t count, off_t position)
{
    uint64_t file = FILE_OF(fd);
    return LIKELY(file == 0) ? NEXT(pread)(fd, buffer, count, position) : transfer(DOOR_CALL_READ, fd, file, buffer, count, (uint64_t)position);
}

EXPORTED ssize_t pread64(int fd, void *buffer, size_t count, off_t position)
{
    uint64_t file = FILE_OF(fd);
    return LIKELY(file == 0) ? NEXT(pread64)(fd, buffer, count, position) : transfer(DOOR_CALL_READ, fd, file, buffer, count, (uint64_t)position);
}

EXPORTED ssize_t __pread_chk(int fd, void *buffer, size_t count, off_t position, size_t room)
{
    if (count > room)
        __builtin_trap();
    return pread(fd, buffer, count, position);
}

EXPORTED ssize_t __pread64_chk(int fd, void *buffer, size_t count, off_t position, size_t room)
{
    if (count > room)
        __builtin_trap();
    return pread64(fd, buffer, count, position);
}

EXPORTED ssize_t pwrite(int fd, const void *buffer, size_t count, off_t position)
{
    uint64_t file = FILE_OF(fd);
    return LIKELY(file == 0) ? NEXT(pwrite)(fd, buffer, count, position) : transfer(DOOR_CALL_WRITE, fd, file, buffer, count, (uint64_t)position);
}

EXPORTED ssize_t pwrite64(int fd, const void *buffer, size_t count, off_t position)
{
    uint64_t file = FILE_OF(fd);
    return LIKELY(file == 0) ? NEXT(pwrite64)(fd, buffer, count, position) : transfer(DOOR_CALL_WRITE, fd, file, buffer, count, (uint64_t)position);
}
