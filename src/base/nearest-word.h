/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Somebody has misspelt a word: which one may be meant?
 *
 *     near = nearest_word("Validty", names);
 *     ... "there is no '%s'; did you mean '%s'?" */

#include "base/macro.h"

/* The word of the list (NULL-terminated) that is nearest to `word` (edit distance at most a third
 * of its length, without regard to case), or NULL. */
const char *nearest_word(const char *word, const char *const *list);
