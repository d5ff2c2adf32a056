/* A program that opens /dev/iommu, as README.md has one: allocates an ioas. The kernel's own header may be older than the call. */
#include <fcntl.h>
#include <linux/ioctl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>

#define IOAS_ALLOC _IO(';', 0x81)

struct ioas_alloc {
    uint32_t size;
    uint32_t flags;
    uint32_t id;
};

int main(int argc, char **argv)
{
    int iommu = open("/dev/iommu", O_RDWR);
    struct ioas_alloc alloc = {.size = sizeof(alloc)};
    if (iommu < 0 || ioctl(iommu, IOAS_ALLOC, &alloc) || alloc.id == 0) {
        perror("/dev/iommu");
        return 1;
    }

    printf("%s, with %d arguments: ioas %u\n", argv[0], argc - 1, alloc.id);
    return 0;
}
