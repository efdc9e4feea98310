/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A kubeconfig for somebody who is in no layout: `kubeconfig`.
 *
 *     r = issue_kubeconfig(root_fd, config, inventory, &request, now, &secret, reterr);
 *
 * Everything is in it: the certificate, its key and every root of the CA file. Nothing is written,
 * and nobody will renew it: what has been handed out is its owner's. */

#include "renew/inventory/inventory.h"

typedef struct KubeconfigRequest {
        const char *user;    /* common name */
        char *const *groups; /* organizations; NULL: none */
        const char *server;  /* URL of the API server */
        const char *ca;      /* id of its section; NULL: the one of the layout's kubeconfigs */
        int64_t validity;    /* 0: Validity=; never after the CA's end */
        const char *key_algorithm; /* NULL: KeyAlgorithm=, else RSA-2048 */
} KubeconfigRequest;

/* -EINVAL for a request that is wrong, -ENOKEY if the CA's key is not here or fits no certificate
 * of it; as ca_check(), ca_issue() and token_open_ca(). */
int issue_kubeconfig(int root_fd, const Config *config, const Inventory *inventory,
        const KubeconfigRequest *request, int64_t now, Secret **ret, Error *reterr) MUST_USE;
