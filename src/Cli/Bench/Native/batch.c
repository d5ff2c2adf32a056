/*
 * The other side of the figure native/batch256/hot: batch LIBRARY ROUNDS.
 * Reads the number of addresses and the addresses (8 bytes each) from the input, maps a page behind each, checks the answer to every
 * address, and prints, for each line that comes, the nanoseconds that a look-up in a batch of 256 took. An empty input ends it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#include "fastiova.h"

#define PAGE 4096ull
#define BATCH 256
#define PAGES_MOST 4096

static __typeof__(&fi_engine_open) engine_open;
static __typeof__(&fi_domain_open) domain_open;
static __typeof__(&fi_domain_map) domain_map;
static __typeof__(&fi_port_open) port_open;
static __typeof__(&fi_port_attach) port_attach;
static __typeof__(&fi_port_translate_batch) translate_batch;

static fi_port *port;
static uint64_t *iovas, count;
static void *hosts[BATCH];

static _Noreturn void fail(const char *step)
{
    fprintf(stderr, "batch: %s\n", step);
    exit(1);
}

static void *find(void *library, const char *name)
{
    void *found = dlsym(library, name);
    if (!found)
        fail(dlerror());
    return found;
}

static void open_library(const char *path)
{
    void *library = dlopen(path, RTLD_NOW);
    if (!library)
        fail(dlerror());
    engine_open = find(library, "fi_engine_open");
    domain_open = find(library, "fi_domain_open");
    domain_map = find(library, "fi_domain_map");
    port_open = find(library, "fi_port_open");
    port_attach = find(library, "fi_port_attach");
    translate_batch = find(library, "fi_port_translate_batch");
}

static void *huge(uint64_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        fail("no memory");
    madvise(memory, bytes, MADV_HUGEPAGE);
    return memory;
}

static uint64_t run(void)
{
    uint64_t sum = 0;
    for (uint64_t at = 0; at < count; at += BATCH) {
        if (translate_batch(port, iovas + at, hosts, BATCH, FI_READ, NULL) != 0)
            fail("a mapped address was not translated");
        sum ^= (uint64_t)(uintptr_t)hosts[BATCH - 1];
    }
    return sum;
}

/* Maps what the addresses need, and looks at every answer. Returns the sum that every run has to have. */
static uint64_t prepare(void)
{
    static uint64_t pages[PAGES_MOST];
    struct fi_domain_options domain_options = { .size = sizeof(domain_options), .aperture_last = (64ull << 30) - 1, .largest_page_lg2 = 12 };
    fi_engine *engine;
    fi_domain *domain;
    uint64_t used = 0, sum = 0;
    uint8_t *memory = huge(PAGES_MOST * PAGE);
    if (engine_open(NULL, &engine) != 0 || domain_open(engine, &domain_options, &domain) != 0 || port_open(engine, NULL, &port) != 0
        || port_attach(port, domain, FI_NO_PASID) != 0)
        fail("the library refuses to begin");
    for (uint64_t i = 0; i < count; i++) {
        uint64_t page = iovas[i] & ~(PAGE - 1), at = 0;
        while (at < used && pages[at] != page)
            at++;
        if (at == PAGES_MOST)
            fail("too many pages");
        if (at == used) {
            pages[used++] = page;
            if (domain_map(domain, page, memory + at * PAGE, PAGE, FI_READ | FI_WRITE) != 0)
                fail("a page was not mapped");
        }
    }
    for (uint64_t at = 0; at < count; at += BATCH) {
        if (translate_batch(port, iovas + at, hosts, BATCH, FI_READ, NULL) != 0)
            fail("a mapped address was not translated");
        for (uint64_t i = 0; i < BATCH; i++) {
            uint64_t page = 0;
            while (pages[page] != (iovas[at + i] & ~(PAGE - 1)))
                page++;
            if (hosts[i] != memory + page * PAGE + (iovas[at + i] & (PAGE - 1)))
                fail("an address was translated wrongly: no time is reported for wrong answers");
        }
        sum ^= (uint64_t)(uintptr_t)hosts[BATCH - 1];
    }
    return sum;
}

int main(int words, char **word)
{
    char line[16];
    long rounds = words == 3 ? atol(word[2]) : 0;
    if (rounds <= 0)
        return 2;
    open_library(word[1]);
    if (fread(&count, sizeof(count), 1, stdin) != 1 || count == 0 || count % BATCH != 0)
        fail("no addresses");
    iovas = huge(count * sizeof(*iovas));
    if (fread(iovas, sizeof(*iovas), count, stdin) != count)
        fail("not as many addresses as announced");
    uint64_t expected = prepare();
    while (fgets(line, sizeof(line), stdin)) {
        struct timespec start, end;
        clock_gettime(CLOCK_MONOTONIC, &start);
        for (long i = 0; i < rounds; i++)
            if (run() != expected)
                fail("the answers changed");
        clock_gettime(CLOCK_MONOTONIC, &end);
        printf("%.6f\n", ((double)(end.tv_sec - start.tv_sec) * 1e9 + (double)(end.tv_nsec - start.tv_nsec)) / ((double)count * (double)rounds));
        fflush(stdout);
    }
    return 0;
}
