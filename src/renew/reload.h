/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What Kubernetes components do with a file that a flag names: when they read it again, and what
 * stops working when it has expired.
 *
 *     consumer = consumer_find("kube-apiserver", "--tls-cert-file");
 *     printf("%s", consumer->reload);
 *
 * Text for people only: what a pass restarts is decided elsewhere. Source: client-go, apiserver and
 * etcd, by the versions named in the texts. */

#include "base/macro.h"

typedef struct Consumer {
        const char *component; /* NULL: any */
        const char *flag;
        const char *reload; /* when a new file is in use */
        const char *breaks; /* what fails once it has expired */
} Consumer;

/* NULL if nothing is known of this flag. component is matched by the end of its name. */
const Consumer *consumer_find(const char *component, const char *flag);
