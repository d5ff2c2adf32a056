/*
 * A program that maps files: files SCENARIO. "hold" maps a memory file and a dma-buf with a mock device attached, writes one
 * byte and waits to be killed. "change" prints who is charged while a child process takes over what its parent has mapped.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096u
#define FIRST 0x1000000u /* where mock domains begin */
#define WRITE_READ_FIXED 7u

enum { MOCK_DOMAIN = 2, CHECK_REFS = 4, DMABUF_GET = 22, DMABUF_REVOKE = 23 };

static void die(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    _exit(1);
}

static void put64(uint32_t *words, int at, uint64_t value)
{
    memcpy(words + at, &value, sizeof(value));
}

static int command(int fd, unsigned number, uint32_t *words, uint32_t bytes)
{
    words[0] = bytes;
    return ioctl(fd, _IO(';', number), words);
}

static int test(int fd, uint32_t op, uint32_t id, uint32_t *words)
{
    words[1] = op;
    words[2] = id;
    return command(fd, 0xa0, words, 72);
}

static int map_file(int fd, uint32_t ioas, int file, uint64_t start, uint64_t length, uint64_t iova)
{
    uint32_t words[10] = { 0, WRITE_READ_FIXED, ioas, (uint32_t)file };
    put64(words, 4, start);
    put64(words, 6, length);
    put64(words, 8, iova);
    return command(fd, 0x8f, words, sizeof(words));
}

static int pins(int fd, void *memory, uint64_t length, uint32_t refs)
{
    uint32_t words[20] = { 0 };
    put64(words, 4, length);
    put64(words, 6, (uintptr_t)memory);
    words[8] = refs;
    return test(fd, CHECK_REFS, 0, words);
}

static int change(int fd)
{
    uint32_t words[2] = { 0 };
    return command(fd, 0x92, words, sizeof(words)) == 0 ? 0 : errno;
}

/* An ioas with a mock device and a file of so many pages mapped. */
static int prepare(uint32_t *ioas, int *file, unsigned pages)
{
    uint32_t words[20] = { 0 };
    int fd = open("/dev/iommu", O_RDWR);
    *file = memfd_create("files", 0);
    if (fd < 0 || *file < 0 || ftruncate(*file, pages * PAGE) != 0)
        die("open");
    if (command(fd, 0x81, words, 12) != 0)
        die("IOAS_ALLOC");
    *ioas = words[2];
    memset(words, 0, sizeof(words));
    if (test(fd, MOCK_DOMAIN, *ioas, words) != 0)
        die("MOCK_DOMAIN");
    if (map_file(fd, *ioas, *file, 0, pages * PAGE, FIRST) != 0)
        die("MAP_FILE");
    return fd;
}

static int hold(void)
{
    uint32_t ioas, words[20] = { 0 };
    int file, fd = prepare(&ioas, &file, 64);
    void *own = mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (own == MAP_FAILED || pins(fd, own, 64 * PAGE, 1) != 0)
        die("CHECK_REFS");
    words[4] = 4 * PAGE;
    words[5] = O_CLOEXEC;
    int buffer = test(fd, DMABUF_GET, 0, words);
    if (buffer < 0 || map_file(fd, ioas, buffer, 0, 4 * PAGE, 2 * FIRST) != 0)
        die("DMABUF_GET");
    if (map_file(fd, ioas, fd, 0, PAGE, 3 * FIRST) == 0 || errno != EINVAL || map_file(fd, ioas, 999, 0, PAGE, 3 * FIRST) == 0 || errno != EBADF)
        die("MAP_FILE of what is no file");
    memset(words, 0, sizeof(words));
    words[4] = (uint32_t)buffer;
    words[5] = 1;
    if (test(fd, DMABUF_REVOKE, 0, words) != 0 || map_file(fd, ioas, buffer, 0, PAGE, 3 * FIRST) == 0 || errno != ENODEV)
        die("DMABUF_REVOKE");
    puts("b");
    fflush(stdout);
    while (pause() < 0)
        continue;
    return 0;
}

static unsigned long status(const char *process, const char *name)
{
    char path[64], line[256];
    unsigned long value = 0;
    snprintf(path, sizeof(path), "/proc/%s/status", process);
    FILE *file = fopen(path, "r");
    if (!file)
        die(path);
    while (fgets(line, sizeof(line), file))
        if (strncmp(line, name, strlen(name)) == 0)
            sscanf(line + strlen(name), ": %lu kB", &value);
    fclose(file);
    return value;
}

static int take_over(void)
{
    uint32_t ioas;
    int file, fd = prepare(&ioas, &file, 64);
    char parent[16];
    snprintf(parent, sizeof(parent), "%d", getpid());
    printf("parent %lu\n", status("self", "VmPin"));
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        printf("child %lu, parent %lu\n", status("self", "VmPin"), status(parent, "VmPin"));
        printf("change %d\n", change(fd));
        printf("child %lu, parent %lu\n", status("self", "VmPin"), status(parent, "VmPin"));
        fflush(stdout);
        _exit(0);
    }
    waitpid(child, NULL, 0);
    printf("change %d\n", change(fd));
    printf("parent %lu\n", status("self", "VmPin"));
    return 0;
}

int main(int argc, char **argv)
{
    return argc > 1 && strcmp(argv[1], "hold") == 0 ? hold() : take_over();
}
