/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The same work for many things at once, on all cores.
 *
 *     static void work(void *userdata, size_t i) { ... ((Key **)userdata)[i] ... }
 *
 *     parallel_run(n, work, NULL, keys);
 *
 * Who is called for one i may change what belongs to that i alone, logs nothing and starts nothing
 * of its own; what is found is in the caller's array, in its order, whoever found it. The only
 * threads of the program live and end here. */

#include "base/macro.h"

/* Back when work(userdata, i) was called for every i below n, once each. watch, which may be NULL,
 * is called by the caller's own thread, for one i after the other, before it waits for that one: it
 * may say so. Cannot fail: where no thread can be had, the caller's does it all. */
void parallel_run(size_t n, void (*work)(void *userdata, size_t i),
        void (*watch)(void *userdata, size_t i), void *userdata);
