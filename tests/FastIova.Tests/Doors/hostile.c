/*
 * A stranger at the socket of a service, without the shim: hostile SOCKET WHAT [COUNT [PROGRAM]]. It speaks the protocol as far as it helps, and then
 * does what no shim would do. It prints what it got, and waits for a line of input before it exits, so that what it holds can be looked at.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../../shim/protocol.h"

#define CHECK(x) do { if (!(x)) { perror(#x); fprintf(stderr, "line %d\n", __LINE__); exit(1); } } while (0)
#define PASSED_LAST 253

static const char *place;

static int connect_to(void)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", place);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    CHECK(fd >= 0);
    CHECK(connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
    return fd;
}

static struct door_greeting greeting_of(uint32_t kind, uint32_t slot, uint64_t client)
{
    struct door_greeting greeting = { .magic = DOOR_MAGIC, .version = DOOR_VERSION, .kind = kind, .slot = slot, .client = client };
    return greeting;
}

static int say(int fd, const struct door_greeting *greeting, const int *fds, int count)
{
    char control[CMSG_SPACE(sizeof(int) * PASSED_LAST)] = { 0 };
    struct iovec part = { (void *)greeting, sizeof(*greeting) };
    struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1 };
    if (count > 0) {
        header.msg_control = control;
        header.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)count);
        struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)count);
        memcpy(CMSG_DATA(rights), fds, sizeof(int) * (size_t)count);
    }
    return sendmsg(fd, &header, MSG_NOSIGNAL) == sizeof(*greeting) ? 0 : -errno;
}

/* The result of the answer; -ECONNRESET when the engine just closed the connection. */
static int hear(int fd, struct door_answer *answer, int *passed)
{
    char control[CMSG_SPACE(sizeof(int))] = { 0 };
    struct iovec part = { answer, sizeof(*answer) };
    struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
    struct pollfd entry = { .fd = fd, .events = POLLIN };
    CHECK(poll(&entry, 1, 60000) == 1); /* the engine answers or hangs up, whatever it was told */
    if (recvmsg(fd, &header, MSG_CMSG_CLOEXEC) != (ssize_t)sizeof(*answer))
        return -ECONNRESET;
    struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
    if (passed)
        *passed = rights ? *(int *)CMSG_DATA(rights) : -1;
    return answer->result;
}

static int greet(const struct door_greeting *greeting, const int *fds, int count, struct door_answer *answer, int *passed)
{
    int fd = connect_to();
    int result = say(fd, greeting, fds, count);
    if (result == 0)
        result = hear(fd, answer, passed);
    close(fd);
    return result;
}

static int hello(uint64_t *token, struct door_slot **slots)
{
    struct door_greeting greeting = greeting_of(DOOR_GREET_HELLO, 0, 0);
    struct door_answer answer;
    int memory = -1, result = greet(&greeting, NULL, 0, &answer, &memory);
    if (result < 0)
        return result;
    CHECK(ftruncate(memory, 0) < 0 && ftruncate(memory, 1 << 20) < 0); /* or the engine would meet SIGBUS */
    *token = answer.client;
    *slots = mmap(NULL, DOOR_SLOTS * DOOR_SLOT_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
    CHECK(*slots != MAP_FAILED);
    close(memory);
    return 0;
}

static void post(struct door_slot *slot, uint32_t call, uint64_t file, uint64_t a, uint64_t b)
{
    slot->call = call;
    slot->file = file;
    slot->a = a;
    slot->b = b;
    __atomic_store_n(&slot->turn, DOOR_TURN_ENGINE, __ATOMIC_SEQ_CST);
    syscall(SYS_futex, &slot->turn, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void stay(void)
{
    fflush(stdout);
    char line[16];
    if (read(0, line, sizeof(line)) < 0)
        exit(1);
}

static void receive(int fd, struct door_greeting *message, int *passed)
{
    char control[CMSG_SPACE(sizeof(int))] = { 0 };
    struct iovec part = { message, sizeof(*message) };
    struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
    CHECK(recvmsg(fd, &header, 0) == sizeof(*message));
    struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
    *passed = rights ? *(int *)CMSG_DATA(rights) : -1;
}

/* Descriptors of every kind and number where one, or none, belongs. */
static void pass_anything(void)
{
    int pipes[2], sockets[2];
    CHECK(pipe(pipes) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) == 0);
    int kinds[] = {
        pipes[0], pipes[1], sockets[0], epoll_create1(0), open("/dev/null", O_RDWR), open("/dev/zero", O_RDONLY), open("/", O_RDONLY | O_DIRECTORY),
        open("/proc/self/mem", O_RDONLY), memfd_create("empty", 0), eventfd(0xfffffffe, 0), (int)syscall(SYS_pidfd_open, getppid(), 0), open("/", O_PATH), connect_to(),
    };
    const uint32_t greetings[] = { DOOR_GREET_HELLO, DOOR_GREET_SLOT, DOOR_GREET_COLLECT, DOOR_GREET_LEND, DOOR_GREET_RING, 6, 0xffffffffu };
    const int counts[] = { 0, 1, 2, 4, 5, 13, PASSED_LAST };
    int sent = 0;
    for (size_t g = 0; g < sizeof(greetings) / sizeof(*greetings); g++) {
        for (size_t k = 0; k < sizeof(kinds) / sizeof(*kinds); k++) {
            for (size_t c = 0; c < sizeof(counts) / sizeof(*counts); c++) {
                int fds[PASSED_LAST];
                for (int i = 0; i < counts[c]; i++)
                    fds[i] = kinds[(k + (size_t)i) % (sizeof(kinds) / sizeof(*kinds))];
                struct door_greeting greeting = greeting_of(greetings[g], 64, 0);
                struct door_answer answer;
                int result = greet(&greeting, fds, counts[c], &answer, NULL);
                CHECK(result < 0 || greetings[g] == DOOR_GREET_HELLO || greetings[g] == DOOR_GREET_LEND);
                sent++;
            }
        }
    }
    printf("sent %d\n", sent);
    stay();
}

static void lend(int count)
{
    int taken = 0;
    for (int i = 0; i < count; i++) {
        int memory = memfd_create("lent", MFD_CLOEXEC);
        CHECK(memory >= 0 && ftruncate(memory, 4096) == 0);
        struct door_greeting greeting = greeting_of(DOOR_GREET_LEND, 0, 0);
        struct door_answer answer;
        taken += greet(&greeting, &memory, 1, &answer, NULL) == 0;
        close(memory);
    }
    printf("lent %d\n", taken);
    stay();
}

static void serve_slots(int count)
{
    uint64_t token;
    struct door_slot *slots;
    CHECK(hello(&token, &slots) == 0);
    int served = 1, refused = 0;
    for (int i = 1; i < count; i++) {
        struct door_greeting greeting = greeting_of(DOOR_GREET_SLOT, (uint32_t)i, token);
        struct door_answer answer;
        int result = greet(&greeting, NULL, 0, &answer, NULL);
        served += result == 0;
        refused = result < 0 ? result : refused;
    }
    printf("served %d %d\n", served, refused);
    stay();
}

static void stay_silent(int count)
{
    for (int i = 0; i < count; i++)
        connect_to();
    printf("silent %d\n", count);
    stay();
}

/* Many who speak something else, and wait for what comes of it. */
static void be_rude(int count)
{
    struct door_greeting nonsense = { 0 };
    struct door_answer answer;
    int *fds = calloc((size_t)count, sizeof(int)), closed = 0;
    CHECK(fds);
    for (int i = 0; i < count; i++) {
        fds[i] = connect_to();
        say(fds[i], &nonsense, NULL, 0);
    }
    for (int i = 0; i < count; i++)
        closed += hear(fds[i], &answer, NULL) == -ECONNRESET;
    free(fds);
    printf("rude %d closed %d\n", count, closed);
    stay();
}

/* A connection in other hands, whose maker is gone: its id may be anybody's by now. */
static void outlive(void)
{
    int ends[2];
    CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        int fd = connect_to();
        struct door_greeting none = { 0 };
        _exit(say(ends[1], &none, &fd, 1) == 0 ? 0 : 1);
    }
    int status, fd = -1;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    struct door_greeting message;
    receive(ends[0], &message, &fd);
    struct door_greeting greeting = greeting_of(DOOR_GREET_HELLO, 0, 0);
    struct door_answer answer;
    int result = say(fd, &greeting, NULL, 0);
    printf("outlived %d\n", result < 0 ? result : hear(fd, &answer, NULL));
    stay();
}

/* Programs that are killed in a call which cannot end: the engine reads a page that somebody else will not provide. */
static void stall(int count)
{
    int opened = 0, refused = 0;
    for (int i = 0; i < count; i++) {
        int ends[2];
        CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) == 0);
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            uint64_t token;
            struct door_slot *slots;
            int result = hello(&token, &slots);
            struct door_greeting message = { .client = (uint64_t)(int64_t)result };
            int faults = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK); /* others than root have FUSE for this */
            if (result < 0)
                _exit(say(ends[1], &message, NULL, 0) == 0 ? 0 : 1);
            struct uffdio_api api = { .api = UFFD_API };
            char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            struct uffdio_register range = { .range = { (uintptr_t)page, 4096 }, .mode = UFFDIO_REGISTER_MODE_MISSING };
            CHECK(faults >= 0 && ioctl(faults, UFFDIO_API, &api) == 0 && ioctl(faults, UFFDIO_REGISTER, &range) == 0);
            post(&slots[0], DOOR_CALL_OPEN, 0, (uintptr_t)page, 0);
            struct pollfd entry = { .fd = faults, .events = POLLIN };
            CHECK(poll(&entry, 1, 60000) == 1 && entry.revents == POLLIN); /* the engine has met the page */
            CHECK(say(ends[1], &message, &faults, 1) == 0);
            _exit(0);
        }
        int status;
        CHECK(waitpid(child, &status, 0) == child && status == 0);
        struct door_greeting message;
        int faults; /* which are held from here on */
        receive(ends[0], &message, &faults);
        opened += message.client == 0;
        refused = message.client != 0 ? (int)message.client : refused;
        close(ends[0]);
        close(ends[1]);
    }
    printf("stalled %d %d\n", opened, refused);
    stay();
}

/* What the engine would read in a program that has more rights than who asks for it. */
static char secret[] = "/dev/iommu";

static void be_target(int fd)
{
    struct door_greeting message = { .client = (uintptr_t)secret, .slot = geteuid() };
    CHECK(say(fd, &message, NULL, 0) == 0);
    pause();
}

/* A client becomes a program of root's; whoever else has its slots goes on to post calls. It has called before, or not. */
static void become(char *program, int calls)
{
    int ends[2], memory;
    CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        CHECK(setgid(65534) == 0 && setuid(65534) == 0 && prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0);
        struct door_greeting greeting = greeting_of(DOOR_GREET_HELLO, 0, 0);
        struct door_answer answer;
        CHECK(greet(&greeting, NULL, 0, &answer, &memory) == 0 && memory >= 0);
        struct door_slot *slots = mmap(NULL, DOOR_SLOTS * DOOR_SLOT_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
        CHECK(slots != MAP_FAILED);
        if (calls) {
            post(&slots[0], DOOR_CALL_OPEN, 0, (uintptr_t)secret, 0);
            while (__atomic_load_n(&slots[0].turn, __ATOMIC_ACQUIRE) == DOOR_TURN_ENGINE)
                sched_yield();
            CHECK(slots[0].turn == DOOR_TURN_ASK); /* it reads the client's own memory well */
            slots[0].answer = -EBADF;
            __atomic_store_n(&slots[0].turn, DOOR_TURN_ANSWER, __ATOMIC_SEQ_CST);
            syscall(SYS_futex, &slots[0].turn, FUTEX_WAKE, 1, NULL, NULL, 0);
            while (__atomic_load_n(&slots[0].turn, __ATOMIC_ACQUIRE) != DOOR_TURN_CLIENT)
                sched_yield();
        }
        struct door_greeting message = { 0 };
        CHECK(say(ends[1], &message, &memory, 1) == 0);
        char number[16];
        snprintf(number, sizeof(number), "%d", ends[1]);
        execl(program, program, place, "target", number, NULL);
        _exit(1);
    }
    close(ends[1]);
    struct door_greeting message;
    int none;
    receive(ends[0], &message, &memory);
    receive(ends[0], &message, &none);
    struct door_slot *slots = mmap(NULL, DOOR_SLOTS * DOOR_SLOT_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
    CHECK(slots != MAP_FAILED);
    post(&slots[0], DOOR_CALL_OPEN, 0, message.client, 0);
    while (__atomic_load_n(&slots[0].turn, __ATOMIC_ACQUIRE) == DOOR_TURN_ENGINE)
        sched_yield();
    printf("became %u: %s\n", message.slot, slots[0].turn == DOOR_TURN_CLIENT && slots[0].result == DOOR_NOT_MINE ? "nothing read" : "read");
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    stay();
}

int main(int argc, char **argv)
{
    CHECK(argc >= 3);
    place = argv[1];
    int count = argc > 3 ? atoi(argv[3]) : 0;
    if (strcmp(argv[2], "anything") == 0)
        pass_anything();
    else if (strcmp(argv[2], "lend") == 0)
        lend(count);
    else if (strcmp(argv[2], "slots") == 0)
        serve_slots(count);
    else if (strcmp(argv[2], "silent") == 0)
        stay_silent(count);
    else if (strcmp(argv[2], "rude") == 0)
        be_rude(count);
    else if (strcmp(argv[2], "outlive") == 0)
        outlive();
    else if (strcmp(argv[2], "stall") == 0)
        stall(count);
    else if (strcmp(argv[2], "become") == 0 && argc > 4)
        become(argv[4], count);
    else if (strcmp(argv[2], "target") == 0)
        be_target(count);
    else
        return 2;
    return 0;
}
