/* Forks: a child begins anew, whatever the threads of its parent were doing. */
#include "check.h"

#define THREADS 3

/* Work that also makes the runtime collect its garbage, which has to stop all threads that it knows. */
static void work(int rounds)
{
    for (int i = 0; i < rounds; i++) {
        struct machine m;
        uint64_t iovas[256];
        void *hosts[256];
        char text[256];
        open_machine(&m, FI_PORT_BATCH);
        for (int at = 0; at < 256; at++)
            iovas[at] = m.iova + (uint64_t)at * PAGE;
        GOOD(fi_port_translate_batch(m.port, iovas, hosts, 256, FI_READ, NULL));
        TRUE(hosts[255] == m.memory + 255 * PAGE);
        for (int at = 0; at < 1000; at++) {
            SAME(-EEXIST, fi_domain_map(m.domain, m.iova, m.memory, PAGE, FI_READ));
            fi_error_text(text, sizeof(text)); /* allocates */
        }
        GOOD(fi_port_close(m.port));
        GOOD(fi_domain_close(m.domain));
        GOOD(fi_engine_close(m.engine));
        munmap(m.memory, m.bytes);
    }
}

static void await(pid_t child)
{
    int status;
    TRUE(child > 0 && waitpid(child, &status, 0) == child);
    SAME(0, status);
}

static void a_child_begins_anew(void)
{
    struct machine m;
    open_machine(&m, FI_PORT_BATCH);
    pid_t child = fork();
    if (child == 0) {
        void *host;
        SAME(-EBADF, fi_port_translate(m.port, m.iova, FI_READ, FI_NO_PASID, &host, NULL));
        SAME(0, fi_open_handles());
        struct machine own;
        open_machine(&own, FI_PORT_BATCH);
        TRUE(own.port != m.port);
        SAME(-EBADF, fi_port_close(m.port));
        close_machine(&own);
        work(20);
        exit(0);
    }
    await(child);
    close_machine(&m);
}

static void children_of_children_begin_anew(void)
{
    work(1);
    for (int depth = 0; depth < 4; depth++) {
        pid_t child = fork();
        if (child != 0) {
            await(child);
            work(1);
            if (depth > 0)
                exit(0);
            return;
        }
        work(2);
    }
    exit(0);
}

static void a_parent_that_never_called_costs_its_children_nothing(void)
{
    for (int i = 0; i < 5; i++) {
        pid_t child = fork();
        if (child == 0) {
            work(1);
            exit(0);
        }
        await(child);
    }
}

static atomic_int stop, turns;

static void *hammer(void *given)
{
    struct machine *m = given;
    uint64_t iovas[64];
    void *hosts[64];
    for (int at = 0; at < 64; at++)
        iovas[at] = m->iova + (uint64_t)at * PAGE;
    while (!stop) {
        GOOD(fi_scope_enter(m->port));
        GOOD(fi_port_translate_batch(m->port, iovas, hosts, 64, FI_READ, NULL));
        GOOD(fi_scope_leave(m->port));
        turns++;
    }
    return NULL;
}

static void *churn(void *given)
{
    (void)given;
    while (!stop) {
        struct machine m;
        char text[128];
        open_machine(&m, FI_PORT_SINGLE);
        GOOD(fi_domain_unmap(m.domain, m.iova, PAGE, NULL));
        SAME(-EEXIST, fi_domain_map(m.domain, m.iova + PAGE, m.memory, PAGE, FI_READ));
        fi_error_text(text, sizeof(text));
        GOOD(fi_port_close(m.port));
        GOOD(fi_domain_close(m.domain));
        GOOD(fi_engine_close(m.engine));
        munmap(m.memory, m.bytes);
        turns++;
    }
    return NULL;
}

static void forks_in_the_midst_of_calls(void)
{
    struct machine m[THREADS];
    pthread_t threads[THREADS + 1];
    for (int i = 0; i < THREADS; i++) {
        open_machine(&m[i], FI_PORT_BATCH);
        GOOD(pthread_create(&threads[i], NULL, hammer, &m[i]));
    }
    GOOD(pthread_create(&threads[THREADS], NULL, churn, NULL));
    for (int i = 0; i < 20; i++) {
        int before = turns;
        while (turns < before + 10)
            sched_yield(); /* they are at it */
        pid_t child = fork();
        if (child == 0) {
            void *host;
            SAME(-EBADF, fi_port_translate(m[0].port, m[0].iova, FI_READ, FI_NO_PASID, &host, NULL));
            work(2);
            _exit(0);
        }
        await(child);
    }
    stop = 1;
    for (int i = 0; i < THREADS + 1; i++)
        GOOD(pthread_join(threads[i], NULL));
    for (int i = 0; i < THREADS; i++) {
        GOOD(fi_port_close(m[i].port));
        GOOD(fi_domain_close(m[i].domain));
        GOOD(fi_engine_close(m[i].engine));
    }
    SAME(0, fi_open_handles());
}

/* An emulator with its devices in a process of their own: the ring is inherited by its descriptor. */
static void a_ring_crosses_the_fork(void)
{
    struct machine m;
    fi_ring *ring;
    fi_producer *producer;
    uint64_t iovas[8], answers[8];
    open_machine(&m, FI_PORT_BATCH);
    GOOD(fi_ring_create(64, FI_WAIT_PARK, &ring));
    int file = fi_ring_fd(ring);
    pid_t child = fork();
    if (child == 0) {
        fi_ring *mine;
        GOOD(fi_ring_open(file, &mine));
        GOOD(fi_producer_open(mine, &producer));
        for (int round = 0; round < 100; round++) {
            for (int i = 0; i < 8; i++)
                iovas[i] = m.iova + (uint64_t)(round * 8 + i) * PAGE;
            GOOD(fi_producer_publish(producer, iovas, 8, FI_READ));
            for (int read = 0; read < 8;) {
                SAME(1, fi_producer_wait(producer, -1));
                read += fi_producer_read(producer, answers + read, (size_t)(8 - read));
            }
            for (int i = 0; i < 8; i++)
                SAME((uintptr_t)m.memory + (iovas[i] - m.iova), fi_completion_host(answers[i]));
        }
        GOOD(fi_producer_close(producer));
        GOOD(fi_ring_close(mine));
        exit(0);
    }
    fi_queue *queue;
    GOOD(fi_queue_open(m.port, ring, FI_NO_PASID, &queue));
    for (int done = 0; done < 800;) {
        SAME(1, fi_queue_wait(queue, -1));
        done += fi_queue_process(queue);
    }
    await(child);
    GOOD(fi_queue_close(queue));
    GOOD(fi_ring_close(ring));
    close_machine(&m);
}

const struct test forks[] = {
    { "a_child_begins_anew", a_child_begins_anew },
    { "children_of_children_begin_anew", children_of_children_begin_anew },
    { "a_parent_that_never_called_costs_its_children_nothing", a_parent_that_never_called_costs_its_children_nothing },
    { "forks_in_the_midst_of_calls", forks_in_the_midst_of_calls },
    { "a_ring_crosses_the_fork", a_ring_crosses_the_fork },
    { NULL, NULL },
};
