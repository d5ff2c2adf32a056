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

/* The files of the kernel's fault injection lie in a folder of the engine: they exist without debugfs and without root. */
HIDDEN const char *path_in_view(const char *path, char *buffer, size_t bytes)
{
    static const char debug[] = "/sys/kernel/debug";
    const struct door *door = door_get();
    if (!door || !door->view[0] || !path || !begins(path, debug))
        return path;
    const char *rest = path + sizeof(debug) - 1;
    if (rest[0] != 0 && rest[0] != '/')
        return path;
    if (rest[0] == '/' && rest[1] != 0 && !begins(rest, "/fail"))
        return path;
    int length = snprintf(buffer, bytes, "%s%s", door->view, path);
    return length > 0 && (size_t)length < bytes ? buffer : path;
}
