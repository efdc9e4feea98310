/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* System calls that fail one by one, within this process:
 *
 *     faults = (Faults){.at = 3, .error = EIO};
 *     r = what_is_tested();
 *     n = faults_end();                    how many calls it made
 *
 * The C library's functions of the same names are behind these, which the whole program calls. */

#include "base/macro.h"

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/xattr.h>

typedef struct Faults {
        const char *only; /* calls of this name count; NULL: all */
        unsigned at;      /* the call that fails, from 1; 0: none */
        bool for_ever;    /* so do all after it */
        int error;
        void (*before)(const char *call); /* called before a call that does not fail */
        unsigned n;
} Faults;

static Faults faults;

static inline unsigned faults_end(void)
{
        unsigned n = faults.n;

        faults = (Faults){};
        return n;
}

static inline bool fails(const char *call)
{
        void (*before)(const char *) = faults.before;

        if (faults.only && !streq(faults.only, call))
                return false;
        faults.n++;
        if (faults.at > 0 && (faults.n == faults.at || (faults.for_ever && faults.n > faults.at))) {
                errno = faults.error;
                return true;
        }
        if (before) {
                faults.before = NULL; /* it makes calls of its own */
                before(call);
                faults.before = before;
        }
        return false;
}

static inline void *behind(const char *name)
{
        return xcheck(dlsym(RTLD_NEXT, name));
}

#define FAULTY(type, name, parameters, ...)                                                        \
        type name parameters;                                                                      \
        type name parameters                                                                       \
        {                                                                                          \
                static type(*next) parameters;                                                     \
                                                                                                   \
                if (!next)                                                                         \
                        next = (type(*) parameters)behind(#name);                                  \
                return fails(#name) ? (type)-1 : next(__VA_ARGS__);                                \
        }

FAULTY(int, fsync, (int fd), fd)
FAULTY(int, fchmod, (int fd, mode_t mode), fd, mode)
FAULTY(int, fchown, (int fd, uid_t uid, gid_t gid), fd, uid, gid)
FAULTY(int, fstat, (int fd, struct stat *st), fd, st)
FAULTY(int, fstatat, (int fd, const char *path, struct stat *st, int flags), fd, path, st, flags)
FAULTY(int, faccessat, (int fd, const char *path, int mode, int flags), fd, path, mode, flags)
FAULTY(ssize_t, read, (int fd, void *data, size_t size), fd, data, size)
FAULTY(ssize_t, write, (int fd, const void *data, size_t size), fd, data, size)
FAULTY(ssize_t, flistxattr, (int fd, char *names, size_t size), fd, names, size)
FAULTY(ssize_t, fgetxattr, (int fd, const char *name, void *value, size_t size), fd, name, value,
        size)
FAULTY(int, fsetxattr, (int fd, const char *name, const void *value, size_t size, int flags), fd,
        name, value, size, flags)
FAULTY(int, fremovexattr, (int fd, const char *name), fd, name)
FAULTY(int, renameat, (int from_fd, const char *from, int to_fd, const char *to), from_fd, from,
        to_fd, to)
FAULTY(int, renameat2,
        (int from_fd, const char *from, int to_fd, const char *to, unsigned int flags), from_fd,
        from, to_fd, to, flags)
FAULTY(int, unlinkat, (int fd, const char *path, int flags), fd, path, flags)
FAULTY(int, mkdirat, (int fd, const char *path, mode_t mode), fd, path, mode)
FAULTY(int, ftruncate, (int fd, off_t size), fd, size)
FAULTY(int, flock, (int fd, int operation), fd, operation)
FAULTY(ssize_t, readlink, (const char *path, char *target, size_t size), path, target, size)
FAULTY(ssize_t, readlinkat, (int fd, const char *path, char *target, size_t size), fd, path, target,
        size)

/* Those with arguments that may be absent. */
int openat(int fd, const char *path, int flags, ...)
{
        static int (*next)(int, const char *, int, mode_t);
        va_list args;
        mode_t mode;

        va_start(args, flags);
        mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
        va_end(args);
        if (!next)
                next = (int (*)(int, const char *, int, mode_t))behind("openat");
        return fails("openat") ? -1 : next(fd, path, flags, mode);
}

/* openat2(2) has no function of its own; it takes four arguments. */
long syscall(long number, ...)
{
        static long (*next)(long, ...);
        long arguments[4];
        va_list args;

        va_start(args, number);
        for (size_t i = 0; i < ELEMENTSOF(arguments); i++)
                arguments[i] = va_arg(args, long);
        va_end(args);
        if (!next)
                next = (long (*)(long, ...))behind("syscall");
        return fails("syscall")
                       ? -1
                       : next(number, arguments[0], arguments[1], arguments[2], arguments[3]);
}
