/* Looking at files by their paths: those that stand in the engine's view are found there, and nodes look like nodes. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "shim.h"

#define VIEWED(path) path_in_view(path, (char[512]){ 0 }, 512)

EXPORTED DIR *opendir(const char *path)
{
    return NEXT(opendir)(VIEWED(path));
}

EXPORTED int scandir(const char *path, struct dirent ***list, int (*wanted)(const struct dirent *), int (*order)(const struct dirent **, const struct dirent **))
{
    return NEXT(scandir)(VIEWED(path), list, wanted, order);
}

EXPORTED int scandir64(const char *path, struct dirent64 ***list, int (*wanted)(const struct dirent64 *), int (*order)(const struct dirent64 **, const struct dirent64 **))
{
    return NEXT(scandir64)(VIEWED(path), list, wanted, order);
}

EXPORTED ssize_t readlink(const char *path, char *buffer, size_t bytes)
{
    return NEXT(readlink)(VIEWED(path), buffer, bytes);
}

EXPORTED ssize_t __readlink_chk(const char *path, char *buffer, size_t bytes, size_t room)
{
    if (bytes > room)
        __builtin_trap();
    return readlink(path, buffer, bytes);
}

EXPORTED ssize_t readlinkat(int folder, const char *path, char *buffer, size_t bytes)
{
    return NEXT(readlinkat)(folder, VIEWED(path), buffer, bytes);
}

EXPORTED ssize_t __readlinkat_chk(int folder, const char *path, char *buffer, size_t bytes, size_t room)
{
    if (bytes > room)
        __builtin_trap();
    return readlinkat(folder, path, buffer, bytes);
}

/* What is found in the view has its name there; the program knows it without. */
EXPORTED char *realpath(const char *path, char *resolved)
{
    const char *there = VIEWED(path);
    char *found = NEXT(realpath)(there, resolved);
    const struct door *door = door_get();
    if (found && there != path) {
        size_t root = strlen(door->view);
        if (strncmp(found, door->view, root) == 0)
            memmove(found, found + root, strlen(found + root) + 1);
    }
    return found;
}

EXPORTED char *__realpath_chk(const char *path, char *resolved, size_t room)
{
    if (room < PATH_MAX)
        __builtin_trap();
    return realpath(path, resolved);
}

EXPORTED char *canonicalize_file_name(const char *path)
{
    return realpath(path, NULL);
}

EXPORTED int access(const char *path, int mode)
{
    return NEXT(access)(VIEWED(path), mode);
}

EXPORTED int faccessat(int folder, const char *path, int mode, int flags)
{
    return NEXT(faccessat)(folder, VIEWED(path), mode, flags);
}

/* Nobody has marked files of the view; but who lists them asks. */
EXPORTED ssize_t getxattr(const char *path, const char *name, void *value, size_t bytes)
{
    return NEXT(getxattr)(VIEWED(path), name, value, bytes);
}

EXPORTED ssize_t lgetxattr(const char *path, const char *name, void *value, size_t bytes)
{
    return NEXT(lgetxattr)(VIEWED(path), name, value, bytes);
}

EXPORTED ssize_t listxattr(const char *path, char *list, size_t bytes)
{
    return NEXT(listxattr)(VIEWED(path), list, bytes);
}

EXPORTED ssize_t llistxattr(const char *path, char *list, size_t bytes)
{
    return NEXT(llistxattr)(VIEWED(path), list, bytes);
}

static void make_node(struct stat *status, uint64_t number)
{
    status->st_mode = S_IFCHR | 0666;
    status->st_rdev = number;
    status->st_size = 0;
    status->st_blocks = 0;
}

static int told(int result, const char *path, const char *there, struct stat *status)
{
    if (result == 0 && there != path && path_is_node(path) && S_ISREG(status->st_mode))
        make_node(status, (uint64_t)status->st_size);
    return result;
}

EXPORTED int stat(const char *path, struct stat *status)
{
    const char *there = VIEWED(path);
    return told(NEXT(stat)(there, status), path, there, status);
}

EXPORTED int lstat(const char *path, struct stat *status)
{
    const char *there = VIEWED(path);
    return told(NEXT(lstat)(there, status), path, there, status);
}

/* The number of the node that an open file of the engine was opened by; zero for every other file. */
static uint64_t node_of(int fd)
{
    uint64_t file = file_is_foreign(fd) || !door_get() ? 0 : file_of_surely(fd);
    if (LIKELY(file == 0))
        return 0;
    struct door_request request = { .call = DOOR_CALL_NODE, .file = file };
    int64_t number = door_call(fd, &request);
    return number > 0 ? (uint64_t)number : 0;
}

EXPORTED int fstat(int fd, struct stat *status)
{
    int result = NEXT(fstat)(fd, status);
    uint64_t number = result == 0 && S_ISSOCK(status->st_mode) ? node_of(fd) : 0;
    if (UNLIKELY(number != 0))
        make_node(status, number);
    return result;
}

EXPORTED int fstatat(int folder, const char *path, struct stat *status, int flags)
{
    if ((flags & AT_EMPTY_PATH) && path[0] == 0)
        return fstat(folder, status);
    const char *there = VIEWED(path);
    return told(NEXT(fstatat)(folder, there, status, flags), path, there, status);
}

/* On 64-bit machines the two structs are one. */
EXPORTED int stat64(const char *path, struct stat64 *status)
{
    return stat(path, (struct stat *)status);
}

EXPORTED int lstat64(const char *path, struct stat64 *status)
{
    return lstat(path, (struct stat *)status);
}

EXPORTED int fstat64(int fd, struct stat64 *status)
{
    return fstat(fd, (struct stat *)status);
}

EXPORTED int fstatat64(int folder, const char *path, struct stat64 *status, int flags)
{
    return fstatat(folder, path, (struct stat *)status, flags);
}

static void make_node_x(struct statx *status, uint64_t number)
{
    status->stx_mode = S_IFCHR | 0666;
    status->stx_rdev_major = major(number);
    status->stx_rdev_minor = minor(number);
    status->stx_size = 0;
    status->stx_blocks = 0;
}

EXPORTED int statx(int folder, const char *path, int flags, unsigned wanted, struct statx *status)
{
    const char *there = VIEWED(path);
    int result = NEXT(statx)(folder, there, flags, wanted, status);
    if (result != 0)
        return result;
    if (there != path && path_is_node(path) && S_ISREG(status->stx_mode))
        make_node_x(status, status->stx_size);
    else if ((flags & AT_EMPTY_PATH) && path[0] == 0 && S_ISSOCK(status->stx_mode)) {
        uint64_t number = node_of(folder);
        if (number != 0)
            make_node_x(status, number);
    }
    return result;
}
