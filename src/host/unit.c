/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/unit.h"

#include "host/bus-internal.h"
#include "host/clock.h"

/* Milliseconds between two looks at a service. */
#define LOOK_INTERVAL 200

static const char *const activity_names[N_UNIT_ACTIVITIES] = {
        [UNIT_OTHER] = "unknown",
        [UNIT_ACTIVE] = "active",
        [UNIT_RELOADING] = "reloading",
        [UNIT_REFRESHING] = "refreshing",
        [UNIT_ACTIVATING] = "activating",
        [UNIT_DEACTIVATING] = "deactivating",
        [UNIT_INACTIVE] = "inactive",
        [UNIT_FAILED] = "failed",
        [UNIT_MAINTENANCE] = "maintenance",
        [UNIT_NOT_FOUND] = "not-found",
};

const char *unit_activity_name(UnitActivity activity)
{
        return activity_names[activity];
}

UnitActivity unit_activity(const char *load_state, const char *active_state)
{
        UnitActivity activity = UNIT_OTHER;

        for (UnitActivity i = UNIT_ACTIVE; i < UNIT_NOT_FOUND; i++)
                if (streq(active_state, activity_names[i]))
                        activity = i;
        /* A service whose file was removed runs on. */
        return activity == UNIT_INACTIVE && streq(load_state, "not-found") ? UNIT_NOT_FOUND
                                                                           : activity;
}

bool unit_is_running(const UnitState *state)
{
        return state->activity == UNIT_ACTIVE || state->activity == UNIT_RELOADING ||
               state->activity == UNIT_REFRESHING;
}

static int look(Bus *bus, const char *unit, UnitState *ret, Error *reterr)
{
        autofree char *load = NULL, *active = NULL, *sub = NULL;
        UnitState state = {};
        int r;

        r = bus_read_text(bus, unit, SYSTEMD_UNIT, "LoadState", &load, reterr);
        if (r >= 0)
                r = bus_read_text(bus, unit, SYSTEMD_UNIT, "ActiveState", &active, reterr);
        if (r >= 0)
                r = bus_read_text(bus, unit, SYSTEMD_UNIT, "SubState", &sub, reterr);
        if (r >= 0)
                r = bus_read_number(
                        bus, unit, SYSTEMD_SERVICE, "MainPID", 'u', &state.main_pid, reterr);
        /* It keeps the time of the last process when none runs. */
        if (r >= 0 && state.main_pid > 0)
                r = bus_read_number(bus, unit, SYSTEMD_SERVICE, "ExecMainStartTimestamp", 't',
                        &state.started_at, reterr);
        if (r < 0)
                return r;
        state.activity = unit_activity(load, active);
        snprintf(state.sub, sizeof(state.sub), "%s", sub);
        *ret = state;
        return 0;
}

int unit_look(Bus *bus, const char *unit, UnitState *ret, Error *reterr)
{
        int r = look(bus, unit, ret, reterr);

        return r >= 0 ? 0 : error_prefix(reterr, r, "cannot tell the state of '%s'", unit);
}

static int restart_failed(Bus *bus, const char *unit, const char *how, Error *reterr)
{
        autofree char *result = NULL;

        if (bus_read_text(bus, unit, SYSTEMD_SERVICE, "Result", &result, NULL) < 0)
                result = xstrdup("unknown");
        return error_set(reterr, -EREMOTEIO,
                "'%s' was restarted and %s (result: %s); see: journalctl -u %s", unit, how, result,
                unit);
}

/* The job of a service that tells nobody when it is ready ends before its first instruction: it
 * runs when the same process is there at two looks. */
static int wait_until_running(Bus *bus, const char *unit, int64_t deadline, Error *reterr)
{
        int64_t seen_pid = -1;
        UnitState state = {};
        int r;

        for (;;) {
                r = unit_look(bus, unit, &state, reterr);
                if (r < 0)
                        return r;
                if (unit_is_running(&state) && state.main_pid == seen_pid)
                        return 0;
                seen_pid = unit_is_running(&state) ? state.main_pid : -1;
                if (state.activity == UNIT_FAILED || state.activity == UNIT_INACTIVE)
                        return restart_failed(bus, unit, "ended at once", reterr);
                if (clock_monotonic() >= deadline)
                        return error_set(reterr, -ETIMEDOUT,
                                "'%s' was restarted and is not up in time: %s (%s); see: "
                                "journalctl -u %s",
                                unit, unit_activity_name(state.activity), state.sub, unit);
                clock_sleep(LOOK_INTERVAL);
        }
}

static int make_restart_job(Bus *bus, const char *unit, char **ret_job, Error *reterr)
{
        autoptr(BusMessage) call = NULL;
        int r;

        r = bus_follow_jobs(bus, reterr);
        if (r < 0)
                return r;
        r = bus_new_call(bus, "RestartUnit", &call, reterr);
        if (r < 0)
                return r;
        r = sd_bus_message_append(call, "ss", unit, "replace");
        if (r < 0)
                return error_errno(reterr, r, "this is no name of a unit");
        return bus_call_for_job(bus, call, ret_job, reterr);
}

int unit_restart(Bus *bus, const char *unit, unsigned timeout, Error *reterr)
{
        int64_t deadline = clock_monotonic() + (int64_t)timeout * 1000;
        autofree char *job = NULL;
        JobResult result;
        int r;

        r = make_restart_job(bus, unit, &job, reterr);
        if (r >= 0)
                r = bus_wait_for_job(bus, job, deadline, &result, reterr);
        if (r < 0)
                return error_prefix(reterr, r, "cannot restart '%s'", unit);
        if (!streq(result.text, "done"))
                return restart_failed(bus, unit, "did not come back", reterr);
        return wait_until_running(bus, unit, deadline, reterr);
}
