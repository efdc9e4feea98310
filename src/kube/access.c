/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube/access.h"

#include "base/path.h"
#include "kube/manifest-address.h"

#include <ctype.h>

#define HTTPS_PORT    443
#define PATH_SPECIALS "-._~!$&'()*+,;=:@%/" /* RFC 3986, 3.3; no query, no fragment */

void access_free(Access *access)
{
        if (!access)
                return;
        for (size_t i = 0; i < ELEMENTSOF(access->files); i++)
                file_image_free(access->files[i]);
        kubeconfig_free(access->kubeconfig);
        secret_free(access->token);
        free(access->host);
        free(access->name);
        free(access->prefix);
        free(access);
}

/* One kubeconfig while it is read. */
typedef struct Reading {
        int root_fd;
        char *directory; /* relative paths in it start here */
        const KubeconfigUser *user;
        const KubeconfigCluster *cluster;
        Access *access;
        size_t n_files;
} Reading;

static bool is_url_path(const char *text)
{
        for (; *text; text++)
                if (!isalnum((unsigned char)*text) && !strchr(PATH_SPECIALS, *text))
                        return false;
        return true;
}

/* "https://HOST[:PORT][/PREFIX]"; client-go takes what has no scheme for https, too. */
static int read_server(const Reading *reading, Error *reterr)
{
        const char *url = reading->cluster->server ? reading->cluster->server : "";
        const char *rest = starts_with(url, "https://") ? url + strlen("https://") : url;
        size_t length = strcspn(rest, "/?#"), prefix_length = strlen(rest + length);
        autofree char *authority = xstrndup(rest, length);
        char *bracket = strchr(authority, ']'), *colon = strchr(bracket ? bracket : authority, ':');
        Access *access = reading->access;

        if (colon)
                *colon = 0;
        while (prefix_length > 0 && rest[length + prefix_length - 1] == '/')
                prefix_length--;
        access->prefix = xstrndup(rest + length, prefix_length);
        access->host = *authority ? address_host(authority, strlen(authority)) : NULL;
        access->server.host = access->host;
        access->server.port = colon ? address_port(colon + 1) : HTTPS_PORT;
        access->server.prefix = access->prefix;
        if (!access->host || !access->server.port || !is_url_path(access->prefix))
                return error_set(reterr, -EINVAL,
                        "the server '%s' of cluster '%s' is no https://HOST:PORT", url,
                        reading->cluster->name);
        return 0;
}

static int read_server_name(const Reading *reading, Error *reterr)
{
        const char *name = reading->cluster->tls_server_name;
        Access *access = reading->access;

        access->name = name ? address_host(name, strlen(name)) : xstrdup(access->host);
        access->server.name = access->name;
        if (!access->name)
                return error_set(reterr, -EINVAL,
                        "the tls-server-name '%s' of cluster '%s' is no name", name,
                        reading->cluster->name);
        return 0;
}

/* Whoever could change the file says who reads our token, or in whose name we ask. */
static int read_file(int root_fd, const char *path, size_t max, FileImage **ret, Error *reterr)
{
        Error error = {};
        int r;

        r = fs_check_place(root_fd, path, FS_OUR_HANDS, &error);
        if (r < 0)
                return error_set(reterr, r, "'%s' is not to be trusted: %s", path, error.text);
        return fs_read_file(root_fd, path, max, ret, reterr);
}

/* The data, or what is in the file; neither is no failure. */
static int read_data(Reading *reading, const void *data, size_t size, const char *file,
        const void **ret, size_t *ret_size, Error *reterr)
{
        FileImage **image = &reading->access->files[reading->n_files];
        autofree char *path = NULL;
        int r;

        *ret = data;
        *ret_size = size;
        if (data || !file)
                return 0;
        path = path_join(reading->directory, file);
        r = read_file(reading->root_fd, path, FS_SIZE_MAX, image, reterr);
        if (r < 0)
                return r;
        reading->n_files++;
        *ret = (*image)->data;
        *ret_size = (*image)->size;
        return 0;
}

static int lacks(const Reading *reading, const char *text, Error *reterr)
{
        const char *problem = reading->user->problem;

        return error_set(reterr, -EINVAL, "user '%s' has %s%s%s", reading->user->name, text,
                problem ? ": " : "", problem ? problem : "");
}

static int read_tls(Reading *reading, Error *reterr)
{
        const KubeconfigCluster *cluster = reading->cluster;
        const KubeconfigUser *user = reading->user;
        HttpTls *tls = &reading->access->server.tls;
        int r;

        r = read_data(reading, cluster->ca, cluster->ca_size, cluster->ca_file, &tls->ca,
                &tls->ca_size, reterr);
        if (r >= 0)
                r = read_data(reading, user->certificate, user->certificate_size,
                        user->certificate_file, &tls->certificate, &tls->certificate_size, reterr);
        if (r >= 0)
                r = read_data(reading, user->key ? user->key->data : NULL,
                        user->key ? user->key->size : 0, user->key_file, &tls->key, &tls->key_size,
                        reterr);
        if (r >= 0 && !tls->certificate != !tls->key)
                return lacks(reading, "a certificate or a key, not both", reterr);
        return r;
}

/* White space around a token in a file is not part of it. */
static int read_token(Reading *reading, Error *reterr)
{
        const Secret *token = reading->user->token;
        const void *data;
        const char *text;
        size_t size;
        int r;

        r = read_data(reading, NULL, 0, reading->user->token_file, &data, &size, reterr);
        if (r < 0 || (!data && !token))
                return r;
        text = data ? data : (const char *)token->data;
        size = data ? size : token->size;
        for (; size > 0 && isspace((unsigned char)*text); text++)
                size--;
        while (size > 0 && isspace((unsigned char)text[size - 1]))
                size--;
        reading->access->token = secret_new(text, size);
        reading->access->server.token = reading->access->token;
        if (!http_is_token(reading->access->token))
                return lacks(reading, "a token that is none", reterr);
        return 0;
}

/* What we do not do, and must not do without. */
static int check_refused(const Reading *reading, Error *reterr)
{
        const KubeconfigCluster *cluster = reading->cluster;
        const KubeconfigUser *user = reading->user;

        if (user->method)
                return error_set(reterr, -EOPNOTSUPP,
                        "user '%s' logs in by '%s', which is not supported: a client certificate "
                        "or a token is",
                        user->name, user->method);
        if (cluster->insecure)
                return error_set(reterr, -EOPNOTSUPP,
                        "cluster '%s' would trust anybody (insecure-skip-tls-verify), which is not "
                        "supported",
                        cluster->name);
        if (cluster->proxy_url)
                return error_set(reterr, -EOPNOTSUPP,
                        "cluster '%s' is behind a proxy (proxy-url), which is not supported",
                        cluster->name);
        return 0;
}

/* The user and the cluster of the current context. */
static int find_current(Reading *reading, const Kubeconfig *config, Error *reterr)
{
        for (size_t i = 0; config->current_user && i < config->n_users; i++)
                if (streq(config->users[i].name, config->current_user))
                        reading->user = &config->users[i];
        reading->cluster = kubeconfig_current_cluster(config);
        if (!reading->user || !reading->cluster)
                return error_set(reterr, -EINVAL, "its current context names no %s",
                        reading->user ? "cluster" : "user");
        return check_refused(reading, reterr);
}

static int read_context(Reading *reading, const FileImage *file, Error *reterr)
{
        Access *access = reading->access;
        int r;

        r = kubeconfig_parse(file->data, file->size, &access->kubeconfig, reterr);
        if (r >= 0)
                r = find_current(reading, access->kubeconfig, reterr);
        if (r >= 0)
                r = read_server(reading, reterr);
        if (r >= 0)
                r = read_server_name(reading, reterr);
        if (r >= 0)
                r = read_tls(reading, reterr);
        if (r >= 0)
                r = read_token(reading, reterr);
        if (r < 0 || access->server.tls.certificate || access->token)
                return r;
        return lacks(reading, "no client certificate and no token", reterr);
}

int access_read(int root_fd, const char *path, unsigned timeout, Access **ret, Error *reterr)
{
        autoptr(Access) access = xcalloc(1, sizeof(*access));
        autofree char *directory = path_join(path, "..");
        Reading reading = {.root_fd = root_fd, .directory = directory, .access = access};
        autoptr(FileImage) file = NULL;
        Error error = {};
        int r;

        access->server.timeout = timeout;
        r = read_file(root_fd, path, FS_SIZE_MAX, &file, reterr);
        if (r < 0)
                return r;
        r = read_context(&reading, file, &error);
        if (r < 0)
                return error_set(reterr, r, "kubeconfig '%s': %s", path, error.text);
        *ret = TAKE(access);
        return 0;
}
