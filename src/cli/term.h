/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The terminal: colour or not, and how wide.
 *
 *     if (term_text_width(text) <= term_width()) ...
 *
 * Never writes to it; text from outside is escaped by base/escape.h before it goes there. */

#include "base/macro.h"

/* Colour on stdout? SYSTEMD_COLORS= says yes or no, else NO_COLOR= says no, else a terminal that is
 * not dumb gets it. */
bool term_colors(void);

/* Columns of the terminal; where stdout is none, of $COLUMNS, else 80. */
size_t term_width(void);

/* How many columns this text takes. */
size_t term_text_width(const char *text);
