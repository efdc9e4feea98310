/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Files as a phase of a CA rotation will leave them, in memory.
 *
 *     files = rotation_files_new(root_fd);
 *     r = rotation_files_get(files, "/etc/kubernetes/pki/ca.crt", &file, reterr);
 *     rotation_file_set(file, TAKE(content));
 *     for (i = 0; i < files->n; i++) if (files->files[i]->content) ...
 *
 * Each file is read when it is first asked for and once, whatever paths lead to it: what several
 * reasons change changes once. Writes nothing. */

#include "base/fs.h"
#include "base/secret.h"
#include "pki/cert.h"

typedef struct RotationFile {
        char *path;
        FileImage *image; /* as it is; NULL: there is none */
        Secret *content;  /* as it will be; NULL: it stays */
        mode_t mode;      /* of a new file */
        unsigned pair;    /* files with the same number change together; 0: alone */
} RotationFile;

typedef struct RotationFiles {
        int root_fd;
        RotationFile **files;
        size_t n;
} RotationFiles;

RotationFiles *rotation_files_new(int root_fd);
void rotation_files_free(RotationFiles *files);
DEFINE_AUTOPTR(RotationFiles, rotation_files_free)

/* A missing file is one without image. Errors as fs_read_file(). */
int rotation_files_get(
        RotationFiles *files, const char *path, RotationFile **ret, Error *reterr) MUST_USE;

/* What it holds by now: as it will be, or as it is. */
const void *rotation_file_data(const RotationFile *file, size_t *ret_size);

/* Takes the content. What is there already is no change. */
void rotation_file_set(RotationFile *file, Secret *content);

/* In the place of the first certificate of the text that is one of `known`, the `wanted` ones in
 * their order, and none of the other known ones; everything else stays as it is, byte for byte.
 * Where none is known, they are appended, or with `append` false nothing is done. Wanted ones that
 * the text has already keep the bytes that they have there. NULL if the text stays what it is. The
 * caller frees. */
typedef struct BundleEdit {
        const Cert *known[4], *wanted[2];
        size_t n_known, n_wanted;
        bool append;
} BundleEdit;

Secret *bundle_edit(const void *text, size_t size, const BundleEdit *edit);
