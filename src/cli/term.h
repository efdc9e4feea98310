/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The terminal: colour or not, how wide, and what may be sent to it.
 *
 *     autofree char *text = term_escape(row->subject);
 *     if (term_text_width(text) <= term_width()) ...
 *
 * Text of certificates, file names and configurations is somebody else's: nothing of it reaches a
 * terminal that could move the cursor, change a colour or turn the direction of writing. */

#include "base/macro.h"

/* Colour on stdout? SYSTEMD_COLORS= says yes or no, else NO_COLOR= says no, else a terminal that is
 * not dumb gets it. */
bool term_colors(void);

typedef enum Style { STYLE_PLAIN, STYLE_GOOD, STYLE_WARNING, STYLE_BAD, STYLE_TITLE } Style;

/* The sequence that turns a style on, or all of them off (STYLE_PLAIN); "" where term_colors() says
 * no. */
const char *term_style(Style style);

/* The style of a severity: 0 good, 1 a warning, everything else bad. */
Style term_severity_style(int severity);

/* "→", or "->" where the locale has no such character. */
const char *term_arrow(void);

/* Columns of the terminal; where stdout is none, of $COLUMNS, else 80. */
size_t term_width(void);

/* How many columns this text takes. */
size_t term_text_width(const char *text);

/* base/escape.h, and more: marks of writing direction, and what is no text in this locale
 * (libsmartcols would never end), as \xNN byte by byte. NULL gives "". The caller frees. */
char *term_escape(const char *text);
