/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What --help prints, made from the tables of verbs and options: never wider than 80 columns.
 *
 *     help_print(options.verb, verbs);
 */

#include "cli/verb.h"

/* To stdout. verb NULL: of the whole program. */
void help_print(const Verb *verb, const Verb *verbs);
