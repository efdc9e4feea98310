/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* May a pass act now, and was one missed before it? Pure: facts in, a reason out, NULL if there is
 * nothing to say. The caller frees.
 *
 *     if (guard_sees_jump(&facts)) facts.unsynchronised = …
 *     reason = guard_clock(&facts);           renews nothing, writes nothing, restarts nothing
 *     reason = guard_missed_run(&facts);      goes on, and tells
 *     reason = guard_urgent(assessment, plan, config, holder);
 *
 * What is known of the running clock (when this program was built, whether anybody keeps it right)
 * says nothing about a moment that --at= names. What earlier passes have left says so of any: a
 * root has one time line, and whoever goes back on it meets certificates from its future. A fact
 * that is not known is 0 and forbids nothing; the others still hold. */

#include "renew/plan/plan.h"

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

/* The clock was set while the pass ran: it said `then` at the beginning and says `now`, and so many
 * seconds have passed in between. */
char *guard_clock_set(int64_t then, int64_t now, int64_t passed);

/* The last pass is not so long ago that one was missed, and this is no second try of the same
 * night. */
bool guard_is_next_run(const ClockFacts *facts);

/* No pass came to its end for longer than its status was valid, although the host was up. */
char *guard_missed_run(const ClockFacts *facts);

/* The pass should wait, and why is one sentence (who holds the lock, who upgrades this host): has
 * anything that is due less than PostponeLimit= left? Then the reason with its name. plan: what
 * would be done now, due or named; NULL: not known yet. */
char *guard_urgent(
        const Assessment *assessment, const Plan *plan, const Config *config, const char *reason);

/* What the guards of one pass have found; NULL: nothing. */
typedef struct GuardFindings {
        char *clock;      /* it cannot be right: nothing is done */
        char *missed_run; /* before this one */
        bool is_next;     /* a night after the last one, no second try of the same */
        char *lock;       /* somebody holds it, and little time is left */
        char *upgrade;    /* somebody is at work on this control plane: nothing is begun */
        char *overridden; /* the same, but little time is left: the pass goes ahead */
} GuardFindings;

void guard_findings_done(GuardFindings *findings);
