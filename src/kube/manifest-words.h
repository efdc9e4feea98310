/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The command line of a container, read from its manifest; for this room only.
 *
 *     r = container_words(tree, container, &words, &program, reterr);
 *     for (size_t at = 0; next_path_flag(words, &at, &flag, &path);) ...
 *
 * The script of "sh -c" is taken apart as far as flags go: quotes and separators are understood,
 * variables are not. */

#include "kube/yaml-tree.h"

/* `command` and `args` as one vector, and the base name of the program that is run, as
 * ManifestContainer.program. -EBADMSG if they are no lists of texts, -E2BIG for too many words. */
int container_words(const YamlTree *tree, const YamlNode *container, char ***ret,
        char **ret_program, Error *reterr) MUST_USE;

/* "-c", "-ec", "-xc": what follows is a script. */
bool is_script_option(const char *word);

/* Is the word "--flag=value", "--flag" or one of these with one dash? *ret_value is NULL where the
 * value is the next word. */
bool word_is_flag(const char *word, const char *flag, const char **ret_value);

/* The value of a flag, as manifest_flag(). */
const char *words_flag(char *const *words, const char *flag);

/* The next flag whose value is an absolute path, written as "--flag=/path", "--flag /path" or with
 * one dash; *ret_flag is "--flag", *ret_path in normal form. The caller frees both. False at the
 * end. */
bool next_path_flag(char *const *words, size_t *at, char **ret_flag, char **ret_path) MUST_USE;
