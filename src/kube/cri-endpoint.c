/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube/cri-internal.h"

#include "base/fs.h"
#include "kube/yaml-tree.h"

#include <ctype.h>

#define FLAGS_FILE  "/var/lib/kubelet/kubeadm-flags.env"
#define CONFIG_FILE "/var/lib/kubelet/config.yaml"

static const char *const defaults[] = {
        "/run/containerd/containerd.sock",
        "/run/crio/crio.sock",
        "/run/cri-dockerd.sock",
};

/* The path in "unix:///run/x.sock", "unix:/run/x.sock" or "/run/x.sock". */
static int parse_endpoint(
        const char *endpoint, const char *source, char **ret_socket, Error *reterr)
{
        const char *path = endpoint;

        if (starts_with(path, "unix:"))
                path += strlen("unix:");
        if (starts_with(path, "//"))
                path += strlen("//");
        if (path[0] != '/')
                return error_set(reterr, -EINVAL,
                        "container runtime endpoint '%s' (%s) is not the path of a unix socket",
                        endpoint, source);
        *ret_socket = xstrdup(path);
        return 0;
}

/* A whole file, NULL if it is missing. */
static int read_optional(int root_fd, const char *path, FileImage **ret, Error *reterr)
{
        int r = fs_read_file(root_fd, path, FS_SIZE_MAX, ret, reterr);

        return r == -ENOENT ? 0 : r;
}

/* The value of the flag in a line as KUBELET_KUBEADM_ARGS="--a=b --c d"; the last one wins. */
static char *find_flag(const char *text, const char *flag)
{
        char *value = NULL;

        for (const char *at = text; (at = strstr(at, flag));) {
                at += strlen(flag);
                if (*at != '=' && *at != ' ')
                        continue;
                at += strspn(at, "= \"'");
                free(value);
                value = xstrndup(at, strcspn(at, " \t\r\n\"'\\"));
        }
        return value;
}

/* What the kubelet's command line says, as kubeadm wrote it. */
static int named_by_flags(int root_fd, char **ret, Error *reterr)
{
        autoptr(FileImage) file = NULL;
        int r = read_optional(root_fd, FLAGS_FILE, &file, reterr);

        if (r >= 0 && file)
                *ret = find_flag((char *)file->data, "--container-runtime-endpoint");
        return r;
}

/* What the kubelet's configuration says. */
static int named_by_config(int root_fd, char **ret, Error *reterr)
{
        autoptr(FileImage) file = NULL;
        autoptr(YamlTree) tree = NULL;
        const char *text = NULL;
        int r;

        r = read_optional(root_fd, CONFIG_FILE, &file, reterr);
        if (r < 0 || !file)
                return r;
        r = yaml_tree_parse(file->data, file->size, &tree, reterr);
        if (r >= 0)
                r = yaml_get_text(
                        tree, yaml_root(tree), "containerRuntimeEndpoint", &text, NULL, reterr);
        if (r < 0)
                return error_prefix(reterr, r, "'%s'", CONFIG_FILE);
        *ret = xstrdup(text);
        return 0;
}

static const struct {
        const char *source;
        int (*find)(int root_fd, char **ret, Error *reterr);
} sources[] = {
        /* A flag overrides the configuration. */
        {FLAGS_FILE, named_by_flags},
        {CONFIG_FILE, named_by_config},
};

int cri_endpoint_find(int root_fd, const char *endpoint, char ***ret_sockets,
        const char **ret_source, Error *reterr)
{
        autofree char *named = xstrdup(endpoint);
        const char *source = "configured";
        char *socket = NULL;
        int r;

        for (size_t i = 0; i < ELEMENTSOF(sources) && !named; i++) {
                r = sources[i].find(root_fd, &named, reterr);
                if (r < 0)
                        return r;
                source = sources[i].source;
                if (named && !*named)
                        free(TAKE(named)); /* kubeadm writes containerRuntimeEndpoint: "" */
        }
        if (!named) {
                for (size_t i = 0; i < ELEMENTSOF(defaults); i++)
                        strv_add(ret_sockets, defaults[i]);
                *ret_source = "the usual places";
                return 0;
        }
        r = parse_endpoint(named, source, &socket, reterr);
        if (r < 0)
                return r;
        strv_take(ret_sockets, socket);
        *ret_source = source;
        return 0;
}
