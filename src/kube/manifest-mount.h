/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where the paths of a container are on the host; for this room only.
 *
 *     r = volumes_read(tree, spec, &volumes, reterr);
 *     r = mounts_read(tree, container, volumes, &mounts, reterr);
 *     outside = mounts_find(mounts, "/etc/kubernetes/pki/ca.crt", &singly);
 *
 * Only hostPath volumes lead to the host; the longest mount wins. Source: k8s.io/api/core/v1
 * VolumeMount and HostPathVolumeSource. */

#include "kube/yaml-tree.h"

/* The hostPath volumes of a Pod; texts belong to the tree. */
typedef struct Volumes Volumes;

void volumes_free(Volumes *volumes);
DEFINE_AUTOPTR(Volumes, volumes_free)

int volumes_read(const YamlTree *tree, const YamlNode *spec, Volumes **ret, Error *reterr) MUST_USE;

/* A volume as a container sees it. Paths in normal form. */
typedef struct Mount {
        char *inside;
        char *outside; /* on the host; NULL if it is not of the host */
        bool is_file;  /* it is a single file, or may be one */
} Mount;

typedef struct Mounts {
        Mount *entries;
        size_t n;
} Mounts;

void mounts_free(Mounts *mounts);
DEFINE_AUTOPTR(Mounts, mounts_free)

int mounts_read(const YamlTree *tree, const YamlNode *container, const Volumes *volumes,
        Mounts **ret, Error *reterr) MUST_USE;

/* Where a path of the container, in normal form, is on the host; NULL if it is not of the host.
 * *ret_singly: it is mounted itself, not a directory above it. The caller frees. */
char *mounts_find(const Mounts *mounts, const char *path, bool *ret_singly);
