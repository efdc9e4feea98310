/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Memory that runs out, for a program that is started with LD_PRELOAD=failing-malloc.so:
 *
 *     FAILING_MALLOC=N            the Nth request gets nothing
 *     FAILING_MALLOC=N+           nor does any later one
 *     FAILING_MALLOC_COUNT=FILE   how many there were is written there at the end
 *
 * What else gives memory (strdup(), fopen(), the libraries) asks one of these. The allocator itself
 * is the next one, so that a sanitizer keeps its own. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static atomic_ulong asked;
static unsigned long fails_at;
static bool fails_ever_after;
static char count_file[4096];

void start(void) __attribute__((constructor));
void end(void) __attribute__((destructor));

/* Nothing that the program starts is to fail as well. */
void start(void)
{
        const char *at = getenv("FAILING_MALLOC"), *file = getenv("FAILING_MALLOC_COUNT");

        if (at) {
                fails_at = strtoul(at, NULL, 10);
                fails_ever_after = strchr(at, '+') != NULL;
        }
        if (file)
                snprintf(count_file, sizeof(count_file), "%s", file);
        unsetenv("LD_PRELOAD");
        asked = 0;
}

void end(void)
{
        int fd = count_file[0] ? open(count_file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)
                               : -1;

        if (fd >= 0) {
                dprintf(fd, "%lu\n", atomic_load(&asked));
                close(fd);
        }
}

static bool is_refused(void)
{
        unsigned long number = atomic_fetch_add(&asked, 1) + 1;

        if (fails_at == 0 || number < fails_at || (number > fails_at && !fails_ever_after))
                return false;
        errno = ENOMEM;
        return true;
}

static void *next(const char *name)
{
        void *symbol = dlsym(RTLD_NEXT, name);

        if (!symbol)
                abort();
        return symbol;
}

/* The next function of this name, looked up once. */
#define NEXT(name)                                                                                 \
        __extension__({                                                                            \
                static __typeof__(name) *function;                                                 \
                if (!function)                                                                     \
                        function = (__typeof__(name) *)next(#name);                                \
                function;                                                                          \
        })

void *malloc(size_t size)
{
        return is_refused() ? NULL : NEXT(malloc)(size);
}

void *calloc(size_t n, size_t size)
{
        return is_refused() ? NULL : NEXT(calloc)(n, size);
}

void *realloc(void *p, size_t size)
{
        return is_refused() ? NULL : NEXT(realloc)(p, size);
}

void *mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
        if ((flags & MAP_ANONYMOUS) && is_refused())
                return MAP_FAILED;
        return NEXT(mmap)(at, size, protection, flags, fd, offset);
}
