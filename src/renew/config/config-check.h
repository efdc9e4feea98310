/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Does a configuration fit together? Private to the configuration: config_load() calls both.
 *
 *     config_warn_unknown(config, n_layout);
 *     r = config_check(config, reterr);
 *
 * Values are judged one by one when they are read; here is what takes more than one of them. Every
 * message begins with the file and line of the setting it is about. */

#include "renew/config/config.h"

/* Adds a warning for each unknown section and key, with the nearest known one. The first n_layout
 * settings are those of the layout. */
void config_warn_unknown(Config *config, size_t n_layout);

/* -EINVAL: an entry lacks what it needs, names what is not there, or two of them name the same
 * file. What is allowed but hardly meant becomes a warning. */
int config_check(Config *config, Error *reterr) MUST_USE;

/* Decides which issuer an entry has, and what follows from that where nobody has said it. */
int config_check_issuer(Config *config, CredentialEntry *entry, Error *reterr) MUST_USE;

/* The kubeconfig that is an administrator's, by the groups that it is for; NULL: there is none. */
const CredentialEntry *config_administrator(const Config *config);

/* Checks the copies, and fills in layout.copy_targets. */
int config_check_copies(Config *config, Error *reterr) MUST_USE;

/* Checks what is in Secrets, and fills in their parts. */
int config_check_secrets(Config *config, Error *reterr) MUST_USE;

/* Frees the array and all parts. */
void config_secrets_free(SecretEntry *entries, size_t n);

/* The key that says where this file of a copy is. */
const char *config_copy_key(const CopyTarget *target);
