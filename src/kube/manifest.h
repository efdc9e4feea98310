/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Static-pod manifests: which host files does a component use?
 *
 *     r = manifest_parse(file->data, file->size, &manifest, reterr);
 *     for (i = 0; i < manifest->n_files; i++) ... manifest->files[i].path, .flag
 *
 * Reads flags of every container ("--flag=path", "--flag path", command and args), maps container
 * paths to host paths by volumeMounts and hostPath volumes. A mount that is not a hostPath uses no
 * host file. Never asks the API server or the runtime. Source of the format: k8s.io/api/core/v1
 * Pod. */

#include "base/error.h"

typedef struct ManifestFile {
        char *path; /* on the host */
        char *flag; /* "--tls-cert-file"; NULL for a mount that no flag names */
        char *container;
        bool mounted_singly; /* the file itself is mounted: the container keeps the old inode until
                                it is re-created */
} ManifestFile;

typedef struct Manifest {
        char *name;    /* metadata.name */
        char *image;   /* of the first container */
        char *version; /* "1.28.7" from the image's tag, NULL if there is none */
        ManifestFile *
                files; /* every flag whose value is an absolute path, then mounts of single files */
        size_t n_files;
} Manifest;

void manifest_free(Manifest *manifest);
DEFINE_AUTOPTR(Manifest, manifest_free)

/* -EBADMSG with line and column if it is no YAML or no Pod. */
int manifest_parse(const void *data, size_t size, Manifest **ret, Error *reterr) MUST_USE;
