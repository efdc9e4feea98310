/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube/kubeconfig.h"

#include "base/digest.h"
#include "kube/kubeconfig-tree.h"
#include "kube/yaml-splice.h"

static void user_done(KubeconfigUser *user)
{
        free(user->name);
        free(user->certificate);
        free(user->certificate_file);
        secret_free(user->key);
        free(user->key_file);
        secret_free(user->token);
        free(user->token_file);
        free(user->problem);
}

static void cluster_done(KubeconfigCluster *cluster)
{
        free(cluster->name);
        free(cluster->server);
        free(cluster->ca);
        free(cluster->ca_file);
        free(cluster->tls_server_name);
        free(cluster->proxy_url);
        free(cluster->problem);
}

void kubeconfig_free(Kubeconfig *config)
{
        if (!config)
                return;
        for (size_t i = 0; i < config->n_users; i++)
                user_done(&config->users[i]);
        for (size_t i = 0; i < config->n_clusters; i++)
                cluster_done(&config->clusters[i]);
        free(config->users);
        free(config->clusters);
        free(config->current_user);
        free(config->current_cluster);
        free(config);
}

/* Data behind an anchor can be read but not changed: it is returned together with the error. */
static int read_data(const YamlTree *tree, const KubeconfigPlace *body, const char *key,
        unsigned char **ret, size_t *ret_size, Error *reterr)
{
        KubeconfigPlace value;
        size_t start, end;
        int r;

        r = kubeconfig_data(tree, body, key, &value, reterr);
        if (r < 0 || !value.node)
                return r;
        r = base64_decode(value.node->text, value.node->length, ret, ret_size);
        if (r < 0)
                return yaml_fail(reterr, -EBADMSG, value.node, "'%s' is no base64", key);
        return yaml_splice_place(tree, value.node, value.odd, &start, &end, reterr);
}

static int read_text(const YamlTree *tree, const KubeconfigPlace *body, const char *key, char **ret,
        Error *reterr)
{
        const char *text;
        int r;

        r = yaml_get_text(tree, body->node, key, &text, NULL, reterr);
        if (r >= 0 && text && *text)
                *ret = xstrdup(text);
        return r;
}

/* Embedded data or the name of a file. Where there are both, client-go takes the data. */
static int read_data_or_file(const YamlTree *tree, const KubeconfigPlace *body,
        const char *data_key, const char *file_key, unsigned char **ret, size_t *ret_size,
        char **ret_file, Error *reterr)
{
        int r;

        r = read_data(tree, body, data_key, ret, ret_size, reterr);
        if (r < 0 || *ret)
                return r;
        return read_text(tree, body, file_key, ret_file, reterr);
}

static int read_key(
        const YamlTree *tree, const KubeconfigPlace *body, KubeconfigUser *user, Error *reterr)
{
        unsigned char *key = NULL;
        size_t size = 0;
        int r;

        r = read_data_or_file(
                tree, body, "client-key-data", "client-key", &key, &size, &user->key_file, reterr);
        if (key) {
                user->key = secret_new(key, size);
                explicit_bzero(key, size);
                free(key);
        }
        return r;
}

/* The first of these keys that the user has. What cannot be read is none that matters. */
static const char *first_key(
        const YamlTree *tree, const KubeconfigPlace *body, const char *const *keys)
{
        const YamlNode *value;

        for (; *keys; keys++)
                if (yaml_get(tree, body->node, *keys, &value, NULL, NULL) >= 0 && value)
                        return *keys;
        return NULL;
}

/* How else than by a certificate, which nobody changes here. */
static void read_login(const YamlTree *tree, const KubeconfigPlace *body, KubeconfigUser *user)
{
        static const char *const tokens[] = {"token", "tokenFile", NULL};
        static const char *const methods[] = {
                "exec", "auth-provider", "username", "password", "as", NULL};
        const char *token;

        if (yaml_get_text(tree, body->node, "token", &token, NULL, NULL) >= 0 && token && *token)
                user->token = secret_new(token, strlen(token));
        (void)read_text(tree, body, "tokenFile", &user->token_file, NULL);
        user->method = first_key(tree, body, methods);
        user->other = !user->certificate && !user->certificate_file &&
                      (user->method || first_key(tree, body, tokens));
}

/* The first failure is told, but the certificate is read even if it is the key that fails. */
static int read_user(const YamlTree *tree, const KubeconfigEntries *entries, size_t i,
        KubeconfigUser *user, Error *reterr)
{
        KubeconfigPlace body;
        int r, q;

        r = kubeconfig_body(tree, entries, i, &body, reterr);
        if (r < 0 || !body.node)
                return r;
        q = read_key(tree, &body, user, reterr);
        r = read_data_or_file(tree, &body, "client-certificate-data", "client-certificate",
                &user->certificate, &user->certificate_size, &user->certificate_file, reterr);
        read_login(tree, &body, user);
        return r < 0 ? r : q;
}

/* As read_login(). What may mean that the server need not be verified does. */
static void read_way(const YamlTree *tree, const KubeconfigPlace *body, KubeconfigCluster *cluster)
{
        autofree char *insecure = NULL;

        (void)read_text(tree, body, "tls-server-name", &cluster->tls_server_name, NULL);
        (void)read_text(tree, body, "proxy-url", &cluster->proxy_url, NULL);
        (void)read_text(tree, body, "insecure-skip-tls-verify", &insecure, NULL);
        cluster->insecure = insecure && !streq(insecure, "false");
}

static int read_cluster(const YamlTree *tree, const KubeconfigEntries *entries, size_t i,
        KubeconfigCluster *cluster, Error *reterr)
{
        KubeconfigPlace body;
        int r;

        r = kubeconfig_body(tree, entries, i, &body, reterr);
        if (r < 0 || !body.node)
                return r;
        read_way(tree, &body, cluster);
        r = read_text(tree, &body, "server", &cluster->server, reterr);
        if (r < 0)
                return r;
        return read_data_or_file(tree, &body, "certificate-authority-data", "certificate-authority",
                &cluster->ca, &cluster->ca_size, &cluster->ca_file, reterr);
}

static char *name_of(const KubeconfigEntries *entries, size_t i)
{
        return xstrdup(entries->names[i] ? entries->names[i] : "");
}

static int read_users(const YamlTree *tree, Kubeconfig *config, Error *reterr)
{
        autoptr(KubeconfigEntries) entries = NULL;
        int r;

        r = kubeconfig_entries(tree, KUBECONFIG_USERS, &entries, reterr);
        if (r < 0)
                return r;
        config->users = xcalloc(entries->n, sizeof(*config->users));
        config->n_users = entries->n;
        for (size_t i = 0; i < entries->n; i++) {
                Error error = {};

                config->users[i].name = name_of(entries, i);
                if (read_user(tree, entries, i, &config->users[i], &error) < 0)
                        config->users[i].problem = xstrdup(error.text);
        }
        return 0;
}

static int read_clusters(const YamlTree *tree, Kubeconfig *config, Error *reterr)
{
        autoptr(KubeconfigEntries) entries = NULL;
        int r;

        r = kubeconfig_entries(tree, KUBECONFIG_CLUSTERS, &entries, reterr);
        if (r < 0)
                return r;
        config->clusters = xcalloc(entries->n, sizeof(*config->clusters));
        config->n_clusters = entries->n;
        for (size_t i = 0; i < entries->n; i++) {
                Error error = {};

                config->clusters[i].name = name_of(entries, i);
                if (read_cluster(tree, entries, i, &config->clusters[i], &error) < 0)
                        config->clusters[i].problem = xstrdup(error.text);
        }
        return 0;
}

/* A context that cannot be read is none: users and clusters are there without it. */
static int read_current_context(const YamlTree *tree, Kubeconfig *config)
{
        autoptr(KubeconfigEntries) entries = NULL;
        const char *current;
        KubeconfigPlace body;
        int r;

        r = yaml_get_text(tree, yaml_root(tree), "current-context", &current, NULL, NULL);
        if (r < 0 || !current)
                return r;
        r = kubeconfig_entries(tree, KUBECONFIG_CONTEXTS, &entries, NULL);
        if (r < 0)
                return r;
        for (size_t i = 0; i < entries->n; i++) {
                if (!entries->names[i] || !streq(entries->names[i], current))
                        continue;
                r = kubeconfig_body(tree, entries, i, &body, NULL);
                if (r < 0 || !body.node)
                        return r;
                r = read_text(tree, &body, "user", &config->current_user, NULL);
                if (r >= 0)
                        r = read_text(tree, &body, "cluster", &config->current_cluster, NULL);
                return r;
        }
        return 0;
}

static int check_kind(const YamlTree *tree, Error *reterr)
{
        const YamlNode *root = yaml_root(tree);
        const char *kind;
        int r;

        r = yaml_get_text(tree, root, "kind", &kind, NULL, reterr);
        if (r < 0)
                return r;
        if (kind && !streq(kind, "Config"))
                return yaml_fail(reterr, -EBADMSG, root, "a %s, not a kubeconfig", kind);
        return 0;
}

int kubeconfig_parse(const void *data, size_t size, Kubeconfig **ret, Error *reterr)
{
        autoptr(YamlTree) tree = NULL;
        autoptr(Kubeconfig) config = xcalloc(1, sizeof(*config));
        int r;

        r = yaml_tree_parse(data, size, &tree, reterr);
        if (r >= 0)
                r = check_kind(tree, reterr);
        if (r >= 0)
                r = read_users(tree, config, reterr);
        if (r >= 0)
                r = read_clusters(tree, config, reterr);
        if (r < 0)
                return r;
        (void)read_current_context(tree, config);
        *ret = TAKE(config);
        return 0;
}
