/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where a container serves TLS, by its flags; for this room only.
 *
 *     r = endpoints_read(container, mounts, manifest, reterr);
 *
 * Sources: k8s.io/apiserver pkg/server/options/serving.go, the default ports of
 * k8s.io/kubernetes pkg/cluster/ports, etcd's server/etcdmain and server/embed. */

#include "kube/manifest-mount.h"
#include "kube/manifest.h"

/* Adds to manifest->endpoints. -E2BIG if there are too many. */
int endpoints_read(const ManifestContainer *container, const Mounts *mounts, Manifest *manifest,
        Error *reterr) MUST_USE;
