/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* kubeconfig files: read with libyaml, changed byte by byte where a scalar is due and nowhere else.
 *
 *     r = kubeconfig_parse(file->data, file->size, &config, reterr);
 *     r = kubeconfig_replace(file->data, file->size, edits, n_edits, &bytes, &size, reterr);
 *
 * The splice keeps comments, order, quoting, line ends and a BOM. Before it returns, the result is
 * parsed again and its event stream compared with the old one: equal but for the scalars that were
 * to change, or -EBADMSG and nothing is returned. Source of the format:
 * k8s.io/client-go/tools/clientcmd/api/v1. No X.509 here: data is passed as bytes. */

#include "base/error.h"
#include "base/secret.h"

typedef struct KubeconfigUser {
        char *name;
        unsigned char
                *certificate; /* client-certificate-data, decoded (PEM); NULL if not embedded */
        size_t certificate_size;
        char *certificate_file; /* client-certificate, as written (may be relative to the
                                   kubeconfig); NULL if there is data: data wins */
        Secret *key;            /* client-key-data, decoded; NULL if not embedded */
        char *key_file;         /* client-key */
        Secret *token;          /* token, NULL if there is none */
        char *token_file;       /* tokenFile, which is asked first */
        const char *method;     /* the key of another way to log in ("exec"), or of logging in as
                                   somebody else ("as"); NULL: there is none */
        bool other;             /* no certificate, but a token, exec, … : left alone */
        char *problem; /* why its data cannot be used or changed (line and column in it), NULL if it
                          can; data behind an anchor is here nevertheless */
} KubeconfigUser;

typedef struct KubeconfigCluster {
        char *name;
        char *server;
        unsigned char *ca; /* certificate-authority-data, decoded; NULL if not embedded */
        size_t ca_size;
        char *ca_file;         /* certificate-authority */
        char *tls_server_name; /* tls-server-name */
        char *proxy_url;       /* proxy-url */
        bool insecure;         /* insecure-skip-tls-verify */
        char *problem;
} KubeconfigCluster;

typedef struct Kubeconfig {
        KubeconfigUser *users;
        size_t n_users;
        KubeconfigCluster *clusters;
        size_t n_clusters;
        char *current_user; /* of the current context, NULL if there is none */
        char *current_cluster;
} Kubeconfig;

void kubeconfig_free(Kubeconfig *config);
DEFINE_AUTOPTR(Kubeconfig, kubeconfig_free)

/* The cluster of the current context, NULL if there is none. */
static inline const KubeconfigCluster *kubeconfig_current_cluster(const Kubeconfig *config)
{
        for (size_t i = 0; config->current_cluster && i < config->n_clusters; i++)
                if (streq(config->clusters[i].name, config->current_cluster))
                        return &config->clusters[i];
        return NULL;
}

/* -EBADMSG with line and column if it is no YAML or no kubeconfig, -EOPNOTSUPP for UTF-16 or a list
 * that hides behind an alias or merge key, -ENOTUNIQ for two lists of users, -E2BIG if it is too
 * deep or has too many users, -EFBIG over FS_SIZE_MAX. One user's problem is that user's
 * `problem`, and nobody else's. */
int kubeconfig_parse(const void *data, size_t size, Kubeconfig **ret, Error *reterr) MUST_USE;

typedef enum KubeconfigField {
        KUBECONFIG_CLIENT_CERTIFICATE,    /* of a user */
        KUBECONFIG_CLIENT_KEY,            /* of a user */
        KUBECONFIG_CERTIFICATE_AUTHORITY, /* of a cluster */
} KubeconfigField;

/* New bytes for one scalar; base64 is made here. */
typedef struct KubeconfigEdit {
        KubeconfigField field;
        const char *name; /* the user or the cluster */
        const void *data;
        size_t size;
} KubeconfigEdit;

/* The whole file with those scalars replaced. -ENOENT if a scalar is not there, -ENOTUNIQ if its
 * user or cluster name or a key on the way is there twice, -EOPNOTSUPP for anchors, aliases, tags
 * or several documents on the way to it or escapes in it, each with line and column; -EINVAL for an
 * empty value or two changes of one. Otherwise as kubeconfig_parse(). */
int kubeconfig_replace(const void *data, size_t size, const KubeconfigEdit *edits, size_t n_edits,
        Secret **ret, Error *reterr) MUST_USE;

/* A new kubeconfig in kubeadm's form, for `init` and `kubeconfig`. */
typedef struct KubeconfigNew {
        const char *cluster, *server, *user;
        const void *ca, *certificate, *key;
        size_t ca_size, certificate_size, key_size;
} KubeconfigNew;

Secret *kubeconfig_write(const KubeconfigNew *config);
