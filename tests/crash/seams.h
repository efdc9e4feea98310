/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where the swept program is not the shipped one (ld --wrap), and a few ways to break it.
 *
 *     seams_make_pool();                          before the first run
 *     if (!seams_break("in-place")) ...           from now on it does that wrong */

#include "pki/key.h"

/* Making an RSA key takes longer than all the rest of a pass: a few are used over and over. */
void seams_make_pool(void);

/* Breaks the program on purpose, so that a test can see the sweep find it. False: no such fault. */
bool seams_break(const char *name);

/* A line for each, with tabs: its name, a system call and which one of them (0: any) where it shows
 * when the program is killed or fails there, the invariant that it violates, how. */
void seams_list(void);
