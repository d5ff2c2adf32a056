/*
 * An NVMe driver for DPDK's environment: DPDK finds the device, opens it by VFIO, maps its registers and all of its own memory,
 * and hands out interrupts; the driver identifies the controller, then writes a block and reads it back.
 */
#define ALLOW_INTERNAL_API /* drivers outside of DPDK's tree register themselves as those inside do */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bus_pci_driver.h>
#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_interrupts.h>
#include <rte_io.h>
#include <rte_memzone.h>

enum { CC = 0x14, CSTS = 0x1c, AQA = 0x24, ASQ = 0x28, ACQ = 0x30, DOORBELLS = 0x1000 };
enum { PAGE = 4096, ENTRIES = 16, QUEUES = 2, BLOCK = 512, DATA = 2 * QUEUES, PAGES = DATA + 2 };

struct command { uint8_t opcode, flags; uint16_t id; uint32_t nsid; uint64_t unused, metadata, prp1, prp2; uint32_t words[6]; };
struct completion { uint32_t result, unused; uint16_t head, queue, id, status; };

static uint8_t *memory, *registers;
static rte_iova_t iova;
static unsigned at[QUEUES];
static volatile unsigned interrupts;
static int driven;

static void failed(const char *what)
{
    fprintf(stderr, "nvme: %s failed\n", what);
    exit(1);
}

static void set64(unsigned where, uint64_t value)
{
    rte_write32((uint32_t)value, registers + where);
    rte_write32((uint32_t)(value >> 32), registers + where + 4);
}

static void await_ready(unsigned wanted)
{
    while ((rte_read32(registers + CSTS) & 1) != wanted)
        rte_delay_us_sleep(100);
}

/* Queues are run through once at most: no phase ever turns. */
static void run(unsigned queue, const char *what, struct command command)
{
    command.id = (uint16_t)(at[queue] + 1);
    memcpy(memory + queue * PAGE + at[queue] * sizeof(command), &command, sizeof(command));
    volatile struct completion *answer = (struct completion *)(memory + (QUEUES + queue) * PAGE) + at[queue];
    at[queue]++;
    rte_write32(at[queue], registers + DOORBELLS + queue * 8);
    while (!(answer->status & 1))
        rte_delay_us_sleep(10);
    rte_write32(at[queue], registers + DOORBELLS + queue * 8 + 4);
    if (answer->status >> 1 != 0 || answer->id != command.id)
        failed(what);
}

static void on_interrupt(void *unused)
{
    (void)unused;
    interrupts++;
}

static int probe(struct rte_pci_driver *driver, struct rte_pci_device *device)
{
    (void)driver;
    const struct rte_memzone *zone = rte_memzone_reserve_aligned("nvme", PAGES * PAGE, SOCKET_ID_ANY, RTE_MEMZONE_IOVA_CONTIG, PAGE);
    if (!zone || !device->mem_resource[0].addr)
        failed("reserving memory");
    memory = zone->addr, iova = zone->iova, registers = device->mem_resource[0].addr;
    memset(memory, 0, PAGES * PAGE);
    printf("nvme: %s at %p, %u KiB of registers\n", device->name, device->mem_resource[0].addr, (unsigned)(device->mem_resource[0].len >> 10));
    if (rte_intr_callback_register(device->intr_handle, on_interrupt, NULL) < 0 || rte_intr_enable(device->intr_handle) != 0)
        failed("enabling the interrupt");

    rte_write32(0, registers + CC);
    await_ready(0);
    rte_write32((ENTRIES - 1) << 16 | (ENTRIES - 1), registers + AQA);
    set64(ASQ, iova), set64(ACQ, iova + QUEUES * PAGE);
    rte_write32(1 | 6 << 16 | 4 << 20, registers + CC);
    await_ready(1);

    uint8_t *here = memory + DATA * PAGE, *there = here + PAGE;
    rte_iova_t here_iova = iova + DATA * PAGE, there_iova = here_iova + PAGE;
    run(0, "identify", (struct command){ .opcode = 0x06, .prp1 = here_iova, .words = { 1 } });
    printf("nvme: model \"%.8s\", vendor %02x%02x\n", (char *)here + 24, here[1], here[0]);
    run(0, "making a completion queue", (struct command){ .opcode = 0x05, .prp1 = iova + (QUEUES + 1) * PAGE, .words = { (ENTRIES - 1) << 16 | 1, 1 } });
    run(0, "making a submission queue", (struct command){ .opcode = 0x01, .prp1 = iova + PAGE, .words = { (ENTRIES - 1) << 16 | 1, 1 << 16 | 1 } });
    for (unsigned i = 0; i < 4; i++) {
        memset(here, (int)(0x11 * (i + 1)), PAGE), memset(there, 0, PAGE);
        run(1, "writing", (struct command){ .opcode = 0x01, .nsid = 1, .prp1 = here_iova, .words = { i * 8, 0, PAGE / BLOCK - 1 } });
        run(1, "reading", (struct command){ .opcode = 0x02, .nsid = 1, .prp1 = there_iova, .words = { i * 8, 0, PAGE / BLOCK - 1 } });
        if (memcmp(here, there, PAGE) != 0)
            failed("comparing what came back");
    }
    /* The admin queue interrupts with vector 0, which DPDK's thread waits for. */
    for (unsigned i = 0; i < 10000 && interrupts == 0; i++)
        rte_delay_us_sleep(1000);
    printf("nvme: 32 blocks written, read and compared; %s\n", interrupts ? "interrupts came" : "no interrupt came");
    driven = interrupts != 0;
    rte_intr_disable(device->intr_handle);
    rte_intr_callback_unregister(device->intr_handle, on_interrupt, NULL);
    rte_memzone_free(zone);
    return 0;
}

static int take_leave(struct rte_pci_device *device)
{
    (void)device;
    return 0;
}

static const struct rte_pci_id devices[] = { { RTE_PCI_DEVICE(0x1b36, 0x0010) }, { .vendor_id = 0 } };
static struct rte_pci_driver driver = { .id_table = devices, .drv_flags = RTE_PCI_DRV_NEED_MAPPING, .probe = probe, .remove = take_leave };
RTE_PMD_REGISTER_PCI(fastiova_test_nvme, driver);

int main(int count, char **words)
{
    if (rte_eal_init(count, words) < 0)
        failed("starting DPDK");
    if (rte_eal_cleanup() != 0)
        failed("ending DPDK");
    return driven ? 0 : 1;
}
