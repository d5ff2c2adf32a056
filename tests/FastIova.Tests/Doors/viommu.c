/*
 * A program that maps memory of a virtual IOMMU, in the ways in which such a mapping can come and go:
 *   viommu mapping          what may be mapped, and who keeps whom
 *   viommu hold             maps, makes queues of every kind, writes a byte, and waits to be killed
 *   viommu busy SEED        makes, uses, maps and destroys all of that at random, forks, and never ends by itself
 *   viommu heir             a child that closes every file keeps the mapping of its parent, writes a byte, and waits
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096u
#define FIRST 0x1000000u /* where mock domains begin */
#define NUMBER 0xabcd1234u

static int fd;

#define DEMAND(condition)                                                        \
    do {                                                                         \
        if (!(condition)) {                                                      \
            fprintf(stderr, "line %d: %s (errno %d)\n", __LINE__, #condition, errno); \
            exit(1);                                                             \
        }                                                                        \
    } while (0)

static int command(unsigned number, uint32_t *words, uint32_t bytes)
{
    words[0] = bytes;
    return ioctl(fd, _IO(';', number), words);
}

static void put64(uint32_t *words, int at, uint64_t value)
{
    memcpy(words + at, &value, sizeof(value));
}

static int destroy(uint32_t id)
{
    uint32_t words[2] = { 0, id };
    return command(0x80, words, 8);
}

static int is_busy(uint32_t id)
{
    return destroy(id) < 0 && errno == EBUSY;
}

struct guest {
    uint32_t ioas, device, parent, viommu;
    uint64_t offset, length;
};

static struct guest make(void)
{
    struct guest guest = { 0 };
    uint32_t words[20] = { 0 };
    struct {
        uint32_t in, out;
        uint64_t offset, length;
    } data = { .in = NUMBER };
    fd = open("/dev/iommu", O_RDWR);
    DEMAND(fd >= 0);
    DEMAND(command(0x81, words, 12) == 0);
    guest.ioas = words[2];
    memset(words, 0, sizeof(words));
    words[1] = 2; /* a mock device */
    words[2] = guest.ioas;
    DEMAND(command(0xa0, words, 72) == 0);
    guest.device = words[6];
    memset(words, 0, sizeof(words));
    words[1] = 1; /* a parent for guests */
    words[2] = guest.device;
    words[3] = guest.ioas;
    DEMAND(command(0x89, words, 48) == 0);
    guest.parent = words[4];
    memset(words, 0, sizeof(words));
    words[2] = 0xdeadbeef;
    words[3] = guest.device;
    words[4] = guest.parent;
    words[6] = sizeof(data);
    put64(words, 8, (uintptr_t)&data);
    DEMAND(command(0x90, words, 40) == 0);
    guest.viommu = words[5];
    DEMAND(data.out == NUMBER);
    guest.offset = data.offset;
    guest.length = data.length;
    return guest;
}

static volatile uint32_t *map(const struct guest *guest)
{
    void *mapping = mmap(NULL, guest->length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)guest->offset);
    DEMAND(mapping != MAP_FAILED);
    return mapping;
}

static int fails(size_t length, off_t offset, int protection, int flags, int error)
{
    errno = 0;
    return mmap(NULL, length, protection, flags, fd, offset) == MAP_FAILED && errno == error;
}

static void mapping(void)
{
    struct guest guest = make();
    off_t offset = (off_t)guest.offset;
    DEMAND(guest.length == 2 * PAGE);
    DEMAND(fails(guest.length, offset + PAGE, PROT_READ, MAP_SHARED, ENXIO));
    DEMAND(fails(guest.length / 2, offset, PROT_READ, MAP_SHARED, ENXIO));
    DEMAND(fails(guest.length * 2, offset, PROT_READ, MAP_SHARED, ENXIO));
    DEMAND(fails(guest.length, offset, PROT_READ, MAP_PRIVATE, EINVAL));
    DEMAND(fails(guest.length, offset, PROT_READ | PROT_EXEC, MAP_SHARED, EPERM));
    DEMAND(fails(0, offset, PROT_READ, MAP_SHARED, EINVAL));
    volatile uint32_t *first = map(&guest), *second = map(&guest);
    DEMAND(first[0] == NUMBER && second[0] == NUMBER && first[PAGE / 4] == 0);
    first[PAGE / 4] = 7;
    DEMAND(second[PAGE / 4] == 7);

    /* Each mapping keeps its owner, and what is left of it does. */
    DEMAND(is_busy(guest.viommu));
    DEMAND(munmap((void *)first, guest.length) == 0);
    DEMAND(is_busy(guest.viommu));
    DEMAND(munmap((void *)second, PAGE) == 0);
    DEMAND(is_busy(guest.viommu) && second[PAGE / 4] == 7);

    /* So does the copy of a child, however that ends. */
    pid_t child = fork();
    if (child == 0) {
        pause();
        _exit(0);
    }
    DEMAND(munmap((void *)(second + PAGE / 4), PAGE) == 0);
    DEMAND(is_busy(guest.viommu));
    kill(child, SIGKILL);
    DEMAND(waitpid(child, NULL, 0) == child);
    DEMAND(destroy(guest.viommu) == 0);
    DEMAND(fails(guest.length, offset, PROT_READ, MAP_SHARED, ENXIO));
}

static void hold(void)
{
    struct guest guest = make();
    void *memory = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    uint32_t words[20] = { 0 };
    DEMAND(map(&guest)[0] == NUMBER);
    words[1] = 7; /* MAP */
    words[2] = guest.ioas;
    put64(words, 4, (uintptr_t)memory);
    put64(words, 6, PAGE);
    put64(words, 8, FIRST);
    DEMAND(command(0x85, words, 40) == 0);
    memset(words, 0, sizeof(words));
    words[2] = guest.viommu; /* a queue of the hardware */
    words[3] = 0xdeadbeef;
    put64(words, 6, FIRST);
    put64(words, 8, PAGE);
    DEMAND(command(0x94, words, 40) == 0);
    memset(words, 0, sizeof(words));
    words[1] = guest.viommu;
    words[2] = guest.device;
    put64(words, 4, 0x99);
    DEMAND(command(0x91, words, 24) == 0);
    memset(words, 0, sizeof(words));
    words[2] = guest.viommu; /* a queue of events */
    words[3] = 0xbeefbeef;
    words[4] = 4;
    DEMAND(command(0x93, words, 32) == 0);
    DEMAND(write(1, "b", 1) == 1);
    for (;;)
        pause();
}

static void busy(unsigned seed)
{
    enum { LAST = 64 };
    struct guest guest = make();
    void *maps[8] = { NULL };
    setpgid(0, 0);
    for (unsigned round = 0;; round++) {
        uint32_t words[20] = { 0 };
        uint32_t id = 1 + (uint32_t)rand_r(&seed) % LAST; /* of whatever is or is not there */
        int slot = rand_r(&seed) % 8;
        switch (rand_r(&seed) % 10) {
        case 0: {
            uint64_t data[3] = { NUMBER };
            words[2] = 0xdeadbeef;
            words[3] = guest.device;
            words[4] = guest.parent;
            words[6] = sizeof(data);
            put64(words, 8, (uintptr_t)data);
            if (command(0x90, words, 40) == 0)
                guest.viommu = words[5];
            break;
        }
        case 1: /* a device of the guest */
            words[1] = guest.viommu;
            words[2] = guest.device;
            put64(words, 4, id);
            command(0x91, words, 24);
            break;
        case 2: /* an hwpt of the guest, attached */
            words[2] = guest.device;
            words[3] = guest.viommu;
            words[6] = 0xdead;
            words[7] = 4;
            put64(words, 8, (uintptr_t)&seed);
            if (command(0x89, words, 48) == 0) {
                uint32_t replace[20] = { 0, 10, 2 };
                replace[4] = words[4];
                command(0xa0, replace, 72);
            }
            break;
        case 3: /* a queue of events */
            words[2] = guest.viommu;
            words[3] = 0xbeefbeef;
            words[4] = 2;
            if (command(0x93, words, 32) == 0 && rand_r(&seed) % 2)
                close((int)words[6]);
            break;
        case 4: /* an event */
            words[1] = 17;
            words[4] = guest.device;
            command(0xa0, words, 72);
            break;
        case 5: /* MAP, and a queue of the hardware there */
            words[1] = 7;
            words[2] = guest.ioas;
            put64(words, 4, (uintptr_t)maps & ~(uint64_t)(PAGE - 1));
            put64(words, 6, PAGE);
            put64(words, 8, FIRST);
            command(0x85, words, 40);
            memset(words, 0, sizeof(words));
            words[2] = guest.viommu;
            words[3] = 0xdeadbeef;
            words[4] = (uint32_t)slot % 2;
            put64(words, 6, FIRST);
            put64(words, 8, PAGE);
            command(0x94, words, 40);
            break;
        case 6:
            if (maps[slot] == NULL) {
                void *mapping = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)(PAGE + 2 * PAGE * (id % 4)));
                maps[slot] = mapping == MAP_FAILED ? NULL : mapping;
                if (maps[slot])
                    DEMAND(*(volatile uint32_t *)mapping == NUMBER);
            }
            break;
        case 7:
            if (maps[slot] != NULL)
                munmap(maps[slot], 2 * PAGE);
            maps[slot] = NULL;
            break;
        case 8:
            destroy(id);
            break;
        default:
            if (rand_r(&seed) % 16 == 0 && fork() == 0)
                seed++;
        }
        if (round == 20 && write(1, "b", 1) < 0)
            exit(1);
    }
}

static void heir(void)
{
    struct guest guest = make();
    volatile uint32_t *mapping = map(&guest);
    if (fork() != 0)
        exit(0);
    close(fd);
    DEMAND(mapping[0] == NUMBER);
    DEMAND(write(1, "b", 1) == 1);
    char word;
    DEMAND(read(0, &word, 1) == 0);
    DEMAND(munmap((void *)mapping, guest.length) == 0);
}

int main(int count, char **words)
{
    const char *word = count > 1 ? words[1] : "";
    if (strcmp(word, "mapping") == 0)
        mapping();
    else if (strcmp(word, "hold") == 0)
        hold();
    else if (strcmp(word, "busy") == 0 && count > 2)
        busy((unsigned)atol(words[2]));
    else if (strcmp(word, "heir") == 0)
        heir();
    else
        return 2;
    return 0;
}
