/* Cuts a shared file shorter that a device has been let reach, and has the device read and write there all the same. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#define CHECK(x) do { if (!(x)) { perror(#x); fprintf(stderr, "line %d\n", __LINE__); exit(1); } } while (0)
#define BYTES 8192u
#define REGION(i) ((uint64_t)(i) << 40)
struct bind { uint32_t argsz, flags; int32_t iommufd; uint32_t devid; };
struct attach { uint32_t argsz, flags, pt; };
struct ioas_alloc { uint32_t size, flags, id; };
struct irq_set { uint32_t argsz, flags, index, start, count; int32_t fd; };
struct ioas_map { uint32_t size, flags, ioas, reserved; uint64_t va, length, iova; };

static void write64(int device, uint64_t at, uint64_t value)
{
    CHECK(pwrite(device, &value, 8, (off_t)at) == 8);
}

/* A transfer of the device, to its interrupt. */
static void transfer(int device, int event, uint64_t from, uint64_t to, uint64_t command)
{
    uint64_t count;
    write64(device, 0x80, from), write64(device, 0x88, to), write64(device, 0x90, 1024), write64(device, 0x98, command | 1 | 4);
    CHECK(read(event, &count, 8) == 8);
}

int main(void)
{
    int device = open("/dev/vfio/devices/vfio0", O_RDWR), iommu = open("/dev/iommu", O_RDWR), fd = memfd_create("shrinks", 0);
    struct bind bind = { .argsz = 16, .iommufd = iommu };
    struct ioas_alloc ioas = { .size = 12 };
    CHECK(device >= 0 && iommu >= 0 && fd >= 0 && ioctl(device, 0x3b76, &bind) == 0 && ioctl(iommu, 0x3b81, &ioas) == 0);
    struct attach attach = { .argsz = 12, .pt = ioas.id };
    struct irq_set set = { .argsz = sizeof(set), .flags = 0x24, .index = 1, .count = 1, .fd = eventfd(0, 0) };
    uint16_t command = 6;
    CHECK(ioctl(device, 0x3b77, &attach) == 0 && ioctl(device, 0x3b6e, &set) == 0 && pwrite(device, &command, 2, (off_t)(REGION(7) + 4)) == 2);
    for (int round = 0; round < 3; round++) {
        CHECK(ftruncate(fd, BYTES) == 0);
        uint8_t *memory = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        CHECK(memory != MAP_FAILED);
        memset(memory, 0x5a, BYTES);
        struct ioas_map map = { .size = sizeof(map), .flags = 7, .ioas = ioas.id, .va = (uintptr_t)memory, .length = BYTES, .iova = 0x100000u * (unsigned)(round + 1) };
        CHECK(ioctl(iommu, 0x3b85, &map) == 0);
        /* What was pinned anew, after the file had grown again, is the file. */
        transfer(device, set.fd, map.iova, 0x40000, 0);
        transfer(device, set.fd, 0x40000, map.iova + 4096, 2);
        CHECK(memcmp(memory, memory + 4096, 1024) == 0 && memory[4096] == 0x5a);
        memset(memory + 4096, 0, 1024);
        transfer(device, set.fd, 0x40000, map.iova + 4096, 2);
        CHECK(memory[4096] == 0x5a);
        CHECK(ftruncate(fd, round % 2 ? 4096 : 0) == 0);
        transfer(device, set.fd, map.iova + 4096, 0x40000, 0);
        transfer(device, set.fd, 0x40000, map.iova + 4096, 2);
        munmap(memory, BYTES);
    }
    return 0;
}
