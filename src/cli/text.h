/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How values are written for people: dates, and lines that fit the terminal.
 *
 *     text_line("Nothing is due.");
 *     text_field("subject", row->subject_dn);
 *
 * Everything is escaped on its way to stdout. */

#include "base/macro.h"

#define DATE_TEXT_SIZE 32

/* "Nov 21, 2027 23:26 UTC", as kubeadm writes it; "-" for 0. */
const char *text_date(int64_t t, char text[DATE_TEXT_SIZE]);

/* One line on stdout. */
void text_line(const char *text);

/* An indented label and its value, which is broken at spaces where it does not fit. NULL or "": no
 * line. */
void text_field(const char *label, const char *value);
