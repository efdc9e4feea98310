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
