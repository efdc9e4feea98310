/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/memory.h"

#include <dlfcn.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

/* Not RLIMIT_CORE, which programs that a core is piped to may overlook. */
void memory_protect(void)
{
        (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

#ifdef __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED
#endif
#endif

#if !defined(SANITIZED) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

/* Gives memory back to the allocator of this process, which may be one that somebody has preloaded.
 * Where it is not sure which one that is (those of libc_malloc_debug cannot be asked for by name),
 * and while dlsym() is asked, memory stays taken: nothing here runs for long. */
static void release(void *p)
{
        static void (*next)(void *);
        static bool is_asked;

        if (!is_asked) {
                is_asked = true;
                void *symbol = dlsym(RTLD_NEXT, "free");
                if (dlsym(RTLD_NEXT, "malloc") == (void *)malloc)
                        memcpy(&next, &symbol, sizeof(next));
        }
        if (next)
                next(p);
}

void free(void *p)
{
        if (!p)
                return;
        explicit_bzero(p, malloc_usable_size(p));
        release(p);
}

/* The C library's would leave the old place as it was. */
void *realloc(void *p, size_t size)
{
        size_t old_size = p ? malloc_usable_size(p) : 0;
        void *fresh = malloc(size > 0 ? size : 1);

        if (!fresh)
                return NULL;
        if (p)
                memcpy(fresh, p, old_size < size ? old_size : size);
        free(p);
        return fresh;
}

#endif
