/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube/manifest.h"

#include "base/path.h"
#include "kube/manifest-words.h"

#include <limits.h>

#define VOLUMES_MAX    1024
#define CONTAINERS_MAX 64
#define FILES_MAX      4096

/* A hostPath volume; texts belong to the tree. */
typedef struct Volume {
        const char *name, *path;
        const char *type; /* "File", "DirectoryOrCreate", …; "" if the manifest does not say */
} Volume;

/* A volume as a container sees it. Paths in normal form. */
typedef struct Mount {
        char *inside;
        char *outside; /* on the host; NULL if it is not of the host */
        bool is_file;  /* it is a single file, or may be one */
} Mount;

typedef struct Pod {
        const YamlTree *tree;
        Volume *volumes;
        size_t n_volumes;
} Pod;

typedef struct Container {
        const char *name;
        Mount *mounts;
        size_t n_mounts;
        char **words;
} Container;

static void pod_free(Pod *pod)
{
        free(pod->volumes);
        free(pod);
}

DEFINE_AUTOPTR(Pod, pod_free)

static void container_free(Container *container)
{
        for (size_t i = 0; i < container->n_mounts; i++) {
                free(container->mounts[i].inside);
                free(container->mounts[i].outside);
        }
        free(container->mounts);
        strv_free(container->words);
        free(container);
}

DEFINE_AUTOPTR(Container, container_free)

void manifest_free(Manifest *manifest)
{
        if (!manifest)
                return;
        for (size_t i = 0; i < manifest->n_files; i++) {
                free(manifest->files[i].path);
                free(manifest->files[i].flag);
                free(manifest->files[i].container);
        }
        free(manifest->files);
        free(manifest->name);
        free(manifest->image);
        free(manifest->version);
        free(manifest);
}

/* A list and the number of its items; no list is an empty one. */
static int get_list(const YamlTree *tree, const YamlNode *mapping, const char *key, size_t max,
        const YamlNode **ret, size_t *ret_n, Error *reterr)
{
        const YamlNode *list, *item;
        size_t n = 0;
        int r;

        r = yaml_get_kind(tree, mapping, key, YAML_KIND_SEQUENCE, &list, NULL, reterr);
        if (r < 0)
                return r;
        for (item = list ? yaml_first(tree, list) : NULL; item; item = yaml_next(tree, list, item))
                if (++n > max)
                        return yaml_fail(reterr, -E2BIG, item, "more than %zu %s", max, key);
        *ret = list;
        *ret_n = n;
        return 0;
}

/* A text that may be missing: "" then. */
static int get_text(const YamlTree *tree, const YamlNode *mapping, const char *key,
        const char **ret, Error *reterr)
{
        const char *text;
        int r;

        r = yaml_get_text(tree, mapping, key, &text, NULL, reterr);
        if (r >= 0)
                *ret = text ? text : "";
        return r;
}

/* Leaves *volume empty if it is no hostPath. */
static int read_volume(const YamlTree *tree, const YamlNode *node, Volume *volume, Error *reterr)
{
        const YamlNode *host_path;
        int r;

        r = yaml_get_kind(tree, node, "hostPath", YAML_KIND_MAPPING, &host_path, NULL, reterr);
        if (r < 0 || !host_path)
                return r;
        r = get_text(tree, node, "name", &volume->name, reterr);
        if (r >= 0)
                r = get_text(tree, host_path, "path", &volume->path, reterr);
        if (r >= 0)
                r = get_text(tree, host_path, "type", &volume->type, reterr);
        return r;
}

static int read_volumes(Pod *pod, const YamlNode *spec, Error *reterr)
{
        const YamlNode *list, *node;
        size_t n;
        int r;

        r = get_list(pod->tree, spec, "volumes", VOLUMES_MAX, &list, &n, reterr);
        if (r < 0)
                return r;
        pod->volumes = xcalloc(n, sizeof(*pod->volumes));
        for (node = n > 0 ? yaml_first(pod->tree, list) : NULL; node;
                node = yaml_next(pod->tree, list, node)) {
                Volume *volume = &pod->volumes[pod->n_volumes];

                r = read_volume(pod->tree, node, volume, reterr);
                if (r < 0)
                        return r;
                if (volume->path && volume->path[0] == '/' && strlen(volume->path) < PATH_MAX)
                        pod->n_volumes++;
        }
        return 0;
}

static const Volume *find_volume(const Pod *pod, const char *name)
{
        for (size_t i = 0; i < pod->n_volumes; i++)
                if (streq(pod->volumes[i].name, name))
                        return &pod->volumes[i];
        return NULL;
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

static int read_mount(const Pod *pod, const YamlNode *node, Mount *mount, Error *reterr)
{
        const char *name = "", *inside = "", *sub_path = "", *expression = "";
        int r;

        r = get_text(pod->tree, node, "name", &name, reterr);
        if (r >= 0)
                r = get_text(pod->tree, node, "mountPath", &inside, reterr);
        if (r >= 0)
                r = get_text(pod->tree, node, "subPath", &sub_path, reterr);
        if (r >= 0)
                r = get_text(pod->tree, node, "subPathExpr", &expression, reterr);
        if (r < 0)
                return r;
        if (strlen(inside) >= PATH_MAX || strlen(sub_path) >= PATH_MAX)
                return yaml_fail(reterr, -EBADMSG, node, "a path is too long");
        /* Which directory an expression means is known to the kubelet alone. */
        fill_mount(mount, *expression ? NULL : find_volume(pod, name), inside, sub_path);
        return 0;
}

static int read_mounts(const Pod *pod, const YamlNode *node, Container *container, Error *reterr)
{
        const YamlNode *list, *mount;
        size_t n;
        int r;

        r = get_list(pod->tree, node, "volumeMounts", VOLUMES_MAX, &list, &n, reterr);
        if (r < 0)
                return r;
        container->mounts = xcalloc(n, sizeof(*container->mounts));
        for (mount = n > 0 ? yaml_first(pod->tree, list) : NULL; mount;
                mount = yaml_next(pod->tree, list, mount)) {
                r = read_mount(pod, mount, &container->mounts[container->n_mounts], reterr);
                if (r < 0)
                        return r;
                container->n_mounts++;
        }
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
static const Mount *find_mount(const Container *container, const char *path)
{
        const Mount *best = NULL;

        for (size_t i = 0; i < container->n_mounts; i++) {
                const Mount *mount = &container->mounts[i];

                if (path_below(path, mount->inside) &&
                        (!best || strlen(mount->inside) > strlen(best->inside)))
                        best = mount;
        }
        return best;
}

static int add_file(Manifest *manifest, ManifestFile file, const char *container, Error *reterr)
{
        if (manifest->n_files >= FILES_MAX) {
                free(file.path);
                free(file.flag);
                return error_set(reterr, -E2BIG, "more than %d files", FILES_MAX);
        }
        file.container = xstrdup(container);
        manifest->files =
                xreallocarray(manifest->files, manifest->n_files + 1, sizeof(*manifest->files));
        manifest->files[manifest->n_files++] = file;
        return 0;
}

/* Takes the flag. */
static int add_flag(
        Manifest *manifest, const Container *container, char *flag, const char *path, Error *reterr)
{
        const Mount *mount = find_mount(container, path);
        autofree char *outside = NULL;
        ManifestFile file = {.flag = flag};

        if (!mount || !mount->outside) {
                free(flag);
                return 0;
        }
        outside = xasprintf("%s%s", mount->outside, path_below(path, mount->inside));
        file.path = path_normalize(outside);
        file.mounted_singly = mount->is_file && streq(path, mount->inside);
        return add_file(manifest, file, container->name, reterr);
}

static int add_flags(Manifest *manifest, const Container *container, Error *reterr)
{
        char *flag, *value;
        size_t at = 0;

        while (next_path_flag(container->words, &at, &flag, &value)) {
                autofree char *path = value;
                int r = add_flag(manifest, container, flag, path, reterr);

                if (r < 0)
                        return r;
        }
        return 0;
}

static bool has_file(const Manifest *manifest, size_t from, const char *path)
{
        for (size_t i = from; i < manifest->n_files; i++)
                if (streq(manifest->files[i].path, path))
                        return true;
        return false;
}

/* Single files that no flag of this container (its flags start at `from`) has named. */
static int add_single_files(
        Manifest *manifest, const Container *container, size_t from, Error *reterr)
{
        for (size_t i = 0; i < container->n_mounts; i++) {
                const Mount *mount = &container->mounts[i];
                ManifestFile file = {.mounted_singly = true};
                int r;

                if (!mount->is_file || has_file(manifest, from, mount->outside))
                        continue;
                file.path = xstrdup(mount->outside);
                r = add_file(manifest, file, container->name, reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int read_container(const Pod *pod, const YamlNode *node, Manifest *manifest, Error *reterr)
{
        autoptr(Container) container = xcalloc(1, sizeof(*container));
        size_t from = manifest->n_files;
        int r;

        r = get_text(pod->tree, node, "name", &container->name, reterr);
        if (r >= 0)
                r = read_mounts(pod, node, container, reterr);
        if (r >= 0)
                r = container_words(pod->tree, node, &container->words, reterr);
        if (r >= 0)
                r = add_flags(manifest, container, reterr);
        if (r >= 0)
                r = add_single_files(manifest, container, from, reterr);
        return r;
}

static int read_containers(
        const Pod *pod, const YamlNode *spec, const char *key, Manifest *manifest, Error *reterr)
{
        const YamlNode *list, *node;
        size_t n;
        int r;

        r = get_list(pod->tree, spec, key, CONTAINERS_MAX, &list, &n, reterr);
        for (node = r >= 0 && n > 0 ? yaml_first(pod->tree, list) : NULL; node && r >= 0;
                node = yaml_next(pod->tree, list, node))
                r = read_container(pod, node, manifest, reterr);
        return r;
}

/* "registry:5000/etcd:3.5.10-0@sha256:…" gives "3.5.10": what follows a dash is the build of the
 * image, not the version of the program. */
static char *version_of_image(const char *image)
{
        const char *name = strrchr(image, '/');
        const char *tag, *end;

        name = name ? name + 1 : image;
        end = name + strcspn(name, "@");
        tag = memchr(name, ':', (size_t)(end - name));
        if (!tag)
                return NULL;
        tag++;
        tag += *tag == 'v';
        end = tag + strspn(tag, "0123456789.");
        while (end > tag && end[-1] == '.')
                end--;
        if (*tag == '.' || !memchr(tag, '.', (size_t)(end - tag)))
                return NULL;
        return xstrndup(tag, (size_t)(end - tag));
}

static int read_image(const YamlTree *tree, const YamlNode *spec, Manifest *manifest, Error *reterr)
{
        const YamlNode *list, *first;
        const char *image;
        size_t n;
        int r;

        r = get_list(tree, spec, "containers", CONTAINERS_MAX, &list, &n, reterr);
        if (r < 0)
                return r;
        first = n > 0 ? yaml_first(tree, list) : NULL;
        if (!first)
                return yaml_fail(reterr, -EBADMSG, spec, "a Pod without containers");
        r = get_text(tree, first, "image", &image, reterr);
        if (r < 0)
                return r;
        manifest->image = xstrdup(image);
        manifest->version = version_of_image(image);
        return 0;
}

static int read_name(const YamlTree *tree, const YamlNode *root, Manifest *manifest, Error *reterr)
{
        const YamlNode *metadata;
        const char *kind, *name = "";
        int r;

        r = get_text(tree, root, "kind", &kind, reterr);
        if (r < 0)
                return r;
        if (!streq(kind, "Pod"))
                return yaml_fail(reterr, -EBADMSG, root, "kind '%s', not a Pod", kind);
        r = yaml_get_kind(tree, root, "metadata", YAML_KIND_MAPPING, &metadata, NULL, reterr);
        if (r >= 0 && metadata)
                r = get_text(tree, metadata, "name", &name, reterr);
        if (r < 0)
                return r;
        if (!*name)
                return yaml_fail(reterr, -EBADMSG, root, "a Pod without a name");
        manifest->name = xstrdup(name);
        return 0;
}

static int read_pod(const YamlTree *tree, Manifest *manifest, Error *reterr)
{
        autoptr(Pod) pod = xcalloc(1, sizeof(*pod));
        const YamlNode *root = yaml_root(tree), *spec = NULL;
        int r;

        pod->tree = tree;
        r = read_name(tree, root, manifest, reterr);
        if (r >= 0)
                r = yaml_get_kind(tree, root, "spec", YAML_KIND_MAPPING, &spec, NULL, reterr);
        if (r < 0)
                return r;
        if (!spec)
                return yaml_fail(reterr, -EBADMSG, root, "a Pod without a spec");
        r = read_image(tree, spec, manifest, reterr);
        if (r >= 0)
                r = read_volumes(pod, spec, reterr);
        if (r >= 0)
                r = read_containers(pod, spec, "containers", manifest, reterr);
        if (r >= 0)
                r = read_containers(pod, spec, "initContainers", manifest, reterr);
        return r;
}

int manifest_parse(const void *data, size_t size, Manifest **ret, Error *reterr)
{
        autoptr(YamlTree) tree = NULL;
        autoptr(Manifest) manifest = xcalloc(1, sizeof(*manifest));
        int r;

        r = yaml_tree_parse(data, size, &tree, reterr);
        if (r >= 0)
                r = read_pod(tree, manifest, reterr);
        if (r < 0)
                return r;
        *ret = TAKE(manifest);
        return 0;
}
