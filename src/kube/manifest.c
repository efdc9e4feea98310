/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube/manifest.h"

#include "kube/manifest-mount.h"
#include "kube/manifest-words.h"

#define CONTAINERS_MAX 64
#define FILES_MAX      4096

typedef struct Pod {
        const YamlTree *tree;
        Volumes *volumes;
} Pod;

typedef struct Container {
        const char *name;
        Mounts *mounts;
        char **words;
} Container;

static void pod_free(Pod *pod)
{
        volumes_free(pod->volumes);
        free(pod);
}

DEFINE_AUTOPTR(Pod, pod_free)

static void container_free(Container *container)
{
        mounts_free(container->mounts);
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
        ManifestFile file = {.flag = flag};

        file.path = mounts_find(container->mounts, path, &file.mounted_singly);
        if (!file.path) {
                free(flag);
                return 0;
        }
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
        for (size_t i = 0; i < container->mounts->n; i++) {
                const Mount *mount = &container->mounts->entries[i];
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

        r = yaml_get_text_or_empty(pod->tree, node, "name", &container->name, reterr);
        if (r >= 0)
                r = mounts_read(pod->tree, node, pod->volumes, &container->mounts, reterr);
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

        r = yaml_get_list(pod->tree, spec, key, CONTAINERS_MAX, &list, &n, reterr);
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

        r = yaml_get_list(tree, spec, "containers", CONTAINERS_MAX, &list, &n, reterr);
        if (r < 0)
                return r;
        first = n > 0 ? yaml_first(tree, list) : NULL;
        if (!first)
                return yaml_fail(reterr, -EBADMSG, spec, "a Pod without containers");
        r = yaml_get_text_or_empty(tree, first, "image", &image, reterr);
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

        r = yaml_get_text_or_empty(tree, root, "kind", &kind, reterr);
        if (r < 0)
                return r;
        if (!streq(kind, "Pod"))
                return yaml_fail(reterr, -EBADMSG, root, "kind '%s', not a Pod", kind);
        r = yaml_get_kind(tree, root, "metadata", YAML_KIND_MAPPING, &metadata, NULL, reterr);
        if (r >= 0 && metadata)
                r = yaml_get_text_or_empty(tree, metadata, "name", &name, reterr);
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
                r = volumes_read(tree, spec, &pod->volumes, reterr);
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
