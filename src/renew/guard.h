/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* May a pass act now, and was one missed before it? Pure: facts in, a reason out, NULL if there is
 * nothing to say. The caller frees.
 *
 *     if (guard_sees_jump(&facts)) facts.unsynchronised = …
 *     reason = guard_clock(&facts);           renews nothing, writes nothing, restarts nothing
 *     reason = guard_missed_run(&facts);      goes on, and tells
 *     reason = guard_lock(assessment, config, holder);
 *
 * What is known of the running clock (when this program was built, whether anybody keeps it right)
 * says nothing about a moment that --at= names. What earlier passes have left says so of any: a
 * root has one time line, and whoever goes back on it meets certificates from its future. A fact
 * that is not known is 0 and forbids nothing; the others still hold. */

#include "renew/assess.h"

/* Two nightly passes and their delay: an older status is no statement any more, whoever has let it
 * grow old has missed a night, and what has been due for longer was passed over. */
#define TWO_NIGHTS (2 * DAY + 6 * HOUR)

typedef struct ClockFacts {
        int64_t now;
        bool is_read;        /* `now` is what the clock says */
        bool unsynchronised; /* and nobody keeps it right */
        int64_t built;       /* this program */
        int64_t boot;        /* of this host; 0 where it is not this host's root */
        int64_t last_run;    /* the last pass, by status.json */
        int64_t newest;      /* the newest notBefore of what we have written, by history.json */
        const char *state_directory;
} ClockFacts;

/* Far beyond the last pass: then it matters whether anybody keeps the clock right. */
bool guard_sees_jump(const ClockFacts *facts);

/* Before the build, before the last pass, before a certificate of ours began; or far beyond the
 * last pass, while nobody keeps the clock right. */
char *guard_clock(const ClockFacts *facts);

/* No pass came to its end for longer than its status was valid, although the host was up. */
char *guard_missed_run(const ClockFacts *facts);

/* Another process has the lock: is anything due that has less than PostponeLimit= left? holder:
 * what is known of that process, one sentence. */
char *guard_lock(const Assessment *assessment, const Config *config, const char *holder);

/* What the guards of one pass have found. */
typedef struct GuardFindings {
        char *clock, *missed_run, *lock;
} GuardFindings;

void guard_findings_done(GuardFindings *findings);
