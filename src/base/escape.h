/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Text from outside (a subject, a file name, a parser's message) made safe for a terminal, a
 * journal field and JSON.
 *
 *     autofree char *text = escape_text(subject);
 *
 * Control characters (C0, DEL, C1) and bytes that are no UTF-8 come out as \xNN; everything else
 * passes as it is. */

#include "base/macro.h"

#define ESCAPE_UNIT_SIZE 9 /* at most two escaped bytes, or one character of UTF-8 */

/* Writes the character at text, or its escape, to unit; returns how many bytes of text it stands
 * for. */
size_t escape_unit(const char *text, char unit[ESCAPE_UNIT_SIZE]);

/* The caller frees; NULL for NULL. */
char *escape_text(const char *text);

/* A file name that stands for this text and no other: letters, digits and "._-:=#" as they are, the
 * rest of escape_text(text) and a leading dot as %XX; what is too long ends in '~' and a digest. ""
 * stays "". The caller frees. */
char *escape_file_name(const char *text);
