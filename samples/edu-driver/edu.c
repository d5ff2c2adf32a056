/*
 * A whole VFIO driver of QEMU's edu device, as one would write it for Linux: group and container, one DMA mapping, MSI by
 * eventfd, registers by mmap. It knows nothing of FastIova.
 *
 *   cc -O2 -Wall -o edu edu.c
 *   fastiova run --device edu -- ./edu 0000:01:00.0
 *
 * With a second argument it also lets the device read where nothing is mapped.
 */
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <linux/vfio.h>

enum { IDENTITY = 0x00, FACTORIAL = 0x08, STATUS = 0x20, CAUSE = 0x24, ACKNOWLEDGE = 0x64, SOURCE = 0x80, TARGET = 0x88, COUNT = 0x90, COMMAND = 0x98 };
enum { NOTIFY = 0x80, RUN = 1, TO_MEMORY = 2, INTERRUPT = 4, BUFFER = 0x40000 };
enum { BYTES = 4096, IOVA = 0x100000 };

static int device, event;
static uint64_t bar_offset;

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static uint32_t get(unsigned at)
{
    uint32_t value;
    if (pread(device, &value, sizeof(value), (off_t)(bar_offset + at)) != sizeof(value))
        die("reading a register");
    return value;
}

static void set(unsigned at, uint64_t value, size_t bytes)
{
    if (pwrite(device, &value, bytes, (off_t)(bar_offset + at)) != (ssize_t)bytes)
        die("writing a register");
}

/* Waits for the interrupt of what was just started, and acknowledges it. */
static void await(void)
{
    uint64_t count;
    if (read(event, &count, sizeof(count)) != sizeof(count))
        die("waiting for the interrupt");
    set(ACKNOWLEDGE, get(CAUSE), 4);
}

static void transfer(uint64_t from, uint64_t to, uint64_t bytes, unsigned direction)
{
    set(SOURCE, from, 8);
    set(TARGET, to, 8);
    set(COUNT, bytes, 8);
    set(COMMAND, RUN | INTERRUPT | direction, 8);
    await();
}

/* The device lies in a group, the group joins a container, the container translates: then the group gives the device. */
static int open_device(const char *name, int *container)
{
    char path[PATH_MAX], link[PATH_MAX];
    snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu_group", name);
    ssize_t length = readlink(path, link, sizeof(link) - 1);
    if (length < 0)
        die(path);
    link[length] = 0;
    snprintf(path, sizeof(path), "/dev/vfio/%.20s", basename(link));

    *container = open("/dev/vfio/vfio", O_RDWR);
    int group = open(path, O_RDWR);
    struct vfio_group_status status = { .argsz = sizeof(status) };
    if (*container < 0 || group < 0 || ioctl(group, VFIO_GROUP_GET_STATUS, &status) != 0 || !(status.flags & VFIO_GROUP_FLAGS_VIABLE))
        die(path);
    if (ioctl(group, VFIO_GROUP_SET_CONTAINER, container) != 0 || ioctl(*container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU) != 0)
        die("setting up the container");
    int opened = ioctl(group, VFIO_GROUP_GET_DEVICE_FD, name);
    if (opened < 0)
        die(name);
    printf("%s is in group %s\n", name, basename(path));
    return opened;
}

static void enable_interrupt(void)
{
    char room[sizeof(struct vfio_irq_set) + sizeof(int)];
    struct vfio_irq_set *set = (struct vfio_irq_set *)room;
    event = eventfd(0, EFD_CLOEXEC);
    *set = (struct vfio_irq_set){
        .argsz = sizeof(room), .flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER, .index = VFIO_PCI_MSI_IRQ_INDEX, .count = 1,
    };
    memcpy(set->data, &event, sizeof(event));
    if (event < 0 || ioctl(device, VFIO_DEVICE_SET_IRQS, set) != 0)
        die("enabling MSI");
}

int main(int count, char **words)
{
    if (count < 2) {
        fprintf(stderr, "edu: name a device, for example 0000:01:00.0\n");
        return 2;
    }
    int container;
    device = open_device(words[1], &container);

    struct vfio_region_info config = { .argsz = sizeof(config), .index = VFIO_PCI_CONFIG_REGION_INDEX };
    struct vfio_region_info bar = { .argsz = sizeof(bar), .index = VFIO_PCI_BAR0_REGION_INDEX };
    if (ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &config) != 0 || ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &bar) != 0)
        die("asking for regions");
    bar_offset = bar.offset;
    uint16_t command = 0x6; /* memory, bus master */
    if (pwrite(device, &command, sizeof(command), (off_t)(config.offset + 4)) != sizeof(command))
        die("enabling the device");
    enable_interrupt();
    printf("its BAR has %llu KiB, its identity is 0x%08x\n", (unsigned long long)bar.size >> 10, get(IDENTITY));

    set(STATUS, NOTIFY, 4);
    set(FACTORIAL, 10, 4);
    await();
    printf("10! = %u, said by an interrupt\n", get(FACTORIAL));

    uint8_t *memory = mmap(NULL, 2 * BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct vfio_iommu_type1_dma_map map = {
        .argsz = sizeof(map), .flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE, .vaddr = (uintptr_t)memory, .iova = IOVA, .size = 2 * BYTES,
    };
    if (memory == MAP_FAILED || ioctl(container, VFIO_IOMMU_MAP_DMA, &map) != 0)
        die("mapping memory");
    strcpy((char *)memory, "through the device and back");
    transfer(IOVA, BUFFER, BYTES, 0);
    transfer(BUFFER, IOVA + BYTES, BYTES, TO_MEMORY);
    printf("DMA: \"%s\"\n", (char *)memory + BYTES);
    if (memcmp(memory, memory + BYTES, BYTES) != 0)
        die("what came back differs");

    if (count > 2) {
        transfer(IOVA + 2 * BYTES, BUFFER, BYTES, 0);
        transfer(BUFFER, IOVA + BYTES, BYTES, TO_MEMORY);
        printf("DMA from behind the mapping: %s\n", memory[BYTES] == 0 ? "the device read zeros" : "the device read something");
    }

    struct vfio_iommu_type1_dma_unmap unmap = { .argsz = sizeof(unmap), .iova = IOVA, .size = 2 * BYTES };
    if (ioctl(container, VFIO_IOMMU_UNMAP_DMA, &unmap) != 0)
        die("unmapping memory");
    return 0;
}
