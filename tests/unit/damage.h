/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What may be in the place of a file below a root of tree.h (T07). Include it behind "unit.h". */

#include "tree.h"

typedef void Damage(const char *root, const char *path);

static inline void make_empty(const char *root, const char *path)
{
        tree_write_text(root, path, "");
}

static inline void make_garbage(const char *root, const char *path)
{
        tree_write(root, path, "\0\1\2\377garbage\0", 12);
}

static inline void make_bad_base64(const char *root, const char *path)
{
        tree_write_text(
                root, path, "-----BEGIN CERTIFICATE-----\nAAAA!!!!\n-----END CERTIFICATE-----\n");
}

static inline void make_truncated(const char *root, const char *path)
{
        size_t size;
        autofree char *data = tree_read(root, path, &size);

        tree_write(root, path, data, size / 2);
}

/* Two keys in one file, or whatever it holds. */
static inline void make_double(const char *root, const char *path)
{
        autofree char *text = tree_read(root, path, NULL);
        autofree char *twice = xasprintf("%s%s", text, text);

        tree_write_text(root, path, twice);
}

static inline void make_directory(const char *root, const char *path)
{
        autofree char *full = xasprintf("%s%s", root, path);

        tree_remove(root, path);
        assert_int_equal(mkdir(full, 0755), 0);
}

static inline void make_fifo(const char *root, const char *path)
{
        autofree char *full = xasprintf("%s%s", root, path);

        tree_remove(root, path);
        assert_int_equal(mkfifo(full, 0600), 0);
}

/* 1 GiB, of which nothing is on the disk. */
static inline void make_huge(const char *root, const char *path)
{
        autofree char *full = xasprintf("%s%s", root, path);

        assert_int_equal(truncate(full, (off_t)1 << 30), 0);
}

static inline void make_loop(const char *root, const char *path)
{
        autofree char *full = xasprintf("%s%s", root, path);

        tree_remove(root, path);
        assert_int_equal(symlink(path, full), 0);
}
