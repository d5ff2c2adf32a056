/*
 * A program that uses an I/O address space in every way at once until somebody kills it: guest SEED. It maps and copies
 * shared and private memory, attaches mock devices, pins by accesses, lets devices fault, forks, and never cleans up.
 * It writes one byte when it has begun.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define BYTES (1u << 20)
#define PAGE 4096u
#define FIRST 0x1000000u /* where mock domains begin */

enum { MOCK_DOMAIN = 2, CREATE_ACCESS = 5, ACCESS_PAGES = 7, ACCESS_RW = 8, TRIGGER_IOPF = 15 };

static unsigned seed;

static unsigned pick(unsigned below)
{
    return (unsigned)rand_r(&seed) % below;
}

/* A command of the kind that most ioctls take: a size, then 32-bit words. */
static int command(int fd, unsigned number, uint32_t *words, uint32_t bytes)
{
    words[0] = bytes;
    return ioctl(fd, _IO(';', number), words);
}

static int test(int fd, uint32_t op, uint32_t id, uint32_t *words)
{
    words[1] = op;
    words[2] = id;
    return command(fd, 0xa0, words, 72);
}

static void put64(uint32_t *words, int at, uint64_t value)
{
    memcpy(words + at, &value, sizeof(value));
}

static void use(int fd, char *shared, char *own)
{
    uint32_t ioas[2], device = 0, nested = 0, parent = 0, queue = 0;
    int access = -1;
    for (int i = 0; i < 2; i++) {
        uint32_t words[20] = { 0 };
        command(fd, 0x81, words, 12);
        ioas[i] = words[2];
    }
    for (unsigned round = 0;; round++) {
        uint32_t words[20] = { 0 };
        char *memory = (pick(2) ? shared : own) + pick(BYTES / PAGE / 2) * PAGE;
        uint64_t length = (1 + pick(BYTES / PAGE / 2)) * PAGE, iova = FIRST + pick(1024) * PAGE;
        switch (pick(14)) {
        case 0:
        case 1:
        case 2: /* MAP */
            words[1] = pick(2) ? 7 : 6;
            words[2] = ioas[pick(2)];
            put64(words, 4, (uintptr_t)memory);
            put64(words, 6, length);
            put64(words, 8, iova);
            command(fd, 0x85, words, 40);
            break;
        case 3: /* UNMAP, now and then of everything */
            words[1] = ioas[pick(2)];
            put64(words, 2, pick(4) ? iova : 0);
            put64(words, 4, pick(4) ? length : UINT64_MAX);
            command(fd, 0x86, words, 24);
            break;
        case 4: /* COPY */
            words[1] = 6;
            words[2] = ioas[pick(2)];
            words[3] = ioas[pick(2)];
            put64(words, 4, PAGE);
            put64(words, 8, FIRST + pick(1024) * PAGE);
            command(fd, 0x83, words, 40);
            break;
        case 5: /* a mock device */
            if (test(fd, MOCK_DOMAIN, ioas[pick(2)], words) == 0)
                device = words[6];
            break;
        case 6: /* an access, which pins */
            words[5] = pick(2);
            if (access < 0 && test(fd, CREATE_ACCESS, ioas[pick(2)], words) == 0)
                access = (int)words[4];
            break;
        case 7:
            if (access >= 0) {
                put64(words, 6, pick(2) ? PAGE : FIRST);
                put64(words, 8, PAGE);
                put64(words, 10, (uintptr_t)memory);
                test(fd, ACCESS_PAGES, (uint32_t)access, words);
            }
            break;
        case 8:
            if (access >= 0) {
                put64(words, 4, pick(2) ? PAGE : FIRST);
                put64(words, 6, 100);
                put64(words, 8, (uintptr_t)memory);
                words[10] = pick(2);
                test(fd, ACCESS_RW, (uint32_t)access, words);
            }
            break;
        case 9: /* a fault queue */
            if (queue == 0 && command(fd, 0x8e, words, 16) == 0)
                queue = words[2];
            break;
        case 10: /* a nested translation that faults */
            words[1] = 1;
            words[2] = device;
            words[3] = ioas[0];
            if (parent == 0 && command(fd, 0x89, words, 48) == 0)
                parent = words[4];
            memset(words, 0, sizeof(words));
            words[1] = 4;
            words[2] = device;
            words[3] = parent;
            words[6] = 0xdead;
            words[7] = 4;
            put64(words, 8, (uintptr_t)own);
            words[10] = queue;
            if (nested == 0 && command(fd, 0x89, words, 48) == 0)
                nested = words[4];
            break;
        case 11:
            words[4] = device;
            words[6] = pick(100);
            put64(words, 8, iova);
            test(fd, TRIGGER_IOPF, 0, words);
            break;
        case 12:
            if (access >= 0 && pick(4) == 0) {
                close(access);
                access = -1;
            }
            break;
        default:
            if (pick(16) == 0 && fork() == 0)
                seed++;
        }
        if (round == 20 && write(1, "b", 1) < 0)
            exit(1);
    }
}

int main(int count, char **words)
{
    seed = count > 1 ? (unsigned)atol(words[1]) : 1;
    setpgid(0, 0);
    int fd = open("/dev/iommu", O_RDWR);
    char *shared = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    char *own = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (fd < 0 || shared == MAP_FAILED || own == MAP_FAILED)
        return 1;
    use(fd, shared, own);
}
