/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Whom the current context of a kubeconfig asks, and as whom.
 *
 *     autoptr(Access) access = NULL;
 *     r = access_read(root_fd, "/etc/kubernetes/admin.conf", 10, &access, reterr);
 *     r = api_get(&access->server, "/version", &object, reterr);
 *
 * Certificates and keys in it or in files that it names, and tokens. What would run a program
 * (exec), ask elsewhere (proxy-url) or trust anybody (insecure-skip-tls-verify) is refused. Source:
 * k8s.io/client-go/tools/clientcmd, which is also where tokenFile wins over token, data over a
 * file, and relative names begin at the kubeconfig. */

#include "base/fs.h"
#include "kube/api.h"
#include "kube/kubeconfig.h"

#define ACCESS_FILES 4 /* CA, certificate, key, token */

typedef struct Access {
        ApiServer server; /* what it points to is the rest of this */
        char *host, *name, *prefix;
        Kubeconfig *kubeconfig;
        FileImage *files[ACCESS_FILES];
        Secret *token;
} Access;

void access_free(Access *access);
DEFINE_AUTOPTR(Access, access_free)

/* -EOPNOTSUPP for what is refused, -EBADMSG and -EINVAL for what is no kubeconfig or lacks
 * something, -EPERM if somebody else than root and ourselves could change it (its token would go
 * to whomever he names); otherwise as reading files. timeout: seconds for each request. */
int access_read(
        int root_fd, const char *path, unsigned timeout, Access **ret, Error *reterr) MUST_USE;
