/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Scratch roots made of the genuine trees in tests/data, for every test that reads or writes one.
 *
 *     char *root = tree_copy("kubeadm/v1.28.7/rsa2048-default/etc-kubernetes", "/etc/kubernetes");
 *     tree_write(root, "/etc/kubernetes/pki/ca.crt", "", 0);
 *     tree_free(root);
 *
 * A checkout keeps no 0600, so the modes come from the .modes file beside the tree. Any failure
 * fails the test. */

#include "base/macro.h"

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>

/* Makes the directories above path, below the root. */
static inline void tree_make_parents(const char *root, const char *path)
{
        autofree char *full = xasprintf("%s%s", root, path);

        for (char *p = full + strlen(root) + 1; (p = strchr(p, '/')); p++) {
                *p = 0;
                assert_true(mkdir(full, 0755) >= 0 || errno == EEXIST);
                *p = '/';
        }
}

/* The whole of a file of at most 4 MiB, NUL-terminated; the caller frees. */
static inline char *tree_read(const char *root, const char *path, size_t *ret_size)
{
        autofree char *full = xasprintf("%s%s", root, path);
        size_t size, max = (size_t)4 << 20;
        char *data = xmalloc(max + 1);
        FILE *f = fopen(full, "re");

        if (!f)
                fail_msg("cannot open %s", full);
        size = fread(data, 1, max, f);
        fclose(f);
        data[size] = 0;
        if (ret_size)
                *ret_size = size;
        return data;
}

/* Writes a file, its parents too; an existing one keeps its mode. */
static inline void tree_write(const char *root, const char *path, const void *data, size_t size)
{
        autofree char *full = xasprintf("%s%s", root, path);
        autofd int fd = -1;

        tree_make_parents(root, path);
        fd = open(full, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        assert_true(write(fd, data, size) == (ssize_t)size);
}

static inline void tree_write_text(const char *root, const char *path, const char *text)
{
        tree_write(root, path, text, strlen(text));
}

static inline void tree_remove(const char *root, const char *path)
{
        autofree char *full = xasprintf("%s%s", root, path);

        assert_int_equal(remove(full), 0);
}

/* An empty scratch directory below $TMPDIR. */
static inline char *tree_new(void)
{
        const char *tmp = getenv("TMPDIR");
        char *root = xasprintf("%s/tree-XXXXXX", tmp ? tmp : "/tmp");

        assert_non_null(mkdtemp(root));
        return root;
}

static const char *tree_from, *tree_root, *tree_at; /* nftw() passes no argument on */

static inline int tree_copy_one(const char *from, const struct stat *st, int type, struct FTW *ftw)
{
        autofree char *path = xasprintf("%s%s", tree_at, from + strlen(tree_from));

        if (type == FTW_F) {
                size_t size;
                autofree char *data = tree_read("", from, &size);

                tree_write(tree_root, path, data, size);
        }
        return 0;
}

/* Sets the modes listed beside the tree ("600 root:root 5642 ./admin.conf"). */
static inline void tree_set_modes(const char *root, const char *from, const char *at)
{
        autofree char *list = xasprintf("%s.modes", from);
        FILE *f = fopen(list, "re");
        unsigned mode;
        char path[256];

        while (f && fscanf(f, "%o %*s %*s ./%255s", &mode, path) == 2) {
                autofree char *full = xasprintf("%s%s/%s", root, at, path);

                assert_int_equal(chmod(full, mode), 0);
        }
        if (f)
                fclose(f);
}

/* Copies tests/data/DATA, a directory or a file, to `at` below the root. */
static inline void tree_add(const char *root, const char *data, const char *at)
{
        autofree char *from = xasprintf("%s/tests/data/%s", getenv("SRCDIR"), data);

        tree_from = from;
        tree_root = root;
        tree_at = at;
        assert_int_equal(nftw(from, tree_copy_one, 16, FTW_PHYS), 0);
        tree_set_modes(root, from, at);
}

/* Appends the file tests/data/DATA to the one at `at`. */
static inline void tree_append(const char *root, const char *data, const char *at)
{
        autofree char *old = tree_read(root, at, NULL);
        autofree char *source = xasprintf("/tests/data/%s", data);
        autofree char *added = tree_read(getenv("SRCDIR"), source, NULL);
        autofree char *both = xasprintf("%s%s", old, added);

        tree_write_text(root, at, both);
}

static inline char *tree_copy(const char *data, const char *at)
{
        char *root = tree_new();

        tree_add(root, data, at);
        return root;
}

static inline int tree_remove_one(const char *path, const struct stat *st, int type, struct FTW *f)
{
        return remove(path);
}

/* Removes the scratch root and its name. */
static inline void tree_free(char *root)
{
        assert_int_equal(nftw(root, tree_remove_one, 16, FTW_PHYS | FTW_DEPTH), 0);
        free(root);
}
