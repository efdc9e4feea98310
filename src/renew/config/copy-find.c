/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/config/copy-find.h"

#include "base/log.h"
#include "base/path.h"
#include "base/remote.h"
#include "renew/config/copy-content.h"
#include "renew/state/history.h"

#include <fcntl.h>
#include <fnmatch.h>

#define WILDCARDS "*?["
#define FOUND_MAX 512 /* files or directories of that name, of one entry */

typedef struct Search {
        int root_fd;
        const Remote *remote;
        int flags;    /* O_DIRECTORY where directories are looked for */
        char **found; /* paths that fit */
        size_t n;
        char **left; /* directories that fit so far, and are not looked into */
} Search;

/* What the administrator has written with wildcards, NULL if there are none. */
static const char *pattern_of(const CopyEntry *entry)
{
        const char *text = entry->path ? entry->path : entry->directory;

        return text && strpbrk(text, WILDCARDS) ? text : NULL;
}

bool copy_is_pattern(const CopyEntry *entry)
{
        return pattern_of(entry);
}

char *copy_pattern_place(const CopyEntry *entry)
{
        const char *pattern = entry->sources && entry->directory ? pattern_of(entry) : NULL;

        return pattern ? xasprintf("%.*s*", (int)strcspn(pattern, WILDCARDS), pattern) : NULL;
}

static bool is_left(Search *s, const char *path)
{
        autofree char *point = NULL;

        if (!remote_is_on_way(s->remote, path, &point))
                return false;
        if (!strv_contains(s->left, point))
                strv_add(&s->left, point);
        return true;
}

static bool is_there(const Search *s, const char *path)
{
        autofd int fd = fs_open(s->root_fd, path, O_PATH | s->flags, 0, NULL);

        return fd >= 0;
}

/* Goes on below a directory with what is left of the pattern, which begins with a slash or is
 * empty. A directory that cannot be listed has nothing. */
static void search(Search *s, const char *directory, const char *pattern)
{
        const char *name = pattern + 1, *rest = pattern[0] ? name + strcspn(name, "/") : NULL;
        autofree char *part = rest ? xstrndup(name, (size_t)(rest - name)) : NULL;
        autostrv names = NULL;

        if (!rest) {
                if (s->n < FOUND_MAX && !is_left(s, directory) && is_there(s, directory)) {
                        strv_add(&s->found, directory);
                        s->n++;
                }
                return;
        }
        if (!strpbrk(part, WILDCARDS))
                strv_add(&names, part);
        else if (is_left(s, directory) ||
                 fs_list(s->root_fd, directory[0] ? directory : "/", &names, NULL) < 0)
                return;
        for (char **next = names; *next; next++) {
                autofree char *path = xasprintf("%s/%s", directory, *next);

                if (streq(*next, part) || fnmatch(part, *next, FNM_PERIOD) == 0)
                        search(s, path, rest);
        }
}

/* Nothing is wrong with them; whoever wonders why his copy does not follow finds the reason. */
static void say_left(const Search *s, const CopyEntry *entry)
{
        autofree char *places = strv_join(s->left, "', '");

        if (s->left)
                log_line(LOG_INFO,
                        "[copy %s] looks for no copies in '%s': it is on another machine, or a "
                        "program's, and may not answer",
                        entry->name, places);
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
        FileImage *images[COPY_PARTS] = {};
        CopyPart parts[COPY_PARTS] = {};
        Secret *content = NULL;
        int r;

        for (size_t k = 0; k < COPY_PARTS && target->parts[k]; k++)
                if (fs_read_file(root_fd, target->parts[k], FS_SIZE_MAX, &images[k], NULL) >= 0)
                        parts[k] = (CopyPart){images[k]->data, images[k]->size};
        r = copy_content(target, parts, &content, NULL);
        for (size_t k = 0; k < COPY_PARTS; k++)
                file_image_free(images[k]);
        return r < 0 ? NULL : content;
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

/* The targets of one group that stand for a pattern. */
typedef struct Pattern {
        const CopyTarget *targets;
        size_t n;
        Secret *contents[COPY_PARTS]; /* parallel; NULL if the source cannot be read */
} Pattern;

static char *path_of(const Pattern *pattern, size_t k, const char *found)
{
        const CopyTarget *target = &pattern->targets[k];

        return target->entry->path ? xstrdup(found) : path_join(found, fs_basename(target->path));
}

/* One file of a certificate is no copy without the other one. */
static bool is_group(int root_fd, const Layout *layout, const Pattern *pattern, const char *found,
        const History *history)
{
        const CopyEntry *entry = pattern->targets[0].entry;

        for (size_t k = 0; k < pattern->n; k++) {
                autofree char *path = path_of(pattern, k, found);

                if (is_taken(layout, path))
                        return false;
                if (!entry->overwrite && !(entry->create && !fs_exists(root_fd, path)) &&
                        !is_copy(root_fd, path, pattern->contents[k], history))
                        return false;
        }
        return true;
}

/* No number is left out. */
static unsigned next_group(const Layout *layout)
{
        size_t n = layout->n_copy_targets;

        return n > 0 ? layout->copy_targets[n - 1].group + 1 : 0;
}

static void add_group(Layout *layout, const Pattern *pattern, const char *found)
{
        size_t n = layout->n_copy_targets;
        unsigned group = next_group(layout);

        layout->copy_targets =
                xreallocarray(layout->copy_targets, n + pattern->n, sizeof(CopyTarget));
        for (size_t k = 0; k < pattern->n; k++) {
                CopyTarget *target = &layout->copy_targets[layout->n_copy_targets++];

                *target = pattern->targets[k];
                target->path = path_of(pattern, k, found);
                target->group = group;
        }
}

/* The targets that stand for the pattern give way to those of each copy. */
static void find(Search *s, Config *config, Pattern *pattern, const History *history)
{
        const CopyEntry *entry = pattern->targets[0].entry;

        for (size_t k = 0; k < pattern->n; k++)
                pattern->contents[k] = content_of(s->root_fd, &pattern->targets[k]);
        search(s, "", pattern_of(entry));
        say_left(s, entry);
        for (char **found = s->found; found && *found; found++)
                if (is_group(s->root_fd, &config->layout, pattern, *found, history))
                        add_group(&config->layout, pattern, *found);
        for (size_t k = 0; k < pattern->n; k++)
                secret_free(pattern->contents[k]);
        strv_free(s->found);
        strv_free(s->left);
}

static size_t group_end(const CopyTarget *all, size_t n, size_t first)
{
        size_t end = first + 1;

        while (end < n && all[end].group == all[first].group)
                end++;
        return end;
}

void copies_find(int root_fd, Config *config)
{
        Layout *layout = &config->layout;
        CopyTarget *all = layout->copy_targets;
        size_t n = layout->n_copy_targets;
        autoptr(History) history = NULL;
        autoptr(Remote) remote = NULL;

        /* 1. Those that are said by name come first. */
        layout->copy_targets = xcalloc(n, sizeof(CopyTarget));
        layout->n_copy_targets = 0;
        for (size_t i = 0, end; i < n; i = end) {
                unsigned group = next_group(layout);

                end = group_end(all, n, i);
                for (size_t k = i; k < end && !copy_is_pattern(all[i].entry); k++) {
                        layout->copy_targets[layout->n_copy_targets] = all[k];
                        layout->copy_targets[layout->n_copy_targets++].group = group;
                }
        }

        /* 2. Then those that are found; the pass before knew what they were. */
        for (size_t i = 0, end; i < n; i = end) {
                Pattern pattern = {.targets = &all[i]};

                end = group_end(all, n, i);
                pattern.n = end - i;
                if (!copy_is_pattern(all[i].entry))
                        continue;
                if (!history) {
                        history = history_read(root_fd, config->state_directory);
                        remote = remote_read(root_fd);
                }
                Search s = {.root_fd = root_fd,
                        .remote = remote,
                        .flags = all[i].entry->path ? 0 : O_DIRECTORY};
                find(&s, config, &pattern, history);
                for (size_t k = i; k < end; k++)
                        free(all[k].path);
        }
        free(all);
}
