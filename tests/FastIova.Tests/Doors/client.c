/*
 * A program with one scenario for each test of the doors: client NAME [ARGUMENT]. It exits with 0 when the engine kept its
 * promises, and says on the error output what it saw otherwise. It knows nothing of the engine: it opens a device node.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NODE "/dev/iommu"

/* What the engine of these tests understands; EchoFile.cs says the same. */
#define ADD_ONE _IO(';', 1)   /* struct pair: b = a + 1; answers 7 */
#define FAIL _IO(';', 2)      /* fails with the argument as errno */
#define NEW_QUEUE _IO(';', 3) /* answers a descriptor */
#define RESOLVE _IO(';', 4)   /* of the descriptor given: 1 the engine's, 0 somebody else's */
#define READ_BYTE _IO(';', 5) /* the byte that the argument points to */
#define PUSH _IO(';', 6)      /* makes so many records readable */
#define PIN _IO(';', 7)       /* pins the page that the argument points to until close: 0 host frame, 1 remote */
#define WAIT _IO(';', 8)      /* returns once somebody has called POST */
#define POST _IO(';', 9)
#define INSTALL_UNINSTALL _IO(';', 10) /* answers the number that a descriptor had */
#define DRAIN _IO(';', 11)    /* makes the queue of the given descriptor empty */
#define PEEK _IO(';', 12)     /* the first byte of the pinned page */
#define FAULTS _IO(';', 13)   /* passes so many fault points, or fails at one with ENOMEM */
#define CRASH _IO(';', 14)    /* throws in the handler */

struct pair {
    uint64_t a, b;
};

#define CHECK(condition)                                                                                         \
    do {                                                                                                         \
        if (!(condition)) {                                                                                      \
            fprintf(stderr, "client.c:%d: %s (errno %d, %s)\n", __LINE__, #condition, errno, strerror(errno));   \
            exit(1);                                                                                             \
        }                                                                                                        \
    } while (0)

#define CHECK_FAILS(call, expected)    \
    do {                               \
        errno = 0;                     \
        CHECK((call) == -1);           \
        CHECK(errno == (expected));    \
    } while (0)

static int open_node(void)
{
    int fd = open(NODE, O_RDWR | O_CLOEXEC);
    CHECK(fd >= 0);
    return fd;
}

static void check_adds(int fd)
{
    struct pair pair = { .a = (uint64_t)getpid() << 20 | (unsigned)fd };
    CHECK(ioctl(fd, ADD_ONE, &pair) == 7);
    CHECK(pair.b == pair.a + 1);
}

static int wait_for(pid_t child)
{
    int status;
    CHECK(waitpid(child, &status, 0) == child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void basic(void)
{
    int fd = open_node();
    errno = 4711;
    check_adds(fd);
    CHECK(errno == 4711);
    CHECK_FAILS(ioctl(fd, FAIL, EBUSY), EBUSY);
    CHECK_FAILS(ioctl(fd, _IO(';', 99), 0), ENOTTY);
    CHECK_FAILS(ioctl(fd, TIOCGWINSZ, 0), ENOTTY);
    CHECK(close(fd) == 0);
    CHECK_FAILS(ioctl(fd, ADD_ONE, 0), EBADF);
    CHECK_FAILS(open("/dev/vfio/no-such-node", O_RDWR), ENOENT);
    CHECK_FAILS(open("/dev/no-such-node", O_RDWR), ENOENT);
    int null = open("/dev/null", O_RDWR);
    CHECK(null >= 0 && write(null, "x", 1) == 1 && read(null, &fd, 1) == 0);
    CHECK_FAILS(ioctl(null, ADD_ONE, 0), ENOTTY);
    CHECK_FAILS(ioctl(-1, ADD_ONE, 0), EBADF);
    fd = openat(AT_FDCWD, NODE, O_RDWR);
    check_adds(fd);
    CHECK(!(fcntl(fd, F_GETFD) & FD_CLOEXEC));
    CHECK(ioctl(fd, FIOCLEX) == 0 && (fcntl(fd, F_GETFD) & FD_CLOEXEC));
}

static void bad_pointers(void)
{
    int fd = open_node();
    char *pages = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(munmap(pages + 4096, 4096) == 0);
    CHECK_FAILS(ioctl(fd, ADD_ONE, NULL), EFAULT);
    CHECK_FAILS(ioctl(fd, ADD_ONE, (void *)-1), EFAULT);
    CHECK_FAILS(ioctl(fd, ADD_ONE, pages + 4096 - 8), EFAULT);
    CHECK_FAILS(ioctl(fd, ADD_ONE, pages + 4096), EFAULT);
    CHECK(mprotect(pages + 8192, 4096, PROT_READ) == 0);
    CHECK_FAILS(ioctl(fd, ADD_ONE, pages + 8192), EFAULT);
    CHECK(mprotect(pages + 8192, 4096, PROT_NONE) == 0);
    CHECK_FAILS(ioctl(fd, READ_BYTE, pages + 8192), EFAULT);
    CHECK_FAILS(ioctl(fd, PIN, pages + 8192), EFAULT);
    CHECK_FAILS(ioctl(fd, PIN, pages + 4096), EFAULT);
    check_adds(fd);
}

static void forks(void)
{
    int fd = open_node();
    static char own = 'p';
    check_adds(fd);
    CHECK(ioctl(fd, READ_BYTE, &own) == 'p');
    for (int i = 0; i < 20; i++) {
        pid_t child = fork();
        if (child == 0) {
            own = 'c';
            CHECK(ioctl(fd, READ_BYTE, &own) == 'c');
            check_adds(fd);
            int second = open_node();
            check_adds(second);
            pid_t grandchild = fork();
            if (grandchild == 0) {
                own = 'g';
                CHECK(ioctl(fd, READ_BYTE, &own) == 'g');
                check_adds(second);
                _exit(0);
            }
            CHECK(wait_for(grandchild) == 0);
            CHECK(ioctl(fd, READ_BYTE, &own) == 'c');
            _exit(0);
        }
        CHECK(wait_for(child) == 0);
        CHECK(ioctl(fd, READ_BYTE, &own) == 'p');
    }
    pid_t child = vfork();
    if (child == 0) {
        struct pair pair = { .a = 5 };
        if (ioctl(fd, ADD_ONE, &pair) != 7 || pair.b != 6)
            _exit(1);
        _exit(0);
    }
    CHECK(wait_for(child) == 0);
    check_adds(fd);
}

static void duplicates(void)
{
    int fd = open_node();
    int copy = dup(fd);
    check_adds(copy);
    CHECK(close(fd) == 0);
    check_adds(copy);
    int null = open("/dev/null", O_RDWR);
    CHECK(dup2(copy, null) == null);
    check_adds(null);
    CHECK(dup3(copy, 200, O_CLOEXEC) == 200);
    check_adds(200);
    int high = fcntl(copy, F_DUPFD_CLOEXEC, 300);
    CHECK(high >= 300);
    check_adds(high);
    /* A number that was the engine's becomes somebody else's behind the shim's back. */
    CHECK(syscall(SYS_close, high) == 0);
    int pipes[2];
    CHECK(pipe(pipes) == 0 && syscall(SYS_dup3, pipes[1], high, 0) == high);
    CHECK(write(high, "x", 1) == 1);
    char byte;
    CHECK(read(pipes[0], &byte, 1) == 1 && byte == 'x');
    CHECK_FAILS(ioctl(high, ADD_ONE, 0), ENOTTY);
    /* And the other way round. */
    CHECK(syscall(SYS_dup3, copy, high, 0) == high);
    check_adds(high);
}

static void executes(const char *self)
{
    int fd = open(NODE, O_RDWR);
    int hidden = open_node();
    check_adds(fd);
    char number[20], closed[20];
    snprintf(number, sizeof(number), "%d", fd);
    snprintf(closed, sizeof(closed), "%d", hidden);
    pid_t child = fork();
    if (child == 0) {
        execl(self, self, "inherited", number, closed, NULL);
        _exit(1);
    }
    CHECK(wait_for(child) == 0);
    execl(self, self, "inherited", number, closed, NULL);
    CHECK(0);
}

static void inherited(const char *number, const char *closed)
{
    int fd = atoi(number);
    check_adds(fd);
    CHECK_FAILS(ioctl(atoi(closed), ADD_ONE, 0), EBADF);
    CHECK(close(fd) == 0);
}

static void pass(int socket, int fd)
{
    char byte = 1, control[CMSG_SPACE(sizeof(int))] = { 0 };
    struct iovec part = { &byte, 1 };
    struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
    struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(rights), &fd, sizeof(int));
    CHECK(sendmsg(socket, &message, 0) == 1);
}

static int take(int socket)
{
    int fd;
    char byte, control[CMSG_SPACE(sizeof(int))];
    struct iovec part = { &byte, 1 };
    struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
    CHECK(recvmsg(socket, &message, 0) == 1);
    memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(int));
    return fd;
}

static void passes_rights(void)
{
    int sockets[2];
    CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, sockets) == 0);
    pid_t child = fork();
    if (child == 0) {
        int fd = take(sockets[1]);
        check_adds(fd);
        int queue = take(sockets[1]);
        uint64_t record;
        CHECK(read(queue, &record, sizeof(record)) == sizeof(record) && record == 0);
        CHECK(read(queue, &record, sizeof(record)) == 0);
        _exit(0);
    }
    int fd = open_node();
    int queue = ioctl(fd, NEW_QUEUE, 0);
    CHECK(queue >= 0);
    CHECK(ioctl(fd, PUSH, 1) == 0);
    pass(sockets[0], fd);
    pass(sockets[0], queue);
    CHECK(close(fd) == 0 && close(queue) == 0);
    CHECK(wait_for(child) == 0);
}

static void queues(void)
{
    int fd = open_node();
    int queue = ioctl(fd, NEW_QUEUE, 0);
    CHECK(queue >= 0 && (fcntl(queue, F_GETFD) & FD_CLOEXEC));
    struct pollfd entry = { .fd = queue, .events = POLLIN | POLLOUT };
    CHECK(poll(&entry, 1, 0) == 1 && entry.revents == POLLOUT);
    entry.events = POLLIN;
    CHECK(poll(&entry, 1, 20) == 0);
    int epoll = epoll_create1(0);
    struct epoll_event event = { .events = EPOLLIN };
    CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, queue, &event) == 0);
    CHECK(epoll_wait(epoll, &event, 1, 0) == 0);
    CHECK(ioctl(fd, PUSH, 2) == 0);
    CHECK(epoll_wait(epoll, &event, 1, 1000) == 1);
    CHECK(poll(&entry, 1, -1) == 1 && entry.revents == POLLIN);
    uint64_t records[4];
    CHECK(read(queue, records, 8) == 8 && records[0] == 0);
    CHECK(poll(&entry, 1, 0) == 1);
    CHECK(read(queue, records, sizeof(records)) == 8 && records[0] == 1);
    CHECK(poll(&entry, 1, 0) == 0);
    CHECK(epoll_wait(epoll, &event, 1, 0) == 0);
    CHECK(read(queue, records, sizeof(records)) == 0);
    CHECK_FAILS(read(queue, records, 7), ESPIPE);
    CHECK(write(queue, records, 16) == 16);
    /* Emptied by something else than a read: the token that lies there is stale. */
    CHECK(ioctl(fd, PUSH, 1) == 0);
    CHECK(poll(&entry, 1, 0) == 1);
    CHECK(ioctl(fd, DRAIN, queue) == 0);
    CHECK(poll(&entry, 1, 0) == 0);
    CHECK(poll(&entry, 1, 20) == 0);
    CHECK(ioctl(fd, PUSH, 1) == 0);
    CHECK(poll(&entry, 1, 0) == 1);
    CHECK(ioctl(fd, RESOLVE, queue) == 1);
    CHECK(ioctl(fd, RESOLVE, fd) == 1);
    CHECK(ioctl(fd, RESOLVE, 2) == 0);
    CHECK_FAILS(ioctl(fd, RESOLVE, 999), EBADF);
    CHECK_FAILS(ioctl(fd, RESOLVE, -1), EBADF);
    int number = ioctl(fd, INSTALL_UNINSTALL, 0);
    CHECK(number >= 0);
    CHECK_FAILS(fcntl(number, F_GETFD), EBADF);
}

static int shared_fd;

static void *adds(void *rounds)
{
    for (long i = 0; i < (long)rounds; i++)
        check_adds(shared_fd);
    return NULL;
}

static void *waits(void *nothing)
{
    CHECK(ioctl(shared_fd, WAIT, 0) == 0);
    return nothing;
}

static void threads(void)
{
    pthread_t ids[40];
    shared_fd = open_node();
    for (int i = 0; i < 8; i++)
        CHECK(pthread_create(&ids[i], NULL, adds, (void *)200) == 0);
    for (int i = 0; i < 8; i++)
        CHECK(pthread_join(ids[i], NULL) == 0);
    /* Calls that wait hold nobody else up. */
    for (int i = 0; i < 40; i++)
        CHECK(pthread_create(&ids[i], NULL, waits, NULL) == 0);
    check_adds(shared_fd);
    for (int i = 0; i < 40; i++)
        CHECK(ioctl(shared_fd, POST, 0) == 0);
    for (int i = 0; i < 40; i++)
        CHECK(pthread_join(ids[i], NULL) == 0);
    /* A fork while other threads call. */
    for (int i = 0; i < 4; i++)
        CHECK(pthread_create(&ids[i], NULL, adds, (void *)500) == 0);
    for (int i = 0; i < 10; i++) {
        pid_t child = fork();
        if (child == 0) {
            check_adds(shared_fd);
            _exit(0);
        }
        CHECK(wait_for(child) == 0);
    }
    for (int i = 0; i < 4; i++)
        CHECK(pthread_join(ids[i], NULL) == 0);
}

static void closes_everything(void)
{
    check_adds(open_node());
    for (int fd = 3; fd < 1024; fd++)
        close(fd);
    check_adds(open_node());
    CHECK(syscall(SYS_close_range, 3, ~0u, 0) == 0);
    CHECK(dup2(2, 10) == 10 && dup2(2, 11) == 11);
    int fd = open_node();
    check_adds(fd);
    struct rlimit limit = { .rlim_cur = (rlim_t)fd + 1, .rlim_max = (rlim_t)fd + 1 };
    CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    CHECK_FAILS(open(NODE, O_RDWR), EMFILE);
    check_adds(fd);
}

static void memory(void)
{
    int fd = open_node();
    char *own = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *shared = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int file = memfd_create("file", 0);
    CHECK(ftruncate(file, 4096) == 0);
    char *mapped = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    CHECK(own != MAP_FAILED && shared != MAP_FAILED && mapped != MAP_FAILED);
    CHECK(ioctl(fd, PIN, own) == 1);
    CHECK_FAILS(ioctl(fd, PIN, mapped + 4096), EFAULT); /* beyond the end of the file */
    CHECK(ioctl(fd, PIN, mapped) == 0);
    mapped[0] = 'm';
    CHECK(ioctl(fd, PEEK, 0) == 'm');
    /* A page outlives the process that pinned it, and is the same page for everybody who maps it. */
    pid_t child = fork();
    if (child == 0) {
        CHECK(ioctl(fd, PIN, shared + 4096) == 0);
        shared[4096] = 'c';
        CHECK(ioctl(fd, PEEK, 0) == 'c');
        _exit(0);
    }
    CHECK(wait_for(child) == 0);
    CHECK(shared[4096] == 'c' && ioctl(fd, PEEK, 0) == 'c');
    shared[4096] = 'p';
    CHECK(ioctl(fd, PEEK, 0) == 'p');
}

static void fail_nth(void)
{
    char path[100], text[20];
    snprintf(path, sizeof(path), "/proc/self/task/%d/fail-nth", (int)syscall(SYS_gettid));
    int nth = open(path, O_RDWR);
    CHECK(nth >= 0);
    int fd = open_node();
    CHECK(pread(nth, text, sizeof(text), 0) == 2 && memcmp(text, "0\n", 2) == 0);
    CHECK(pwrite(nth, "3", 1, 0) == 1);
    CHECK(ioctl(fd, FAULTS, 2) == 0);
    CHECK(pread(nth, text, sizeof(text), 0) == 2 && memcmp(text, "1\n", 2) == 0);
    CHECK_FAILS(ioctl(fd, FAULTS, 2), ENOMEM);
    CHECK(pread(nth, text, sizeof(text), 0) == 2 && memcmp(text, "0\n", 2) == 0);
    CHECK(ioctl(fd, FAULTS, 2) == 0);
    CHECK(pread(nth, text, sizeof(text), 2) == 0);
    CHECK_FAILS(pwrite(nth, "x", 1, 0), EINVAL);
    CHECK(close(nth) == 0 && close(fd) == 0);
}

static volatile sig_atomic_t alarms;

static void on_alarm(int signal)
{
    (void)signal;
    struct pair pair = { .a = 1 };
    if (ioctl(shared_fd, ADD_ONE, &pair) != 7 || pair.b != 2)
        _exit(9);
    alarms = alarms + 1;
}

/* Calls from a signal handler, in the middle of calls. */
static void signals(void)
{
    shared_fd = open_node();
    signal(SIGALRM, on_alarm);
    struct itimerval timer = { .it_interval = { 0, 500 }, .it_value = { 0, 500 } };
    setitimer(ITIMER_REAL, &timer, NULL);
    while (alarms < 50)
        check_adds(shared_fd);
}

static void crash(void)
{
    int fd = open_node();
    check_adds(fd);
    CHECK_FAILS(ioctl(fd, CRASH, 0), EIO);
    CHECK_FAILS(ioctl(fd, ADD_ONE, 0), EIO);
}

static void measure(long rounds)
{
    int fd = open_node();
    struct pair pair = { 0 };
    for (int i = 0; i < 1000; i++)
        CHECK(ioctl(fd, ADD_ONE, &pair) == 7);
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (long i = 0; i < rounds; i++)
        CHECK(ioctl(fd, ADD_ONE, &pair) == 7);
    clock_gettime(CLOCK_MONOTONIC, &end);
    printf("%.0f\n", ((double)(end.tv_sec - start.tv_sec) * 1e9 + (double)(end.tv_nsec - start.tv_nsec)) / (double)rounds);
}

/* Leaves its file, with a page pinned, to a process that never says a word to the engine. */
static void bequeath(void)
{
    int fd = open_node();
    char *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(shared != MAP_FAILED && ioctl(fd, PIN, shared) >= 0);
    pid_t heir = fork();
    if (heir == 0) {
        close(0);
        close(1);
        close(2);
        for (;;)
            pause();
    }
    printf("%d\n", heir);
}

/* Does what a client can do until somebody kills it; says when it has begun. */
static void busy(unsigned seed)
{
    int fds[16], count = 0;
    setpgid(0, 0);
    char *shared = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    char *own = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int round = 0;; round++) {
        if (count < 16 && (count == 0 || rand_r(&seed) % 4 == 0))
            fds[count++] = open_node();
        int fd = fds[rand_r(&seed) % count];
        switch (rand_r(&seed) % 6) {
        case 0: ioctl(fd, PIN, shared + (rand_r(&seed) % 256) * 4096); break;
        case 1: ioctl(fd, PIN, own + (rand_r(&seed) % 256) * 4096); break;
        case 2: {
            int queue = ioctl(fd, NEW_QUEUE, 0);
            if (queue >= 0 && rand_r(&seed) % 2)
                close(queue);
            break;
        }
        case 3: ioctl(fd, PUSH, 3); break;
        case 4: check_adds(fd); break;
        default:
            if (rand_r(&seed) % 8 == 0) {
                pid_t child = fork();
                if (child == 0 && ++seed % 3 == 0) /* and on it goes, as a process of its own */
                    _exit(0);
            }
            else if (count > 1 && rand_r(&seed) % 3 == 0) {
                close(fds[--count]);
            }
        }
        if (round == 3 && write(1, "b", 1) < 0)
            exit(1);
    }
}

int main(int count, char **words)
{
    const char *name = count > 1 ? words[1] : "";
    const struct {
        const char *name;
        void (*run)(void);
    } scenarios[] = {
        { "basic", basic }, { "bad-pointers", bad_pointers }, { "forks", forks }, { "duplicates", duplicates }, { "passes-rights", passes_rights },
        { "queues", queues }, { "threads", threads }, { "closes-everything", closes_everything }, { "memory", memory }, { "fail-nth", fail_nth },
        { "signals", signals }, { "crash", crash },
    };
    for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
        if (strcmp(name, scenarios[i].name) == 0) {
            scenarios[i].run();
            return 0;
        }
    }
    if (strcmp(name, "executes") == 0)
        executes(words[0]);
    else if (strcmp(name, "inherited") == 0)
        inherited(words[2], words[3]);
    else if (strcmp(name, "measure") == 0)
        measure(atol(words[2]));
    else if (strcmp(name, "bequeath") == 0)
        bequeath();
    else if (strcmp(name, "busy") == 0)
        busy((unsigned)atol(words[2]));
    else
        CHECK(!"known scenario");
    return 0;
}
