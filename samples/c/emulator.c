/*
 * The core of an emulator in C, with an IOMMU between its devices and its memory.
 *
 *     guest program ──registers──> checksum device ──DMA──> FastIova ──> guest memory
 *          └──────── map, unmap ──────────────────────────────┘
 *
 * Build it against an installed library (native/build.sh PREFIX):
 *
 *     gcc -o emulator emulator.c $(pkg-config --cflags --libs fastiova) -Wl,-rpath,$(pkg-config --variable=libdir fastiova)
 */
#include <errno.h>
#include <fastiova.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define GUEST_BYTES (16u << 20)

/* Ends the program with what the library has to say. */
static void must(int64_t result, const char *step)
{
    char text[512];
    if (result >= 0)
        return;
    fi_error_text(text, sizeof(text));
    fprintf(stderr, "%s: %s (%s)\n", step, strerror((int)-result), text);
    exit(1);
}

/* ---- the machine: memory, an IOMMU, one device ---- */

struct device {
    fi_port *port;   /* the device's way to memory: used by one thread at a time */
    fi_pci *function;
    uint64_t ring;   /* register 0: the iova of the descriptors */
    uint32_t result; /* register 16: the fault of the last order, or zero */
};

struct machine {
    uint8_t *memory; /* what the guest has for RAM; guest address 0 is its first byte */
    fi_engine *engine;
    fi_domain *domain;
    struct device device;
    unsigned interrupts;
};

/* ---- the device: adds up bytes ---- */

#define REGISTER_RING 0
#define REGISTER_DOORBELL 8
#define REGISTER_RESULT 16

/* What the guest puts into its ring. The device trusts none of it. */
struct descriptor {
    uint64_t source; /* an iova */
    uint32_t length; /* bytes */
    uint32_t sum;    /* the device writes it */
};

/* One order: fetch the descriptor, add up what it names where it lies, write the sum back. A fault is an answer, never a crash. */
static uint32_t run_order(struct device *device, uint32_t index)
{
    struct fi_fault fault = { 0 };
    struct descriptor order;
    uint64_t at = device->ring + index * sizeof(order);
    if (fi_port_read(device->port, at, &order, sizeof(order), FI_NO_PASID, &fault) != 0)
        return fault.reason;

    struct fi_segment segments[16];
    struct fi_range range = { .size = sizeof(range), .access = FI_READ, .iova = order.source, .length = order.length, .segments = segments, .capacity = 16, .pasid = FI_NO_PASID };
    uint32_t sum = 0;
    int result = 0;

    /* The addresses are good until the scope ends: an unmap waits so long. */
    must(fi_scope_enter(device->port), "scope");
    while (range.length != 0 && (result = fi_port_translate_range(device->port, &range, &fault)) == 0) {
        for (uint32_t i = 0; i < range.count; i++)
            for (uint64_t byte = 0; byte < segments[i].length; byte++)
                sum += ((const uint8_t *)segments[i].host)[byte];
        range.iova += range.bytes;
        range.length -= range.bytes;
    }
    must(fi_scope_leave(device->port), "scope");

    if (result == 0)
        result = fi_port_write(device->port, at + offsetof(struct descriptor, sum), &sum, sizeof(sum), FI_NO_PASID, &fault);
    return result == 0 ? FI_FAULT_NONE : fault.reason;
}

static void read_register(void *opaque, uint32_t bar, uint64_t offset, void *data, uint32_t length)
{
    struct device *device = opaque;
    uint64_t value = offset == REGISTER_RING ? device->ring : offset == REGISTER_RESULT ? device->result : 0;
    (void)bar;
    memcpy(data, &value, length);
}

static void write_register(void *opaque, uint32_t bar, uint64_t offset, const void *data, uint32_t length)
{
    struct device *device = opaque;
    uint64_t value = 0;
    (void)bar;
    memcpy(&value, data, length);
    if (offset == REGISTER_RING) {
        device->ring = value;
    } else if (offset == REGISTER_DOORBELL && fi_pci_is_bus_master(device->function) == 1) {
        device->result = run_order(device, (uint32_t)value);
        fi_pci_set_pin(device->function, 1);
        fi_pci_set_pin(device->function, 0);
    }
}

static void on_pin(void *opaque, int asserted)
{
    struct machine *machine = opaque;
    machine->interrupts += asserted != 0;
}

static void build(struct machine *machine)
{
    struct fi_port_options port = { .size = sizeof(port), .device = 0x0008, .name = "checksum" };
    struct fi_pci_layout layout = {
        .size = sizeof(layout), .vendor_id = 0x1af4, .device_id = 0x10f0, .class_code = 0x120000, .flags = FI_PCI_INTX, .bar_count = 1,
        .bars = { { .index = 0, .kind = FI_BAR_MEMORY32, .bytes = 4096 } },
    };
    struct fi_pci_model model = { .size = sizeof(model), .opaque = &machine->device, .read_bar = read_register, .write_bar = write_register };

    machine->memory = mmap(NULL, GUEST_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (machine->memory == MAP_FAILED)
        must(-errno, "guest memory");
    must(fi_engine_open(NULL, &machine->engine), "engine");
    must(fi_domain_open(machine->engine, NULL, &machine->domain), "domain");
    must(fi_port_open(machine->engine, &port, &machine->device.port), "port");
    must(fi_port_attach(machine->device.port, machine->domain, FI_NO_PASID), "attach");
    must(fi_pci_open(machine->device.port, &layout, &model, &machine->device.function), "function");
    must(fi_pci_on_interrupt(machine->device.function, NULL, on_pin, machine), "interrupts");
}

static void tear_down(struct machine *machine)
{
    must(fi_pci_close(machine->device.function), "function");
    must(fi_port_close(machine->device.port), "port");
    must(fi_domain_close(machine->domain), "domain");
    must(fi_engine_close(machine->engine), "engine");
    munmap(machine->memory, GUEST_BYTES);
}

/* ---- the guest: a driver, as it would run on the emulated processor ---- */

static void guest_map(struct machine *machine, uint64_t iova, uint64_t guest_address, uint64_t length, uint32_t access)
{
    must(fi_domain_map(machine->domain, iova, machine->memory + guest_address, length, access), "map");
}

static uint32_t guest_order(struct machine *machine, uint64_t index)
{
    uint64_t result;
    must(fi_pci_bar_write(machine->device.function, 0, REGISTER_DOORBELL, &index, 8), "doorbell");
    must(fi_pci_bar_read(machine->device.function, 0, REGISTER_RESULT, &result, 8), "result");
    return (uint32_t)result;
}

static int guest_program(struct machine *machine)
{
    uint64_t ring = 0x8000000, buffer = 0xfff00000;
    uint16_t enable = 0x6; /* memory space, bus master */
    struct descriptor *orders = (struct descriptor *)(machine->memory + 0x10000);
    uint32_t expected = 0;

    must(fi_pci_config_write(machine->device.function, 4, &enable, 2), "command register");
    must(fi_pci_bar_write(machine->device.function, 0, REGISTER_RING, &ring, 8), "ring register");

    /* A buffer that is contiguous for the device and scattered in memory: its pages come in the reverse order. */
    guest_map(machine, ring, 0x10000, 4096, FI_READ | FI_WRITE);
    for (uint32_t page = 0; page < 8; page++)
        guest_map(machine, buffer + page * 4096u, 0x100000 + (7 - page) * 4096u, 4096, FI_READ);
    for (uint32_t i = 0; i < 8 * 4096; i++)
        expected += machine->memory[0x100000 + i] = (uint8_t)(i * 7 + 3);

    orders[0] = (struct descriptor){ .source = buffer, .length = 8 * 4096 };
    uint32_t result = guest_order(machine, 0);
    printf("order 0: sum %" PRIu32 " (%s), fault %" PRIu32 ", %u interrupt\n", orders[0].sum, orders[0].sum == expected ? "right" : "WRONG", result, machine->interrupts);
    if (orders[0].sum != expected || result != FI_FAULT_NONE)
        return 1;

    /* When unmap returns, the device cannot reach the page any more, whatever it does. */
    must(fi_domain_unmap(machine->domain, buffer + 4096, 4096, NULL), "unmap");
    result = guest_order(machine, 0);
    printf("order 0 again, a page unmapped: fault %" PRIu32 " (%s)\n", result, result == FI_FAULT_NOT_MAPPED ? "not mapped, as it should be" : "WRONG");
    return result != FI_FAULT_NOT_MAPPED || machine->interrupts != 2;
}

int main(void)
{
    struct machine machine = { 0 };
    build(&machine);
    int result = guest_program(&machine);
    tear_down(&machine);
    return result;
}
