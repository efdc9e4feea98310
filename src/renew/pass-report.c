/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/pass-internal.h"

#include "base/log.h"
#include "renew/report/notify.h"
#include "renew/state/reported.h"

Assessment *pass_latest(const Pass *pass)
{
        return pass->after ? pass->after : pass->assessment;
}

void pass_tell_elsewhere(Pass *pass)
{
        free(pass->config->state_directory);
        pass->config->state_directory = xstrdup(CONFIG_STATE_DIRECTORY);
        pass->is_mute = txn_check_place(pass->root_fd, CONFIG_STATE_DIRECTORY, NULL) < 0;
}

bool pass_lock_is_held(const Pass *pass, int r)
{
        return r == -EBUSY && !pass->txn;
}

/* By what may be over before long; that is no failure. */
static bool is_postponed(const Pass *pass)
{
        return pass->guards.clock || pass->guards.upgrade;
}

/* What is in a Secret and is not sound is a failure; where nobody answers, it is tried again. */
static ExitStatus fetch_status(const Pass *pass)
{
        const Assessment *latest = pass_latest(pass);
        ExitStatus status = EXIT_DONE;

        for (size_t i = 0; latest && i < latest->n_fetches; i++) {
                if (latest->fetches[i].problem && !latest->fetches[i].is_silent)
                        return EXIT_FAILED;
                if (latest->fetches[i].is_silent)
                        status = EXIT_UNFINISHED;
        }
        return status;
}

/* Everything due is new and proven: 0. Something failed: 1. Something is still owed, or asked for:
 * 75. */
int pass_exit_status(const Pass *pass, int r)
{
        ExitStatus fetched;
        bool is_pending = false;

        if (pass_lock_is_held(pass, r) || is_postponed(pass))
                return EXIT_UNFINISHED;
        if (r == -EINVAL && pass->assessment && !pass->plan)
                return EXIT_USAGE; /* a name that is none */
        if (r < 0)
                return EXIT_FAILED;
        for (size_t i = 0; pass->issuance && i < pass->issuance->n; i++)
                if (pass->issuance->results[i].outcome == OUTCOME_PENDING)
                        is_pending = pass->acquisition; /* in a dry run nobody was asked */
                else if (pass->issuance->results[i].outcome != OUTCOME_RENEWED)
                        return EXIT_FAILED;
        for (size_t i = 0; pass->plan && i < pass->plan->n_skips; i++)
                if (pass->plan->skips[i].is_failure)
                        return EXIT_FAILED;
        if (pass->restarts && pass->restarts->rolled_back)
                return EXIT_FAILED;
        fetched = fetch_status(pass);
        if (fetched == EXIT_FAILED)
                return EXIT_FAILED;
        is_pending |= fetched == EXIT_UNFINISHED;
        return is_pending || pass->is_asked_again || (pass->owed && pass->owed->n > 0)
                       ? EXIT_UNFINISHED
                       : EXIT_DONE;
}

static int tell_by_hook(void *userdata, const HookContext *context, Error *reterr)
{
        const Pass *pass = userdata;

        return hook_run(pass->running, pass->config, HOOK_ON_ALARM, context, reterr);
}

/* Who was not told is told by the next pass, which systemd starts before tomorrow. *status is what
 * the pass comes to with that. */
static int notify(
        const Pass *pass, const ReportInput *input, NotifyTell tell, int *status, Error *reterr)
{
        int r = running_is_live(pass->running) ? notify_run(input, tell, (void *)pass, reterr) : 0;

        *status = r > 0 && input->exit_status == EXIT_DONE ? EXIT_UNFINISHED : input->exit_status;
        return r;
}

/* The metrics are of what status.json says then. */
static int write_heartbeat(const ReportInput *input, int status, Error *reterr)
{
        ReportInput written = *input;
        int r, q;

        written.exit_status = status;
        r = report_status(&written, reterr);
        q = report_metrics(&written, r < 0 ? NULL : reterr);
        return r < 0 ? r : q;
}

/* Reports what the pass came to, also where it came to nothing: one after the other, whatever
 * became of those before; the first failure is the one to tell. The site may change the exit
 * status. */
static int report(const Pass *pass, int *status, const char *failure, Error *reterr)
{
        autoptr(PendingList) pendings = NULL;
        Error error = {};

        if (pending_list(pass->root_fd, pass->config->state_directory, &pendings, &error) < 0)
                log_debug("pending requests are not known: %s", error.text);
        ReportInput input = {
                .pendings = pendings,
                .root_fd = pass->root_fd,
                .pass_id = pass->id,
                .now = pass->now,
                .config = pass->config,
                .before = pass->assessment,
                .plan = pass->plan,
                .issuance = pass->issuance,
                .committed = pass->committed,
                .recovery = pass->recovery.id ? &pass->recovery : NULL,
                .commit = pass->conflicts.n_conflicts > 0 ? &pass->conflicts : NULL,
                .after = pass_latest(pass),
                .owed = pass->owed,
                .restarts = pass->restarts,
                .holds = pass->holds,
                .verification = pass->verification,
                .guards = &pass->guards,
                .exit_status = *status,
                .failure = failure,
                .nightly = pass->nightly,
        };
        int r, q, untold;

        report_outcomes(&input);
        r = report_alarms(&input, reterr);

        /* Before the site, which may take its time: until it has heard all, the pass is not done.
         */
        (void)!notify(pass, &input, NULL, &untold, NULL);
        q = write_heartbeat(&input, untold, r < 0 ? NULL : reterr);
        r = r < 0 ? r : q;
        q = notify(pass, &input, tell_by_hook, status, r < 0 ? NULL : reterr);
        r = r < 0 ? r : q;
        q = *status != untold ? write_heartbeat(&input, *status, r < 0 ? NULL : reterr) : 0;
        return r < 0 ? r : q;
}

/* What can still be said where not all could be reported; no reason is lost. Once that is an alarm,
 * nobody needs to raise one in our place. Returns 0 if it is one. */
static int report_rest(const Pass *pass, const char *failure, const char *unreported, Error *reterr)
{
        Error all = {};
        int r;

        error_set(&all, 0, "%s%scannot report: %s", failure ? failure : "", failure ? "; " : "",
                unreported);
        r = report_incident(&(ReportInput){.root_fd = pass->root_fd,
                                    .pass_id = pass->id,
                                    .now = pass->now,
                                    .config = pass->config,
                                    .failure = all.text},
                NULL);
        if (r >= 0)
                (void)!reported_mark(pass->root_fd, pass->config->state_directory, NULL);
        error_set(reterr, 0, "%s", all.text);
        return r;
}

/* The report of what was done since the lock was taken. */
int pass_finish(Pass *pass, int status, int r, const Error *failure, Error *reterr)
{
        const char *text = r < 0 && !is_postponed(pass) ? failure->text : NULL;
        Error unreported = {};
        int w;

        pass_make_running(pass);
        w = report(pass, &status, text, &unreported);
        if (w < 0) {
                (void)!report_rest(pass, text, unreported.text, reterr);
                return EXIT_FAILED;
        }

        /* The mark may be there although it could not be seen onto the disk: then nobody raises an
         * alarm in our place, and without one of our own we have not failed. All is reported. */
        w = reported_mark(pass->root_fd, pass->config->state_directory, &unreported);
        if (w < 0 && report_rest(pass, text, unreported.text, reterr) >= 0)
                status = EXIT_FAILED;
        return status;
}
