/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Static-pod manifests: which host files does a component use?
 *
 *     r = manifest_parse(file->data, file->size, &manifest, reterr);
 *     for (i = 0; i < manifest->n_files; i++) ... manifest->files[i].path, .flag
 *
 * Reads flags of every container ("--flag=path", "--flag path", command and args, as far as
 * possible the script of "sh -c" too), maps container paths to host paths by volumeMounts and
 * hostPath volumes; the longest mount wins. A path below no mount, or below one that is no
 * hostPath, uses no host file and is left out. Never asks the API server or the runtime. Source of
 * the format: k8s.io/api/core/v1 Pod. */

#include "base/error.h"

typedef struct ManifestFile {
        char *path; /* on the host, without "//", "." and ".." */
        char *flag; /* "--tls-cert-file", also where it was written with one dash; NULL for a mount
                       that no flag names */
        char *container;
        bool mounted_singly; /* the file itself is mounted, not a directory above it: the container
                                keeps the old inode until it is re-created. Also true where only the
                                kubelet can tell: no hostPath type, or a subPath */
} ManifestFile;

typedef struct Manifest {
        char *name;          /* metadata.name */
        char *image;         /* of the first container */
        char *version;       /* "1.28.7" from the tag "v1.28.7-anything", NULL if there is none */
        ManifestFile *files; /* of each container (initContainers last): every flag whose value is
                                an absolute path, then mounts of single files without a flag */
        size_t n_files;
} Manifest;

void manifest_free(Manifest *manifest);
DEFINE_AUTOPTR(Manifest, manifest_free)

/* -EBADMSG with line and column if it is no YAML or no Pod, -EOPNOTSUPP for UTF-16 or where an
 * alias or a merge key hides something, -ENOTUNIQ for a key that is there twice, -E2BIG if it is
 * too deep or has too much of something, -EFBIG over FS_SIZE_MAX. */
int manifest_parse(const void *data, size_t size, Manifest **ret, Error *reterr) MUST_USE;
