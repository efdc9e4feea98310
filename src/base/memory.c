/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/memory.h"

#include <malloc.h>
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

/* The C library's own, by the name that it has had for such wrappers ever since. */
extern void __libc_free(void *p);

void free(void *p)
{
        if (p)
                explicit_bzero(p, malloc_usable_size(p));
        __libc_free(p);
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
