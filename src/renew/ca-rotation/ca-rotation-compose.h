/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Everything on this host that embeds or names a CA, as it will be in a phase of its rotation.
 *
 *     r = rotation_compose(&input, files, reterr);
 *     for (i = 0; i < files->n; i++) if (files->files[i]->content) ... it changes
 *
 * CA files and those that have the same CA under another name, their keys, files of trusted CAs
 * that flags and kubeconfigs name, CA data of every kubeconfig, the certificates behind leaves,
 * flags that take one certificate, the records. Other CAs in those files stay. What is so already
 * does not change: doing it again is doing nothing. Leaves themselves are
 * renew/ca-rotation/ca-rotation.h. */

#include "renew/ca-rotation/ca-rotation-files.h"
#include "renew/ca-rotation/ca-rotation-phase.h"

/* One CA, and where it goes. */
typedef struct CaMove {
        const InventoryCa *ca;
        CaRecord *record; /* of the target: time and edits are noted in it */
        CaPhase from, target;
        bool is_lost; /* only its record goes, and what it says of manifests */
} CaMove;

typedef struct ComposeInput {
        const Config *config;
        const Inventory *inventory;
        const CaMove *moves;
        size_t n_moves;
        int64_t now; /* what has ended goes behind no leaf */
} ComposeInput;

int rotation_compose(const ComposeInput *input, RotationFiles *files, Error *reterr) MUST_USE;

/* For rotation_compose(): the flags that take one certificate. After all files of CAs. */
int rotation_compose_manifests(
        const ComposeInput *input, RotationFiles *files, Error *reterr) MUST_USE;

/* For rotation_compose(): the same flags as they were, where only one CA is left. */
int rotation_restore_manifests(
        const ComposeInput *input, RotationFiles *files, Error *reterr) MUST_USE;

/* For rotation_compose(): kubeconfigs, and the files that they name. */
int rotation_compose_kubeconfigs(
        const ComposeInput *input, RotationFiles *files, Error *reterr) MUST_USE;

/* True where a component reads this file through such flags alone: it holds the signer. */
bool rotation_is_signer_file(const Inventory *inventory, const char *path);

/* For rotation_compose(): such a file, and the key that signs for it. After all files of CAs. */
int rotation_compose_signer_file(
        const ComposeInput *input, RotationFiles *files, const char *path, Error *reterr) MUST_USE;

/* Puts the roots of each move into what names any of them. `lacking`: also where none is named, of
 * this CA. */
Secret *rotation_edit_roots(
        const ComposeInput *input, const void *text, size_t size, const InventoryCa *lacking);

/* The same for a file; one that is missing stays so. Errors as rotation_files_get(). */
int rotation_edit_file(const ComposeInput *input, RotationFiles *files, const char *path,
        const InventoryCa *lacking, Error *reterr) MUST_USE;

/* The certificate that goes behind this leaf; NULL in *ret: no change. */
Secret *rotation_edit_chain(const ComposeInput *input, const void *text, size_t size);

/* Is it this CA that moves? */
bool rotation_is_of(const CaMove *move, const InventoryCa *ca);

/* Only one of the two CAs is left, and nothing of the rotation is needed any more. */
bool rotation_is_over(const CaMove *move);

/* What the files say that nobody names any more, until they are removed. */
#define ROTATION_RETIRED "Nothing names this file any more: kube-renewd is about to remove it.\n"
