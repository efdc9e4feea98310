/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube/manifest.h"

#include "kube/manifest-endpoint.h"
#include "kube/manifest-mount.h"
#include "kube/manifest-probe.h"
#include "kube/manifest-words.h"

#include <strings.h>

#define CONTAINERS_MAX 64
#define FILES_MAX      4096

/* A Pod while it is read. */
typedef struct Pod {
        const YamlTree *tree;
        const YamlNode *spec;
        Volumes *volumes;
        Manifest *manifest;
} Pod;

static void pod_done(Pod *pod)
{
        volumes_free(pod->volumes);
}

DEFINE_AUTOPTR(Pod, pod_done)

static void container_done(ManifestContainer *container)
{
        free(container->name);
        free(container->image);
        free(container->version);
        free(container->program);
        strv_free(container->words);
        probe_done(&container->liveness);
        probe_done(&container->readiness);
        probe_done(&container->startup);
}

DEFINE_AUTOPTR(ManifestContainer, container_done)

void manifest_free(Manifest *manifest)
{
        if (!manifest)
                return;
        for (size_t i = 0; i < manifest->n_files; i++) {
                free(manifest->files[i].path);
                free(manifest->files[i].flag);
                free(manifest->files[i].container);
        }
        for (size_t i = 0; i < manifest->n_endpoints; i++) {
                free(manifest->endpoints[i].container);
                free(manifest->endpoints[i].host);
                free(manifest->endpoints[i].flag);
                free(manifest->endpoints[i].certificate);
        }
        for (size_t i = 0; i < manifest->n_containers; i++)
                container_done(&manifest->containers[i]);
        free(manifest->files);
        free(manifest->endpoints);
        free(manifest->containers);
        free(manifest->name);
        free(manifest->namespace_);
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

static int add_flags(
        Manifest *manifest, const ManifestContainer *container, const Mounts *mounts, Error *reterr)
{
        char *flag, *value;
        size_t at = 0;

        while (next_path_flag(container->words, &at, &flag, &value)) {
                autofree char *inside = value;
                ManifestFile file = {.flag = flag};
                int r;

                file.path = mounts_find(mounts, inside, &file.mounted_singly);
                if (!file.path) {
                        free(flag);
                        continue;
                }
                r = add_file(manifest, file, container->name, reterr);
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

/* What the flags of a container name, then single files that none of them has named. */
static int add_files(
        Manifest *manifest, const ManifestContainer *container, const Mounts *mounts, Error *reterr)
{
        size_t from = manifest->n_files;
        int r;

        r = add_flags(manifest, container, mounts, reterr);
        for (size_t i = 0; i < mounts->n && r >= 0; i++) {
                const Mount *mount = &mounts->entries[i];
                ManifestFile file = {.mounted_singly = true};

                if (!mount->is_file || has_file(manifest, from, mount->outside))
                        continue;
                file.path = xstrdup(mount->outside);
                r = add_file(manifest, file, container->name, reterr);
        }
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

/* What every container has. */
static int read_container(const Pod *pod, const YamlNode *node, ManifestContainer *container,
        Mounts **ret_mounts, Error *reterr)
{
        const char *name = "", *image = "";
        int r;

        r = yaml_get_text_or_empty(pod->tree, node, "name", &name, reterr);
        if (r >= 0)
                r = yaml_get_text_or_empty(pod->tree, node, "image", &image, reterr);
        if (r < 0)
                return r;
        container->name = xstrdup(name);
        container->image = xstrdup(image);
        container->version = version_of_image(image);
        r = container_words(pod->tree, node, &container->words, &container->program, reterr);
        if (r >= 0)
                r = mounts_read(pod->tree, node, pod->volumes, ret_mounts, reterr);
        if (r >= 0)
                r = add_files(pod->manifest, container, *ret_mounts, reterr);
        return r;
}

static int read_probes(
        const Pod *pod, const YamlNode *node, ManifestContainer *container, Error *reterr)
{
        const struct {
                const char *key;
                ManifestProbe *probe;
        } probes[] = {
                {"livenessProbe", &container->liveness},
                {"readinessProbe", &container->readiness},
                {"startupProbe", &container->startup},
        };
        int r = 0;

        for (size_t i = 0; i < ELEMENTSOF(probes) && r >= 0; i++)
                r = probe_read(pod->tree, node, probes[i].key, pod->manifest->host_network,
                        probes[i].probe, reterr);
        return r;
}

static int read_main_container(const Pod *pod, const YamlNode *node, Error *reterr)
{
        Manifest *manifest = pod->manifest;
        ManifestContainer *container = &manifest->containers[manifest->n_containers++];
        autoptr(Mounts) mounts = NULL;
        int r;

        r = read_container(pod, node, container, &mounts, reterr);
        if (r >= 0)
                r = read_probes(pod, node, container, reterr);
        if (r >= 0)
                r = endpoints_read(container, mounts, manifest, reterr);
        return r;
}

/* It has files only: it serves nothing, and has ended when the others start. */
static int read_init_container(const Pod *pod, const YamlNode *node, Error *reterr)
{
        ManifestContainer storage = {};
        autoptr(ManifestContainer) container = &storage;
        autoptr(Mounts) mounts = NULL;

        return read_container(pod, node, container, &mounts, reterr);
}

static int read_containers(const Pod *pod, Error *reterr)
{
        Manifest *manifest = pod->manifest;
        const YamlNode *list, *node;
        size_t n;
        int r;

        r = yaml_get_list(pod->tree, pod->spec, "containers", CONTAINERS_MAX, &list, &n, reterr);
        if (r < 0)
                return r;
        if (n == 0)
                return yaml_fail(reterr, -EBADMSG, pod->spec, "a Pod without containers");
        manifest->containers = xcalloc(n, sizeof(*manifest->containers));
        for (node = yaml_first(pod->tree, list); node && r >= 0;
                node = yaml_next(pod->tree, list, node))
                r = read_main_container(pod, node, reterr);
        if (r < 0)
                return r;
        manifest->image = xstrdup(manifest->containers[0].image);
        manifest->version = xstrdup(manifest->containers[0].version);
        return 0;
}

static int read_init_containers(const Pod *pod, Error *reterr)
{
        const YamlNode *list, *node;
        size_t n;
        int r;

        r = yaml_get_list(
                pod->tree, pod->spec, "initContainers", CONTAINERS_MAX, &list, &n, reterr);
        for (node = r >= 0 && n > 0 ? yaml_first(pod->tree, list) : NULL; node && r >= 0;
                node = yaml_next(pod->tree, list, node))
                r = read_init_container(pod, node, reterr);
        return r;
}

static int read_metadata(
        const YamlTree *tree, const YamlNode *root, Manifest *manifest, Error *reterr)
{
        const YamlNode *metadata;
        const char *kind, *name = "", *namespace_ = "";
        int r;

        r = yaml_get_text_or_empty(tree, root, "kind", &kind, reterr);
        if (r < 0)
                return r;
        if (!streq(kind, "Pod"))
                return yaml_fail(reterr, -EBADMSG, root, "kind '%s', not a Pod", kind);
        r = yaml_get_kind(tree, root, "metadata", YAML_KIND_MAPPING, &metadata, NULL, reterr);
        if (r >= 0 && metadata)
                r = yaml_get_text_or_empty(tree, metadata, "name", &name, reterr);
        if (r >= 0 && metadata)
                r = yaml_get_text_or_empty(tree, metadata, "namespace", &namespace_, reterr);
        if (r < 0)
                return r;
        if (!*name)
                return yaml_fail(reterr, -EBADMSG, root, "a Pod without a name");
        manifest->name = xstrdup(name);
        manifest->namespace_ = xstrdup(*namespace_ ? namespace_ : "default");
        return 0;
}

/* What is said of the whole Pod. */
static int read_spec(const Pod *pod, Error *reterr)
{
        const char *host_network = "";
        int r;

        r = yaml_get_text_or_empty(pod->tree, pod->spec, "hostNetwork", &host_network, reterr);
        if (r < 0)
                return r;
        pod->manifest->host_network = strcasecmp(host_network, "true") == 0;
        return yaml_get_number(pod->tree, pod->spec, "terminationGracePeriodSeconds", 30,
                &pod->manifest->termination_grace, reterr);
}

static int read_pod(const YamlTree *tree, Manifest *manifest, Error *reterr)
{
        Pod storage = {.tree = tree, .manifest = manifest};
        autoptr(Pod) pod = &storage;
        const YamlNode *root = yaml_root(tree);
        int r;

        r = read_metadata(tree, root, manifest, reterr);
        if (r >= 0)
                r = yaml_get_kind(tree, root, "spec", YAML_KIND_MAPPING, &pod->spec, NULL, reterr);
        if (r < 0)
                return r;
        if (!pod->spec)
                return yaml_fail(reterr, -EBADMSG, root, "a Pod without a spec");
        r = read_spec(pod, reterr);
        if (r >= 0)
                r = volumes_read(tree, pod->spec, &pod->volumes, reterr);
        if (r >= 0)
                r = read_containers(pod, reterr);
        if (r >= 0)
                r = read_init_containers(pod, reterr);
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

const ManifestContainer *manifest_container(const Manifest *manifest, const char *name)
{
        for (size_t i = 0; i < manifest->n_containers; i++)
                if (streq(manifest->containers[i].name, name))
                        return &manifest->containers[i];
        return NULL;
}

const ManifestContainer *manifest_program(const Manifest *manifest, const char *program)
{
        for (size_t i = 0; manifest && i < manifest->n_containers; i++) {
                const ManifestContainer *container = &manifest->containers[i];

                if (streq(container->program ? container->program : container->name, program))
                        return container;
        }
        return NULL;
}

const char *manifest_flag(const Manifest *manifest, const char *container, const char *flag)
{
        const ManifestContainer *found = manifest_container(manifest, container);

        return found ? words_flag(found->words, flag) : NULL;
}
