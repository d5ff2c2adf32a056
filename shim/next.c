/* Finds the functions behind the interposed ones: the C library's, or those of another preloaded library. */
#define _GNU_SOURCE
#include <dlfcn.h>

#include "shim.h"

HIDDEN struct next_functions next_functions;

#define RESOLVE(name) __atomic_store_n((void **)&next_functions.name, dlsym(RTLD_NEXT, #name), __ATOMIC_RELEASE)

HIDDEN void next_resolve(void)
{
    RESOLVE(open);
    RESOLVE(open64);
    RESOLVE(openat);
    RESOLVE(openat64);
    RESOLVE(fopen);
    RESOLVE(fopen64);
    RESOLVE(opendir);
    RESOLVE(scandir);
    RESOLVE(scandir64);
    RESOLVE(readlink);
    RESOLVE(readlinkat);
    RESOLVE(realpath);
    RESOLVE(access);
    RESOLVE(faccessat);
    RESOLVE(stat);
    RESOLVE(lstat);
    RESOLVE(fstat);
    RESOLVE(fstatat);
    RESOLVE(statx);
    RESOLVE(getxattr);
    RESOLVE(lgetxattr);
    RESOLVE(listxattr);
    RESOLVE(llistxattr);
    RESOLVE(close);
    RESOLVE(dup);
    RESOLVE(dup2);
    RESOLVE(dup3);
    RESOLVE(fcntl);
    RESOLVE(fcntl64);
    RESOLVE(ioctl);
    RESOLVE(mmap);
    RESOLVE(mmap64);
    RESOLVE(read);
    RESOLVE(write);
    RESOLVE(pread);
    RESOLVE(pread64);
    RESOLVE(pwrite);
    RESOLVE(pwrite64);
    RESOLVE(poll);
    RESOLVE(ppoll);
}

__attribute__((constructor)) static void start(void)
{
    next_resolve();
    (void)door_get();
}
