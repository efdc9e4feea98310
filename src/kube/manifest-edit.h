/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Changes what one flag of a static pod says.
 *
 *     r = manifest_replace_argument(file->data, file->size, "kube-controller-manager",
 *             "--cluster-signing-cert-file", "/etc/kubernetes/pki/ca.crt",
 *             "/etc/kubernetes/pki/ca-signer.crt", &fresh, &size, reterr);
 *
 * The bytes of that one value change, and no other byte of the file: comments, order, quoting and
 * line ends stay. Putting the old value back gives the old file. */

#include "base/error.h"

/* The manifest with new_value in the place of old_value in "--flag=value", or in the item behind
 * "--flag", of the command or args of a container (not of initContainers). It has been parsed again
 * and says the same but for that. The caller frees; a NUL stands behind ret_size bytes.
 *
 * -ENOENT if there is no such container or it has no such flag, -ESTALE if the flag has another
 * value, -ENOTUNIQ if the container or the flag is there twice. -EOPNOTSUPP with line and column
 * for anchors, aliases, tags and several documents on the way to the value, for a value that is
 * written with escapes or over several lines, and where a shell runs a script. -EINVAL for an empty
 * value, -EBADMSG if the new one would need quotes there. Otherwise as manifest_parse(). */
int manifest_replace_argument(const void *data, size_t size, const char *container,
        const char *flag, const char *old_value, const char *new_value, char **ret,
        size_t *ret_size, Error *reterr) MUST_USE;
