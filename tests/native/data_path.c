/* Translation, access, scopes, faults, rings. */
#include "check.h"

static void translates_one(void)
{
    for (uint32_t kind = FI_PORT_BATCH; kind <= FI_PORT_SINGLE; kind++) {
        struct machine m;
        void *host;
        open_machine(&m, kind);
        for (uint64_t offset = 0; offset < m.bytes; offset += 4093) {
            GOOD(fi_scope_enter(m.port));
            GOOD(fi_port_translate(m.port, m.iova + offset, FI_READ, FI_NO_PASID, &host, NULL));
            TRUE(host == m.memory + offset);
            GOOD(fi_scope_leave(m.port));
        }
        close_machine(&m);
    }
}

static void translates_batches_of_every_length(void)
{
    struct machine m;
    uint64_t iovas[600];
    void *hosts[601];
    open_machine(&m, FI_PORT_BATCH);
    for (int i = 0; i < 600; i++)
        iovas[i] = m.iova + (uint64_t)i * 6763 % m.bytes;
    for (size_t count = 0; count <= 600; count += count < 70 ? 1 : 53) {
        memset(hosts, 0xee, sizeof(hosts));
        GOOD(fi_scope_enter(m.port));
        GOOD(fi_port_translate_batch(m.port, iovas, hosts, count, FI_READ | FI_WRITE, NULL));
        for (size_t i = 0; i < count; i++)
            TRUE(hosts[i] == m.memory + (iovas[i] - m.iova));
        SAME(0xeeeeeeeeeeeeeeee, (uintptr_t)hosts[count]); /* and nothing behind the end */
        GOOD(fi_scope_leave(m.port));
    }
    close_machine(&m);
}

static void batches_tell_their_first_fault_and_translate_the_rest(void)
{
    struct machine m;
    uint64_t iovas[256];
    void *hosts[256];
    struct fi_fault fault;
    open_machine(&m, FI_PORT_BATCH);
    for (int i = 0; i < 256; i++)
        iovas[i] = m.iova + (uint64_t)i * 64;
    iovas[100] = 0x5000;
    iovas[200] = 1ull << 50;
    SAME(-EFAULT, fi_port_translate_batch(m.port, iovas, hosts, 256, FI_READ, &fault));
    SAME(0x5000, fault.iova);
    SAME(FI_FAULT_NOT_MAPPED, fault.reason);
    SAME(FI_READ, fault.wanted);
    SAME(0x100, fault.device);
    SAME(FI_NO_PASID, fault.pasid);
    for (int i = 0; i < 256; i++)
        TRUE(hosts[i] == (i == 100 || i == 200 ? NULL : m.memory + i * 64));
    close_machine(&m);
}

static void many_has_pasids_single_accesses_and_what_comes_next(void)
{
    struct machine m;
    fi_domain *other;
    uint8_t *memory = pages(PAGE), each[16];
    uint64_t iovas[16];
    void *hosts[16];
    struct fi_fault fault;
    struct fi_batch batch = { .size = sizeof(batch), .access = FI_READ, .iovas = iovas, .hosts = hosts, .count = 16, .next = iovas, .next_count = 16, .pasid = 7 };
    open_machine(&m, FI_PORT_BATCH);
    GOOD(fi_domain_open(m.engine, NULL, &other));
    GOOD(fi_domain_map(other, 0, memory, PAGE, FI_READ));
    for (int i = 0; i < 16; i++) {
        iovas[i] = (uint64_t)i * 8;
        each[i] = FI_READ;
    }
    SAME(-EFAULT, fi_port_translate_many(m.port, &batch, &fault));
    SAME(FI_FAULT_NOT_ATTACHED, fault.reason);
    SAME(7, fault.pasid);
    GOOD(fi_port_attach(m.port, other, 7));
    GOOD(fi_port_translate_many(m.port, &batch, NULL));
    TRUE(hosts[15] == memory + 120);
    batch.each = each;
    GOOD(fi_port_translate_many(m.port, &batch, NULL));
    each[9] = FI_WRITE;
    SAME(-EFAULT, fi_port_translate_many(m.port, &batch, &fault));
    SAME(FI_FAULT_PERMISSION, fault.reason);
    SAME(72, fault.iova);
    TRUE(hosts[9] == NULL && hosts[10] == memory + 80);
    batch.reserved = 1;
    SAME(-EINVAL, fi_port_translate_many(m.port, &batch, NULL));
    batch.reserved = 0;
    batch.size = 4;
    SAME(-EINVAL, fi_port_translate_many(m.port, &batch, NULL));
    GOOD(fi_port_detach(m.port, 7));
    SAME(-ENOENT, fi_port_detach(m.port, 7));
    SAME(-EINVAL, fi_port_attach(m.port, other, 1u << 20));
    GOOD(fi_domain_close(other));
    close_machine(&m);
}

static void ranges_become_runs(void)
{
    struct machine m;
    uint8_t *far = pages(PAGE);
    struct fi_segment segments[2];
    struct fi_fault fault;
    struct fi_range range = { .size = sizeof(range), .access = FI_READ, .segments = segments, .capacity = 2, .pasid = FI_NO_PASID };
    open_machine(&m, FI_PORT_BATCH);
    range.iova = m.iova + m.bytes - 100;
    range.length = 200;
    GOOD(fi_domain_map(m.domain, m.iova + m.bytes, far, PAGE, FI_READ));
    GOOD(fi_port_translate_range(m.port, &range, NULL));
    SAME(200, range.bytes);
    SAME(2, range.count);
    TRUE(segments[0].host == m.memory + m.bytes - 100 && segments[0].length == 100 && segments[1].host == far && segments[1].length == 100);
    range.capacity = 1;
    GOOD(fi_port_translate_range(m.port, &range, NULL));
    SAME(100, range.bytes);
    range.length = 2 * PAGE;
    range.capacity = 2;
    SAME(-EFAULT, fi_port_translate_range(m.port, &range, &fault));
    SAME(m.iova + m.bytes + PAGE, fault.iova);
    SAME(100 + PAGE, range.bytes);
    range.length = ~0ull;
    SAME(-EFAULT, fi_port_translate_range(m.port, &range, &fault));
    SAME(FI_FAULT_WRAPS, fault.reason);
    range.reserved = 1;
    SAME(-EINVAL, fi_port_translate_range(m.port, &range, &fault));
    close_machine(&m);
}

static void reads_writes_and_atomics_reach_memory(void)
{
    struct machine m;
    struct fi_fault fault;
    char text[32] = "", sent[32] = "hello, device";
    uint32_t old32;
    uint64_t old64;
    open_machine(&m, FI_PORT_BATCH);
    GOOD(fi_port_write(m.port, m.iova + PAGE - 5, sent, sizeof(sent), FI_NO_PASID, NULL));
    SAME(0, memcmp(m.memory + PAGE - 5, sent, sizeof(sent)));
    GOOD(fi_port_read(m.port, m.iova + PAGE - 5, text, sizeof(text), FI_NO_PASID, NULL));
    SAME(0, memcmp(text, sent, sizeof(sent)));
    GOOD(fi_port_fetch_add32(m.port, m.iova, 5, FI_NO_PASID, &old32, NULL));
    SAME(0, old32);
    GOOD(fi_port_fetch_add64(m.port, m.iova, 1ull << 40, FI_NO_PASID, &old64, NULL));
    SAME(5, old64);
    GOOD(fi_port_compare_exchange64(m.port, m.iova, (1ull << 40) + 5, 9, FI_NO_PASID, &old64, NULL));
    SAME((1ull << 40) + 5, old64);
    GOOD(fi_port_compare_exchange32(m.port, m.iova, 1, 2, FI_NO_PASID, &old32, NULL));
    SAME(9, old32);
    SAME(9, *(uint64_t *)m.memory);
    SAME(-EFAULT, fi_port_fetch_add64(m.port, m.iova + 4, 1, FI_NO_PASID, NULL, &fault));
    SAME(FI_FAULT_MISALIGNED, fault.reason);
    SAME(-EFAULT, fi_port_write(m.port, m.iova + m.bytes - 4, sent, sizeof(sent), FI_NO_PASID, &fault));
    SAME(m.iova + m.bytes, fault.iova);
    SAME(FI_WRITE, fault.wanted);
    GOOD(fi_domain_protect(m.domain, m.iova, PAGE, FI_READ));
    SAME(-EFAULT, fi_port_write(m.port, m.iova, sent, 1, FI_NO_PASID, &fault));
    SAME(FI_FAULT_PERMISSION, fault.reason);
    SAME(-EFAULT, fi_port_explain(m.port, m.iova, FI_WRITE, FI_NO_PASID, &fault));
    GOOD(fi_port_explain(m.port, m.iova, FI_READ, FI_NO_PASID, &fault));
    SAME(FI_FAULT_NONE, fault.reason);
    close_machine(&m);
}

static void writes_mark_pages(void)
{
    struct machine m;
    uint64_t bits[16] = { 0 };
    open_machine(&m, FI_PORT_BATCH);
    GOOD(fi_domain_track_dirty(m.domain, 1));
    GOOD(fi_port_write(m.port, m.iova + 3 * PAGE, "x", 1, FI_NO_PASID, NULL));
    TRUE(fi_domain_read_dirty(m.domain, m.iova, m.bytes, 12, bits, 16, 1) > 0);
    TRUE((bits[0] >> 3 & 1) == 1);
    SAME(0, fi_domain_read_dirty(m.domain, m.iova, m.bytes, 12, bits, 16, 1));
    SAME(-EINVAL, fi_domain_read_dirty(m.domain, m.iova, m.bytes, 64, bits, 16, 1));
    close_machine(&m);
}

struct unmapper {
    struct machine *m;
    atomic_int began, done;
};

static void *unmap(void *given)
{
    struct unmapper *unmapper = given;
    uint64_t bytes;
    unmapper->began = 1;
    GOOD(fi_domain_unmap(unmapper->m->domain, unmapper->m->iova, unmapper->m->bytes, &bytes));
    SAME(unmapper->m->bytes, bytes);
    unmapper->done = 1;
    return NULL;
}

static void an_unmap_waits_for_the_scope(void)
{
    for (uint32_t kind = FI_PORT_BATCH; kind <= FI_PORT_SINGLE; kind++) {
        struct machine m;
        struct unmapper unmapper = { .m = &m };
        pthread_t thread;
        void *host;
        open_machine(&m, kind);
        GOOD(fi_scope_enter(m.port));
        GOOD(fi_port_translate(m.port, m.iova, FI_WRITE, FI_NO_PASID, &host, NULL));
        GOOD(pthread_create(&thread, NULL, unmap, &unmapper));
        while (!unmapper.began)
            sched_yield();
        for (int i = 0; i < 2000; i++) {
            SAME(0, unmapper.done); /* true however slow or fast the machine is */
            *(volatile uint8_t *)host = (uint8_t)i;
            sched_yield();
        }
        GOOD(fi_scope_enter(m.port)); /* scopes nest */
        GOOD(fi_scope_leave(m.port));
        SAME(0, unmapper.done);
        GOOD(fi_scope_leave(m.port));
        GOOD(pthread_join(thread, NULL));
        SAME(-EFAULT, fi_port_translate(m.port, m.iova, FI_WRITE, FI_NO_PASID, &host, NULL));
        TRUE(host == NULL);
        close_machine(&m);
    }
}

static void waiting_for_ones_own_scope_is_refused(void)
{
    struct machine m;
    uint32_t target = 1;
    open_machine(&m, FI_PORT_BATCH);
    GOOD(fi_scope_enter(m.port));
    SAME(-EDEADLK, fi_domain_unmap(m.domain, m.iova, PAGE, NULL));
    SAME(-EDEADLK, fi_domain_protect(m.domain, m.iova, PAGE, FI_READ));
    SAME(-EDEADLK, fi_domain_close(m.domain));
    SAME(-EDEADLK, fi_port_detach(m.port, FI_NO_PASID));
    SAME(-EDEADLK, fi_port_close(m.port));
    SAME(-EDEADLK, fi_pci_close(NULL));
    SAME(-EDEADLK, fi_ioctl(NULL, 0, NULL));
    SAME(-EDEADLK, fi_device_attach(NULL, FI_NO_PASID, &target));
    GOOD(fi_scope_leave(m.port));
    SAME(-EINVAL, fi_scope_leave(m.port));
    GOOD(fi_domain_unmap(m.domain, m.iova, PAGE, NULL));
    close_machine(&m);
}

static void rings_carry_requests_and_answers(void)
{
    struct machine m;
    fi_ring *ring, *again;
    fi_producer *producer, *second;
    fi_queue *queue;
    uint64_t iovas[65], answers[65];
    open_machine(&m, FI_PORT_BATCH);
    GOOD(fi_ring_create(64, FI_WAIT_YIELD, &ring));
    GOOD(fi_ring_open(fi_ring_fd(ring), &again));
    GOOD(fi_producer_open(ring, &producer));
    SAME(-EBUSY, fi_producer_open(again, &second));
    GOOD(fi_queue_open(m.port, again, FI_NO_PASID, &queue));
    for (int i = 0; i < 65; i++)
        iovas[i] = m.iova + (uint64_t)i * PAGE;
    iovas[3] = 0x1000;
    iovas[4] = ~0ull;
    SAME(0, fi_queue_process(queue));
    SAME(0, fi_queue_wait(queue, 0));
    SAME(-EINVAL, fi_producer_publish(producer, iovas, 65, FI_READ));
    GOOD(fi_producer_publish(producer, iovas, 64, FI_READ));
    SAME(-EAGAIN, fi_producer_publish(producer, iovas, 1, FI_READ));
    SAME(0, fi_producer_wait(producer, 0));
    SAME(1, fi_queue_wait(queue, -1));
    int done = 0;
    while (done < 64)
        done += fi_queue_process(queue);
    SAME(1, fi_producer_wait(producer, -1));
    SAME(64, fi_producer_read(producer, answers, 65));
    for (int i = 0; i < 64; i++) {
        uint32_t reason = i == 3 ? FI_FAULT_NOT_MAPPED : i == 4 ? FI_FAULT_APERTURE : FI_FAULT_NONE;
        SAME(reason, fi_completion_reason(answers[i]));
        SAME(reason ? 0 : (uintptr_t)m.memory + (uint64_t)i * PAGE, fi_completion_host(answers[i]));
    }
    GOOD(fi_queue_close(queue));
    GOOD(fi_producer_close(producer));
    GOOD(fi_ring_close(again));
    GOOD(fi_ring_close(ring));
    SAME(-EINVAL, fi_ring_create(65, FI_WAIT_YIELD, &ring));
    SAME(-EINVAL, fi_ring_create(64, 9, &ring));
    SAME(-EBADF, fi_ring_open(-1, &ring));
    close_machine(&m);
}

static void *leaves_scopes_of_another_thread(void *given)
{
    struct machine *m = given;
    SAME(-EINVAL, fi_scope_leave(m->port));
    SAME(-EBADF, fi_ioctl(NULL, 0, NULL)); /* and not -EDEADLK: this thread is in no scope for all that */
    return NULL;
}

static void a_scope_belongs_to_its_thread(void)
{
    struct machine m;
    pthread_t other;
    void *host;
    open_machine(&m, FI_PORT_BATCH);
    GOOD(fi_scope_enter(m.port));
    GOOD(fi_port_translate(m.port, m.iova, FI_READ, FI_NO_PASID, &host, NULL));
    GOOD(pthread_create(&other, NULL, leaves_scopes_of_another_thread, &m));
    GOOD(pthread_join(other, NULL));
    SAME(-EDEADLK, fi_ioctl(NULL, 0, NULL));
    GOOD(fi_scope_leave(m.port));
    GOOD(fi_domain_unmap(m.domain, m.iova, PAGE, NULL));
    close_machine(&m);
}

const struct test data_path[] = {
    { "a_scope_belongs_to_its_thread", a_scope_belongs_to_its_thread },
    { "translates_one", translates_one },
    { "translates_batches_of_every_length", translates_batches_of_every_length },
    { "batches_tell_their_first_fault_and_translate_the_rest", batches_tell_their_first_fault_and_translate_the_rest },
    { "many_has_pasids_single_accesses_and_what_comes_next", many_has_pasids_single_accesses_and_what_comes_next },
    { "ranges_become_runs", ranges_become_runs },
    { "reads_writes_and_atomics_reach_memory", reads_writes_and_atomics_reach_memory },
    { "writes_mark_pages", writes_mark_pages },
    { "an_unmap_waits_for_the_scope", an_unmap_waits_for_the_scope },
    { "waiting_for_ones_own_scope_is_refused", waiting_for_ones_own_scope_is_refused },
    { "rings_carry_requests_and_answers", rings_carry_requests_and_answers },
    { NULL, NULL },
};
