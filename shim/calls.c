/* Calls to the engine, through slots of shared memory. No allocation, and nothing that a fork or a signal could catch half done. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "shim.h"

#define WORDS (DOOR_SLOTS / 64)

enum { STRANGE = 0, GREETING = 1, KNOWN = 2 };

/* What one process knows. It lies in a page that a fork wipes: a child is a client of its own. */
struct client {
    uint32_t phase;
    uint32_t spins;
    uint64_t token;
    struct door_slot *slots;
    uint64_t free[WORDS];
    uint64_t served[WORDS];
};

static struct client *the_client;

/* Spinning pays while the engine answers from another processor; the limit adapts to how the last calls went. */
#define SPINS_LEAST 64u
#define SPINS_MOST 8192u

static long futex(uint32_t *word, int operation, uint32_t value, const struct timespec *timeout)
{
    return syscall(SYS_futex, word, operation, value, timeout, NULL, 0);
}

static void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static struct client *client_page(void)
{
    struct client *page = __atomic_load_n(&the_client, __ATOMIC_ACQUIRE);
    if (LIKELY(page != NULL))
        return page;
    page = NEXT(mmap)(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return NULL;
    if (madvise(page, 4096, MADV_WIPEONFORK) != 0) {
        munmap(page, 4096);
        return NULL;
    }
    struct client *none = NULL;
    if (!__atomic_compare_exchange_n(&the_client, &none, page, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
        munmap(page, 4096);
        return none;
    }
    return page;
}

/* Maps the slots that the answer to the hello carries. */
static int say_hello(struct client *client)
{
    struct door_greeting greeting = { .magic = DOOR_MAGIC, .version = DOOR_VERSION, .kind = DOOR_GREET_HELLO };
    struct door_answer answer;
    int fd;
    memcpy(greeting.key, door_get()->key, sizeof(greeting.key));
    int result = door_greet(&greeting, -1, &answer, &fd, 1);
    if (result < 0)
        return result;
    void *slots = NEXT(mmap)(NULL, DOOR_SLOTS * DOOR_SLOT_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    result = -errno;
    NEXT(close)(fd);
    if (slots == MAP_FAILED)
        return result;
    madvise(slots, DOOR_SLOTS * DOOR_SLOT_BYTES, MADV_DONTFORK);
    prctl(PR_SET_PTRACER, (unsigned long)answer.engine, 0, 0, 0); /* where only a parent may look otherwise */
    client->slots = slots;
    client->token = answer.client;
    client->spins = SPINS_MOST / 2;
    client->served[0] = 1;
    memset(client->free, 0xff, sizeof(client->free));
    return 0;
}

/* Makes this process known to the engine, once. Signals wait meanwhile: a handler that calls would wait for itself. */
static int become_known(struct client *client)
{
    for (;;) {
        uint32_t phase = __atomic_load_n(&client->phase, __ATOMIC_ACQUIRE);
        if (LIKELY(phase == KNOWN))
            return 0;
        if (phase == GREETING) {
            sched_yield();
            continue;
        }
        sigset_t all, before;
        sigfillset(&all);
        sigprocmask(SIG_BLOCK, &all, &before);
        int result = 1;
        if (__atomic_compare_exchange_n(&client->phase, &phase, GREETING, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
            result = say_hello(client);
            __atomic_store_n(&client->phase, result == 0 ? KNOWN : STRANGE, __ATOMIC_RELEASE);
        }
        sigprocmask(SIG_SETMASK, &before, NULL);
        if (result <= 0)
            return result;
    }
}

static int slot_take(struct client *client)
{
    for (;;) {
        for (int word = 0; word < (int)WORDS; word++) {
            uint64_t bits = __atomic_load_n(&client->free[word], __ATOMIC_RELAXED);
            while (bits != 0) {
                uint64_t bit = bits & -bits;
                bits = __atomic_fetch_and(&client->free[word], ~bit, __ATOMIC_ACQUIRE);
                if (bits & bit)
                    return word * 64 + __builtin_ctzll(bit);
            }
        }
        sched_yield(); /* as many calls at once as there are slots */
    }
}

static void slot_give_back(struct client *client, int slot)
{
    __atomic_fetch_or(&client->free[slot / 64], 1ull << (slot % 64), __ATOMIC_RELEASE);
}

static int slot_serve(struct client *client, int slot)
{
    uint64_t bit = 1ull << (slot % 64);
    if (LIKELY(__atomic_load_n(&client->served[slot / 64], __ATOMIC_ACQUIRE) & bit))
        return 0;
    struct door_greeting greeting = {
        .magic = DOOR_MAGIC, .version = DOOR_VERSION, .kind = DOOR_GREET_SLOT, .slot = (uint32_t)slot, .client = client->token,
    };
    struct door_answer answer;
    memcpy(greeting.key, door_get()->key, sizeof(greeting.key));
    int result = door_greet(&greeting, -1, &answer, NULL, 1);
    if (result < 0)
        return result == -ENOMEM ? -ENOMEM : -EIO; /* as many calls at once as a user may have; or the engine has ended this client, or itself */
    __atomic_fetch_or(&client->served[slot / 64], bit, __ATOMIC_RELEASE);
    return 0;
}

/* Fails when the engine has stopped to serve: nobody would ever take the turn. */
static int pass_turn(struct door_slot *slot, uint32_t before, uint32_t turn)
{
    if (!__atomic_compare_exchange_n(&slot->turn, &before, turn, 0, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
        return -EIO;
    /* The engine says that it sleeps before it looks at the turn for the last time: one of the two sees the other. */
    if (__atomic_load_n(&slot->engine_asleep, __ATOMIC_SEQ_CST))
        futex(&slot->turn, FUTEX_WAKE, 1, NULL);
    return 0;
}

/* Waits until the turn is no longer the given one. Answers zero, or a negative errno when the engine has gone. */
static int await_turn(struct client *client, struct door_slot *slot, uint32_t turn)
{
    uint32_t spins = __atomic_load_n(&client->spins, __ATOMIC_RELAXED);
    for (uint32_t i = 0; i < spins; i++) {
        if (__atomic_load_n(&slot->turn, __ATOMIC_ACQUIRE) != turn) {
            if (spins < SPINS_MOST)
                __atomic_store_n(&client->spins, spins + spins / 8 + 1, __ATOMIC_RELAXED);
            return 0;
        }
        relax();
    }
    __atomic_store_n(&client->spins, spins / 2 > SPINS_LEAST ? spins / 2 : SPINS_LEAST, __ATOMIC_RELAXED);
    static const struct timespec patience = { .tv_sec = 0, .tv_nsec = 250000000 };
    for (;;) {
        __atomic_store_n(&slot->client_asleep, 1, __ATOMIC_SEQ_CST);
        long slept = 0;
        if (__atomic_load_n(&slot->turn, __ATOMIC_SEQ_CST) == turn)
            slept = futex(&slot->turn, FUTEX_WAIT, turn, &patience);
        int timed_out = slept < 0 && errno == ETIMEDOUT;
        __atomic_store_n(&slot->client_asleep, 0, __ATOMIC_RELAXED);
        if (__atomic_load_n(&slot->turn, __ATOMIC_ACQUIRE) != turn)
            return 0;
        if (timed_out && door_is_dead())
            return -EIO;
    }
}

static int64_t collect(const struct client *client, uint64_t ticket, int cloexec)
{
    struct door_greeting greeting = {
        .magic = DOOR_MAGIC, .version = DOOR_VERSION, .kind = DOOR_GREET_COLLECT, .client = client->token, .ticket = ticket,
    };
    struct door_answer answer;
    int fd;
    memcpy(greeting.key, door_get()->key, sizeof(greeting.key));
    int result = door_greet(&greeting, -1, &answer, &fd, cloexec);
    if (result < 0)
        return result;
    /* A program gets the lowest number, as ever; the connection had it until now. */
    int lower = NEXT(fcntl)(fd, cloexec ? F_DUPFD_CLOEXEC : F_DUPFD, 0);
    if (lower < 0)
        return fd;
    int other = lower < fd ? fd : lower;
    fd = lower < fd ? lower : fd;
    file_forget(fd);
    NEXT(close)(other);
    return fd;
}

static int64_t obey(const struct client *client, const struct door_slot *slot)
{
    switch (slot->ask) {
    case DOOR_ASK_COLLECT:
        return collect(client, slot->ask_a, slot->ask_b == 1);
    case DOOR_ASK_CLOSE:
        file_forget((int)slot->ask_a);
        return NEXT(close)((int)slot->ask_a) < 0 ? -errno : 0;
    default:
        return -ENOSYS;
    }
}

static int64_t converse(struct client *client, struct door_slot *slot, const struct door_request *request)
{
    slot->call = request->call;
    slot->thread = door_get()->flags & DOOR_FLAG_FAULTS ? (uint32_t)syscall(SYS_gettid) : 0;
    slot->user = (uint32_t)getuid();
    slot->file = request->file;
    slot->a = request->a;
    slot->b = request->b;
    slot->c = request->c;
    slot->d = request->d;
    uint32_t before = DOOR_TURN_CLIENT, turn = DOOR_TURN_ENGINE;
    for (;;) {
        int result = pass_turn(slot, before, turn);
        if (LIKELY(result == 0))
            result = await_turn(client, slot, turn);
        if (result < 0)
            return result;
        uint32_t now = __atomic_load_n(&slot->turn, __ATOMIC_ACQUIRE);
        if (LIKELY(now == DOOR_TURN_CLIENT))
            return slot->result;
        if (now != DOOR_TURN_ASK)
            return -EIO; /* the engine has ended this client */
        slot->answer = obey(client, slot);
        before = DOOR_TURN_ASK;
        turn = DOOR_TURN_ANSWER;
    }
}

/* Takes tokens off a connection that is no longer readable. */
static void take_tokens(int fd, uint32_t tokens)
{
    char token;
    while (tokens-- > 0 && recv(fd, &token, 1, MSG_DONTWAIT) >= 0)
        continue;
}

HIDDEN int64_t door_call_map(int fd, const struct door_request *request, uint64_t *base)
{
    int kept = errno;
    struct client *client = client_page();
    int64_t result = client ? become_known(client) : -ENOMEM;
    if (result == 0) {
        int number = slot_take(client);
        result = slot_serve(client, number);
        if (result == 0) {
            struct door_slot *slot = &client->slots[number];
            result = converse(client, slot, request);
            uint32_t tokens = slot->tokens;
            *base = slot->base;
            if (UNLIKELY(tokens != 0 && fd >= 0)) {
                slot->tokens = 0;
                take_tokens(fd, tokens);
            }
        }
        slot_give_back(client, number);
    }
    errno = kept;
    return result;
}

HIDDEN int64_t door_call(int fd, const struct door_request *request)
{
    uint64_t base;
    return door_call_map(fd, request, &base);
}

/* Every call begins with the engine working off what was closed before it. A process that has never called has nothing to lose. */
HIDDEN void door_settle(uint64_t file)
{
    struct client *client = __atomic_load_n(&the_client, __ATOMIC_ACQUIRE);
    if (client && __atomic_load_n(&client->phase, __ATOMIC_ACQUIRE) == KNOWN) {
        struct door_request request = { .call = DOOR_CALL_POLL, .file = file };
        (void)door_call(-1, &request);
    }
}
