/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How values are written for people: dates, and lines that fit the terminal.
 *
 *     text_line("Nothing is due.");
 *     text_title("apiserver", "expires in 10d");
 *     text_field("subject", row->subject_dn);
 *     text_change("key", "RSA-2048", "ECDSA-P256");
 *
 * Everything is escaped on its way to stdout. */

#include "base/macro.h"

#define DATE_TEXT_SIZE 32

/* "Nov 21, 2027 23:26 UTC", as kubeadm writes it; "-" for 0. */
const char *text_date(int64_t t, char text[DATE_TEXT_SIZE]);

/* One line on stdout; on a terminal it is broken at spaces where it does not fit. */
void text_line(const char *text);

/* "NAME: text", the name in bold on a terminal; the text may be NULL. */
void text_title(const char *name, const char *text);

/* Lines that are broken at spaces, all of them indented. NULL or "": no line. */
void text_paragraph(size_t indent, const char *text);

/* An indented label and its value, which is broken at spaces where it does not fit. NULL or "": no
 * line. */
void text_field(const char *label, const char *value);

/* The same for a state, coloured by its severity. */
void text_state(const char *label, const char *state, int severity);

/* What a value was and will be: "old → new" in one line, or a line with "-" and one with "+" where
 * that does not fit. NULL or "" for old: only "+". */
void text_change(const char *label, const char *old, const char *new);
