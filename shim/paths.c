/* Which paths may be the engine's, and where the others lie. The engine decides; this only spares it most of the questions. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>

#include "shim.h"

static int begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

HIDDEN int path_may_be_mine(const char *path)
{
    const struct door *door = door_get();
    if (!door || !path || path[0] != '/')
        return 0;
    if (begins(path, "/dev/iommu") || begins(path, "/dev/vfio/"))
        return 1;
    if (!begins(path, "/proc/"))
        return 0;
    return path_is_status(path) || ((door->flags & DOOR_FLAG_FAULTS) && strcmp(strrchr(path, '/'), "/fail-nth") == 0);
}

HIDDEN int path_is_status(const char *path)
{
    return begins(path, "/proc/") && strcmp(strrchr(path, '/'), "/status") == 0;
}

static int is_below(const char *path, const char *folder)
{
    size_t length = strlen(folder);
    return strncmp(path, folder, length) == 0 && (path[length] == 0 || path[length] == '/');
}

/* Devices lie in folders that begin so; nothing of the machine's own is seen there. */
static int is_of_devices(const char *path)
{
    if (begins(path, "/sys/"))
        return is_below(path, "/sys/bus/pci") || is_below(path, "/sys/kernel/iommu_groups") || is_below(path, "/sys/class/vfio-dev")
            || begins(path, "/sys/devices/pci") || begins(path, "/sys/module/vfio") || is_below(path, "/sys/module/iommufd");
    return is_below(path, "/dev/vfio") || is_below(path, "/dev/iommu");
}

static int is_of_faults(const char *path)
{
    static const char debug[] = "/sys/kernel/debug";
    if (!is_below(path, debug))
        return 0;
    const char *rest = path + sizeof(debug) - 1;
    return rest[0] == 0 || rest[1] == 0 || begins(rest, "/fail");
}

HIDDEN int path_is_node(const char *path)
{
    return path && begins(path, "/dev/");
}

/* What stands for files of the system lies in a folder of the engine: it exists without debugfs, without devices and without root. */
HIDDEN const char *path_in_view(const char *path, char *buffer, size_t bytes)
{
    const struct door *door = door_get();
    if (LIKELY(!door || !door->view[0] || !path || path[0] != '/' || (path[1] != 's' && path[1] != 'd')))
        return path;
    if (!((door->flags & DOOR_FLAG_DEVICES) && is_of_devices(path)) && !((door->flags & DOOR_FLAG_FAULTS) && is_of_faults(path)))
        return path;
    int length = snprintf(buffer, bytes, "%s%s", door->view, path);
    return length > 0 && (size_t)length < bytes ? buffer : path;
}
