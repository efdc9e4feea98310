/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The memory of this process: what it does without, and what is left of keys in it.
 *
 *     memory_protect();                                  first of all in main()
 *     memory_wipe_stack();                               behind what has calculated with a key
 *
 * This module brings the allocator's functions for the whole program, libraries included. Where
 * there is no memory the process ends: a library of X.509 that goes on without would take a good
 * certificate for a broken one, or crash. What is freed is wiped, also by those who do not know
 * that it was a key (a parser of YAML, the numbers of a key that is made). Not in a build with
 * sanitizers, which bring their own. */

/* From now on a crash writes no core, by whomever cores are collected, and only root may look into
 * the process. */
void memory_protect(void);

/* Wipes what the calls before have left below the caller's frame: 32 KiB of this thread's stack,
 * where libraries keep the numbers they calculate with. */
void memory_wipe_stack(void);
