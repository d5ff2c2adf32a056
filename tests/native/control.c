/* Contexts and devices, PCI functions, and input that makes no sense. */
#include "check.h"

#define IOAS_ALLOC 0x3b81
#define IOAS_MAP 0x3b85
#define IOAS_UNMAP 0x3b86
#define FAULT_QUEUE_ALLOC 0x3b8e

struct ioas_alloc {
    uint32_t size, flags, id;
};

struct ioas_map {
    uint32_t size, flags, id, reserved;
    uint64_t address, length, iova;
};

struct ioas_unmap {
    uint32_t size, id;
    uint64_t iova, length;
};

struct fault_queue {
    uint32_t size, flags, id, fd;
};

static void ioctls_move_a_device(void)
{
    fi_engine *engine;
    fi_context *context;
    fi_port *port;
    fi_device *device;
    fi_memory *known;
    struct ioas_alloc ioas = { .size = sizeof(ioas) };
    struct fi_fault fault;
    uint8_t *memory = pages(MiB), byte = 0;
    memory[5] = 42;
    GOOD(fi_engine_open(NULL, &engine));
    GOOD(fi_memory_register(memory, MiB, &known));
    GOOD(fi_context_open(engine, FI_NODE_IOMMU, &context));
    GOOD(fi_port_open(engine, NULL, &port));
    GOOD(fi_device_bind(context, port, NULL, &device));
    TRUE(fi_device_id(device) > 0);
    GOOD(fi_ioctl(context, IOAS_ALLOC, &ioas));
    struct ioas_map map = { .size = sizeof(map), .flags = 7, .id = ioas.id, .address = (uintptr_t)memory, .length = MiB, .iova = 16 * MiB };
    uint32_t target = ioas.id;
    GOOD(fi_device_attach(device, FI_NO_PASID, &target));
    TRUE(target != ioas.id);
    SAME(-EFAULT, fi_port_read(port, 16 * MiB + 5, &byte, 1, FI_NO_PASID, &fault));
    GOOD(fi_ioctl(context, IOAS_MAP, &map));
    GOOD(fi_port_read(port, 16 * MiB + 5, &byte, 1, FI_NO_PASID, &fault));
    SAME(42, byte);
    SAME(-EEXIST, fi_ioctl(context, IOAS_MAP, &map));
    struct ioas_unmap unmap = { .size = sizeof(unmap), .id = ioas.id, .iova = 16 * MiB, .length = MiB };
    GOOD(fi_ioctl(context, IOAS_UNMAP, &unmap));
    SAME(MiB, unmap.length);
    SAME(-EFAULT, fi_port_read(port, 16 * MiB + 5, &byte, 1, FI_NO_PASID, &fault));
    GOOD(fi_device_detach(device, FI_NO_PASID));
    SAME(-ENOENT, fi_device_detach(device, FI_NO_PASID));
    target = 12345;
    SAME(-ENOENT, fi_device_attach(device, FI_NO_PASID, &target));
    GOOD(fi_device_close(device));
    GOOD(fi_memory_close(known));
    GOOD(fi_context_close(context));
    GOOD(fi_port_close(port));
    GOOD(fi_engine_close(engine));
    SAME(0, fi_open_handles());
}

static void ioctls_refuse_as_a_kernel(void)
{
    fi_engine *engine;
    fi_context *context;
    struct {
        struct ioas_alloc command;
        uint32_t tail;
    } longer = { .command = { .size = sizeof(longer) }, .tail = 1 };
    uint32_t tiny = 4;
    struct fi_engine_options old = { .size = sizeof(old), .release = FI_RELEASE_6_12 };
    GOOD(fi_engine_open(&old, &engine));
    GOOD(fi_context_open(engine, FI_NODE_IOMMU, &context));
    SAME(-ENOTTY, fi_ioctl(context, 0x3bff, &longer));
    SAME(-EFAULT, fi_ioctl(context, IOAS_ALLOC, NULL));
    SAME(-EFAULT, fi_ioctl(context, IOAS_ALLOC, (void *)0xdead000));
    SAME(-E2BIG, fi_ioctl(context, IOAS_ALLOC, &longer));
    SAME(-EINVAL, fi_ioctl(context, IOAS_ALLOC, &tiny));
    GOOD(fi_context_close(context));
    SAME(-EBADF, fi_ioctl(context, IOAS_ALLOC, &longer));
    GOOD(fi_context_open(engine, FI_NODE_VFIO, &context));
    SAME(0, fi_ioctl(context, 0x3b64, NULL)); /* VFIO_GET_API_VERSION */
    GOOD(fi_context_close(context));
    SAME(-ENOENT, fi_context_open(engine, 9, &context));
    GOOD(fi_engine_close(engine));
    SAME(0, fi_open_handles());
}

static void files_of_ioctls_are_read_and_closed(void)
{
    fi_engine *engine;
    fi_context *context;
    char buffer[256];
    struct fault_queue queue = { .size = sizeof(queue) };
    GOOD(fi_engine_open(NULL, &engine));
    GOOD(fi_context_open(engine, FI_NODE_IOMMU, &context));
    GOOD(fi_ioctl(context, FAULT_QUEUE_ALLOC, &queue));
    SAME(FI_POLL_WRITABLE, fi_file_poll(context, (int)queue.fd));
    SAME(0, fi_file_read(context, (int)queue.fd, buffer, 0));
    GOOD(fi_file_close(context, (int)queue.fd));
    SAME(-EBADF, fi_file_close(context, (int)queue.fd));
    SAME(-EBADF, fi_file_read(context, (int)queue.fd, buffer, sizeof(buffer)));
    SAME(-EBADF, fi_file_write(context, -1, buffer, sizeof(buffer)));
    SAME(-EBADF, fi_file_poll(context, 1 << 30));
    GOOD(fi_context_close(context));
    GOOD(fi_engine_close(engine));
}

/* A device that copies what lies at one iova to another when its register 8 is written, and counts in register 0. */
struct copier {
    struct machine m;
    fi_pci *function;
    uint64_t registers[4];
    int resets, closed, messages, pin;
    uint32_t vector;
};

static void copier_read(void *opaque, uint32_t bar, uint64_t offset, void *data, uint32_t length)
{
    struct copier *copier = opaque;
    SAME(0, bar);
    if (offset + length <= sizeof(copier->registers))
        memcpy(data, (char *)copier->registers + offset, length);
}

static void copier_write(void *opaque, uint32_t bar, uint64_t offset, const void *data, uint32_t length)
{
    struct copier *copier = opaque;
    char buffer[64];
    SAME(0, bar);
    if (offset + length <= sizeof(copier->registers))
        memcpy((char *)copier->registers + offset, data, length);
    if (offset == 8 && fi_pci_is_bus_master(copier->function) == 1) {
        GOOD(fi_port_read(copier->m.port, copier->registers[2], buffer, sizeof(buffer), FI_NO_PASID, NULL));
        GOOD(fi_port_write(copier->m.port, copier->registers[3], buffer, sizeof(buffer), FI_NO_PASID, NULL));
        copier->registers[0]++;
        GOOD(fi_pci_raise_message(copier->function, 0));
        GOOD(fi_pci_set_pin(copier->function, 1));
    }
}

static void copier_reset(void *opaque)
{
    struct copier *copier = opaque;
    memset(copier->registers, 0, sizeof(copier->registers));
    copier->resets++;
}

static void copier_closed(void *opaque)
{
    ((struct copier *)opaque)->closed++;
}

static void on_message(void *opaque, uint32_t vector)
{
    ((struct copier *)opaque)->messages++;
    ((struct copier *)opaque)->vector = vector;
}

static void on_pin(void *opaque, int asserted)
{
    ((struct copier *)opaque)->pin = asserted;
}

static void a_model_in_c_serves_a_driver(void)
{
    struct copier c = { 0 };
    struct fi_pci_layout layout = {
        .size = sizeof(layout),
        .vendor_id = 0x1af4,
        .device_id = 0x1100,
        .class_code = 0xff0000,
        .flags = FI_PCI_INTX,
        .bar_count = 1,
        .bars = { { .index = 0, .kind = FI_BAR_MEMORY32, .bytes = 4096 } },
    };
    struct fi_pci_model model = { .size = sizeof(model), .opaque = &c, .read_bar = copier_read, .write_bar = copier_write, .reset = copier_reset, .closed = copier_closed };
    uint64_t value;
    uint32_t id;
    uint16_t command = 6; /* memory, bus master */
    void *memory;
    open_machine(&c.m, FI_PORT_BATCH);
    strcpy((char *)c.m.memory, "moved by a device");
    GOOD(fi_pci_open(c.m.port, &layout, &model, &c.function));
    GOOD(fi_pci_on_interrupt(c.function, on_message, on_pin, &c));
    GOOD(fi_pci_config_read(c.function, 0, &id, 4));
    SAME(0x11001af4, id);
    GOOD(fi_pci_bar_read(c.function, 0, 0, &value, 8));
    SAME(-1, value); /* memory is not enabled yet */
    GOOD(fi_pci_config_write(c.function, 4, &command, 2));
    SAME(1, fi_pci_is_bus_master(c.function));
    value = c.m.iova;
    GOOD(fi_pci_bar_write(c.function, 0, 16, &value, 8));
    value = c.m.iova + 2 * MiB;
    GOOD(fi_pci_bar_write(c.function, 0, 24, &value, 8));
    value = 1;
    GOOD(fi_pci_bar_write(c.function, 0, 8, &value, 8));
    GOOD(fi_pci_bar_read(c.function, 0, 0, &value, 8));
    SAME(1, value);
    SAME(0, strcmp((char *)c.m.memory + 2 * MiB, "moved by a device"));
    SAME(1, c.pin);
    SAME(-ENOENT, fi_pci_bar_memory(c.function, 0, &memory, &value));
    GOOD(fi_pci_reset(c.function));
    SAME(1, c.resets);
    SAME(0, fi_pci_is_bus_master(c.function));
    GOOD(fi_pci_close(c.function));
    SAME(1, c.closed);
    layout.bars[0].bytes = 4095;
    SAME(-EINVAL, fi_pci_open(c.m.port, &layout, &model, &c.function));
    layout.bar_count = 7;
    SAME(-EINVAL, fi_pci_open(c.m.port, &layout, &model, &c.function));
    close_machine(&c.m);
}

static void a_model_of_the_library_serves_a_driver(void)
{
    struct machine m;
    fi_pci *function;
    uint32_t value;
    uint16_t command = 6;
    open_machine(&m, FI_PORT_BATCH);
    GOOD(fi_pci_open_named(m.port, "edu", &function));
    GOOD(fi_pci_config_write(function, 4, &command, 2));
    GOOD(fi_pci_bar_read(function, 0, 0, &value, 4));
    SAME(0x010000ed, value);
    value = 5;
    GOOD(fi_pci_bar_write(function, 0, 8, &value, 4));
    do
        GOOD(fi_pci_bar_read(function, 0, 0x20, &value, 4)); /* until it has computed */
    while (value & 1);
    GOOD(fi_pci_bar_read(function, 0, 8, &value, 4));
    SAME(120, value);
    SAME(-EOPNOTSUPP, fi_pci_set_pin(function, 1));
    GOOD(fi_pci_close(function));
    SAME(-EINVAL, fi_pci_open_named(m.port, "no-such-model", &function));
    close_machine(&m);
}

static void bad_input_is_an_errno(void)
{
    struct machine m;
    fi_domain *domain;
    fi_port *port;
    char text[8];
    struct fi_domain_options wide = { .size = sizeof(wide), .aperture_last = ~0ull };
    struct fi_port_options odd = { .size = sizeof(odd), .kind = 7 };
    struct {
        struct fi_port_options known;
        uint64_t unknown;
    } newer = { .known = { .size = sizeof(newer) } };
    open_machine(&m, FI_PORT_BATCH);
    struct fi_engine_options flagged = { .size = sizeof(flagged), .flags = 2 }, kept = { .size = sizeof(kept), .reserved = 1 };
    struct fi_domain_options vague = { .size = sizeof(vague), .flags = 4 };
    struct fi_port_options spare = { .size = sizeof(spare), .reserved = 1 };
    fi_engine *none;
    SAME(-EINVAL, fi_engine_open(NULL, NULL));
    SAME(-EINVAL, fi_engine_open(&flagged, &none));
    SAME(-EINVAL, fi_engine_open(&kept, &none));
    SAME(-EINVAL, fi_domain_open(m.engine, &vague, &domain));
    SAME(-EINVAL, fi_port_open(m.engine, &spare, &port));
    SAME(-EINVAL, fi_domain_open(m.engine, &wide, &domain));
    SAME(-EINVAL, fi_port_open(m.engine, &odd, &port));
    GOOD(fi_port_open(m.engine, &newer.known, &port)); /* fields that this library does not know, all zero */
    GOOD(fi_port_close(port));
    newer.unknown = 1;
    SAME(-E2BIG, fi_port_open(m.engine, &newer.known, &port));
    SAME(-EBADF, fi_domain_open((fi_engine *)m.domain, NULL, &domain));
    SAME(-EINVAL, fi_domain_map(m.domain, 1, m.memory, PAGE, FI_READ));
    SAME(-EINVAL, fi_domain_map(m.domain, 0, m.memory, 0, FI_READ));
    SAME(-EINVAL, fi_domain_map(m.domain, 0, m.memory, PAGE, 0));
    SAME(-EINVAL, fi_domain_map(m.domain, 0, m.memory, PAGE, 4));
    SAME(-EEXIST, fi_domain_map(m.domain, m.iova, m.memory, PAGE, FI_READ));
    SAME(-ERANGE, fi_domain_map(m.domain, 1ull << 60, m.memory, PAGE, FI_READ));
    SAME(-EOVERFLOW, fi_domain_map(m.domain, ~0ull - PAGE + 1, m.memory, 2 * PAGE, FI_READ));
    SAME(-EFAULT, fi_domain_map(m.domain, 0, (void *)0x1000, PAGE, FI_READ));
    SAME(-EINVAL, fi_port_translate(m.port, m.iova, FI_READ, FI_NO_PASID, NULL, NULL));
    SAME(-EINVAL, fi_port_translate_batch(m.port, NULL, NULL, 1, FI_READ, NULL));
    SAME(-EINVAL, fi_port_read(m.port, m.iova, NULL, 1, FI_NO_PASID, NULL));
    SAME(-EINVAL, fi_port_read(m.port, m.iova, text, SIZE_MAX, FI_NO_PASID, NULL));
    SAME(-EBADF, fi_port_close((fi_port *)m.engine));
    TRUE(fi_error_text(text, sizeof(text)) > 20 && strlen(text) == 7);
    TRUE(fi_error_text(NULL, 0) > 20);
    close_machine(&m);
    SAME(-EBADF, fi_port_close(m.port));
}

/* Numbers that were never handles, and some that were: each call of every kind says so and touches nothing. */
static void no_handle_is_followed(void)
{
    struct machine m;
    uint64_t random = 88172645463325252ull, numbers[4], word;
    void *host;
    open_machine(&m, FI_PORT_BATCH);
    for (int i = 0; i < 50000; i++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        uint64_t bad = i % 3 == 0 ? random : i % 3 == 1 ? (uint64_t)(uintptr_t)m.port + ((random & 0xff) + 1) * (1ull << 32) : random & 0xffff;
        void *handle = (void *)(uintptr_t)bad;
        uint32_t target = 1;
        SAME(-EBADF, fi_port_translate(handle, m.iova, FI_READ, FI_NO_PASID, &host, NULL));
        SAME(-EBADF, fi_port_translate_batch(handle, numbers, (void **)numbers, 4, FI_READ, NULL));
        SAME(-EBADF, fi_scope_enter(handle));
        SAME(-EBADF, fi_scope_leave(handle));
        SAME(-EBADF, fi_domain_unmap(handle, 0, PAGE, NULL));
        SAME(-EBADF, fi_ioctl(handle, IOAS_ALLOC, NULL));
        SAME(-EBADF, fi_device_attach(handle, FI_NO_PASID, &target));
        SAME(-EBADF, fi_producer_read(handle, &word, 1));
        SAME(-EBADF, fi_queue_process(handle));
        SAME(-EBADF, fi_pci_bar_read(handle, 0, 0, &word, 8));
        SAME(-EBADF, fi_engine_close(handle));
    }
    GOOD(fi_port_translate(m.port, m.iova, FI_READ, FI_NO_PASID, &host, NULL));
    close_machine(&m);
}

/* Which part is loaded decides about the width; what it does not have is refused before anything is made. */
static void vectors_are_those_of_the_code(void)
{
    const char *width = getenv("FASTIOVA_ISA"), *code = getenv("FASTIOVA_CODE");
    int wanted = width ? atoi(width) : 0, expected = __builtin_cpu_supports("x86-64-v4") ? 512 : 256;
    fi_engine *engine = NULL;
    if (code ? strcmp(code, "v3") == 0 : wanted == 256)
        expected = 256;
    if (width && wanted != expected)
        expected = -EOPNOTSUPP;
    SAME(expected, fi_vector_bits());
    SAME(expected < 0 ? expected : 0, fi_engine_open(NULL, &engine));
    TRUE((engine == NULL) == (expected < 0));
    if (expected < 0)
        TRUE(fi_error_text(NULL, 0) > 0);
    else
        GOOD(fi_engine_close(engine));
    SAME(0, fi_open_handles());
}

const struct test control[] = {
    { "vectors_are_those_of_the_code", vectors_are_those_of_the_code },
    { "ioctls_move_a_device", ioctls_move_a_device },
    { "ioctls_refuse_as_a_kernel", ioctls_refuse_as_a_kernel },
    { "files_of_ioctls_are_read_and_closed", files_of_ioctls_are_read_and_closed },
    { "a_model_in_c_serves_a_driver", a_model_in_c_serves_a_driver },
    { "a_model_of_the_library_serves_a_driver", a_model_of_the_library_serves_a_driver },
    { "bad_input_is_an_errno", bad_input_is_an_errno },
    { "no_handle_is_followed", no_handle_is_followed },
    { NULL, NULL },
};
