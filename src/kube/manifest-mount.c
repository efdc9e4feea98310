/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube/manifest-mount.h"

#include "base/path.h"

#include <limits.h>

#define VOLUMES_MAX 1024

/* A hostPath volume; texts belong to the tree. */
typedef struct Volume {
        const char *name, *path;
        const char *type; /* "File", "DirectoryOrCreate", …; "" if the manifest does not say */
} Volume;

struct Volumes {
        Volume *entries;
        size_t n;
};

void volumes_free(Volumes *volumes)
{
        if (!volumes)
                return;
        free(volumes->entries);
        free(volumes);
}

/* Leaves *volume empty if it is no hostPath. */
static int read_volume(const YamlTree *tree, const YamlNode *node, Volume *volume, Error *reterr)
{
        const YamlNode *host_path;
        int r;

        r = yaml_get_kind(tree, node, "hostPath", YAML_KIND_MAPPING, &host_path, NULL, reterr);
        if (r < 0 || !host_path)
                return r;
        r = yaml_get_text_or_empty(tree, node, "name", &volume->name, reterr);
        if (r >= 0)
                r = yaml_get_text_or_empty(tree, host_path, "path", &volume->path, reterr);
        if (r >= 0)
                r = yaml_get_text_or_empty(tree, host_path, "type", &volume->type, reterr);
        return r;
}

int volumes_read(const YamlTree *tree, const YamlNode *spec, Volumes **ret, Error *reterr)
{
        autoptr(Volumes) volumes = xcalloc(1, sizeof(*volumes));
        const YamlNode *list, *node;
        size_t n;
        int r;

        r = yaml_get_list(tree, spec, "volumes", VOLUMES_MAX, &list, &n, reterr);
        if (r < 0)
                return r;
        volumes->entries = xcalloc(n, sizeof(*volumes->entries));
        for (node = n > 0 ? yaml_first(tree, list) : NULL; node;
                node = yaml_next(tree, list, node)) {
                Volume *volume = &volumes->entries[volumes->n];

                r = read_volume(tree, node, volume, reterr);
                if (r < 0)
                        return r;
                if (volume->path && volume->path[0] == '/' && strlen(volume->path) < PATH_MAX)
                        volumes->n++;
        }
        *ret = TAKE(volumes);
        return 0;
}

static const Volume *find_volume(const Volumes *volumes, const char *name)
{
        for (size_t i = 0; i < volumes->n; i++)
                if (streq(volumes->entries[i].name, name))
                        return &volumes->entries[i];
        return NULL;
}

void mounts_free(Mounts *mounts)
{
        if (!mounts)
                return;
        for (size_t i = 0; i < mounts->n; i++) {
                free(mounts->entries[i].inside);
                free(mounts->entries[i].outside);
        }
        free(mounts->entries);
        free(mounts);
}

static void fill_mount(Mount *mount, const Volume *volume, const char *inside, const char *sub_path)
{
        autofree char *outside = NULL;

        mount->inside = path_normalize(inside);
        if (!volume || !*inside)
                return;
        outside = xasprintf("%s/%s", volume->path, sub_path);
        mount->outside = path_normalize(outside);
        mount->is_file = *sub_path || *volume->type == 0 || starts_with(volume->type, "File");
}

static int read_mount(const YamlTree *tree, const YamlNode *node, const Volumes *volumes,
        Mount *mount, Error *reterr)
{
        const char *name = "", *inside = "", *sub_path = "", *expression = "";
        int r;

        r = yaml_get_text_or_empty(tree, node, "name", &name, reterr);
        if (r >= 0)
                r = yaml_get_text_or_empty(tree, node, "mountPath", &inside, reterr);
        if (r >= 0)
                r = yaml_get_text_or_empty(tree, node, "subPath", &sub_path, reterr);
        if (r >= 0)
                r = yaml_get_text_or_empty(tree, node, "subPathExpr", &expression, reterr);
        if (r < 0)
                return r;
        if (strlen(inside) >= PATH_MAX || strlen(sub_path) >= PATH_MAX)
                return yaml_fail(reterr, -EBADMSG, node, "a path is too long");
        /* Which directory an expression means is known to the kubelet alone. */
        fill_mount(mount, *expression ? NULL : find_volume(volumes, name), inside, sub_path);
        return 0;
}

int mounts_read(const YamlTree *tree, const YamlNode *container, const Volumes *volumes,
        Mounts **ret, Error *reterr)
{
        autoptr(Mounts) mounts = xcalloc(1, sizeof(*mounts));
        const YamlNode *list, *node;
        size_t n;
        int r;

        r = yaml_get_list(tree, container, "volumeMounts", VOLUMES_MAX, &list, &n, reterr);
        if (r < 0)
                return r;
        mounts->entries = xcalloc(n, sizeof(*mounts->entries));
        for (node = n > 0 ? yaml_first(tree, list) : NULL; node;
                node = yaml_next(tree, list, node)) {
                r = read_mount(tree, node, volumes, &mounts->entries[mounts->n], reterr);
                if (r < 0)
                        return r;
                mounts->n++;
        }
        *ret = TAKE(mounts);
        return 0;
}

/* What is left of path behind the directory, NULL if it is not in there. */
static const char *path_below(const char *path, const char *directory)
{
        size_t length = strlen(directory);

        if (streq(directory, "/"))
                return path;
        if (strncmp(path, directory, length) != 0 || (path[length] && path[length] != '/'))
                return NULL;
        return path + length;
}

/* The mount that a path in the container leads through: the longest one wins. */
static const Mount *find_mount(const Mounts *mounts, const char *path)
{
        const Mount *best = NULL;

        for (size_t i = 0; i < mounts->n; i++) {
                const Mount *mount = &mounts->entries[i];

                if (path_below(path, mount->inside) &&
                        (!best || strlen(mount->inside) > strlen(best->inside)))
                        best = mount;
        }
        return best;
}

char *mounts_find(const Mounts *mounts, const char *path, bool *ret_singly)
{
        const Mount *mount = find_mount(mounts, path);
        autofree char *outside = NULL;

        if (!mount || !mount->outside)
                return NULL;
        outside = xasprintf("%s%s", mount->outside, path_below(path, mount->inside));
        *ret_singly = mount->is_file && streq(path, mount->inside);
        return path_normalize(outside);
}
