/* A disk whose power can be cut: what was synced of a file is kept beside it, as it was by then.
 * Preloaded into a process. POWER_FOLDER is the folder whose files are meant, POWER_KEPT the one in
 * which they are kept; of POWER_LIES syncs one is answered and not done (none, where it is 0). */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static __thread char piece[65536];

/* It reads by the descriptor that is there: to close another one of the same file would end the
 * locks that the process has on it. */
static void keep(int fd)
{
    const char *folder = getenv("POWER_FOLDER"), *kept = getenv("POWER_KEPT");
    char self[64], path[4096], made[8192], name[8192];
    struct stat found;
    size_t length;
    ssize_t size;
    off_t at = 0;
    int to;

    if (!folder || !kept || fstat(fd, &found) || !S_ISREG(found.st_mode))
        return;
    snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
    size = readlink(self, path, sizeof path - 1);
    length = strlen(folder);
    if (size < 0 || (size_t)size <= length + 1)
        return;
    path[size] = 0;
    if (strncmp(path, folder, length) || path[length] != '/' || strchr(path + length + 1, '/'))
        return;
    snprintf(name, sizeof name, "%s/%s", kept, path + length + 1);
    snprintf(made, sizeof made, "%s.%d.%d", name, getpid(), fd);
    to = open(made, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (to < 0)
        return;
    while ((size = pread(fd, piece, sizeof piece, at)) > 0 && write(to, piece, size) == size)
        at += size;
    close(to);
    rename(made, name);
}

static int synced(const char *name, int fd)
{
    static int syncs;
    const char *lies = getenv("POWER_LIES");
    int every = lies ? atoi(lies) : 0;
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);

    if (every && __sync_add_and_fetch(&syncs, 1) % every == 0)
        return 0;
    keep(fd);
    return real(fd);
}

int fdatasync(int fd) { return synced("fdatasync", fd); }
int fsync(int fd) { return synced("fsync", fd); }
