/* What the environment says about the engine, and connections to it that last for one greeting. */
#define _GNU_SOURCE
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "shim.h"

static struct door the_door;

static int parse_hex(const char **text, uint64_t *value)
{
    uint64_t result = 0;
    for (int i = 0; i < 16; i++) {
        char c = (*text)[i];
        unsigned digit = c >= '0' && c <= '9' ? (unsigned)(c - '0') : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10) : 16u;
        if (digit > 15)
            return 0;
        result = result << 4 | digit;
    }
    *text += 16;
    *value = result;
    return 1;
}

static int parse(const char *text, struct door *door)
{
    if (!text || !parse_hex(&text, &door->key[0]) || !parse_hex(&text, &door->key[1]) || *text++ != ':')
        return 0;
    for (; *text >= '0' && *text <= '9'; text++)
        door->flags = door->flags * 10 + (uint32_t)(*text - '0');
    if (*text++ != ':')
        return 0;
    size_t bytes = strlen(text);
    if (bytes == 0 || bytes >= sizeof(door->address))
        return 0;
    memcpy(door->address, text, bytes);
    if (door->address[0] == '@')
        door->address[0] = 0;
    else
        bytes++; /* a path ends with a zero byte */
    door->address_bytes = (uint32_t)(offsetof(struct sockaddr_un, sun_path) + bytes);
    const char *view = getenv(DOOR_VIEW_VARIABLE);
    if (view && strlen(view) < sizeof(door->view))
        strcpy(door->view, view);
    return 1;
}

/* The constructor comes here before there are threads; whoever comes earlier finds the same answer. */
HIDDEN const struct door *door_get(void)
{
    int present = __atomic_load_n(&the_door.present, __ATOMIC_ACQUIRE);
    if (UNLIKELY(present == 0)) {
        present = parse(getenv(DOOR_VARIABLE), &the_door) ? 1 : -1;
        __atomic_store_n(&the_door.present, present, __ATOMIC_RELEASE);
    }
    return present > 0 ? &the_door : NULL;
}

/* Answers a connected socket, or a negative errno. */
static int dial(void)
{
    const struct door *door = door_get();
    struct sockaddr_un address;
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    file_forget(fd);
    address.sun_family = AF_UNIX;
    memcpy(address.sun_path, door->address, sizeof(door->address));
    int result;
    do
        result = connect(fd, (struct sockaddr *)&address, door->address_bytes);
    while (result < 0 && errno == EINTR);
    if (result < 0) {
        result = -errno;
        NEXT(close)(fd);
        return result;
    }
    return fd;
}

/* Sends one message, with a descriptor when there is one to lend. */
static int send_greeting(int socket_fd, const struct door_greeting *greeting, int lend_fd)
{
    struct iovec part = { .iov_base = (void *)greeting, .iov_len = sizeof(*greeting) };
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr header;
    } control;
    struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
    if (lend_fd >= 0) {
        memset(&control, 0, sizeof(control));
        message.msg_control = control.bytes;
        message.msg_controllen = sizeof(control.bytes);
        struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(rights), &lend_fd, sizeof(int));
    }
    ssize_t sent;
    do
        sent = sendmsg(socket_fd, &message, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : 0;
}

static int receive_answer(int socket_fd, struct door_answer *answer, int *fd, int cloexec)
{
    struct iovec part = { .iov_base = answer, .iov_len = sizeof(*answer) };
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr header;
    } control;
    struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control.bytes) };
    ssize_t got;
    do
        got = recvmsg(socket_fd, &message, cloexec ? MSG_CMSG_CLOEXEC : 0);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return -errno;
    if (got != sizeof(*answer) || answer->magic != DOOR_MAGIC)
        return -EIO;
    struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
    if (fd)
        *fd = -1;
    if (rights && rights->cmsg_level == SOL_SOCKET && rights->cmsg_type == SCM_RIGHTS && fd) {
        memcpy(fd, CMSG_DATA(rights), sizeof(int));
        file_forget(*fd);
    }
    if (answer->result < 0)
        return answer->result;
    if (fd && *fd < 0)
        return -EMFILE; /* the kernel had no number for it */
    return 0;
}

/* Says one thing to the engine and waits for what it says to it. Answers zero or a negative errno. */
HIDDEN int door_greet(const struct door_greeting *greeting, int lend_fd, struct door_answer *answer, int *fd, int cloexec)
{
    int socket_fd = dial();
    if (socket_fd < 0)
        return socket_fd;
    int result = send_greeting(socket_fd, greeting, lend_fd);
    if (result == 0)
        result = receive_answer(socket_fd, answer, fd, cloexec);
    NEXT(close)(socket_fd);
    return result;
}

/* An engine that has ended accepts no connection. */
HIDDEN int door_is_dead(void)
{
    int fd = dial();
    if (fd >= 0)
        NEXT(close)(fd);
    return fd == -ECONNREFUSED || fd == -ENOENT;
}
