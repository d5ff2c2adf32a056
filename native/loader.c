/*
 * libfastiova.so: a step into each function, which the first call of the process fills with the code for its processor.
 *
 * Owns: the table of steps, and whether this process has loaded the library. Invariants. L1: a step leads either to the lazy
 * entry, which loads, or to a function, and is one word. L2: after a fork every step of the child leads to the lazy entry again,
 * and what it loads then is a copy of its own: nothing of the parent's runtime, whose threads are not there, is ever
 * called in a child. Threads: any; whoever comes while another loads waits. Teardown: none, a runtime stays; so does this file,
 * which is linked not to be unloaded, because it has to know of forks as long as the runtime is there.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fastiova.h"
#include "functions.h"

#if !defined(__x86_64__) || !defined(__linux__)
#error "libfastiova.so is made for Linux on x86-64"
#endif

#define HIDDEN __attribute__((visibility("hidden")))
#define PATIENCE 1024 /* forks inside of forks, each of which used the library */

/* A step jumps through its word; the lazy entry says which word it is and goes to fi_lazy. */
#define STEP(name)                                                                   \
    extern void fi_lazy_##name(void) HIDDEN;                                         \
    HIDDEN void *fi_word_##name = (void *)fi_lazy_##name;                            \
    __asm__(".text\n.globl " #name "\n.type " #name ", @function\n"                  \
            ".balign 16\n" #name ":\n    endbr64\n    jmp *fi_word_" #name "(%rip)\n" \
            ".size " #name ", .-" #name "\n"                                         \
            ".hidden fi_lazy_" #name "\n.type fi_lazy_" #name ", @function\n"        \
            ".globl fi_lazy_" #name "\nfi_lazy_" #name ":\n    endbr64\n"            \
            "    leaq fi_word_" #name "(%rip), %r11\n    jmp fi_lazy\n"              \
            ".size fi_lazy_" #name ", .-fi_lazy_" #name "\n");

FI_FUNCTIONS(STEP)

/* Keeps the arguments, loads, and goes on as if the word had been right before. Seven words and the return address: aligned. */
__asm__(".text\n.type fi_lazy, @function\nfi_lazy:\n"
        "    pushq %rdi\n    pushq %rsi\n    pushq %rdx\n    pushq %rcx\n    pushq %r8\n    pushq %r9\n    pushq %r11\n"
        "    call fi_load\n"
        "    popq %r11\n    popq %r9\n    popq %r8\n    popq %rcx\n    popq %rdx\n    popq %rsi\n    popq %rdi\n"
        "    jmp *(%r11)\n.size fi_lazy, .-fi_lazy\n");

struct step {
    void **word;
    void *lazy;
    const char *name;
};

#define ROW(name) { &fi_word_##name, (void *)fi_lazy_##name, #name },
static const struct step steps[] = { FI_FUNCTIONS(ROW) };
#define STEPS (sizeof(steps) / sizeof(steps[0]))

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static int loaded;          /* this process has loaded it, or tried */
static int copies;          /* how many runtimes of parents are mapped here: each more is a copy of the file */
static uint32_t forks;      /* between the process that loaded this file and this one */
static char complaint[2 * PATH_MAX]; /* why it could not be loaded */

static int64_t unavailable(void)
{
    return -ELIBACC;
}

static int complain(char *buffer, size_t size)
{
    if (buffer && size)
        snprintf(buffer, size, "%s", complaint);
    return (int)strlen(complaint);
}

static void fail(const char *what, const char *why)
{
    snprintf(complaint, sizeof(complaint), "FastIova cannot start: %s%s%s", what, why ? ": " : "", why ? why : "");
}

/* The folder of this file, with the parts below it. */
static int part_path(char *path, size_t size)
{
    const char *level = getenv("FASTIOVA_CODE");
    const char *width = getenv("FASTIOVA_ISA");
    Dl_info here;
    char *slash;
    if (!level || !*level) {
        __builtin_cpu_init();
        /* Each part has one width of vectors; the part itself refuses another. */
        int narrow = width && strcmp(width, "256") == 0;
        level = __builtin_cpu_supports("x86-64-v4") && !narrow ? "v4" : __builtin_cpu_supports("x86-64-v3") ? "v3" : NULL;
    } else if (strcmp(level, "v3") != 0 && strcmp(level, "v4") != 0) {
        fail("FASTIOVA_CODE is v3 or v4, or unset", NULL);
        return -1;
    }
    if (!level) {
        fail("the processor is older than x86-64-v3 (AVX2)", NULL);
        return -1;
    }
    if (!dladdr(&gate, &here) || !realpath(here.dli_fname, path) || !(slash = strrchr(path, '/'))) {
        fail("its own file is not found", NULL);
        return -1;
    }
    if ((size_t)snprintf(slash, size - (size_t)(slash - path), "/fastiova/x86-64-%s.so", level) >= size - (size_t)(slash - path)) {
        fail("its path is too long", NULL);
        return -1;
    }
    return 0;
}

/* The loader of libc knows a file by its identity and by its name, so a second runtime needs another of both. */
static void *open_copy(const char *path)
{
    char name[PATIENCE * 2 + 64] = "/proc/self";
    struct stat facts;
    void *part = NULL;
    int from = open(path, O_RDONLY | O_CLOEXEC);
    int to = memfd_create("fastiova", MFD_CLOEXEC);
    if (copies > PATIENCE) {
        fail("too many forks lie between this process and the first", NULL);
    } else if (from >= 0 && to >= 0 && fstat(from, &facts) == 0) {
        off_t at = 0;
        while (at < facts.st_size && sendfile(to, from, &at, (size_t)(facts.st_size - at)) > 0)
            continue;
        if (at == facts.st_size) {
            size_t length = strlen(name);
            for (int i = 0; i < copies; i++, length += 2)
                memcpy(name + length, "/.", 3);
            snprintf(name + length, sizeof(name) - length, "/fd/%d", to);
            part = dlopen(name, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
            if (!part)
                fail("a copy for this process cannot be loaded", dlerror());
        } else {
            fail("there is no memory for a copy of it", NULL);
        }
    } else {
        fail(path, strerror(errno));
    }
    if (from >= 0)
        close(from);
    if (to >= 0)
        close(to);
    return part;
}

static int load(void)
{
    char path[PATH_MAX + 32];
    void *part, *found[STEPS];
    int (*begin)(uint32_t);
    if (part_path(path, sizeof(path)) != 0)
        return -1;
    part = copies ? open_copy(path) : dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!part) {
        if (!copies)
            fail("a part of it cannot be loaded", dlerror());
        return -1;
    }
    copies++;
    for (size_t i = 0; i < STEPS; i++) {
        found[i] = dlsym(part, steps[i].name);
        if (!found[i]) {
            fail(path, "made from another version: install anew");
            return -1;
        }
    }
    *(void **)&begin = dlsym(part, "fi_begin");
    if (!begin || begin(forks) != FI_ABI_VERSION) {
        fail(path, "made from another version: install anew");
        return -1;
    }
    for (size_t i = 0; i < STEPS; i++)
        __atomic_store_n(steps[i].word, found[i], __ATOMIC_RELEASE);
    return 0;
}

HIDDEN __attribute__((used)) void fi_load(void)
{
    int before = errno;
    pthread_mutex_lock(&gate);
    if (!loaded) {
        if (load() != 0)
            for (size_t i = 0; i < STEPS; i++)
                __atomic_store_n(steps[i].word, strcmp(steps[i].name, "fi_error_text") == 0 ? (void *)complain : (void *)unavailable, __ATOMIC_RELEASE);
        loaded = 1;
    }
    pthread_mutex_unlock(&gate);
    errno = before;
}

/* In the child, which has one thread: nobody else looks at the steps. */
static void forked(void)
{
    pthread_mutex_t fresh = PTHREAD_MUTEX_INITIALIZER;
    gate = fresh;
    loaded = 0;
    forks++;
    for (size_t i = 0; i < STEPS; i++)
        *steps[i].word = steps[i].lazy;
}

/* Nobody forks in the middle of a load: the child would inherit a half of it. */
static void before_fork(void)
{
    pthread_mutex_lock(&gate);
}

static void after_fork(void)
{
    pthread_mutex_unlock(&gate);
}

__attribute__((constructor)) static void begin(void)
{
    pthread_atfork(before_fork, after_fork, forked);
}
