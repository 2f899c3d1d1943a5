/* Preloaded into a process, it lets calls that write below a folder fail on demand: tests/failing_disk.py. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>
#include <unistd.h>

struct control {
    int64_t countdown; /* the call that brings it to 0 fails, and so do `times` in all; below NONE: none */
    int64_t times;
    int64_t error;
    int64_t free;   /* bytes that the disk says it has free; below 0: the truth */
    int64_t failed; /* calls, until now */
};

#define NONE (-(INT64_C(1) << 61))

static struct control *control;
static const char *below;

__attribute__((constructor)) static void start(void) {
    const char *path = getenv("FAILING_DISK_CONTROL");
    below = getenv("FAILING_DISK_BELOW");
    int (*really_open)(const char *, int, ...) = dlsym(RTLD_NEXT, "open");
    int descriptor = path && below ? really_open(path, O_RDWR) : -1;
    if (descriptor < 0) return;
    void *shared = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    close(descriptor);
    if (shared != MAP_FAILED) control = shared;
}

static int is_below(const char *path) {
    return control && path && strncmp(path, below, strlen(below)) == 0;
}

static int is_open_below(int descriptor) {
    char link[64], path[4096];
    if (!control || __atomic_load_n(&control->countdown, __ATOMIC_SEQ_CST) < NONE) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return is_below(path);
}

static int fails(int concerned) {
    if (!concerned || __atomic_load_n(&control->countdown, __ATOMIC_SEQ_CST) < NONE) return 0;
    int64_t left = __atomic_sub_fetch(&control->countdown, 1, __ATOMIC_SEQ_CST);
    if (left > 0 || left <= -control->times) return 0;
    __atomic_add_fetch(&control->failed, 1, __ATOMIC_SEQ_CST);
    errno = (int)control->error;
    return 1;
}

#define REALLY(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int fd, const void *bytes, size_t count) {
    return fails(is_open_below(fd)) ? -1 : REALLY(write)(fd, bytes, count);
}
ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at) {
    return fails(is_open_below(fd)) ? -1 : REALLY(pwrite)(fd, bytes, count, at);
}
ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at) {
    return fails(is_open_below(fd)) ? -1 : REALLY(pwrite64)(fd, bytes, count, at);
}
int fsync(int fd) { return fails(is_open_below(fd)) ? -1 : REALLY(fsync)(fd); }
int fdatasync(int fd) { return fails(is_open_below(fd)) ? -1 : REALLY(fdatasync)(fd); }
int ftruncate(int fd, off_t length) { return fails(is_open_below(fd)) ? -1 : REALLY(ftruncate)(fd, length); }
int ftruncate64(int fd, off64_t length) { return fails(is_open_below(fd)) ? -1 : REALLY(ftruncate64)(fd, length); }
int mkdir(const char *path, mode_t mode) { return fails(is_below(path)) ? -1 : REALLY(mkdir)(path, mode); }
int rename(const char *from, const char *to) { return fails(is_below(to)) ? -1 : REALLY(rename)(from, to); }

#define OPEN(name)                                                      \
    int name(const char *path, int flags, ...) {                        \
        va_list more;                                                   \
        va_start(more, flags);                                          \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0; \
        va_end(more);                                                   \
        if (fails(flags & O_CREAT && is_below(path))) return -1;        \
        return REALLY(name)(path, flags, mode);                         \
    }
OPEN(open)
OPEN(open64)

#define STATVFS(name, type)                                             \
    int name(const char *path, struct type *facts) {                    \
        int status = REALLY(name)(path, facts);                         \
        if (status == 0 && is_below(path) && control->free >= 0)        \
            facts->f_bavail = (fsblkcnt_t)control->free / facts->f_frsize; \
        return status;                                                  \
    }
STATVFS(statvfs, statvfs)
STATVFS(statvfs64, statvfs64)
