/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where a setting stands, as the first words of every message about it. Private to the
 * configuration.
 *
 *     autofree char *place = config_place(config, "certificate", entry->name, "CA");
 *     error_set(reterr, -EINVAL, "%s there is no CA '%s'%s", place, word, suggestion);
 */

#include "renew/config/config.h"

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
