/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The kinds of values a configuration key can have: reading, writing and freeing each.
 *
 *     r = value_read(&value_span, "15d", &policy.renew_before, sizeof(policy.renew_before));
 *
 * Private to the configuration (config-key.h says which key has which). A value is a number (a
 * span, a per cent, a word of an enumeration), a text in normal form, a list of texts, or the words
 * of a command. */

#include "base/macro.h"

typedef struct ValueType {
        const char *what;                                   /* "a time span" */
        const char *hint;                                   /* "for example 15d" */
        int (*read_number)(const char *text, int64_t *ret); /* of a number; -EINVAL if it is none */
        char *(*write_number)(int64_t number);              /* of a number */
        int (*read_text)(const char *text, char **ret);     /* of a text or the word of a list */
        bool is_list;                                       /* char **, else char * */
        bool is_order;                                      /* a list that does not grow */
        bool is_command;    /* char **, as renew/config/argv.h reads it */
        bool names_entries; /* names of [section NAME], of the same layout:
                               renew/config/layout-merge.h */
        bool takes_base;    /* paths, which may begin with %b: renew/config/layout-base.h */
        int64_t unset;      /* the number that stands for nothing */
} ValueType;

extern const ValueType value_address, value_alarms, value_algorithm, value_boolean, value_command,
        value_content, value_coordination, value_count, value_data, value_directories, value_domain,
        value_endpoint, value_identity, value_group, value_identities, value_issuers, value_layouts,
        value_mode, value_name, value_names, value_path, value_paths, value_path_or_url,
        value_percent, value_restart, value_sans, value_san_templates, value_secret_type,
        value_signer, value_span, value_span_or_unset, value_text, value_unit, value_url,
        value_usage;

/* The words of a text, by the blanks between them; the caller frees. */
char **value_words(const char *text);

/* Sets a member of `size` bytes from a text that is not empty; a list grows by its words, unless
 * their order has a meaning. -EINVAL
 * if the text is none of that type, with the word that is wrong in *ret_wrong (the caller frees),
 * and the member as it was. */
int value_read(const ValueType *type, const char *text, void *member, size_t size,
        char **ret_wrong) MUST_USE;

/* The member as it would be written; "" if it is not set. The caller frees. */
char *value_write(const ValueType *type, const void *member, size_t size);

/* Back to nothing: the number that stands for it, NULL. */
void value_clear(const ValueType *type, void *member, size_t size);
