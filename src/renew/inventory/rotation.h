/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The client certificate that a kubelet renews by itself, as its certificate store keeps it: files
 * NAME-DATE.pem with certificate and key, and a link NAME-current.pem that leads to the newest.
 *
 *     if (rotation_is_stored(item)) ... item->is_link
 *     r = rotation_swap(&rotation, reterr);
 *     r = rotation_recover(root_fd, state_directory, &note, reterr);       after a crash
 *
 * The link leads to the old file or to the new one at every instant. A record,
 * STATE/kubelet-rotation.json, is there before the new file is and until the link leads to it: what
 * a crash leaves is found by its name. With the lock of base/txn.h held.
 * Source: k8s.io/client-go/util/certificate, certificate_store.go. */

#include "renew/inventory/inventory.h"

/* True for a certificate with Watch=yes and a path as that of such a link, whatever is there now:
 * the kubelet's client certificate, or the serving one that a signer of the cluster gives it. */
bool rotation_is_stored(const Item *item);

/* True for such a one that a kubeconfig names: this the kubelet shows to the API server. */
bool rotation_is_kept(const Item *item);

/* The first such item, NULL if there is none. */
const Item *rotation_find(const Inventory *inventory);

typedef struct Rotation {
        int root_fd;
        const char *state_directory;
        const char *link;      /* "/var/lib/kubelet/pki/kubelet-client-current.pem" */
        const Secret *content; /* certificate and key, PEM */
        int64_t now;           /* for the name of the new file */
} Rotation;

/* Writes the content to NAME-DATE.pem (0600) and lets the link lead there. The old file stays; if
 * there was a file in the link's place, it becomes NAME-DATE-replaced.pem. On failure everything is
 * as it was. -EEXIST if there is such a file: a second one within the same second. */
int rotation_swap(const Rotation *rotation, Error *reterr) MUST_USE;

/* Removes what an interrupted rotation_swap() has left, if the link does not lead to it yet.
 * *ret_note says what was done, NULL if nothing was unfinished; the caller frees. Idempotent. */
int rotation_recover(
        int root_fd, const char *state_directory, char **ret_note, Error *reterr) MUST_USE;
