/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Services of systemd: what state one is in, and its restart.
 *
 *     r = bus_open(root_fd, &bus, reterr);
 *     r = unit_look(bus, "kubelet.service", &state, reterr);
 *     r = unit_restart(bus, "kubelet.service", 60, reterr);
 *
 * Whoever restarts a unit has been told when the restart is over: the end of the job is waited for,
 * and the service must run then. Every wait has a deadline. Source: org.freedesktop.systemd1(5). */

#include "host/bus.h"

/* ActiveState of systemd, and one more for a unit that nobody has defined. */
typedef enum UnitActivity {
        UNIT_OTHER, /* a state this program does not know: it counts as not running */
        UNIT_ACTIVE,
        UNIT_RELOADING,
        UNIT_REFRESHING, /* since systemd 257 */
        UNIT_ACTIVATING, /* and waiting for an automatic restart */
        UNIT_DEACTIVATING,
        UNIT_INACTIVE,
        UNIT_FAILED,
        UNIT_MAINTENANCE,
        UNIT_NOT_FOUND, /* not defined, and nothing of it runs */
        N_UNIT_ACTIVITIES,
} UnitActivity;

typedef struct UnitState {
        UnitActivity activity;
        char sub[64];       /* "running", "auto-restart" */
        int64_t started_at; /* when its main process began, microseconds since the epoch; 0: none */
        int64_t main_pid;   /* 0: none */
} UnitState;

/* From LoadState and ActiveState as systemd writes them. */
UnitActivity unit_activity(const char *load_state, const char *active_state);

/* "active"; "not-found" for UNIT_NOT_FOUND. */
const char *unit_activity_name(UnitActivity activity);

/* As `systemctl is-active` sees it: also while it reloads. */
bool unit_is_running(const UnitState *state);

/* A unit that does not exist is a state, not an error. -EIO and others if systemd does not tell. */
int unit_look(Bus *bus, const char *unit, UnitState *ret, Error *reterr) MUST_USE;

/* Restarts it, or starts it if it is not running, and returns when it runs. -ENOENT no such unit,
 * -EREMOTEIO the job ended otherwise ("failed", "dependency", "canceled" …) or the service did,
 * -ETIMEDOUT after `timeout` seconds; the job then goes on. */
int unit_restart(Bus *bus, const char *unit, unsigned timeout, Error *reterr) MUST_USE;
