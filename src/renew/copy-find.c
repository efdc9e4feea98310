/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/copy-find.h"

#include "base/fs.h"
#include "renew/copy.h"
#include "renew/history.h"

#include <fnmatch.h>

#define WILDCARDS "*?["
#define FOUND_MAX 512 /* files of that name, of one entry */

typedef struct Search {
        int root_fd;
        char **found; /* paths that fit */
        size_t n;
} Search;

bool copy_is_pattern(const CopyEntry *entry)
{
        return entry->path && strpbrk(entry->path, WILDCARDS);
}

/* Goes on below a directory with what is left of the pattern, which begins with a slash or is
 * empty. A directory that cannot be listed has nothing. */
static void search(Search *s, const char *directory, const char *pattern)
{
        const char *name = pattern + 1, *rest = pattern[0] ? name + strcspn(name, "/") : NULL;
        autofree char *part = rest ? xstrndup(name, (size_t)(rest - name)) : NULL;
        autostrv names = NULL;

        if (!rest) {
                if (s->n < FOUND_MAX && fs_exists(s->root_fd, directory)) {
                        strv_add(&s->found, directory);
                        s->n++;
                }
                return;
        }
        if (!strpbrk(part, WILDCARDS))
                strv_add(&names, part);
        else if (fs_list(s->root_fd, directory[0] ? directory : "/", &names, NULL) < 0)
                return;
        for (char **next = names; *next; next++) {
                autofree char *path = xasprintf("%s/%s", directory, *next);

                if (streq(*next, part) || fnmatch(part, *next, FNM_PERIOD) == 0)
                        search(s, path, rest);
        }
}

static bool is_taken(const Layout *layout, const char *path)
{
        for (size_t i = 0; i < layout->n_credentials; i++)
                if (streq(layout->credentials[i].path, path) ||
                        (layout->credentials[i].key && streq(layout->credentials[i].key, path)))
                        return true;
        for (size_t i = 0; i < layout->n_copy_targets; i++)
                if (streq(layout->copy_targets[i].path, path))
                        return true;
        return false;
}

/* What a copy holds that is as its source is; NULL if the source cannot be read. */
static Secret *content_of(int root_fd, const CopyTarget *target)
{
        autoptr(FileImage) first = NULL;
        autoptr(FileImage) second = NULL;

        if (fs_read_file(root_fd, target->parts[0], FS_SIZE_MAX, &first, NULL) < 0)
                return NULL;
        if (!target->parts[1])
                return copy_join(first->data, first->size, NULL, 0);
        if (fs_read_file(root_fd, target->parts[1], FS_SIZE_MAX, &second, NULL) < 0)
                return NULL;
        return copy_join(first->data, first->size, second->data, second->size);
}

static bool is_copy(int root_fd, const char *path, const Secret *content, const History *history)
{
        autoptr(FileImage) file = NULL;
        autofree char *directory = NULL;
        Digest last;

        if (fs_real_directory(root_fd, path, &directory, NULL) < 0 ||
                fs_read_file(root_fd, path, FS_SIZE_MAX, &file, NULL) < 0)
                return false;
        if (content && file->size == content->size &&
                memcmp(file->data, content->data, content->size) == 0)
                return true;
        return history_last_equal(history, path, &last) && digest_equal(&file->digest, &last);
}

/* The target that stands for the pattern gives way to one for each copy. */
static void find(int root_fd, Config *config, const CopyTarget *pattern, const History *history)
{
        Layout *layout = &config->layout;
        autoptr(Secret) content = content_of(root_fd, pattern);
        Search s = {.root_fd = root_fd};

        search(&s, "", pattern->path);
        for (char **path = s.found; path && *path; path++) {
                CopyTarget target = *pattern;

                if (is_taken(layout, *path) || !is_copy(root_fd, *path, content, history))
                        continue;
                target.path = xstrdup(*path);
                target.group = layout->n_copy_targets > 0
                                       ? layout->copy_targets[layout->n_copy_targets - 1].group + 1
                                       : 0;
                layout->copy_targets = xreallocarray(
                        layout->copy_targets, layout->n_copy_targets + 1, sizeof(CopyTarget));
                layout->copy_targets[layout->n_copy_targets++] = target;
        }
        strv_free(s.found);
}

void copies_find(int root_fd, Config *config)
{
        Layout *layout = &config->layout;
        CopyTarget *all = layout->copy_targets;
        size_t n = layout->n_copy_targets;
        History *history = NULL;

        /* 1. Those that are said by name come first. */
        layout->copy_targets = xcalloc(n, sizeof(CopyTarget));
        layout->n_copy_targets = 0;
        for (size_t i = 0; i < n; i++)
                if (!copy_is_pattern(all[i].entry))
                        layout->copy_targets[layout->n_copy_targets++] = all[i];

        /* 2. Then those that are found; the pass before knew what they were. */
        for (size_t i = 0; i < n; i++) {
                if (!copy_is_pattern(all[i].entry))
                        continue;
                if (!history)
                        history = history_read(root_fd, config->state_directory);
                find(root_fd, config, &all[i], history);
                free(all[i].path);
        }
        history_free(history);
        free(all);
}
