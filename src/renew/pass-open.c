/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/pass-internal.h"

#include "base/log.h"
#include "base/path.h"
#include "host/clock.h"
#include "renew/report/report.h"
#include "renew/report/status.h"
#include "renew/state/reported.h"
#include "renew/unit/self-check.h"
#include "renew/unit/shipped.h"

#include <inttypes.h>
#include <sys/random.h>

void pass_free(Pass *pass)
{
        if (!pass)
                return;
        txn_free(pass->txn);
        pair_judge_free(pass->judge);
        guard_findings_done(&pass->guards);
        txn_outcome_done(&pass->recovery);
        txn_outcome_done(&pass->conflicts);
        owed_list_free(pass->owed);
        hold_list_free(pass->holds);
        verification_free(pass->verification);
        restart_report_free(pass->restarts);
        running_free(pass->running);
        assessment_free(pass->after);
        inventory_free(pass->inventory_after);
        issuance_free(pass->issuance);
        acquisition_free(pass->acquisition);
        plan_free(pass->plan);
        ca_rotations_free(pass->rotations);
        assessment_free(pass->assessment);
        inventory_free(pass->inventory);
        fetched_list_free(pass->fetched);
        history_free(pass->history);
        config_free(pass->config);
        free(pass->config_failure);
        free(pass->id);
        if (pass->root_fd >= 0)
                close(pass->root_fd);
        free(pass);
}

/* 128 random bits: two passes never share a backup or a journal field. */
static int make_id(char **ret, Error *reterr)
{
        uint64_t bits[2];

        if (getrandom(bits, sizeof(bits), 0) != sizeof(bits))
                return error_errno(reterr, -errno, "cannot make an id for this pass");
        *ret = xasprintf("%016" PRIx64 "%016" PRIx64, bits[0], bits[1]);
        return 0;
}

/* Nobody reads stderr at night. What is wrong need not be where our state is. Without a failure,
 * that there was one is cleared. */
static void report_config(const Pass *pass, const char *config_file, const char *failure)
{
        autofree char *state_directory = NULL;
        Config config = {.state_directory = (char *)CONFIG_STATE_DIRECTORY};
        Error error = {};
        int r;

        r = config_state_directory(pass->root_fd, config_file, &state_directory, &error);
        if (r >= 0)
                config.state_directory = state_directory;
        r = report_incident(&(ReportInput){.root_fd = pass->root_fd,
                                    .pass_id = pass->id,
                                    .now = pass->now,
                                    .config = &config,
                                    .config_failure = failure,
                                    .nightly = true},
                &error);
        if (r >= 0)
                r = reported_mark(pass->root_fd, config.state_directory, &error);
        if (r < 0)
                log_debug("not reported: %s", error.text);
}

/* A worker that has the fleet's configuration: nothing here was ever ours to renew, and nothing is
 * left of a pass. */
static bool never_had_a_pass(const Pass *pass, const char *config_file)
{
        autofree char *state_directory = NULL, *status = NULL;

        if (config_state_directory(pass->root_fd, config_file, &state_directory, NULL) < 0)
                return false;
        for (const UnfinishedSign *sign = shipped_units.unfinished; sign->key; sign++) {
                autofree char *path = path_join(state_directory, sign->name);

                if (fs_exists(pass->root_fd, path))
                        return false;
        }
        status = path_join(state_directory, "public/status.json");
        return !fs_exists(pass->root_fd, status);
}

static bool is_idle(const Pass *pass, const PassOptions *options, int r)
{
        return r == -ENODEV && options->nightly &&
               never_had_a_pass(pass, options->config.config_file);
}

/* Reads what little can be known; the caller has the reason. */
static void take_the_least(Pass *pass, const PassOptions *options, const char *failure)
{
        pass->config_failure = xstrdup(failure);
        pass->config = config_load_least(pass->root_fd, &options->config, &pass->state_is_guessed);
}

/* Seconds since the last pass; never, if that is not known. */
static int64_t age_of_last_pass(const Pass *pass)
{
        autoptr(Status) status = NULL;

        if (status_read(pass->root_fd, pass->config->state_directory, pass->now, &status, NULL) < 0)
                return INT64_MAX;
        return status->last_run == 0 ? INT64_MAX : pass->now - status->last_run;
}

/* Where nobody can be asked, the timer is as we install it. */
static void check_timer(Pass *pass)
{
        TimerState timer;
        Error error = {};
        Bus *bus;
        int r = -EOPNOTSUPP;

        pass_make_running(pass);
        if (running_is_live(pass->running))
                r = running_bus(pass->running, &bus, &error);
        if (r >= 0)
                r = timer_look(bus, TIMER_UNIT, &timer, &error);
        if (r < 0)
                log_debug("the timer is not known: %s", error.text);
        self_check(pass->config, r < 0 ? NULL : &timer, r < 0 ? INT64_MAX : age_of_last_pass(pass));
}

int pass_open(const PassOptions *options, Pass **ret, Error *reterr)
{
        autoptr(Pass) pass = xcalloc(1, sizeof(*pass));
        Error error = {};
        int r;

        pass->root_fd = fs_open_root(options->root ? options->root : "/", reterr);
        if (pass->root_fd < 0)
                return error_prefix(reterr, pass->root_fd, "--root");
        r = make_id(&pass->id, reterr);
        if (r < 0)
                return r;
        pass->clock_is_read = !options->at;
        pass->trusts_clock = options->trust_clock;
        pass->now = options->at ? options->at : clock_now();
        pass->opened_at = clock_uptime();
        log_set_pass_id(pass->id);
        r = config_load(pass->root_fd, &options->config, &pass->config, &error);
        if (r < 0 && (options->recovers || is_idle(pass, options, r))) {
                take_the_least(pass, options, error.text);
                if (options->nightly)
                        report_config(pass, options->config.config_file, NULL);
                r = 0;
        }
        if (r < 0 && options->nightly)
                report_config(pass, options->config.config_file, error.text);
        if (r < 0)
                return error_set(reterr, r, "%s", error.text);
        if (options->ask_timer && !pass->config_failure)
                check_timer(pass);
        *ret = TAKE(pass);
        return 0;
}

bool pass_is_live(const Pass *pass)
{
        return fs_is_host_root(pass->root_fd);
}

void pass_make_running(Pass *pass)
{
        if (!pass->running)
                pass->running = running_new(pass->root_fd, pass->config, pass_is_live(pass));
}

void pass_fetch(Pass *pass)
{
        if (!pass->fetched && pass_is_live(pass))
                pass->fetched = fetch_run(pass->root_fd, pass->config);
}

int pass_look(Pass *pass, Error *reterr)
{
        int r;

        if (!pass->history)
                pass->history = history_read(pass->root_fd, pass->config->state_directory);
        r = inventory_read(pass->root_fd, pass->config, &pass->inventory, reterr);
        if (r < 0)
                return r;
        if (pass->fetched)
                inventory_add_fetched(pass->inventory, pass->config, pass->fetched);
        pass->assessment = assess(pass->inventory, pass->config, pass->history, pass->now);
        copies_remember(pass->history, pass->inventory, pass->assessment->copies);
        pass_make_running(pass);
        return 0;
}

/* What is on disk after the pass: evidence for alarms, never what the pass believes it did. */
int pass_look_again(Pass *pass, Error *reterr)
{
        int r;

        assessment_free(TAKE(pass->after));
        inventory_free(TAKE(pass->inventory_after));
        r = inventory_read(pass->root_fd, pass->config, &pass->inventory_after, reterr);
        if (r < 0)
                return r;
        if (pass->fetched)
                inventory_add_fetched(pass->inventory_after, pass->config, pass->fetched);
        pass->after = assess(pass->inventory_after, pass->config, pass->history, pass->now);
        return 0;
}

int pass_read_ledgers(Pass *pass, Error *reterr)
{
        const char *state_directory = pass->config->state_directory;
        int r = owed_read(pass->root_fd, state_directory, &pass->owed, reterr);

        return r < 0 ? r : hold_read(pass->root_fd, state_directory, &pass->holds, reterr);
}

int pass_verify(Pass *pass, Error *reterr)
{
        int r;

        r = pass_look(pass, reterr);
        if (r >= 0)
                r = pass_read_ledgers(pass, reterr);
        if (r < 0)
                return r;
        pass->verification = verify_all(pass->running, pass->inventory, pass->owed);
        verify_apply(pass->verification, pass->assessment);
        return 0;
}
