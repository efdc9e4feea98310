/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The pair that was in place when it was last found sound, of certificates that somebody else
 * writes in place (Issuer=files): should that go wrong, there is one to put back.
 *
 *     r = last_good_write(root_fd, state_directory, "kubelet-server", &pair, reterr);
 *     r = last_good_read(root_fd, state_directory, "kubelet-server", &pair, reterr);
 *
 * STATE/last-good/NAME.json, 0600 in a directory 0700, with the bytes of both files. */

#include "base/error.h"
#include "base/secret.h"

typedef struct LastGood {
        Secret *certificate, *key; /* whole files */
} LastGood;

void last_good_done(LastGood *pair);

/* -ENOENT if there is none, -EBADMSG if what is there is none. */
int last_good_read(int root_fd, const char *state_directory, const char *name, LastGood *ret,
        Error *reterr) MUST_USE;

/* Replaces the one before; nothing is written where it is the same. -EILSEQ for what is no text. */
int last_good_write(int root_fd, const char *state_directory, const char *name,
        const LastGood *pair, Error *reterr) MUST_USE;

/* Where it is; the caller frees. */
char *last_good_path(const char *state_directory, const char *name);
