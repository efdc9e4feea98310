/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Probes of a container, as the kubelet would make them; for this room only.
 *
 *     r = probe_read(tree, container, "livenessProbe", host_network, &probe, reterr);
 *
 * Sources: k8s.io/api/core/v1 Probe, its defaults in k8s.io/kubernetes pkg/apis/core/v1, ports by
 * name as in pkg/probe/util.go. */

#include "kube/manifest.h"
#include "kube/yaml-tree.h"

/* *ret stays as it is if the container has no such probe. -EBADMSG if the kubelet could not read it
 * either. */
int probe_read(const YamlTree *tree, const YamlNode *container, const char *key, bool host_network,
        ManifestProbe *ret, Error *reterr) MUST_USE;

void probe_done(ManifestProbe *probe);
