/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Is a copy what its source is, and if not: whose doing is that? Pure: no file, no clock, no log.
 *
 *     verdicts = copies_judge(inventory, history);
 *     verdicts[i].state, for inventory->copies[i]
 *     copies_remember(history, inventory, verdicts);
 *
 * Only a copy that nobody else has touched is ever refreshed: it equals its source, or is what it
 * was when it last did (then a pass could not write it). Anything else may have been edited. */

#include "renew/inventory/inventory.h"
#include "renew/state/history.h"

typedef enum CopyState {
        COPY_CURRENT,  /* equals its source */
        COPY_ABSENT,   /* there is none */
        COPY_OUTDATED, /* differs, but nobody has changed it since it was equal, or Overwrite=yes */
        COPY_STALE,    /* differs otherwise: edited, or never known to be equal */
        COPY_UNREADABLE, /* a directory, too large, … */
        COPY_UNKNOWN,    /* its source cannot be read */
} CopyState;

typedef struct CopyVerdict {
        CopyState state;
        bool was_equal;    /* to its source, now or at an earlier pass: */
        Digest last_equal; /* what it was then */
        char *text;        /* one sentence: what is wrong; NULL if nothing is */
} CopyVerdict;

/* n inventory->copies. */
CopyVerdict *copies_judge(const Inventory *inventory, const History *history);
void copies_verdicts_free(CopyVerdict *verdicts, size_t n);

/* What a later pass must know to tell an outdated copy from a stale one. */
void copies_remember(History *history, const Inventory *inventory, const CopyVerdict *verdicts);
