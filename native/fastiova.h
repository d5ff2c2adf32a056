/*
 * FastIova: a user-space IOMMU for emulators, simulators and user-space drivers.
 *
 * The library translates I/O virtual addresses (iovas) to addresses of this process, fast and safe against concurrent
 * unmap, and answers the ioctls of Linux's iommufd and VFIO container in user space. Link with `pkg-config --libs fastiova`.
 *
 * Results. Unless a function says otherwise it returns 0 on success and a negative errno on failure; nothing has changed
 * then. These errors may come from every function and are not repeated below:
 *   -EBADF    a handle is closed, is of another kind, or was inherited by fork
 *   -EINVAL   a pointer that must not be NULL is, or a value is out of its range
 *   -E2BIG    a struct has fields set that the library does not know (its size says that they are there)
 *   -ENOMEM   there is no memory
 *   -ELIBACC  the library cannot start: its parts are not where they were installed, or the processor is older than x86-64-v3
 * fi_error_text tells what the last failed call of the thread was about. No exception, signal or abort comes out of a call
 * for bad input; but a pointer that is neither NULL nor valid is followed, as everywhere in C (except the argument of
 * fi_ioctl, which answers -EFAULT as a kernel does).
 *
 * Handles. What the open calls give are not pointers to memory: they are numbers that the library checks, and a closed one is known as
 * closed. Each is closed by the close call of its kind, in any order unless said otherwise.
 *
 * Structs carry their size in the first field: set it to sizeof and everything else to zero, then fill in what you mean.
 * Programs built with an older header go on working. A flag that the library does not know, or a field named reserved of a
 * struct that it reads and that is not zero, is -EINVAL.
 *
 * Units. Lengths are bytes. iovas are 64 bits. Access is FI_READ, FI_WRITE, or both. All integers are of the machine.
 *
 * Threads. A function may be called by any thread, and by several at once, unless its object says "one at a time": ports, producers
 * and queues do, so that their calls need no lock. A thread needs no registration.
 *
 * Scopes. An address that a translation gave is valid inside the scope in which it was given (fi_scope_enter to
 * fi_scope_leave). While a scope is open, an unmap of what it may use waits; when the unmap returns, no address given out before
 * is in use, and none will be given out again. Keep scopes short. The calls that would wait for scopes answer -EDEADLK
 * to a thread that is inside one.
 *
 * Fork. A child inherits no handle and no engine: to it every handle of the parent is -EBADF. The first call of a child
 * starts the library anew, with state of its own, whatever the threads of the parent were doing; the child then opens engines
 * as every process. Memory of the parent's engine is there as a copy that nobody uses. A child that was forked while
 * other threads of the parent were inside calls ends by _exit or exec (which POSIX asks of such a child anyway). Rings
 * are shared with children by their descriptor: see fi_ring_open. A process made by the bare clone system call is not noticed.
 *
 * Signals. The first call installs handlers for SIGSEGV, SIGFPE and SIGRTMIN, which hand on what is not the library's; a
 * program that installs handlers for these later hands on to the ones before, too.
 */
#ifndef FASTIOVA_H
#define FASTIOVA_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The interface that this header describes. It rises when something is added. */
#define FI_ABI_VERSION 1

/** What an access does, or a mapping allows. */
#define FI_READ 1u
#define FI_WRITE 2u

/** No process address space: the device itself. PASIDs are below 2^20. */
#define FI_NO_PASID 0xffffffffu

typedef struct fi_engine fi_engine;     /* the domains, ports and contexts of one emulated machine */
typedef struct fi_memory fi_memory;     /* memory of the program that was checked once */
typedef struct fi_domain fi_domain;     /* one address space of devices: a page table */
typedef struct fi_port fi_port;         /* the way of one device, or of one of its queues, to memory; one at a time */
typedef struct fi_context fi_context;   /* what a program has that opened /dev/iommu */
typedef struct fi_device fi_device;     /* a port whose way the objects of a context decide */
typedef struct fi_ring fi_ring;         /* requests and answers in memory that two processes can share */
typedef struct fi_producer fi_producer; /* the side of a ring that asks; one at a time */
typedef struct fi_queue fi_queue;       /* the side of a ring that answers; one at a time, and with the port's calls */
typedef struct fi_pci fi_pci;           /* a PCI function: configuration space, BARs, interrupts, and a model behind them */

/* ------------------------------------------------------------------ the library */

/** The interface of the installed library: FI_ABI_VERSION of its header. */
int fi_abi_version(void);

/** The width of the vectors in use, in bits: 512 on processors that have AVX-512, else 256. FASTIOVA_ISA=256|512 forces a width.
 *  -EOPNOTSUPP when it asks for one that the machine or the library does not have. FASTIOVA_CODE=v3|v4 forces which of the installed
 *  parts is used: v3 has the width 256, v4 has 512. */
int fi_vector_bits(void);

/** Copies what the last failed call of this thread was about into buffer, UTF-8, cut to size with a zero at the end.
 *  Returns the length of the whole text. buffer may be NULL to ask for it. A fault, -EAGAIN, and what an ioctl refuses leave the text alone. */
int fi_error_text(char *buffer, size_t size);

/** How many handles of this process are open: for tests of a program's own tidiness. */
int fi_open_handles(void);

/* ------------------------------------------------------------------ engines */

#define FI_RELEASE_LATEST 0u  /* the newest that is implemented, 7.3 */
#define FI_RELEASE_6_12 612u

#define FI_ENGINE_TEST_BACKEND 1u /* the mock devices and ioctls of the kernel's own tests exist */

struct fi_engine_options {
    uint32_t size;    /* sizeof(struct fi_engine_options) */
    uint32_t release; /* which Linux the ioctls answer as: FI_RELEASE_... */
    uint32_t flags;   /* FI_ENGINE_... */
    uint32_t reserved;
};

/** Opens an engine. options may be NULL for the defaults. -EOPNOTSUPP as fi_vector_bits. */
int fi_engine_open(const struct fi_engine_options *options, fi_engine **engine);

/** Closes an engine: nothing is opened of it any more; what is open works until it is closed. */
int fi_engine_close(fi_engine *engine);

/** Checks once that a range of this process is mapped throughout, so that no map call of parts of it asks the kernel: a good
 *  thing to do with guest memory. The program keeps it mapped until fi_memory_close. -EINVAL for a range with holes. */
int fi_memory_register(void *address, uint64_t length, fi_memory **memory);

/** Forgets the range. The memory stays the program's. */
int fi_memory_close(fi_memory *memory);

/* ------------------------------------------------------------------ domains */

#define FI_DOMAIN_LINEAR 1u         /* one array of words in place of a tree: apertures up to 48 bits */
#define FI_DOMAIN_SMALL_TABLES 2u   /* no huge pages behind the table: less memory, slower walks */

struct fi_domain_options {
    uint32_t size;             /* sizeof(struct fi_domain_options) */
    uint32_t flags;            /* FI_DOMAIN_... */
    uint64_t aperture_first;   /* the iovas that can be mapped */
    uint64_t aperture_last;    /* inclusive; 0 for 2^48 - 1; at most 2^57 - 1 */
    uint32_t granule_lg2;      /* log2 of the smallest page: 11, 12, 14 or 16; 0 for 12 */
    uint32_t largest_page_lg2; /* log2 of the largest page to use; 0 for whatever fits */
};

/** Opens an empty domain. options may be NULL for the defaults. */
int fi_domain_open(fi_engine *engine, const struct fi_domain_options *options, fi_domain **domain);

/** Closes a domain; ports that are attached to it keep it until they are detached or closed. -EDEADLK inside a scope. */
int fi_domain_close(fi_domain *domain);

/** Maps memory of this process for devices. iova, host and length are multiples of the granule; the memory stays mapped until it is unmapped here.
 *  -EEXIST when something is mapped in the range, -ERANGE outside the aperture, -EOVERFLOW beyond 2^64, -EFAULT when the host
 *  range has holes. */
int fi_domain_map(fi_domain *domain, uint64_t iova, void *host, uint64_t length, uint32_t access);

/** Takes every mapping in a range away and waits until nobody uses one of them. Holes are skipped; large pages across an
 *  end are split. *unmapped receives the bytes that were mapped; it may be NULL. -EDEADLK inside a scope. */
int fi_domain_unmap(fi_domain *domain, uint64_t iova, uint64_t length, uint64_t *unmapped);

/** Gives every mapping in a range another access, and waits until nobody uses the old one. -EDEADLK inside a scope. */
int fi_domain_protect(fi_domain *domain, uint64_t iova, uint64_t length, uint32_t access);

/** Turns the marking of pages that devices write on (1) or off (0). -EDEADLK inside a scope. */
int fi_domain_track_dirty(fi_domain *domain, int on);

/** Sets a bit for each page of 2^page_lg2 bytes in the range that was written, and with clear forgets the marks. Bit n of the words is page n of the
 *  range. Returns how many bits were set by it, or a negative errno. -EDEADLK inside a scope. */
int64_t fi_domain_read_dirty(fi_domain *domain, uint64_t iova, uint64_t length, uint32_t page_lg2, uint64_t *bitmap, size_t words, int clear);

/* ------------------------------------------------------------------ ports and scopes */

#define FI_PORT_BATCH 0u  /* for batches: a scope costs a fence, an unmap none */
#define FI_PORT_SINGLE 1u /* for single look-ups over mappings that last: a scope costs plain stores, an unmap a system call */

struct fi_port_options {
    uint32_t size;   /* sizeof(struct fi_port_options) */
    uint32_t device; /* the number that faults carry; a PCI device uses its requester id */
    uint32_t kind;   /* FI_PORT_... */
    uint32_t reserved;
    const char *name; /* UTF-8, copied; NULL for "port" */
};

/** Opens a port, attached to nothing. options may be NULL. -EBUSY when 4,096 are open. */
int fi_port_open(fi_engine *engine, const struct fi_port_options *options, fi_port **port);

/** Closes a port. No call on it is running; nothing else (device, queue, function) uses it any more. -EDEADLK inside a scope. */
int fi_port_close(fi_port *port);

/** Attaches a port to a domain of the same engine, in place of the one before, for pasid or FI_NO_PASID. When it returns nothing
 *  goes through the old one. Any thread. -EDEADLK inside a scope. */
int fi_port_attach(fi_port *port, fi_domain *domain, uint32_t pasid);

/** Detaches it; accesses fault from then on. -ENOENT when nothing is attached. Any thread. -EDEADLK inside a scope. */
int fi_port_detach(fi_port *port, uint32_t pasid);

/** Enters a scope. Scopes of one port nest; leave as often as you enter, on the same thread. */
int fi_scope_enter(fi_port *port);

/** Leaves a scope; with the outermost, the addresses that were given in it are void. -EINVAL outside, and on a thread that is in none. */
int fi_scope_leave(fi_port *port);

/* ------------------------------------------------------------------ faults */

enum fi_fault_reason {
    FI_FAULT_NONE = 0,
    FI_FAULT_NOT_MAPPED = 1,
    FI_FAULT_PERMISSION = 2,
    FI_FAULT_APERTURE = 3,     /* outside of what the domain can translate */
    FI_FAULT_MISALIGNED = 4,   /* an atomic operation across its natural alignment */
    FI_FAULT_WRAPS = 5,        /* a range beyond 2^64 */
    FI_FAULT_NOT_ATTACHED = 6,
    FI_FAULT_REMOTE = 7        /* lies in another process: fi_port_read and fi_port_write reach it, an address does not exist */
};

/** An access that was refused: what -EFAULT of the functions below leaves in *fault (where fault is not NULL). */
struct fi_fault {
    uint64_t iova;
    uint32_t device;
    uint32_t pasid;
    uint8_t reason; /* enum fi_fault_reason */
    uint8_t wanted; /* FI_READ, FI_WRITE, both, or 0 when it was not known */
    uint16_t reserved0;
    uint32_t reserved1;
};

/* ------------------------------------------------------------------ translation: the port's thread */

/** Translates one iova. *host receives the address, NULL on a fault: valid in the surrounding scope. -EFAULT on a fault. */
int fi_port_translate(fi_port *port, uint64_t iova, uint32_t access, uint32_t pasid, void **host, struct fi_fault *fault);

/** Translates count iovas (at most 2^31 - 1) for one access: a fraction of a nanosecond each while they hit. hosts[n]
 *  receives the address of iovas[n], NULL for each that faults. -EFAULT when at least one did; *fault tells of the first. */
int fi_port_translate_batch(fi_port *port, const uint64_t *iovas, void **hosts, size_t count, uint32_t access, struct fi_fault *fault);

/** What fi_port_translate_many translates: a batch with everything that can be said about it. */
struct fi_batch {
    uint32_t size;         /* sizeof(struct fi_batch) */
    uint32_t access;       /* what all accesses do, where each is NULL */
    const uint64_t *iovas; /* count of them */
    void **hosts;          /* receives as many */
    size_t count;
    const uint8_t *each;   /* what each access does; or NULL */
    const uint64_t *next;  /* what will be asked for next, when it is known: fetched meanwhile, worth a factor of two on large tables; or NULL */
    size_t next_count;
    uint32_t pasid;        /* or FI_NO_PASID: zero is a PASID */
    uint32_t reserved;
};

/** fi_port_translate_batch with PASID, with an access for each, and with what comes next. */
int fi_port_translate_many(fi_port *port, const struct fi_batch *batch, struct fi_fault *fault);

/** One run of memory behind a range. */
struct fi_segment {
    void *host;
    uint64_t length; /* at least 1 */
};

/** A range to be translated into runs, for scatter-gather. */
struct fi_range {
    uint32_t size;   /* sizeof(struct fi_range) */
    uint32_t access;
    uint64_t iova;
    uint64_t length;
    struct fi_segment *segments; /* receives the runs in order */
    uint32_t capacity;           /* how many there is room for */
    uint32_t count;              /* out: the runs written */
    uint64_t bytes;              /* out: the bytes translated; fewer than length without a fault means that segments is full: go on from there */
    uint32_t pasid;              /* or FI_NO_PASID */
    uint32_t reserved;
};

/** Translates a range into runs of contiguous memory, valid in the surrounding scope. -EFAULT when it stops at a fault; what came before is valid. */
int fi_port_translate_range(fi_port *port, struct fi_range *range, struct fi_fault *fault);

/** Why an iova cannot be translated now: -EFAULT with the fault, or 0 when it can. */
int fi_port_explain(fi_port *port, uint64_t iova, uint32_t access, uint32_t pasid, struct fi_fault *fault);

/* ------------------------------------------------------------------ access: the port's thread; each call is a scope of its own */

/** Reads memory as the device sees it, across pages; count is at most 2^31 - 1. -EFAULT on a fault; the bytes before it are valid. */
int fi_port_read(fi_port *port, uint64_t iova, void *buffer, size_t count, uint32_t pasid, struct fi_fault *fault);

/** Writes memory as the device does, across pages, and marks them dirty. -EFAULT on a fault; the bytes before it are written. */
int fi_port_write(fi_port *port, uint64_t iova, const void *data, size_t count, uint32_t pasid, struct fi_fault *fault);

/** Adds to a word in memory, atomically. iova is a multiple of 4, or 8. *old receives the value before; it may be NULL. -EFAULT
 *  on a fault: memory that cannot be both read and written is one. */
int fi_port_fetch_add32(fi_port *port, uint64_t iova, uint32_t addend, uint32_t pasid, uint32_t *old, struct fi_fault *fault);
int fi_port_fetch_add64(fi_port *port, uint64_t iova, uint64_t addend, uint32_t pasid, uint64_t *old, struct fi_fault *fault);

/** Replaces a word in memory by value if it is expected, atomically. *old receives the value before: it was replaced when
 *  it equals expected; it may be NULL. -EFAULT as above. */
int fi_port_compare_exchange32(fi_port *port, uint64_t iova, uint32_t expected, uint32_t value, uint32_t pasid, uint32_t *old, struct fi_fault *fault);
int fi_port_compare_exchange64(fi_port *port, uint64_t iova, uint64_t expected, uint64_t value, uint32_t pasid, uint64_t *old, struct fi_fault *fault);

/* ------------------------------------------------------------------ contexts: Linux's own interface */

#define FI_NODE_IOMMU 0u /* /dev/iommu */
#define FI_NODE_VFIO 1u  /* /dev/vfio/vfio */

/** Opens a node of the engine, as open does. */
int fi_context_open(fi_engine *engine, uint32_t node, fi_context **context);

/** Closes it: its objects are detached, unpinned and destroyed, once no bound device keeps them. -EDEADLK inside a scope. */
int fi_context_close(fi_context *context);

/** Runs an ioctl of linux/iommufd.h or linux/vfio.h, with the kernel's structs: argument is what the third argument of ioctl is. Returns what
 *  the kernel returns, with errors as negative errno; -EFAULT for memory that is not there. Descriptors in answers (such as
 *  a fault queue) are numbers for the fi_file_ calls: nothing else works on them. -EDEADLK inside a scope. */
int64_t fi_ioctl(fi_context *context, uint32_t request, void *argument);

#define FI_POLL_READABLE 1
#define FI_POLL_WRITABLE 2

/** The system calls on a file whose number an ioctl answered: read and write return bytes, poll FI_POLL_... without waiting. */
int64_t fi_file_read(fi_context *context, int file, void *buffer, size_t count);
int64_t fi_file_write(fi_context *context, int file, const void *data, size_t count);
int fi_file_poll(fi_context *context, int file);
int fi_file_close(fi_context *context, int file);

/* ------------------------------------------------------------------ devices of contexts */

struct fi_device_options {
    uint32_t size;           /* sizeof(struct fi_device_options) */
    uint32_t pasid_bits;     /* the width of its PASIDs, 1 to 20; 0 for none */
    uint64_t reserved_first; /* iovas that it cannot use, such as a window for interrupts */
    uint64_t reserved_last;  /* inclusive; 0 for none */
};

/** Binds a port that is attached to nothing: from here on the context decides where it goes. options may be NULL. */
int fi_device_bind(fi_context *context, fi_port *port, const struct fi_device_options *options, fi_device **device);

/** Unbinds and detaches it; the port stays open. -EDEADLK inside a scope. */
int fi_device_close(fi_device *device);

/** The id that ioctls know the device by, or a negative errno. */
int64_t fi_device_id(fi_device *device);

/** Attaches the device, or one of its PASIDs, to the ioas or hwpt (an hwpt for a PASID) with the id *target. A device that is attached
 *  moves, without a moment in between. *target receives the hwpt. -ENOENT, -EINVAL when it does not fit, -EADDRINUSE
 *  when mappings lie where the device has no addresses. -EDEADLK inside a scope. */
int fi_device_attach(fi_device *device, uint32_t pasid, uint32_t *target);

/** Detaches it. -ENOENT when nothing is attached. -EDEADLK inside a scope. */
int fi_device_detach(fi_device *device, uint32_t pasid);

/* ------------------------------------------------------------------ rings */

#define FI_WAIT_SPIN 0u  /* poll */
#define FI_WAIT_YIELD 1u /* poll for some microseconds, then offer the processor to others */
#define FI_WAIT_PARK 2u  /* poll for some microseconds, then sleep */

/** Makes an empty ring: capacity slots, a power of two from 64 to 2^20, 0 for 4096; wait is how both sides wait, FI_WAIT_.... */
int fi_ring_create(uint32_t capacity, uint32_t wait, fi_ring **ring);

/** Opens the ring in a descriptor: of this process, inherited by fork, or received over a socket. The descriptor stays the caller's. -EBADF
 *  when it is not open or no sealed memory file, -EINVAL when no ring lies in it. */
int fi_ring_open(int file, fi_ring **ring);

/** The descriptor of the ring's memory: the ring's own, for handing on; a negative errno. */
int fi_ring_fd(fi_ring *ring);

/** Gives this use of the ring back; producers and queues keep theirs. */
int fi_ring_close(fi_ring *ring);

/** Becomes the producer. -EBUSY while the ring has one, here or elsewhere. */
int fi_producer_open(fi_ring *ring, fi_producer **producer);

/** Publishes count requests, all or none. iovas of 2^57 and more are answered with FI_FAULT_APERTURE. -EAGAIN when there is no room: read
 *  answers first. -EINVAL when there are more than slots. */
int fi_producer_publish(fi_producer *producer, const uint64_t *iovas, size_t count, uint32_t access);

/** Reads up to most answers, in the order of the requests. Returns how many, or a negative errno. */
int fi_producer_read(fi_producer *producer, uint64_t *completions, size_t most);

/** Waits for an answer: 1 when there is one, 0 when the time has passed or nothing was asked. milliseconds may be negative for no limit. */
int fi_producer_wait(fi_producer *producer, int milliseconds);

/** Detaches: another producer may follow and read what is left. */
int fi_producer_close(fi_producer *producer);

/** The reason in an answer: FI_FAULT_NONE when it is an address. */
static inline uint32_t fi_completion_reason(uint64_t completion)
{
    return (completion >> 63) != 0 ? (uint32_t)(completion & 0xff) : (uint32_t)FI_FAULT_NONE;
}

/** The address in an answer, in the process that serves the ring; 0 for a fault. It is valid until the requester of the mapping is told that the
 *  device has completed: as with a real device, a driver unmaps only what its device has done with. */
static inline uint64_t fi_completion_host(uint64_t completion)
{
    return (completion >> 63) != 0 ? 0 : completion & ((UINT64_C(1) << 57) - 1);
}

/** Serves a ring through a port; one queue serves a ring at a time. */
int fi_queue_open(fi_port *port, fi_ring *ring, uint32_t pasid, fi_queue **queue);

/** Answers the requests that are there, at most 256. Returns how many, or a negative errno. */
int fi_queue_process(fi_queue *queue);

/** Waits for a request: 1 when there is one, 0 when the time has passed. milliseconds may be negative for no limit. */
int fi_queue_wait(fi_queue *queue, int milliseconds);

/** Lets go of the ring; requests in it wait for whoever serves it next. */
int fi_queue_close(fi_queue *queue);

/* ------------------------------------------------------------------ PCI functions */

#define FI_BAR_IO 0u
#define FI_BAR_MEMORY32 1u
#define FI_BAR_MEMORY64 2u /* takes the next index, too */

#define FI_BAR_PREFETCHABLE 1u
#define FI_BAR_MAPPABLE 2u /* memory behind it that a driver may write without a call: the model looks at it (fi_pci_bar_memory) */

#define FI_PCI_INTX 1u    /* has an interrupt pin */
#define FI_PCI_EXPRESS 2u /* 4096 bytes of configuration space and a PCI Express capability */
#define FI_PCI_FLR 4u     /* can be reset alone */
#define FI_PCI_POWER 8u   /* has a power management capability */

struct fi_pci_bar {
    uint32_t index; /* 0 to 5 */
    uint32_t kind;  /* FI_BAR_IO, ... */
    uint32_t flags; /* FI_BAR_PREFETCHABLE, FI_BAR_MAPPABLE */
    uint32_t reserved;
    uint64_t bytes; /* a power of two */
};

struct fi_pci_layout {
    uint32_t size; /* sizeof(struct fi_pci_layout) */
    uint16_t vendor_id;
    uint16_t device_id;
    uint16_t subsystem_vendor_id;
    uint16_t subsystem_id;
    uint32_t class_code;   /* 24 bits: base class, subclass, programming interface */
    uint32_t revision;     /* 8 bits */
    uint32_t flags;        /* FI_PCI_... */
    uint32_t msi_vectors;  /* 0, 1, 2, 4, 8, 16 or 32 */
    uint32_t msix_vectors; /* 0 to 2048; the function serves table and pending bits itself */
    uint32_t msix_table_bar;
    uint32_t msix_pba_bar;
    uint64_t msix_table_offset; /* multiples of 8 */
    uint64_t msix_pba_offset;
    uint32_t bar_count;
    uint32_t reserved;
    struct fi_pci_bar bars[6];
};

/** A device model: functions of the program. They come one at a time, on the thread that made the call they answer, and return normally:
 *  no longjmp, no C++ exception. They may use the port and the fi_pci_ calls of "the model's side" below; not the driver's side. */
struct fi_pci_model {
    uint32_t size; /* sizeof(struct fi_pci_model) */
    uint32_t reserved;
    void *opaque; /* handed to each of them */
    void (*read_bar)(void *opaque, uint32_t bar, uint64_t offset, void *data, uint32_t length);        /* 1, 2, 4 or 8 bytes, aligned */
    void (*write_bar)(void *opaque, uint32_t bar, uint64_t offset, const void *data, uint32_t length); /* 1, 2, 4 or 8 bytes, aligned */
    void (*reset)(void *opaque);                                /* may be NULL; when it returns, no DMA of the time before goes on */
    void (*bar_mapped)(void *opaque, uint32_t bar, int mapped); /* may be NULL */
    void (*closed)(void *opaque);                               /* may be NULL; the last one: opaque is used no more. Also when opening fails late */
};

/** Makes a PCI function with a model of the program. layout and model are copied. -EINVAL for a layout that breaks a rule: the text names it. */
int fi_pci_open(fi_port *port, const struct fi_pci_layout *layout, const struct fi_pci_model *model, fi_pci **function);

/** Makes a PCI function with a model of the library: "edu", "testdev", "nvme,memory=64M", "nvme,image=disk.img". The model's threads use the port from
 *  then on. -EINVAL for a text that names none. */
int fi_pci_open_named(fi_port *port, const char *name, fi_pci **function);

/** Ends the model, then the function. Not from a callback. */
int fi_pci_close(fi_pci *function);

/* The driver's side. What does not answer reads as ones; writes to it are lost. */

int fi_pci_config_read(fi_pci *function, uint32_t offset, void *data, uint32_t length);
int fi_pci_config_write(fi_pci *function, uint32_t offset, const void *data, uint32_t length);
int fi_pci_bar_read(fi_pci *function, uint32_t bar, uint64_t offset, void *data, uint32_t length);
int fi_pci_bar_write(fi_pci *function, uint32_t bar, uint64_t offset, const void *data, uint32_t length);

/** Resets configuration space, interrupts and model. */
int fi_pci_reset(fi_pci *function);

/** Says who hears of messages (MSI, MSI-X) and of the level of the pin that lead out; either may be NULL. Called on the model's threads, under
 *  a lock: be short, and call nothing of the function. */
int fi_pci_on_interrupt(fi_pci *function, void (*message)(void *opaque, uint32_t vector), void (*pin)(void *opaque, int asserted), void *opaque);

/** The address and the word that a message writes, as the driver has programmed them; zeros when messages are off. */
int fi_pci_message(fi_pci *function, uint32_t vector, uint64_t *address, uint32_t *word);

/* The model's side, for models of the program; -EOPNOTSUPP for those of the library. */

/** Sends a message if the driver lets it through; a masked one becomes pending. */
int fi_pci_raise_message(fi_pci *function, uint32_t vector);

/** Sets the level of the interrupt pin. */
int fi_pci_set_pin(fi_pci *function, int asserted);

/** 1 when the driver allows DMA, 0 when not (then do none), or a negative errno. */
int fi_pci_is_bus_master(fi_pci *function);

/** The memory of a mappable BAR, valid until the function is closed. -ENOENT for other BARs. */
int fi_pci_bar_memory(fi_pci *function, uint32_t bar, void **memory, uint64_t *bytes);

#ifdef __cplusplus
}
#endif
#endif
