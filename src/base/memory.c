/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/memory.h"

#include "base/macro.h"

#include <dlfcn.h>
#include <malloc.h>
#include <sys/prctl.h>

#define SHRINKS_FROM ((size_t)1 << 10)
#define STACK_USED   ((size_t)32 << 10)

/* Not RLIMIT_CORE, which programs that a core is piped to may overlook. */
void memory_protect(void)
{
        (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

__attribute__((noinline)) void memory_wipe_stack(void)
{
        unsigned char below[STACK_USED];

        explicit_bzero(below, sizeof(below));
}

#ifdef __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED
#endif
#endif

#if !defined(SANITIZED) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

/* The allocator behind ours: the C library's, or one that somebody has preloaded. */
static struct {
        void *(*malloc)(size_t size);
        void *(*calloc)(size_t n, size_t size);
        size_t (*malloc_usable_size)(void *p);
        void (*free)(void *p);
} next;

static void find(void *ret_function, const char *name)
{
        void *symbol = xcheck(dlsym(RTLD_NEXT, name));

        memcpy(ret_function, &symbol, sizeof(symbol));
}

/* The first who asks is the dynamic linker or a library, long before main() and before any thread.
 * dlsym() itself can do without memory. */
static bool find_next(void)
{
        static bool is_finding;

        if (next.malloc)
                return true;
        if (is_finding)
                return false;
        is_finding = true;
        find(&next.free, "free");
        find(&next.malloc_usable_size, "malloc_usable_size");
        find(&next.calloc, "calloc");
        find(&next.malloc, "malloc");
        return true;
}

void *malloc(size_t size)
{
        return find_next() ? xcheck(next.malloc(size > 0 ? size : 1)) : NULL;
}

void *calloc(size_t n, size_t size)
{
        return find_next() ? xcheck(next.calloc(n > 0 ? n : 1, size > 0 ? size : 1)) : NULL;
}

void free(void *p)
{
        if (!p || !find_next())
                return;
        explicit_bzero(p, next.malloc_usable_size(p));
        next.free(p);
}

/* The C library's would leave the old place as it was. Each move copies and wipes everything, so
 * there is room for half as much again: what grows one by one moves seldom. What needs less than
 * half of its place gives it back: open_memstream() begins with 8 KiB for each text. */
void *realloc(void *p, size_t size)
{
        size_t old_size;
        void *fresh;

        if (!p)
                return malloc(size);
        old_size = next.malloc_usable_size(p);
        if (size <= old_size && (size >= old_size / 2 || old_size < SHRINKS_FROM))
                return p;
        if (size > old_size && size < old_size + old_size / 2)
                size = old_size + old_size / 2;
        fresh = malloc(size);
        memcpy(fresh, p, size < old_size ? size : old_size);
        free(p);
        return fresh;
}

#endif
