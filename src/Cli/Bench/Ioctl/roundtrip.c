/*
 * The other side of ioctl/shim-roundtrip and service/beside-refused: roundtrip map PAIRS | bare PAIRS | refused 1.
 * map: opens /dev/iommu and maps and unmaps one page, again and again. bare: sends a message to another process and waits
 * for its answer, twice for each pair, which is what a connection between two processes costs by itself.
 * Both print the nanoseconds that a pair took, for each line that comes on the input; an empty input ends them.
 * refused: from one line to the next, asks for a mapping in a struct of no size; then prints the nanoseconds of one refusal.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define IOAS_ALLOC _IO(';', 0x81)
#define IOAS_MAP _IO(';', 0x85)
#define IOAS_UNMAP _IO(';', 0x86)
#define IOVA 0x10000

struct alloc {
    uint32_t size, flags, id;
};

struct map {
    uint32_t size, flags, id, reserved;
    uint64_t address, length, iova;
};

struct unmap {
    uint32_t size, id;
    uint64_t iova, length;
};

static int node, sockets[2];
static uint32_t ioas;
static char *page;

static void fail(const char *step)
{
    perror(step);
    exit(1);
}

static void map_pair(void)
{
    struct map map = { .size = sizeof(map), .flags = 7, .id = ioas, .address = (uintptr_t)page, .length = 4096, .iova = IOVA };
    struct unmap unmap = { .size = sizeof(unmap), .id = ioas, .iova = IOVA, .length = 4096 };
    if (ioctl(node, IOAS_MAP, &map) != 0 || map.iova != IOVA)
        fail("map");
    if (ioctl(node, IOAS_UNMAP, &unmap) != 0 || unmap.length != 4096)
        fail("unmap");
}

static void bare_pair(void)
{
    for (int i = 0; i < 2; i++) {
        char message[64] = { 0 };
        if (send(sockets[0], message, sizeof(message), 0) != sizeof(message) || recv(sockets[0], message, sizeof(message), 0) != sizeof(message))
            fail("round trip");
    }
}

static void start_map(void)
{
    struct alloc alloc = { .size = sizeof(alloc) };
    node = open("/dev/iommu", O_RDWR);
    if (node < 0 || ioctl(node, IOAS_ALLOC, &alloc) != 0)
        fail("/dev/iommu");
    ioas = alloc.id;
    page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

static void start_bare(void)
{
    if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sockets) != 0)
        fail("socketpair");
    if (fork() == 0) {
        char message[64];
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(sockets[0]);
        while (recv(sockets[1], message, sizeof(message), 0) == sizeof(message) && send(sockets[1], message, sizeof(message), 0) == sizeof(message))
            continue;
        _exit(0);
    }
    close(sockets[1]);
}

static void repeat(void (*pair)(void), long pairs)
{
    for (long i = 0; i < pairs; i++)
        pair();
}

static int is_asked(void)
{
    struct pollfd input = { .fd = 0, .events = POLLIN };
    return poll(&input, 1, 0) != 0;
}

/* Until the next line: how many. */
static long be_refused(void)
{
    struct map none = { 0 };
    long refused = 0;
    do {
        if (ioctl(node, IOAS_MAP, &none) == 0 || errno != EINVAL)
            fail("a refusal");
        refused++;
    } while (!is_asked());
    return refused;
}

int main(int count, char **words)
{
    int is_refused = count == 3 && strcmp(words[1], "refused") == 0;
    int is_map = is_refused || (count == 3 && strcmp(words[1], "map") == 0);
    long pairs = count == 3 ? atol(words[2]) : 0;
    char line[16];
    if (pairs <= 0)
        return 2;
    setvbuf(stdin, NULL, _IONBF, 0); /* a line that is in a buffer already, poll does not see */
    if (is_map)
        start_map();
    else
        start_bare();
    while (fgets(line, sizeof(line), stdin)) {
        struct timespec start, end;
        clock_gettime(CLOCK_MONOTONIC, &start);
        if (is_refused)
            pairs = be_refused();
        else if (is_map)
            repeat(map_pair, pairs);
        else
            repeat(bare_pair, pairs);
        clock_gettime(CLOCK_MONOTONIC, &end);
        if (is_refused && !fgets(line, sizeof(line), stdin))
            return 0;
        printf("%.1f\n", ((double)(end.tv_sec - start.tv_sec) * 1e9 + (double)(end.tv_nsec - start.tv_nsec)) / (double)pairs);
        fflush(stdout);
    }
    return 0;
}
