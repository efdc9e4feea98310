/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Keys in the memory of this process, and in nothing that is left of it.
 *
 *     memory_protect();                                  first of all in main()
 *
 * What is freed is wiped, also by libraries that do not know that it was a key (a parser of YAML,
 * the numbers of a key that is made): this module brings a free() and a realloc() for the whole
 * program. Not in a build with sanitizers, which bring their own. */

/* From now on a crash writes no core, by whomever cores are collected, and only root may look into
 * the process. */
void memory_protect(void);
