/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a copy is to hold, made of the bytes of its source: the same file, two of them as one, or
 * the scalars of a kubeconfig. Reads no file.
 *
 *     r = copy_content(target, parts, &content, reterr);
 */

#include "base/secret.h"
#include "renew/config/config.h"

/* The bytes of one file of a source; data NULL: it is not there. */
typedef struct CopyPart {
        const void *data;
        size_t size;
} CopyPart;

/* What a copy holds, made of the files of its source. -ENOENT if one is not there; errors as
 * kubeconfig_parse() and -ENODATA for a kubeconfig without an embedded certificate and key, where
 * those are wanted. */
int copy_content(const CopyTarget *target, const CopyPart parts[COPY_PARTS], Secret **ret,
        Error *reterr) MUST_USE;

/* Two PEM texts (the second may be NULL), one after the other; what a file of one part is, too. */
Secret *copy_join(const void *first, size_t first_size, const void *second, size_t second_size);
