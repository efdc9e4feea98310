/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Files that ask for a renewal, and their receipts. For renew/pass*.c only.
 *
 *     pass_note_requested(pass);                          before the commit
 *     pass_answer_requested(pass);                        when the new files are in place */

#include "renew/pass.h"

/* Before the commit: of what was asked for by a file it is noted what answers it. What cannot be
 * noted would be renewed every night, and fails. */
void pass_note_requested(Pass *pass);

/* Each file that asks for what is in its place now becomes a receipt, and each one that asks for
 * what nobody here will ever renew; pass->is_asked_again where somebody has asked since we looked.
 */
void pass_answer_requested(Pass *pass);
