/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The four words of clean-up, and allocation that cannot fail.
 *
 *     autofree char *name = xstrdup("ca.crt");
 *     autofd int fd = open(...);
 *     autoptr(Cert) cert = NULL;
 *     *ret = TAKE(cert);
 *
 * Out of memory ends the process: it must survive kill -9 at any point anyway, and a test proves
 * that it does. Callers bound every size that comes from outside before they allocate. */

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ELEMENTSOF(a)          (sizeof(a) / sizeof((a)[0]))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define MUST_USE               __attribute__((warn_unused_result))

static inline void autofree_cleanup(void *p)
{
        free(*(void **)p);
}

static inline void autofd_cleanup(int *fd)
{
        if (*fd >= 0) {
                int saved = errno;
                close(*fd);
                errno = saved;
        }
}

#define autofree      __attribute__((cleanup(autofree_cleanup)))
#define autofd        __attribute__((cleanup(autofd_cleanup)))
#define autoptr(Type) __attribute__((cleanup(Type##_cleanup))) Type *

/* Makes autoptr(Type) known. `free_function` takes NULL. */
#define DEFINE_AUTOPTR(Type, free_function)                                                        \
        static inline void Type##_cleanup(Type **p)                                                \
        {                                                                                          \
                free_function(*p);                                                                 \
        }

/* Hands over a pointer or a descriptor: its old value, leaving NULL or -1 behind. */
#define TAKE(p)                                                                                    \
        __extension__({                                                                            \
                __typeof__(p) *take_from = &(p);                                                   \
                __typeof__(p) taken = *take_from;                                                  \
                *take_from = _Generic(taken, int : -1, default : NULL);                            \
                taken;                                                                             \
        })

static inline bool streq(const char *a, const char *b)
{
        return strcmp(a, b) == 0;
}

static inline bool starts_with(const char *s, const char *prefix)
{
        return strncmp(s, prefix, strlen(prefix)) == 0;
}

static inline void *xcheck(void *p)
{
        static const char text[] = "kube-renewd: out of memory\n";

        if (!p) {
                (void)!write(STDERR_FILENO, text, sizeof(text) - 1);
                abort();
        }
        return p;
}

static inline void *xmalloc(size_t size)
{
        return xcheck(malloc(size > 0 ? size : 1));
}

/* Zeroed memory for n objects; a product that overflows ends the process like any other shortage.
 */
static inline void *xcalloc(size_t n, size_t size)
{
        return xcheck(calloc(n > 0 ? n : 1, size > 0 ? size : 1));
}

static inline void *xreallocarray(void *p, size_t n, size_t size)
{
        return xcheck(reallocarray(p, n > 0 ? n : 1, size));
}

static inline char *xstrdup(const char *s)
{
        return s ? xcheck(strdup(s)) : NULL;
}

static inline char *xstrndup(const char *s, size_t n)
{
        return xcheck(strndup(s, n));
}

static inline void *xmemdup(const void *data, size_t size)
{
        void *copy = xmalloc(size);

        if (size > 0)
                memcpy(copy, data, size);
        return copy;
}

PRINTF_LIKE(1, 0) static inline char *xvasprintf(const char *format, va_list args)
{
        char *s;

        return vasprintf(&s, format, args) < 0 ? xcheck(NULL) : s;
}

PRINTF_LIKE(1, 2) static inline char *xasprintf(const char *format, ...)
{
        va_list args;
        char *s;

        va_start(args, format);
        s = xvasprintf(format, args);
        va_end(args);
        return s;
}

/* NULL-terminated vectors of strings ("strv"), as main()'s argv is one. */
static inline void strv_free(char **strv)
{
        for (char **s = strv; s && *s; s++)
                free(*s);
        free(strv);
}

static inline size_t strv_length(char *const *strv)
{
        size_t n = 0;

        while (strv && strv[n])
                n++;
        return n;
}

static inline bool strv_contains(char *const *strv, const char *s)
{
        for (; strv && *strv; strv++)
                if (streq(*strv, s))
                        return true;
        return false;
}

/* Appends s, which the vector owns from now on. */
static inline void strv_take(char ***strv, char *s)
{
        size_t n = strv_length(*strv);

        *strv = xreallocarray(*strv, n + 2, sizeof(char *));
        (*strv)[n] = s;
        (*strv)[n + 1] = NULL;
}

static inline void strv_add(char ***strv, const char *s)
{
        strv_take(strv, xstrdup(s));
}

/* One string, for people; "" for an empty vector. */
static inline char *strv_join(char *const *strv, const char *separator)
{
        char *joined = xstrdup("");

        for (char *const *s = strv; s && *s; s++) {
                char *longer = xasprintf("%s%s%s", joined, s == strv ? "" : separator, *s);

                free(joined);
                joined = longer;
        }
        return joined;
}

static inline char **strv_copy(char *const *strv)
{
        char **copy = NULL;

        for (; strv && *strv; strv++)
                strv_add(&copy, *strv);
        return copy;
}

static inline void strv_cleanup(char ***strv)
{
        strv_free(*strv);
}

#define autostrv __attribute__((cleanup(strv_cleanup))) char **
