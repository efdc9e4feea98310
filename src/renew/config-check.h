/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Does a configuration fit together? Private to the configuration: config_load() calls both.
 *
 *     config_warn_unknown(config, n_layout);
 *     r = config_check(config, reterr);
 *
 * Values are judged one by one when they are read; here is what takes more than one of them. Every
 * message begins with the file and line of the setting it is about. */

#include "renew/config.h"

/* Adds a warning for each unknown section and key, with the nearest known one. The first n_layout
 * settings are those of the layout. */
void config_warn_unknown(Config *config, size_t n_layout);

/* -EINVAL: an entry lacks what it needs, names what is not there, or two of them name the same
 * file. What is allowed but hardly meant becomes a warning. */
int config_check(Config *config, Error *reterr) MUST_USE;

/* Decides which issuer an entry has, and what follows from that where nobody has said it. */
int config_check_issuer(Config *config, CredentialEntry *entry, Error *reterr) MUST_USE;

/* Checks the copies, and fills in layout.copy_targets. */
int config_check_copies(Config *config, Error *reterr) MUST_USE;

/* The key that says where this file of a copy is. */
const char *config_copy_key(const CopyTarget *target);

/* The last setting of that key, or the first of that section where the key is NULL or not there;
 * NULL if there is none at all. All are in one array, in the order in which they were read. */
const Setting *config_find_setting(
        const Config *config, const char *section, const char *name, const char *key);

/* "certificate" or "kubeconfig". */
const char *config_section_of(const CredentialEntry *entry);

/* "file:line: [certificate apiserver]" of that setting; of the section where the key is NULL or
 * not there. The caller frees. */
char *config_place(const Config *config, const char *section, const char *name, const char *key);

/* "; did you mean 'apiserver'?", or nothing. Names are the first members of the n entries. The
 * caller frees. */
char *config_suggest(const char *word, const void *entries, size_t n, size_t size);
