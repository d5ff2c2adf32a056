/* What the cases of the C interface share: each runs in a process of its own, so that one that dies fails alone. */
#ifndef CHECK_H
#define CHECK_H

#define _GNU_SOURCE
#include <errno.h>
#include <fastiova.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096ull
#define MiB (1ull << 20)

/* Ends the case unless both are equal; says where, what, and what the library has to say. */
#define SAME(expected, actual)                                                                          \
    do {                                                                                                \
        long long fi_want = (long long)(expected), fi_got = (long long)(actual);                        \
        if (fi_want != fi_got)                                                                          \
            fail_at(__FILE__, __LINE__, #actual, fi_want, fi_got);                                      \
    } while (0)
#define GOOD(call) SAME(0, call)
#define TRUE(condition) SAME(1, (condition) ? 1 : 0)

_Noreturn void fail_at(const char *file, int line, const char *what, long long expected, long long actual);

/* Zeroed memory of whole pages; ends the case when there is none. */
void *pages(uint64_t bytes);

/* An engine with a domain and a port on it, memory mapped at an iova. */
struct machine {
    fi_engine *engine;
    fi_domain *domain;
    fi_port *port;
    uint8_t *memory;
    uint64_t iova, bytes;
};

void open_machine(struct machine *machine, uint32_t kind);
void close_machine(struct machine *machine); /* also checks that no handle is left */

struct test {
    const char *name;
    void (*run)(void);
};

extern const struct test data_path[], control[], forks[];

#endif
