/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/backup/pki-copy.h"

#include "base/fs.h"
#include "renew/state/ca-rotation-record.h"

#include <fcntl.h>

#define UNFINISHED ".unfinished" /* behind ".<unix time>", of what is being made or removed */
#define TRIES_MAX  1000
#define DIGITS     "0123456789"

char *pki_copy_directory(const char *pki_directory)
{
        return xasprintf("%s.bak", pki_directory);
}

/* Gives a copy its name, or takes it away, in one step. */
static int rename_in(
        int root_fd, const char *directory, const char *from, const char *to, Error *reterr)
{
        autofd int fd = fs_open(root_fd, directory, O_RDONLY | O_DIRECTORY, 0, reterr);

        if (fd < 0)
                return fd;
        if (renameat2(fd, from, fd, to, RENAME_NOREPLACE) < 0)
                return errno == EEXIST ? -EEXIST
                                       : error_errno(reterr, -errno, "cannot rename '%s' in '%s'",
                                                 from, directory);
        return fsync(fd) < 0 ? error_errno(reterr, -errno, "cannot sync '%s'", directory) : 0;
}

static int publish(
        int root_fd, const char *directory, const char *unfinished, int64_t now, Error *reterr)
{
        int r = -EEXIST;

        for (int64_t at = now; r == -EEXIST && at < now + TRIES_MAX; at++) {
                autofree char *name = xasprintf("%lld", (long long)at);

                r = rename_in(root_fd, directory, unfinished, name, reterr);
        }
        return r == -EEXIST ? error_set(reterr, r, "'%s' is full", directory) : r;
}

static bool is_below(const char *directory, const char *path)
{
        size_t n = strlen(directory);

        return strncmp(path, directory, n) == 0 && (path[n] == '/' || path[n] == 0);
}

bool pki_copy_covers(int root_fd, const char *pki_directory, const char *path)
{
        autofree char *inside = xasprintf("%s/.copied", pki_directory);
        autofree char *real_directory = NULL, *real_place = NULL;

        if (is_below(pki_directory, path))
                return true;
        return fs_real_directory(root_fd, inside, &real_directory, NULL) >= 0 &&
               fs_real_directory(root_fd, path, &real_place, NULL) >= 0 &&
               is_below(real_directory, real_place);
}

int pki_copy_make_one(int root_fd, const char *pki_directory, int64_t now, Error *reterr)
{
        autofree char *directory = pki_copy_directory(pki_directory);
        autofree char *unfinished = xasprintf(".%lld" UNFINISHED, (long long)now);
        autofree char *path = xasprintf("%s/%s", directory, unfinished);
        int r;

        if (!fs_exists(root_fd, pki_directory))
                return error_set(reterr, -ENOENT,
                        "PKIDirectory=%s of [backup] is missing, and cannot be copied",
                        pki_directory);
        r = fs_make_directories(root_fd, directory, 0700, reterr);
        if (r >= 0)
                r = fs_remove_tree(root_fd, path, reterr);
        if (r >= 0)
                r = fs_copy_tree(root_fd, pki_directory, path, reterr);
        if (r >= 0)
                r = publish(root_fd, directory, unfinished, now, reterr);
        return r < 0 ? error_prefix(reterr, r, "PKIDirectory=%s of [backup]", pki_directory) : 0;
}

static bool covers_any(int root_fd, const char *pki_directory, char *const *paths)
{
        for (; paths && *paths; paths++)
                if (pki_copy_covers(root_fd, pki_directory, *paths))
                        return true;
        return false;
}

int pki_copy_make(int root_fd, const Config *config, char *const *paths, int64_t now, Error *reterr)
{
        int r = 0;

        for (char **directory = config->pki_directories; r >= 0 && directory && *directory;
                directory++)
                if (covers_any(root_fd, *directory, paths))
                        r = pki_copy_make_one(root_fd, *directory, now, reterr);
        return r;
}

static bool is_time(const char *name)
{
        return *name && name[strspn(name, DIGITS)] == 0;
}

static bool is_unfinished(const char *name)
{
        size_t n = strlen(name);

        return *name == '.' && n > strlen(UNFINISHED) &&
               streq(name + n - strlen(UNFINISHED), UNFINISHED);
}

/* Numbers without leading zeros: the longer one is the later one. */
static int compare_times(const void *a, const void *b)
{
        const char *x = *(char *const *)a, *y = *(char *const *)b;
        size_t n = strlen(x), m = strlen(y);

        return n != m ? (n < m ? -1 : 1) : strcmp(x, y);
}

static int remove_copy(int root_fd, const char *directory, const char *name, Error *reterr)
{
        autofree char *unfinished = xasprintf(".%s" UNFINISHED, name);
        autofree char *path = xasprintf("%s/%s", directory, unfinished);
        int r = rename_in(root_fd, directory, name, unfinished, reterr);

        return r < 0 ? r : fs_remove_tree(root_fd, path, reterr);
}

static bool is_rotating(int root_fd, const Config *config)
{
        autofree char *records = ca_record_directory(config->state_directory);
        autostrv names = NULL;

        return fs_list(root_fd, records, &names, NULL) >= 0 && strv_length(names) > 0;
}

static int prune(int root_fd, const Config *config, const char *pki_directory, Error *reterr)
{
        autofree char *directory = pki_copy_directory(pki_directory);
        autostrv names = NULL;
        autostrv times = NULL;
        size_t n;
        int r;

        r = fs_list(root_fd, directory, &names, reterr);
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        for (char **name = names; r >= 0 && name && *name; name++) {
                autofree char *path = xasprintf("%s/%s", directory, *name);

                if (is_unfinished(*name))
                        r = fs_remove_tree(root_fd, path, reterr);
                else if (is_time(*name))
                        strv_add(&times, *name);
        }
        n = strv_length(times);
        if (n > 1)
                qsort(times, n, sizeof(*times), compare_times);
        for (size_t i = 0; r >= 0 && i + config->keep_backups < n && !is_rotating(root_fd, config);
                i++)
                r = remove_copy(root_fd, directory, times[i], reterr);
        return r;
}

int pki_copy_prune(int root_fd, const Config *config, Error *reterr)
{
        int r = 0;

        for (char **path = config->pki_directories; r >= 0 && path && *path; path++)
                r = prune(root_fd, config, *path, reterr);
        return r;
}
