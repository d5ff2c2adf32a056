/* The parts of the shim, and what they offer each other. */
#ifndef FASTIOVA_SHIM_H
#define FASTIOVA_SHIM_H

#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "protocol.h"

#define HIDDEN __attribute__((visibility("hidden")))
#define EXPORTED __attribute__((visibility("default")))
#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

struct stat;
struct statx;

/* door.c: what the environment says, and connections to the engine. */
struct door {
    int present; /* 0 not looked for, 1 there, -1 none */
    uint32_t flags;
    uint64_t key[2];
    char address[108]; /* sun_path: the first byte is zero for an abstract name */
    uint32_t address_bytes;
    char view[200];
};

HIDDEN const struct door *door_get(void);
HIDDEN int door_greet(const struct door_greeting *greeting, int lend_fd, struct door_answer *answer, int *fd, int cloexec);
HIDDEN int door_is_dead(void);

/* calls.c: calls to the engine; a negative result is a negative errno. */
struct door_request {
    uint32_t call;
    uint64_t file;
    uint64_t a, b, c, d;
};

HIDDEN int64_t door_call(int fd, const struct door_request *request);
HIDDEN int64_t door_call_map(int fd, const struct door_request *request, uint64_t *base);
HIDDEN void door_settle(uint64_t file); /* returns when the engine knows that a descriptor of the file is closed */

/* files.c: which descriptors are files of the engine. */
HIDDEN uint64_t file_of(int fd);         /* zero when it is not one */
HIDDEN uint64_t file_of_surely(int fd);  /* does not believe what is remembered */
HIDDEN int file_is_foreign(int fd);      /* remembered as no file of the engine: one load */
HIDDEN int file_seems_mine(int fd);      /* remembered as one */
HIDDEN void file_forget(int fd);
HIDDEN void file_remember(int fd, int mine);

/* paths.c: what a path means. */
HIDDEN int path_may_be_mine(const char *path);
HIDDEN int path_is_status(const char *path); /* of a process: the kernel has it, whatever the engine says */
HIDDEN int path_is_node(const char *path); /* below /dev: in the view, a file whose length is the number of the node */
HIDDEN const char *path_in_view(const char *path, char *buffer, size_t bytes);

/* next.c: the functions behind the interposed ones. */
struct next_functions {
    int (*open)(const char *, int, ...);
    int (*open64)(const char *, int, ...);
    int (*openat)(int, const char *, int, ...);
    int (*openat64)(int, const char *, int, ...);
    FILE *(*fopen)(const char *, const char *);
    FILE *(*fopen64)(const char *, const char *);
    void *(*opendir)(const char *);
    int (*scandir)(const char *, void *, void *, void *);
    int (*scandir64)(const char *, void *, void *, void *);
    ssize_t (*readlink)(const char *, char *, size_t);
    ssize_t (*readlinkat)(int, const char *, char *, size_t);
    char *(*realpath)(const char *, char *);
    int (*access)(const char *, int);
    int (*faccessat)(int, const char *, int, int);
    int (*stat)(const char *, struct stat *);
    int (*lstat)(const char *, struct stat *);
    int (*fstat)(int, struct stat *);
    int (*fstatat)(int, const char *, struct stat *, int);
    int (*statx)(int, const char *, int, unsigned, struct statx *);
    ssize_t (*getxattr)(const char *, const char *, void *, size_t);
    ssize_t (*lgetxattr)(const char *, const char *, void *, size_t);
    ssize_t (*listxattr)(const char *, char *, size_t);
    ssize_t (*llistxattr)(const char *, char *, size_t);
    int (*close)(int);
    int (*dup)(int);
    int (*dup2)(int, int);
    int (*dup3)(int, int, int);
    int (*fcntl)(int, int, ...);
    int (*fcntl64)(int, int, ...);
    int (*ioctl)(int, unsigned long, ...);
    void *(*mmap)(void *, size_t, int, int, int, off_t);
    void *(*mmap64)(void *, size_t, int, int, int, off_t);
    ssize_t (*read)(int, void *, size_t);
    ssize_t (*write)(int, const void *, size_t);
    ssize_t (*pread)(int, void *, size_t, off_t);
    ssize_t (*pread64)(int, void *, size_t, off_t);
    ssize_t (*pwrite)(int, const void *, size_t, off_t);
    ssize_t (*pwrite64)(int, const void *, size_t, off_t);
    int (*poll)(void *, unsigned long, int);
    int (*ppoll)(void *, unsigned long, const void *, const void *);
};

HIDDEN extern struct next_functions next_functions;
HIDDEN void next_resolve(void);

/* The function behind an interposed one; found by the constructor, or by whoever calls before it has run. */
#define NEXT(name) (LIKELY(next_functions.name != 0) ? next_functions.name : (next_resolve(), next_functions.name))

#endif
