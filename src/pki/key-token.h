/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Private keys that stay in a token (PKCS#11): a CA's, which signs there.
 *
 *     r = key_open_token("pkcs11:token=ca;object=kubernetes", &access, &key, reterr);
 *     r = ca_give_key(ca, bundle, key, reterr);
 *
 * No module is loaded but those that are named, none before a key is opened, and nobody is ever
 * asked. A PIN is given once: what a token has refused it is not given again while this process
 * lives, for whichever key; nor is one given to a token that says that it has refused one before. A
 * few nights would lock it. */

#include "pki/key.h"

typedef struct TokenAccess {
        char *const *modules;  /* paths of libraries; NULL: none */
        const char *no_module; /* what is wrong with one that is not among them; "": nothing */
        const Secret *pin;     /* NULL: there is none */
        const char *no_pin;    /* why there is none */
} TokenAccess;

/* A key that can sign, and nothing else: it has neither kind nor form. -ENOKEY if there is no
 * module, token or key, or a module cannot be loaded; -EKEYREJECTED if the token does not take the
 * PIN, or must not be given one; -EIO for what else goes wrong there. */
int key_open_token(const char *url, const TokenAccess *access, Key **ret, Error *reterr) MUST_USE;
