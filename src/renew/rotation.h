/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The client certificate that a kubelet renews by itself, as its certificate store keeps it: files
 * NAME-DATE.pem with certificate and key, and a link NAME-current.pem that leads to the newest.
 *
 *     if (rotation_is_kept(item)) ... item->is_link
 *
 * Source: k8s.io/client-go/util/certificate, certificate_store.go. */

#include "renew/inventory.h"

/* True for the certificate of a kubeconfig that says Watch=yes and names such a link, whatever is
 * there now. */
bool rotation_is_kept(const Item *item);
