/* Starts a program as a supervisor does: with a socket that listens already, as descriptor 3. launcher PATH PROGRAM ARGUMENT... */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    char number[16];
    int kind = getenv("LAUNCH_STREAM") ? SOCK_STREAM : SOCK_SEQPACKET;
    int fd = socket(AF_UNIX, kind, 0);
    if (argc < 3 || fd < 0 || strlen(argv[1]) >= sizeof(address.sun_path))
        return 100;
    strcpy(address.sun_path, argv[1]);
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(fd, 16) != 0)
        return 101;
    if (fd != 3) {
        dup2(fd, 3);
        close(fd);
    }
    snprintf(number, sizeof(number), "%d", (int)getpid());
    setenv("LISTEN_PID", number, 1);
    setenv("LISTEN_FDS", "1", 1);
    execvp(argv[2], argv + 2);
    return 102;
}
