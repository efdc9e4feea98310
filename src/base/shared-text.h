/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A text that many hold, each of whom may go first: for the words that a long list repeats.
 *
 *     a->file = shared_text_new("/etc/kube-renewd/kube-renewd.conf");
 *     b->file = shared_text_hold(a->file);
 *     shared_text_drop(a->file);                      b->file is still there
 *
 * To be read as any other; constant, because it is everybody's and free() is not for it. NULL is
 * held and dropped as nothing. Not for several threads at once, and not for secrets. */

#include "base/macro.h"

const char *shared_text_new(const char *text);
const char *shared_text_hold(const char *shared);

/* The same text as another one: that one, where it says the same; NULL says nothing. */
const char *shared_text_like(const char *shared, const char *text);

void shared_text_drop(const char *shared);
