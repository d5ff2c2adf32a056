/*
 * Runs in the guest, without a driver: asks the educational device for DMA, right and wrong.
 *
 *   edu_dma FOLDER-BELOW-SYS on|off
 *
 * Without an IOMMU of the guest's, a page of this program's goes to the device and back, and an address where no memory is
 * is refused. With one, whose driver has mapped nothing for the device, the same page is out of reach.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum {
    IDENTIFICATION = 0x00,
    DMA_SOURCE = 0x80,
    DMA_DESTINATION = 0x88,
    DMA_COUNT = 0x90,
    DMA_COMMAND = 0x98,
    BUFFER = 0x40000,
    PAGE = 4096,
    BAR_BYTES = 1 << 20,
};

static const uint64_t nowhere = 0x70000000; /* between the end of the guest's memory and its devices */
static volatile uint8_t *registers;

static void set(int at, uint64_t value)
{
    *(volatile uint64_t *)(registers + at) = value;
}

/* Returns when the device has done it, or has not for a long time. */
static int transfer(uint64_t source, uint64_t destination, int to_memory)
{
    set(DMA_SOURCE, source);
    set(DMA_DESTINATION, destination);
    set(DMA_COUNT, PAGE);
    set(DMA_COMMAND, 1 | (to_memory ? 2 : 0));
    const struct timespec pause = { .tv_nsec = 1000000 };
    for (int i = 0; i < 10000; i++) {
        if (!(*(volatile uint64_t *)(registers + DMA_COMMAND) & 1))
            return 1;
        nanosleep(&pause, NULL);
    }
    return 0;
}

static uint64_t physical(void *page)
{
    uint64_t entry = 0;
    int fd = open("/proc/self/pagemap", O_RDONLY);
    pread(fd, &entry, sizeof entry, (uintptr_t)page / PAGE * sizeof entry);
    close(fd);
    return (entry & ((1ull << 55) - 1)) * PAGE;
}

static int is_all(const uint8_t *page, int value)
{
    for (int i = 0; i < PAGE; i++)
        if (page[i] != value)
            return 0;
    return 1;
}

static int judge(int good, const char *name, const char *why)
{
    printf(good ? "ok %s\n" : "FAILED %s: %s\n", name, why);
    return good;
}

int main(int count, char **arguments)
{
    char path[256];
    if (count != 3)
        return 2;
    int behind_iommu = strcmp(arguments[2], "on") == 0;
    snprintf(path, sizeof path, "%s/enable", arguments[1]);
    int fd = open(path, O_WRONLY);
    write(fd, "1", 1);
    close(fd);
    snprintf(path, sizeof path, "%s/config", arguments[1]);
    fd = open(path, O_RDWR);
    uint16_t command = 0;
    pread(fd, &command, sizeof command, 4);
    command |= 6; /* memory, and bus master */
    pwrite(fd, &command, sizeof command, 4);
    close(fd);
    snprintf(path, sizeof path, "%s/resource0", arguments[1]);
    fd = open(path, O_RDWR);
    registers = mmap(NULL, BAR_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (!judge(registers != MAP_FAILED && *(volatile uint32_t *)(registers + IDENTIFICATION) == 0x010000ed, "edu-registers", "not the device"))
        return 1;

    uint8_t *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0);
    memset(page, 0xa5, PAGE);
    uint64_t address = physical(page);
    int ended = address != 0 && transfer(address, BUFFER, 0);
    memset(page, 0x11, PAGE);
    ended = ended && transfer(BUFFER, address, 1);
    if (behind_iommu)
        judge(ended && is_all(page, 0x11), "edu-is-stopped", "a page that nothing maps for the device was written");
    else
        judge(ended && is_all(page, 0xa5), "edu-copies", "the page did not come back");

    /* What is refused brings nothing, and the device goes on. */
    memset(page, 0x22, PAGE);
    judge(transfer(nowhere, BUFFER, 0) && transfer(BUFFER, nowhere, 1) && is_all(page, 0x22), "edu-nowhere", "the device did not end");
    return 0;
}
