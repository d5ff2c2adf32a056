/*
 * A small NVMe driver on VFIO: admin queue, one pair of I/O queues, MSI-X by eventfd, polled or mapped registers.
 *
 *   nvme once WAY MEMORY          one round
 *   nvme endless                  rounds of every kind, until it is killed; it says "b" when it begins
 *   nvme refused WHAT WAY MEMORY  lets the device access what it must not, and looks whether it was stopped
 *
 * WAY is cdev or group, MEMORY private or shared, WHAT outside, readonly, unmapped or detached.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <linux/vfio.h>

#define CHECK(x) do { if (!(x)) { perror(#x); fprintf(stderr, "line %d\n", __LINE__); exit(1); } } while (0)

/* What the headers of older releases lack. */
#define BIND_IOMMUFD _IO(VFIO_TYPE, VFIO_BASE + 18)
#define ATTACH_PT _IO(VFIO_TYPE, VFIO_BASE + 19)
#define DETACH_PT _IO(VFIO_TYPE, VFIO_BASE + 20)
#define IOAS_ALLOC _IO(';', 0x81)
#define IOAS_MAP _IO(';', 0x85)
#define IOAS_UNMAP _IO(';', 0x86)
struct bind { uint32_t argsz, flags; int32_t iommufd; uint32_t devid; };
struct attach { uint32_t argsz, flags, pt; };
struct detach { uint32_t argsz, flags; };
struct ioas_alloc { uint32_t size, flags, id; };
struct ioas_map { uint32_t size, flags, ioas, reserved; uint64_t va, length, iova; };
struct ioas_unmap { uint32_t size, ioas; uint64_t iova, length; };

enum { CAP = 0x00, CC = 0x14, CSTS = 0x1c, AQA = 0x24, ASQ = 0x28, ACQ = 0x30, DOORBELLS = 0x1000 };
enum { PAGE = 4096, ENTRIES = 16, QUEUES = 2, BLOCK = 512 };
enum { SUBMISSIONS = 0, COMPLETIONS = 2, HERE = 4, THERE = 5, LENT = 6, PAGES = 7 }; /* pages of the memory */
enum { DATA_TRANSFER_ERROR = 0x04, IOVA = 0x400000, NOWHERE = 0x7000000 };

struct command { uint8_t opcode, flags; uint16_t id; uint32_t nsid; uint64_t unused, metadata, prp1, prp2; uint32_t words[6]; };
struct completion { uint32_t result, unused; uint16_t head, queue, id, status; };

struct driver {
    int device, group, container, iommufd; /* -1: not on this way */
    uint32_t ioas;
    uint8_t *memory;
    volatile uint8_t *bar; /* null: by calls */
    uint64_t bar_at;
    int events[QUEUES];
    unsigned tail[QUEUES], head[QUEUES], phase[QUEUES];
    uint16_t last;
};

static void map(struct driver *d, unsigned first, unsigned pages, int writable)
{
    uint64_t va = (uintptr_t)d->memory + first * PAGE, iova = IOVA + first * PAGE, length = pages * PAGE;
    if (d->iommufd >= 0) {
        struct ioas_map map = { .size = sizeof(map), .flags = writable ? 7 : 5, .ioas = d->ioas, .va = va, .length = length, .iova = iova };
        CHECK(ioctl(d->iommufd, IOAS_MAP, &map) == 0);
    } else {
        struct vfio_iommu_type1_dma_map map = { .argsz = sizeof(map), .flags = writable ? 3 : 1, .vaddr = va, .iova = iova, .size = length };
        CHECK(ioctl(d->container, VFIO_IOMMU_MAP_DMA, &map) == 0);
    }
}

static void unmap(struct driver *d, unsigned first, unsigned pages)
{
    if (d->iommufd >= 0) {
        struct ioas_unmap unmap = { .size = sizeof(unmap), .ioas = d->ioas, .iova = IOVA + first * PAGE, .length = pages * PAGE };
        CHECK(ioctl(d->iommufd, IOAS_UNMAP, &unmap) == 0 && unmap.length == pages * PAGE);
    } else {
        struct vfio_iommu_type1_dma_unmap unmap = { .argsz = sizeof(unmap), .iova = IOVA + first * PAGE, .size = pages * PAGE };
        CHECK(ioctl(d->container, VFIO_IOMMU_UNMAP_DMA, &unmap) == 0 && unmap.size == pages * PAGE);
    }
}

static void open_by_cdev(struct driver *d)
{
    d->device = open("/dev/vfio/devices/vfio0", O_RDWR);
    d->iommufd = open("/dev/iommu", O_RDWR);
    struct bind bind = { .argsz = sizeof(bind), .iommufd = d->iommufd };
    struct ioas_alloc ioas = { .size = sizeof(ioas) };
    CHECK(d->device >= 0 && d->iommufd >= 0 && ioctl(d->device, BIND_IOMMUFD, &bind) == 0 && ioctl(d->iommufd, IOAS_ALLOC, &ioas) == 0);
    struct attach attach = { .argsz = sizeof(attach), .pt = d->ioas = ioas.id };
    CHECK(ioctl(d->device, ATTACH_PT, &attach) == 0);
}

static void open_by_group(struct driver *d)
{
    struct vfio_group_status status = { .argsz = sizeof(status) };
    d->container = open("/dev/vfio/vfio", O_RDWR);
    d->group = open("/dev/vfio/0", O_RDWR);
    CHECK(d->container >= 0 && d->group >= 0 && ioctl(d->container, VFIO_GET_API_VERSION) == VFIO_API_VERSION);
    CHECK(ioctl(d->group, VFIO_GROUP_GET_STATUS, &status) == 0 && (status.flags & VFIO_GROUP_FLAGS_VIABLE));
    CHECK(ioctl(d->group, VFIO_GROUP_SET_CONTAINER, &d->container) == 0 && ioctl(d->container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU) == 0);
    d->device = ioctl(d->group, VFIO_GROUP_GET_DEVICE_FD, "0000:01:00.0");
    CHECK(d->device >= 0);
}

static uint32_t get(struct driver *d, unsigned at)
{
    uint32_t value;
    if (d->bar)
        return *(volatile uint32_t *)(d->bar + at);
    CHECK(pread(d->device, &value, 4, (off_t)(d->bar_at + at)) == 4);
    return value;
}

static void set(struct driver *d, unsigned at, uint32_t value)
{
    if (d->bar)
        __atomic_store_n((uint32_t *)(d->bar + at), value, __ATOMIC_RELEASE);
    else
        CHECK(pwrite(d->device, &value, 4, (off_t)(d->bar_at + at)) == 4);
}

static void set64(struct driver *d, unsigned at, uint64_t value)
{
    set(d, at, (uint32_t)value), set(d, at + 4, (uint32_t)(value >> 32));
}

static void await(struct driver *d, unsigned bits, unsigned value)
{
    while ((get(d, CSTS) & bits) != value)
        poll(NULL, 0, 1);
}

static void set_irqs(struct driver *d, int count)
{
    char room[sizeof(struct vfio_irq_set) + sizeof(d->events)];
    struct vfio_irq_set *set = (struct vfio_irq_set *)room;
    unsigned data = count ? VFIO_IRQ_SET_DATA_EVENTFD : VFIO_IRQ_SET_DATA_NONE;
    *set = (struct vfio_irq_set){ .argsz = sizeof(room), .flags = data | VFIO_IRQ_SET_ACTION_TRIGGER, .index = VFIO_PCI_MSIX_IRQ_INDEX, .count = (uint32_t)count };
    memcpy(set->data, d->events, sizeof(d->events));
    CHECK(ioctl(d->device, VFIO_DEVICE_SET_IRQS, set) == 0);
}

/* Rings for a command that stands in the queue; the caller waits. */
static void submit(struct driver *d, unsigned queue, struct command command)
{
    struct command *entries = (struct command *)(d->memory + (SUBMISSIONS + queue) * PAGE);
    command.id = ++d->last;
    entries[d->tail[queue]] = command;
    d->tail[queue] = (d->tail[queue] + 1) % ENTRIES;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    set(d, DOORBELLS + queue * 8, d->tail[queue]);
}

/* Answers with the status of the command, zero for success. */
static unsigned run(struct driver *d, unsigned queue, struct command command)
{
    submit(d, queue, command);
    uint64_t count;
    CHECK(read(d->events[queue], &count, 8) == 8);
    volatile struct completion *entry = (struct completion *)(d->memory + (COMPLETIONS + queue) * PAGE) + d->head[queue];
    unsigned status = entry->status;
    CHECK((status & 1) == d->phase[queue] && entry->id == d->last);
    d->head[queue] = (d->head[queue] + 1) % ENTRIES;
    d->phase[queue] ^= d->head[queue] == 0;
    set(d, DOORBELLS + queue * 8 + 4, d->head[queue]);
    return (status >> 1) & 0x7ff;
}

static unsigned identify(struct driver *d, uint64_t to)
{
    return run(d, 0, (struct command){ .opcode = 0x06, .prp1 = to, .words = { 1 } });
}

static void start(struct driver *d, int is_mapped)
{
    struct vfio_region_info config = { .argsz = sizeof(config), .index = VFIO_PCI_CONFIG_REGION_INDEX };
    struct vfio_region_info bar = { .argsz = sizeof(bar), .index = VFIO_PCI_BAR0_REGION_INDEX };
    CHECK(ioctl(d->device, VFIO_DEVICE_GET_REGION_INFO, &config) == 0 && ioctl(d->device, VFIO_DEVICE_GET_REGION_INFO, &bar) == 0);
    d->bar_at = bar.offset;
    uint16_t master = 6;
    CHECK(pwrite(d->device, &master, 2, (off_t)(config.offset + 4)) == 2);
    if (is_mapped) {
        d->bar = mmap(NULL, bar.size, PROT_READ | PROT_WRITE, MAP_SHARED, d->device, (off_t)bar.offset);
        CHECK(d->bar != MAP_FAILED);
    }
    for (int i = 0; i < QUEUES; i++) {
        d->events[i] = eventfd(0, EFD_CLOEXEC), d->phase[i] = 1;
        CHECK(d->events[i] >= 0);
    }
    set_irqs(d, QUEUES);
    set(d, CC, 0);
    await(d, 1, 0);
    set(d, AQA, (ENTRIES - 1) << 16 | (ENTRIES - 1));
    set64(d, ASQ, IOVA + SUBMISSIONS * PAGE), set64(d, ACQ, IOVA + COMPLETIONS * PAGE);
    set(d, CC, 1 | 6 << 16 | 4 << 20);
    await(d, 1, 1);
}

static void use(struct driver *d)
{
    uint64_t here = IOVA + HERE * PAGE, there = IOVA + THERE * PAGE;
    CHECK(identify(d, here) == 0 && d->memory[HERE * PAGE + 1] == 0x1b); /* 1b36, the vendor */
    CHECK(run(d, 0, (struct command){ .opcode = 0x05, .prp1 = IOVA + (COMPLETIONS + 1) * PAGE, .words = { (ENTRIES - 1) << 16 | 1, 1 << 16 | 3 } }) == 0);
    CHECK(run(d, 0, (struct command){ .opcode = 0x01, .prp1 = IOVA + (SUBMISSIONS + 1) * PAGE, .words = { (ENTRIES - 1) << 16 | 1, 1 << 16 | 1 } }) == 0);
    for (unsigned i = 0; i < 2 * ENTRIES; i++) {
        memset(d->memory + HERE * PAGE, (int)(i * 7 + 1), PAGE), memset(d->memory + THERE * PAGE, 0, PAGE);
        CHECK(run(d, 1, (struct command){ .opcode = 0x01, .nsid = 1, .prp1 = here, .words = { i * 8, 0, PAGE / BLOCK - 1 } }) == 0);
        CHECK(run(d, 1, (struct command){ .opcode = 0x02, .nsid = 1, .prp1 = there, .words = { i * 8, 0, PAGE / BLOCK - 1 } }) == 0);
        CHECK(memcmp(d->memory + HERE * PAGE, d->memory + THERE * PAGE, PAGE) == 0);
    }
}

/* The registers are no memory: no device can be pointed there by their address. */
static void point_at_registers(struct driver *d)
{
    struct ioas_map map = { .size = sizeof(map), .flags = 7, .ioas = d->ioas, .va = (uintptr_t)d->bar, .length = PAGE, .iova = NOWHERE };
    if (d->bar && d->iommufd >= 0)
        CHECK(ioctl(d->iommufd, IOAS_MAP, &map) == -1);
}

static void stop(struct driver *d)
{
    CHECK(ioctl(d->device, VFIO_DEVICE_RESET) == 0);
    set_irqs(d, 0);
    if (d->bar)
        CHECK(munmap((void *)d->bar, 4 * PAGE) == 0);
    for (int i = 0; i < QUEUES; i++)
        close(d->events[i]);
}

static struct driver begin(const char *way, const char *memory, int is_mapped)
{
    struct driver d = { .device = -1, .group = -1, .container = -1, .iommufd = -1 };
    int kind = strcmp(memory, "shared") == 0 ? MAP_SHARED : MAP_PRIVATE;
    d.memory = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, kind | MAP_ANONYMOUS, -1, 0);
    CHECK(d.memory != MAP_FAILED);
    if (strcmp(way, "cdev") == 0)
        open_by_cdev(&d);
    else
        open_by_group(&d);
    map(&d, 0, LENT, 1);
    start(&d, is_mapped);
    return d;
}

static void end(struct driver *d)
{
    stop(d);
    unmap(d, 0, LENT);
    const int files[] = { d->device, d->group, d->container, d->iommufd };
    for (unsigned i = 0; i < sizeof(files) / sizeof(*files); i++)
        if (files[i] >= 0)
            CHECK(close(files[i]) == 0);
    CHECK(munmap(d->memory, PAGES * PAGE) == 0);
}

static void round_of(const char *way, const char *memory, int is_mapped)
{
    struct driver d = begin(way, memory, is_mapped);
    use(&d);
    point_at_registers(&d);
    end(&d);
}

static int has_only(const uint8_t *bytes, uint8_t value)
{
    for (int i = 0; i < PAGE; i++)
        if (bytes[i] != value)
            return 0;
    return 1;
}

static void refused(const char *what, const char *way, const char *memory)
{
    struct driver d = begin(way, memory, 0);
    uint8_t *lent = d.memory + LENT * PAGE;
    uint64_t iova = IOVA + LENT * PAGE;
    memset(lent, 0xa5, PAGE);
    if (strcmp(what, "outside") == 0) {
        CHECK(identify(&d, NOWHERE) == DATA_TRANSFER_ERROR);
    } else if (strcmp(what, "readonly") == 0) {
        map(&d, LENT, 1, 0);
        CHECK(identify(&d, iova) == DATA_TRANSFER_ERROR);
        unmap(&d, LENT, 1);
    } else if (strcmp(what, "unmapped") == 0) {
        map(&d, LENT, 1, 1);
        CHECK(identify(&d, iova) == 0 && !has_only(lent, 0xa5));
        unmap(&d, LENT, 1);
        memset(lent, 0xa5, PAGE);
        CHECK(identify(&d, iova) == DATA_TRANSFER_ERROR);
    } else {
        /* Without an address space it cannot even fetch the command: the controller says that it is dead. */
        struct detach detach = { .argsz = sizeof(detach) };
        map(&d, LENT, 1, 1);
        CHECK(strcmp(what, "detached") == 0 && ioctl(d.device, DETACH_PT, &detach) == 0);
        submit(&d, 0, (struct command){ .opcode = 0x06, .prp1 = iova, .words = { 1 } });
        await(&d, 2, 2);
        unmap(&d, LENT, 1);
    }
    CHECK(has_only(lent, 0xa5));
    end(&d);
}

int main(int count, char **words)
{
    if (count == 4 && strcmp(words[1], "once") == 0) {
        round_of(words[2], words[3], 0);
        round_of(words[2], words[3], 1);
        return 0;
    }
    if (count == 5 && strcmp(words[1], "refused") == 0) {
        refused(words[2], words[3], words[4]);
        return 0;
    }
    CHECK(count == 2 && strcmp(words[1], "endless") == 0 && setpgid(0, 0) == 0 && write(1, "b", 1) == 1);
    for (unsigned i = (unsigned)getpid();; i++)
        round_of(i & 1 ? "cdev" : "group", i & 2 ? "shared" : "private", (i & 4) != 0);
}
