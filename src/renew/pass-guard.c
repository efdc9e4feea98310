/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/pass-guard.h"

#include "base/log.h"
#include "host/clock.h"
#include "host/holder.h"
#include "host/timedate.h"
#include "host/upgrade.h"
#include "renew/pass-internal.h"
#include "renew/report/report.h"
#include "renew/state/reported.h"

#include <config.h>

/* 0 if there is none that can be read: then it forbids nothing. */
static int64_t read_last_run(const Pass *pass)
{
        autofree char *path = xasprintf("%s/public/status.json", pass->config->state_directory);
        autoptr(json_t) status = NULL;
        Error error = {};
        int64_t last = 0;

        if (json_read_file(pass->root_fd, path, &status, &error) < 0)
                log_debug("no last pass: %s", error.text);
        else if (json_get_time(json_object_get(status, "last_run"), &last) < 0)
                log_debug("no last pass: '%s' has no time of it", path);
        return last;
}

/* The sandbox of the service forbids to ask the kernel. Where nobody can tell, the clock is not
 * suspected. */
static bool is_unsynchronised(const Pass *pass)
{
        autoptr(Bus) bus = NULL;
        Error error = {};
        int r = clock_is_synchronised();

        if (r == -EPERM && pass_is_live(pass)) {
                r = bus_open(pass->root_fd, &bus, &error);
                if (r >= 0)
                        r = timedate_is_synchronised(bus, &error);
        }
        if (r < 0)
                log_debug("not known whether the clock is synchronised: %s", error.text);
        return r == 0;
}

static ClockFacts gather_facts(const Pass *pass)
{
        return (ClockFacts){
                .now = pass->now,
                .is_read = pass->clock_is_read,
                .built = BUILD_TIME,
                .boot = pass->clock_is_read && pass_is_live(pass) ? pass->now - clock_uptime() : 0,
                .last_run = read_last_run(pass),
                .newest = pass->history->newest_not_before,
                .state_directory = pass->config->state_directory,
        };
}

static int refuse_clock(const Pass *pass, const char *hint, Error *reterr)
{
        return error_set(reterr, -EAGAIN,
                "%s: nothing is written until the clock is right ('timedatectl' shows and sets "
                "it)%s",
                pass->guards.clock, hint);
}

int pass_guard(Pass *pass, Error *reterr)
{
        ClockFacts facts;

        pass->history = history_read(pass->root_fd, pass->config->state_directory);
        if (pass->trusts_clock)
                history_forget_future(pass->history, pass->now);
        facts = gather_facts(pass);
        facts.unsynchronised = guard_sees_jump(&facts) && is_unsynchronised(pass);

        /* 1. Dates are what everything is judged by. */
        pass->guards.clock = pass->trusts_clock ? NULL : guard_clock(&facts);
        if (pass->guards.clock)
                return refuse_clock(pass,
                        "; if it is right already, 'kube-renewd run --trust-clock' goes ahead",
                        reterr);

        /* 2. What did not happen nobody else can tell. */
        if (pass->nightly)
                pass->guards.missed_run = guard_missed_run(&facts);
        pass->guards.is_next = pass->nightly && guard_is_next_run(&facts);
        return 0;
}

/* What was judged by a clock that has been set since is worth nothing, to the report neither. */
static void forget_judgement(Pass *pass)
{
        issuance_free(TAKE(pass->issuance));
        plan_free(TAKE(pass->plan));
        assessment_free(TAKE(pass->assessment));
        inventory_free(TAKE(pass->inventory));
}

int pass_guard_clock_set(Pass *pass, Error *reterr)
{
        if (!pass->clock_is_read)
                return 0;
        pass->guards.clock =
                guard_clock_set(pass->now, clock_now(), clock_uptime() - pass->opened_at);
        if (!pass->guards.clock)
                return 0;
        forget_judgement(pass);
        return refuse_clock(pass, "; the next pass sees whether it is", reterr);
}

/* Who upgrades this host, one sentence; NULL if nobody does. What cannot be told counts as an
 * upgrade, which at the limit holds nobody up. */
static char *find_upgrade(const Pass *pass)
{
        autofree char *found = NULL;
        Error error = {};
        int r;

        r = upgrade_find_marker(pass->root_fd, pass->config->upgrade_markers, &found, &error);
        if (r == 0 && pass_is_live(pass))
                r = upgrade_find_kubeadm(pass->root_fd, &found, &error);
        if (r < 0)
                return xasprintf(
                        "whether this host is being upgraded cannot be told: %s", error.text);
        return r > 0 ? xasprintf("this host is being upgraded: %s", found) : NULL;
}

/* Is there anything to do that an upgrade would have to wait for, or that waits for it? */
static bool has_work(const Pass *pass)
{
        const Plan *plan = pass->plan;
        bool has_copies = false;

        for (size_t i = 0; plan && i < plan->n_copies; i++)
                has_copies |= plan->copies[i].is_written;
        return !plan || plan->n_steps > 0 || has_copies || pass->owed->n > 0;
}

bool pass_guard_upgrade(Pass *pass)
{
        autofree char *reason = find_upgrade(pass);

        if (!reason)
                return false;
        if (pass->plan)
                pass->guards.overridden =
                        guard_urgent(pass->assessment, pass->plan, pass->config, reason);
        if (pass->guards.overridden)
                return false;
        pass->guards.upgrade = TAKE(reason);
        return true;
}

int pass_stand_by(Pass *pass, Error *reterr)
{
        int r = pass_read_ledgers(pass, reterr);

        if (r < 0)
                return r;
        if (has_work(pass))
                return error_set(reterr, -EAGAIN, "%s: nothing is begun until that is over",
                        pass->guards.upgrade);
        log_debug("%s, and there is nothing to do", pass->guards.upgrade);
        free(TAKE(pass->guards.upgrade));
        return 0;
}

/* What the lock's file says of its holder is in the failure; the kernel knows better. */
static char *describe_holder(const Pass *pass, const char *failure)
{
        autofree char *path = xasprintf("%s/lock", pass->config->state_directory);
        autofree char *holder = pass_is_live(pass) ? holder_of_lock(pass->root_fd, path) : NULL;

        return holder ? xasprintf("%s holds the lock '%s'", holder, path) : xstrdup(failure);
}

/* A night that is postponed is told, and an alarm if it must not be. */
static int tell_postponed(Pass *pass, const char *failure, Error *reterr)
{
        autofree char *holder = describe_holder(pass, failure);
        int r;

        report_postponed(holder);
        r = pass_look(pass, reterr);
        if (r < 0)
                return r;
        pass->guards.lock = guard_urgent(pass->assessment, NULL, pass->config, holder);
        if (!pass->guards.lock)
                return 0;
        return report_incident(&(ReportInput){.root_fd = pass->root_fd,
                                       .pass_id = pass->id,
                                       .now = pass->now,
                                       .config = pass->config,
                                       .guards = &pass->guards},
                reterr);
}

void pass_tell_lock_is_held(Pass *pass, const char *failure)
{
        Error error = {};

        if (pass->nightly && tell_postponed(pass, failure, &error) < 0)
                log_debug("not told: %s", error.text);
        else
                (void)!reported_mark(pass->root_fd, pass->config->state_directory, NULL);
}
