/*
 * Keeps the engine alive when the file behind a window is cut shorter under it. Clients share files that they can truncate at any
 * moment, and whoever then touches the window gets SIGBUS. The kernel's own pins would go on to reach the old pages, so something
 * has to stand there: zeros, which nobody else sees. What is not in a window goes to whoever handled the signal before.
 *
 * A signal may come in the middle of managed code, where no managed handler could run: hence C, and nothing but mmap.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

/* As struct Entry of src/Memory/WindowGuard.cs. The engine writes end before start, and takes start away before it unmaps. */
struct window {
    uint64_t start; /* zero for a free entry */
    uint64_t end;
    uint64_t torn;
};

static struct window *windows;
static uint32_t count;
static struct sigaction before;

static int mend(uint64_t address)
{
    for (uint32_t i = 0; i < count; i++) {
        uint64_t start = __atomic_load_n(&windows[i].start, __ATOMIC_ACQUIRE), end = windows[i].end;
        if (start == 0 || address < start || address >= end)
            continue;
        /* The whole window: a page at a time would let a client use up the mappings that a process may have. */
        __atomic_store_n(&windows[i].torn, 1, __ATOMIC_RELEASE);
        return mmap((void *)start, end - start, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) != MAP_FAILED;
    }
    return 0;
}

static void on_bus_error(int number, siginfo_t *info, void *context)
{
    int kept = errno;
    int mended = info->si_code > 0 && mend((uint64_t)(uintptr_t)info->si_addr);
    errno = kept;
    if (mended)
        return;
    if (before.sa_flags & SA_SIGINFO)
        before.sa_sigaction(number, info, context);
    else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN)
        before.sa_handler(number);
    else
        sigaction(SIGBUS, &before, NULL); /* the access is repeated, and ends the process as it would have */
}

/* Called once, before there are windows. Answers zero, or an errno. */
__attribute__((visibility("default"))) int fastiova_guard(void *table, uint32_t entries)
{
    windows = table;
    count = entries;
    struct sigaction mine = { .sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART };
    sigemptyset(&mine.sa_mask);
    return sigaction(SIGBUS, &mine, &before) == 0 ? 0 : errno;
}
