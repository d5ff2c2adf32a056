/*
 * What the shim and the engine say to each other. src/Doors/DoorProtocol.cs says the same in C#; a test compares them.
 *
 * A file of the engine is, in a client, one end of a SEQPACKET connection whose other end the engine holds: dup, fork,
 * exec, SCM_RIGHTS and the last close follow the kernel's own rules, and the name of the other end says which file it is.
 * Nothing is ever sent over it but a single token that lies there while the file is readable, for poll.
 *
 * Calls go through slots: a page of shared memory for each client, made and sealed by the engine. A call takes a free
 * slot, writes what it wants, passes the turn to the engine and waits until the turn comes back. While the engine works
 * it may ask something of its client: that is the turn passed back in between.
 *
 * What cannot go through memory (descriptors, and the first word of a process) goes through a connection to the engine's
 * address that lasts for one greeting and one answer. So a client owns no hidden descriptor that it could close.
 */
#ifndef FASTIOVA_PROTOCOL_H
#define FASTIOVA_PROTOCOL_H

#include <stdint.h>

#define DOOR_MAGIC 0x61766f69u
#define DOOR_VERSION 1u

/* The name of an engine's end: a zero byte, this, 16 hexadecimal digits of the engine, a slash, 16 of the file. */
#define DOOR_FILE_NAME "fastiova/"

/* The environment variable: KEY:FLAGS:ADDRESS, KEY of 32 hexadecimal digits, ADDRESS a path or '@' and an abstract name. */
#define DOOR_VARIABLE "FASTIOVA_DOOR"

/* FLAGS, in decimal. */
#define DOOR_FLAG_FAULTS 1u /* calls say which thread they come from; the kernel's fault injection files are the engine's */
#define DOOR_FLAG_LEND 2u   /* the engine cannot open shared anonymous memory by itself: lend it */
#define DOOR_FLAG_DEVICES 4u /* the view has PCI devices, their groups and their nodes */

/* The folder of files that stand for those of the system, when there is one. */
#define DOOR_VIEW_VARIABLE "FASTIOVA_VIEW"

#define DOOR_SLOTS 256u
#define DOOR_SLOT_BYTES 256u

/* Kinds of greetings. */
#define DOOR_GREET_HELLO 1u   /* a new client; the answer carries the memory of its slots */
#define DOOR_GREET_SLOT 2u    /* serve one more slot */
#define DOOR_GREET_COLLECT 3u /* fetch the descriptor that a ticket stands for */
#define DOOR_GREET_LEND 4u    /* carries a memory file that replaces shared anonymous memory */
#define DOOR_GREET_RING 5u    /* carries a file of /dev/iommu; slot is the capacity, its highest bit says many producers, ticket an ioas.
                                 The answer carries the ring, a second message of one byte an eventfd; the ring is served until the
                                 connection ends */

struct door_greeting {
    uint32_t magic;
    uint32_t version;
    uint32_t kind;
    uint32_t slot;
    uint64_t key[2];
    uint64_t client; /* as the answer to the hello said */
    uint64_t ticket;
};

struct door_answer {
    uint32_t magic;
    int32_t result; /* zero, or a negative errno */
    uint64_t client;
    uint64_t engine; /* its process */
};

/* Whose turn it is. */
#define DOOR_TURN_CLIENT 0u  /* idle, or the call is done */
#define DOOR_TURN_ENGINE 1u  /* a call is posted */
#define DOOR_TURN_ASK 2u     /* the engine asks something of its client */
#define DOOR_TURN_ANSWER 3u  /* the client has answered */
#define DOOR_TURN_STOPPED 4u /* the engine no longer serves this client */

/* Calls. */
#define DOOR_CALL_OPEN 1u  /* a path, b flags */
#define DOOR_CALL_IOCTL 2u /* a request, b argument */
#define DOOR_CALL_READ 3u  /* a buffer, b count, c position or all ones */
#define DOOR_CALL_WRITE 4u /* a buffer, b count, c position or all ones */
#define DOOR_CALL_MAP 5u   /* a offset, b length, c protection, d flags; the result is a descriptor to map, and to close */
#define DOOR_CALL_POLL 6u  /* the result has POLLIN and POLLOUT */
#define DOOR_CALL_NODE 7u  /* the result is the number of the device node that was opened; zero without one */

/* The result of DOOR_CALL_OPEN when the engine has no such node: the path means what it always means. */
#define DOOR_NOT_MINE (-4096)

/* What the engine asks. */
#define DOOR_ASK_COLLECT 1u /* fetch the descriptor of ticket ask_a, close-on-exec if ask_b is 1: answers its number */
#define DOOR_ASK_CLOSE 2u   /* close the descriptor ask_a */

struct door_slot {
    uint32_t turn; /* both sides sleep on this word */
    uint32_t engine_asleep;
    uint32_t client_asleep;
    uint32_t call;
    uint32_t thread;
    uint32_t user;
    uint64_t file;
    uint64_t a;
    uint64_t b;
    uint64_t c;
    uint64_t d;
    int64_t result;
    uint32_t tokens; /* with the result: how many tokens to take off the file's connection */
    uint32_t ask;
    uint64_t ask_a;
    uint64_t ask_b;
    int64_t answer;
    uint64_t base; /* with the result of DOOR_CALL_MAP: where in the descriptor to begin */
    unsigned char unused[DOOR_SLOT_BYTES - 112];
};

_Static_assert(sizeof(struct door_slot) == DOOR_SLOT_BYTES, "a slot has its size");
_Static_assert(sizeof(struct door_greeting) == 48 && sizeof(struct door_answer) == 24, "no padding in messages");

#endif
