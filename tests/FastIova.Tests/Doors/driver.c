/* A VFIO driver that is killed at any moment: it opens a device by its own node or by its group, maps memory and registers, and does DMA. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define CHECK(x) do { if (!(x)) { perror(#x); fprintf(stderr, "line %d\n", __LINE__); exit(1); } } while (0)
#define GET_PA 0x3b95
#define REGION(i) ((uint64_t)(i) << 40)

struct bind { uint32_t argsz, flags; int32_t iommufd; uint32_t devid; };
struct attach { uint32_t argsz, flags, pt; };
struct ioas_alloc { uint32_t size, flags, id; };
struct ioas_map { uint32_t size, flags, ioas, reserved; uint64_t va, length, iova; };
struct dma_map { uint32_t argsz, flags; uint64_t va, iova, length; };
struct dma_unmap { uint32_t argsz, flags; uint64_t iova, length; };
struct get_pa { uint32_t size, flags, ioas, reserved; uint64_t iova, length, pa; };
struct irq_set { uint32_t argsz, flags, index, start, count; int32_t fd; };

static void write64(int device, uint64_t at, uint64_t value)
{
    CHECK(pwrite(device, &value, 8, (off_t)at) == 8);
}

/* Copies what lies at an iova into the device and back to another iova, and waits for the interrupt. */
static void copy(int device, int event, uint64_t from, uint64_t to)
{
    uint64_t count;
    write64(device, 0x80, from), write64(device, 0x88, 0x40000), write64(device, 0x90, 1024), write64(device, 0x98, 1 | 4);
    CHECK(read(event, &count, 8) == 8);
    write64(device, 0x80, 0x40000), write64(device, 0x88, to), write64(device, 0x90, 1024), write64(device, 0x98, 1 | 2 | 4);
    CHECK(read(event, &count, 8) == 8);
}

static void drive_at(int device, uint8_t *memory, uint64_t from, uint64_t to)
{
    uint16_t command = 6;
    struct irq_set set = { .argsz = sizeof(set), .flags = 0x24, .index = 1, .count = 1, .fd = eventfd(0, 0) };
    CHECK(ioctl(device, 0x3b6e, &set) == 0);
    CHECK(pwrite(device, &command, 2, (off_t)(REGION(7) + 4)) == 2);
    volatile uint32_t *registers = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, device, 0);
    CHECK(registers != MAP_FAILED && registers[0] == 0x010000ed);
    munmap((void *)registers, 4096);
    memset(memory, 0x5a, 1024);
    memset(memory + 4096, 0, 1024);
    copy(device, set.fd, from, to);
    CHECK(memcmp(memory, memory + 4096, 1024) == 0);
    close(set.fd);
}

static void drive(int device, uint8_t *memory, uint64_t iova)
{
    drive_at(device, memory, iova, iova + 4096);
}

static void by_cdev(uint8_t *memory)
{
    int device = open("/dev/vfio/devices/vfio0", O_RDWR), iommu = open("/dev/iommu", O_RDWR);
    struct bind bind = { .argsz = 16, .iommufd = iommu };
    struct ioas_alloc ioas = { .size = 12 };
    CHECK(device >= 0 && iommu >= 0 && ioctl(device, 0x3b76, &bind) == 0 && ioctl(iommu, 0x3b81, &ioas) == 0);
    struct attach attach = { .argsz = 12, .pt = ioas.id };
    struct ioas_map map = { .size = sizeof(map), .flags = 7, .ioas = ioas.id, .va = (uintptr_t)memory, .length = 8192, .iova = 0x100000 };
    CHECK(ioctl(device, 0x3b77, &attach) == 0 && ioctl(iommu, 0x3b85, &map) == 0);
    drive(device, memory, 0x100000);
    close(iommu);
    close(device);
}

static void by_group(uint8_t *memory, const char *name)
{
    int group = open("/dev/vfio/0", O_RDWR), container = open("/dev/vfio/vfio", O_RDWR);
    CHECK(group >= 0 && container >= 0 && ioctl(group, 0x3b68, &container) == 0 && ioctl(container, 0x3b66, 3) == 0);
    int device = ioctl(group, 0x3b6a, name);
    struct dma_map map = { .argsz = sizeof(map), .flags = 3, .va = (uintptr_t)memory, .length = 8192, .iova = 0x200000 };
    CHECK(device >= 0 && ioctl(container, 0x3b71, &map) == 0);
    drive(device, memory, 0x200000);
    close(device);
    close(group);
    close(container);
}

/* In VFIO's own container the addresses of mappings can be suspended, while the device goes on, and are told anew. */
static void by_container(uint8_t *memory, const char *name)
{
    int group = open("/dev/vfio/0", O_RDWR), container = open("/dev/vfio/vfio", O_RDWR);
    CHECK(group >= 0 && container >= 0 && ioctl(container, 0x3b66, 3) < 0 && ioctl(group, 0x3b68, &container) == 0 && ioctl(container, 0x3b66, 3) == 0);
    int device = ioctl(group, 0x3b6a, name);
    struct dma_map map = { .argsz = sizeof(map), .flags = 3, .va = (uintptr_t)memory, .length = 8192, .iova = 0x200000 };
    struct dma_unmap unmap = { .argsz = sizeof(unmap), .flags = 4, .iova = 0x200000, .length = 8192 };
    CHECK(device >= 0 && ioctl(container, 0x3b71, &map) == 0);
    CHECK(ioctl(container, 0x3b72, &unmap) == 0 && unmap.length == 8192);
    drive(device, memory, 0x200000);
    map.flags = 4;
    CHECK(ioctl(container, 0x3b71, &map) == 0 && ioctl(group, 0x3b69) < 0);
    unmap.flags = 0;
    CHECK(ioctl(container, 0x3b72, &unmap) == 0 && unmap.length == 8192);
    close(group);
    close(container);
    CHECK(open("/dev/vfio/0", O_RDWR) < 0);
    close(device);
}

/* A device before which no IOMMU stands: its driver asks where its memory lies. */
static void bare(uint8_t *memory)
{
    int device = open("/dev/vfio/devices/noiommu-vfio0", O_RDWR), iommu = open("/dev/iommu", O_RDWR);
    if (geteuid() != 0) {
        CHECK(device < 0 && open("/dev/vfio/noiommu-0", O_RDWR) < 0);
        return;
    }
    struct bind bind = { .argsz = 16, .iommufd = iommu };
    struct ioas_alloc ioas = { .size = 12 };
    CHECK(device >= 0 && iommu >= 0 && ioctl(device, 0x3b76, &bind) == 0 && ioctl(iommu, 0x3b81, &ioas) == 0);
    struct attach attach = { .argsz = 12, .pt = ioas.id };
    struct ioas_map map = { .size = sizeof(map), .flags = 7, .ioas = ioas.id, .va = (uintptr_t)memory, .length = 8192, .iova = 0x100000 };
    CHECK(ioctl(device, 0x3b77, &attach) == 0 && ioctl(iommu, 0x3b85, &map) == 0);
    struct get_pa from = { .size = sizeof(from), .ioas = ioas.id, .iova = 0x100000, .length = 4096 }, to = from;
    to.iova += 4096;
    CHECK(ioctl(iommu, GET_PA, &from) == 0 && ioctl(iommu, GET_PA, &to) == 0);
    drive_at(device, memory, from.pa, to.pa);
    close(iommu);
    close(device);
    int group = open("/dev/vfio/noiommu-0", O_RDWR), container = open("/dev/vfio/vfio", O_RDWR);
    CHECK(group >= 0 && container >= 0 && ioctl(group, 0x3b68, &container) == 0 && ioctl(container, 0x3b66, 8) == 0);
    CHECK(ioctl(group, 0x3b6a, "0000:01:00.0") >= 0);
}

static void look(void)
{
    char text[256] = { 0 };
    struct stat status;
    CHECK(readlink("/sys/bus/pci/devices/0000:01:00.0/iommu_group", text, sizeof(text) - 1) > 0 && strcmp(strrchr(text, '/'), "/0") == 0);
    CHECK(realpath("/sys/bus/pci/devices/0000:01:00.0", text) && strncmp(text, "/sys/devices/", 13) == 0);
    CHECK(stat("/dev/vfio/devices/vfio0", &status) == 0 && S_ISCHR(status.st_mode));
    unsigned numbers[2];
    FILE *file = fopen("/sys/bus/pci/devices/0000:01:00.0/vfio-dev/vfio0/dev", "r");
    CHECK(file && fscanf(file, "%u:%u", &numbers[0], &numbers[1]) == 2 && makedev(numbers[0], numbers[1]) == status.st_rdev);
    fclose(file);
    int first = open("/dev/vfio/devices/vfio0", O_RDWR);
    CHECK(first == 3 && fstat(first, &status) == 0 && S_ISCHR(status.st_mode) && makedev(numbers[0], numbers[1]) == status.st_rdev);
    close(first);
    CHECK(access("/dev/vfio/1", F_OK) != 0 && open("/dev/vfio/1", O_RDWR) < 0);
}

int main(int count, char **words)
{
    uint8_t *memory = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int endless = count > 1 && strcmp(words[1], "endless") == 0;
    int contained = count > 1 && strncmp(words[1], "container", 9) == 0;
    endless |= count > 1 && strcmp(words[1], "container-endless") == 0;
    if (count > 1 && strcmp(words[1], "bare") == 0) {
        bare(memory);
        return 0;
    }
    if (count > 1 && strcmp(words[1], "look") == 0) {
        for (int fd = 3; fd < 256; fd++)
            close(fd);
        look();
        return 0;
    }
    if (endless) {
        CHECK(setpgid(0, 0) == 0);
        if (getpid() % 2 && !contained)
            by_cdev(memory);
        CHECK(write(1, "b", 1) == 1);
    }
    do {
        if (contained) {
            by_container(memory, "0000:01:00.0");
            continue;
        }
        by_cdev(memory);
        by_group(memory, "0000:01:00.0");
    } while (endless);
    return 0;
}
