/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube/kubelet.h"

#include "base/fs.h"
#include "kube/health.h"
#include "kube/manifest-address.h"
#include "kube/yaml-tree.h"

#define FLAGS_FILE  "/var/lib/kubelet/kubeadm-flags.env"
#define CONFIG_FILE "/var/lib/kubelet/config.yaml"

#define HEALTH_PORT    10248
#define HEALTH_TIMEOUT 5

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

static int set_by_flags(int root_fd, const char *flag, char **ret, Error *reterr)
{
        autoptr(FileImage) file = NULL;
        int r = read_optional(root_fd, FLAGS_FILE, &file, reterr);

        if (r >= 0 && file)
                *ret = find_flag((char *)file->data, flag);
        return r;
}

/* "authentication.x509.clientCAFile": from mapping to mapping. */
static int get_text(const YamlTree *tree, const char *path, const char **ret, Error *reterr)
{
        const YamlNode *node = yaml_root(tree);
        const char *dot;
        int r = 0;

        for (; r >= 0 && node && (dot = strchr(path, '.')); path = dot + 1) {
                autofree char *key = xstrndup(path, (size_t)(dot - path));

                r = yaml_get_kind(tree, node, key, YAML_KIND_MAPPING, &node, NULL, reterr);
        }
        return r < 0 || !node ? r : yaml_get_text(tree, node, path, ret, NULL, reterr);
}

static int set_by_config(int root_fd, const char *key, char **ret, Error *reterr)
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
                r = get_text(tree, key, &text, reterr);
        if (r < 0)
                return error_prefix(reterr, r, "'%s'", CONFIG_FILE);
        *ret = xstrdup(text);
        return 0;
}

int kubelet_setting(int root_fd, const char *flag, const char *key, char **ret,
        const char **ret_source, Error *reterr)
{
        autofree char *value = NULL;
        const char *source = FLAGS_FILE;
        int r;

        r = set_by_flags(root_fd, flag, &value, reterr);
        if (r >= 0 && (!value || !*value)) {
                free(TAKE(value));
                source = CONFIG_FILE;
                r = set_by_config(root_fd, key, &value, reterr);
        }
        if (r < 0)
                return r;
        if (value && !*value)
                free(TAKE(value)); /* kubeadm writes containerRuntimeEndpoint: "" */
        *ret = TAKE(value);
        *ret_source = source;
        return 0;
}

int kubelet_ask_health(int root_fd, Error *reterr)
{
        autofree char *address = NULL, *port = NULL, *host = NULL;
        const char *source;
        int r;

        r = kubelet_setting(
                root_fd, "--healthz-bind-address", "healthzBindAddress", &address, &source, reterr);
        if (r >= 0)
                r = kubelet_setting(
                        root_fd, "--healthz-port", "healthzPort", &port, &source, reterr);
        if (r < 0)
                return r;
        host = address_host(address ? address : "", address ? strlen(address) : 0);
        const ManifestProbe probe = {.kind = PROBE_HTTP,
                .host = host,
                .port = port ? address_port(port) : HEALTH_PORT,
                .path = (char *)"/healthz",
                .timeout = HEALTH_TIMEOUT};

        if (!host || probe.port == 0)
                return error_set(reterr, -EOPNOTSUPP,
                        "the kubelet has no address at which its health can be asked ('%s')",
                        source);
        return health_ask(&probe, reterr);
}
