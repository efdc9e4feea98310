/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What runs of a component, whoever runs it: the kubelet's runtime, or systemd.
 *
 *     autoptr(Running) running = running_new(root_fd, config, is_live);
 *     running_look(running, component, &look);
 *     r = running_ask_health(running, component, reterr);
 *     r = running_end(running, component, &look, reterr);      and somebody starts it anew
 *
 * Neighbours are connected when they are first needed, and kept for the pass. Nobody is asked
 * about a root that is not this host's: its sockets are looked for below it, and its network
 * addresses would be ours. Never starts anything itself. */

#include "host/bus.h"
#include "renew/inventory/inventory.h"

typedef struct Running Running;

typedef enum RunState {
        RUN_UNKNOWN, /* nobody who could know it answers */
        RUN_ABSENT,  /* no process, or not all of its containers */
        RUN_IDLE,    /* Optional=yes, and nobody has started it: it will read what is there then */
        RUN_RUNNING,
} RunState;

/* A container, or the process of a unit. */
typedef struct Instance {
        char *name; /* the container's or the unit's */
        char *id;   /* the container's; "" for a unit */
        bool running;
        unsigned attempt;   /* how often the kubelet has started this container again */
        int64_t started_at; /* nanoseconds since the epoch, never later than its first instruction
                             */
} Instance;

typedef struct RunLook {
        RunState state;
        Instance *instances; /* the newest of each container */
        size_t n;
        int64_t started_at; /* of the oldest one that runs; 0 if none does */
        char *problem;      /* what is not known, or is not there; NULL if all runs */
} RunLook;

void run_look_done(RunLook *look);

/* is_live: the root is this host's. config must outlive it. */
Running *running_new(int root_fd, const Config *config, bool is_live);
void running_free(Running *running);
DEFINE_AUTOPTR(Running, running_free)

bool running_is_live(const Running *running);

/* The connection to systemd, which stays running's. Errors as bus_open(). */
int running_bus(Running *running, Bus **ret, Error *reterr) MUST_USE;

/* Fills the look. Cannot fail: what is not known is RUN_UNKNOWN and its problem. */
void running_look(Running *running, const InventoryComponent *component, RunLook *ret);

/* True if it was started at a time that is yet to come: the clock was ahead then, and nobody knows
 * what it has read. */
bool run_look_is_misdated(const RunLook *look);

/* True if it runs, and no part of it is one of those that were there `before`. */
bool run_look_is_another(const RunLook *look, const RunLook *before);

/* True if a part of it has ended and waits for the kubelet to start it again. */
bool run_look_is_waiting(const RunLook *look);

/* 0 if every probe of its manifest that we can make is passed, or its unit runs or is idle;
 * -EOPNOTSUPP if it cannot be asked; any other error says why it is not healthy. */
int running_ask_health(
        Running *running, const InventoryComponent *component, Error *reterr) MUST_USE;

/* Will somebody start it again? 0 if so; -EHOSTDOWN if the kubelet does not run, or ends over and
 * over. One that has just been started is waited for, up to a minute. */
int running_ask_keeper(
        Running *running, const InventoryComponent *component, Error *reterr) MUST_USE;

/* Ends what the look saw, so that it is started anew: StopContainer for each container that runs,
 * RestartUnit, or RestartCommand=. -ENOENT if there is no container of it at all, -EHOSTDOWN as
 * running_ask_keeper(), -EUNATCH if the runtime cannot be asked (the manifest can be moved then),
 * others as host/unit.h, host/command.h and kube/cri.h. */
int running_end(Running *running, const InventoryComponent *component, const RunLook *look,
        Error *reterr) MUST_USE;
