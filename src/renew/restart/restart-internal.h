/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One component on its way from an entry of the ledger to an outcome; for renew/restart/restart.c
 * only.
 *
 *     attempt = attempt_new(stage, component, owed);
 *     if (attempt_is_proven(stage, &attempt)) ...
 *     if (attempt_restart(stage, &attempt)) ...
 *     else if (attempt_may_roll_back(&attempt)) attempt_roll_back(stage, &attempt); */

#include "renew/restart/coordination.h"
#include "renew/restart/restart.h"

typedef struct Stage {
        const RestartInput *input;
        RestartReport *report;
        Coordination *coordination; /* NULL: nobody else has a turn */
        bool is_upstream_ill;       /* something that was to be healthy before the rest is not */
        Inventory **fresh;          /* read after each roll-back */
        unsigned n_fresh, n_rollbacks;
} Stage;

typedef struct Attempt {
        const InventoryComponent *component;
        const Owed *owed;
        bool is_needed;      /* it does not read everything it is owed for by itself */
        bool is_replaced;    /* its manifest has changed: the kubelet starts it anew by itself */
        bool is_renewal;     /* a new process is asked for, whatever it has loaded */
        int64_t newer_than;  /* nanoseconds: a process that was started later is a new one */
        bool was_healthy;    /* before we touched it; false also if we have not */
        bool is_healthy;     /* at the last look */
        bool is_down;        /* at the last look neither it nor anybody at its address answered */
        bool is_loaded;      /* its process has what it is owed for, well or ill */
        bool is_answering;   /* its probe says so, whatever the runtime says */
        int64_t shown_until; /* end of the first certificate that it shows instead of its files; 0:
                                not known, or there is none */
        bool is_ended;       /* we have asked for its end, and `before` is what ran then */
        RunLook before;
        char **healthy;      /* members of etcd before it was ended; NULL: there are no others */
        bool is_witnessed;   /* we have seen it end and, where anybody knows, another one run */
        bool is_started;     /* somebody was asked to start it anew, and not only to end it */
        bool is_rolled_back; /* its old files are in place */
        Error problem;       /* why it is not proven, or may not be restarted */
} Attempt;

Attempt attempt_new(const Stage *stage, const InventoryComponent *component, const Owed *owed);

void attempt_done(Attempt *attempt);

/* It runs, is healthy as far as it can be asked, and uses every file that it is owed for. */
bool attempt_is_proven(const Stage *stage, Attempt *attempt);

/* Asks again until it is proven, at most for so many seconds. */
bool attempt_wait(const Stage *stage, Attempt *attempt, int64_t seconds);

/* True if it does not run, and nobody will start it: then there is nothing to wait for. The problem
 * says why. */
bool attempt_is_hopeless(const Stage *stage, Attempt *attempt);

/* True if it must not be restarted now; the problem says why. */
bool attempt_is_refused(const Stage *stage, Attempt *attempt);

/* Waits until it is this host's turn. False if that did not come; the problem says why. */
bool attempt_take_turn(const Stage *stage, Attempt *attempt);

/* The same for one more restart that cannot wait. */
void attempt_keep_turn(const Stage *stage, const Attempt *attempt);

/* True if the cluster could not do without it now, which only holds while others have not got the
 * turn, and for a moment: etcd is looked at last after it has handed over its leadership; the
 * problem says why. */
bool attempt_is_forbidden(const Stage *stage, Attempt *attempt);

/* Ends it by whoever runs it, and waits for the proof within StartTimeout=. */
bool attempt_restart(const Stage *stage, Attempt *attempt);

bool attempt_may_roll_back(Attempt *attempt);

/* Old files back, as a transaction, and one more restart. */
bool attempt_roll_back(Stage *stage, Attempt *attempt);

/* The component as the latest inventory has it. */
const InventoryComponent *stage_component(const Stage *stage, const char *name);

/* Takes the inventory that was read after a roll-back; what earlier ones hold stays valid. */
void stage_keep(Stage *stage, Inventory *fresh);
void stage_done(Stage *stage);
