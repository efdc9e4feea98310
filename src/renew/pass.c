/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/pass.h"

#include "base/log.h"
#include "host/clock.h"
#include "renew/commit.h"
#include "renew/hook.h"
#include "renew/interrupt.h"
#include "renew/recovery.h"
#include "renew/report.h"

#include <inttypes.h>
#include <sys/random.h>

void pass_free(Pass *pass)
{
        if (!pass)
                return;
        txn_free(pass->txn);
        pair_judge_free(pass->judge);
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
        plan_free(pass->plan);
        assessment_free(pass->assessment);
        inventory_free(pass->inventory);
        history_free(pass->history);
        config_free(pass->config);
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

/* Nobody reads stderr at night. The next pass that comes to its end clears the alarm. */
static void report_unusable(const Pass *pass, const char *failure)
{
        const Config config = {.state_directory = (char *)CONFIG_STATE_DIRECTORY};
        Error error = {};

        if (report_incident(&(ReportInput){.root_fd = pass->root_fd,
                                    .pass_id = pass->id,
                                    .now = pass->now,
                                    .config = &config,
                                    .failure = failure},
                    &error) < 0)
                log_debug("no alarm: %s", error.text);
}

int pass_open(const PassOptions *options, Pass **ret, Error *reterr)
{
        autoptr(Pass) pass = xcalloc(1, sizeof(*pass));
        Error error = {};
        int r;

        pass->root_fd = fs_open_root(options->root ? options->root : "/", reterr);
        if (pass->root_fd < 0)
                return pass->root_fd;
        r = make_id(&pass->id, reterr);
        if (r < 0)
                return r;
        pass->now = options->at ? options->at : clock_now();
        log_set_pass_id(pass->id);
        r = config_load(pass->root_fd, &options->config, &pass->config, &error);
        if (r < 0 && options->nightly)
                report_unusable(pass, error.text);
        if (r < 0)
                return error_set(reterr, r, "%s", error.text);
        *ret = TAKE(pass);
        return 0;
}

/* Only the root of this host has processes that can be asked. */
static bool is_live(const Pass *pass)
{
        struct stat ours, host;

        return fstat(pass->root_fd, &ours) >= 0 && stat("/", &host) >= 0 &&
               ours.st_dev == host.st_dev && ours.st_ino == host.st_ino;
}

int pass_look(Pass *pass, Error *reterr)
{
        int r;

        pass->history = history_read(pass->root_fd, pass->config->state_directory);
        r = inventory_read(pass->root_fd, pass->config, &pass->inventory, reterr);
        if (r < 0)
                return r;
        pass->assessment = assess(pass->inventory, pass->config, pass->history, pass->now);
        pass->running = running_new(pass->root_fd, pass->config, is_live(pass));
        return 0;
}

/* What is on disk after the pass: evidence for alarms, never what the pass believes it did. */
static int look_again(Pass *pass, Error *reterr)
{
        int r;

        assessment_free(TAKE(pass->after));
        inventory_free(TAKE(pass->inventory_after));
        r = inventory_read(pass->root_fd, pass->config, &pass->inventory_after, reterr);
        if (r < 0)
                return r;
        pass->after = assess(pass->inventory_after, pass->config, pass->history, pass->now);
        return 0;
}

/* Takes the lock, which the pass keeps until it is freed: two reports at once would clear each
 * other's alarms. */
static int recover(Pass *pass, Error *reterr)
{
        int r;

        r = txn_open(pass->root_fd, pass->config->state_directory, &pass->txn, reterr);
        if (r < 0)
                return r;
        pass->judge = pair_judge_new(pass->root_fd, pass->config);
        const TxnJudge judge = pair_judge_txn(pass->judge);
        r = txn_recover(pass->txn, &judge, &pass->recovery, reterr);
        return r < 0 ? r : recovery_of_manifests(pass->root_fd, pass->config, reterr);
}

static Assessment *latest(const Pass *pass)
{
        return pass->after ? pass->after : pass->assessment;
}

/* What the processes on this host use, once all is done that could be done. */
static void verify(Pass *pass)
{
        if (!running_is_live(pass->running))
                return;
        log_status("Verifying what runs");
        pass->verification = verify_all(pass->running, latest(pass)->inventory, pass->owed);
        verify_apply(pass->verification, latest(pass));
}

static int read_ledgers(Pass *pass, Error *reterr)
{
        const char *state_directory = pass->config->state_directory;
        int r = owed_read(pass->root_fd, state_directory, &pass->owed, reterr);

        return r < 0 ? r : hold_read(pass->root_fd, state_directory, &pass->holds, reterr);
}

/* From new files to processes that use them. */
static int settle(Pass *pass, bool nightly, Error *reterr)
{
        int r;

        /* 1. What is on disk now. */
        r = pass->committed ? look_again(pass, reterr) : 0;
        if (r >= 0)
                r = owed_forget_undone(pass->root_fd, pass->config->state_directory, reterr);
        if (r < 0)
                return r;

        /* 2. Restarts; a roll-back changes what is on disk. */
        const RestartInput input = {.root_fd = pass->root_fd,
                .config = pass->config,
                .running = pass->running,
                .assessment = latest(pass),
                .txn = pass->txn,
                .pass_id = pass->id,
                .now = pass->now};
        if (nightly)
                r = restart_enter_stale(&input, reterr);
        if (r >= 0)
                r = restart_run(&input, &pass->restarts, reterr);
        if (r >= 0 && pass->restarts->rolled_back)
                r = look_again(pass, reterr);

        /* 3. What is left, and what is proven. */
        if (r >= 0)
                r = read_ledgers(pass, reterr);
        if (r >= 0)
                verify(pass);
        return r;
}

/* Before the first write, and only if there is one to come. */
static int run_pre_renew(Pass *pass, Error *reterr)
{
        const Issuance *issuance = pass->issuance;
        autostrv names = NULL;
        autostrv paths = NULL;
        Bus *bus;
        int r;

        if (!hook_argv(pass->config, HOOK_PRE_RENEW) || issuance->n_changes == 0 ||
                !running_is_live(pass->running))
                return 0;
        for (size_t i = 0; i < issuance->n; i++)
                if (issuance->results[i].outcome == OUTCOME_RENEWED)
                        strv_add(&names, issuance->results[i].step->item->name);
        for (size_t i = 0; i < issuance->n_changes; i++)
                strv_add(&paths, issuance->changes[i].path);
        const HookContext context = {.pass_id = pass->id, .certificates = names, .paths = paths};

        log_status("Running the hook %s", hook_name(HOOK_PRE_RENEW));
        r = running_bus(pass->running, &bus, reterr);
        if (r >= 0)
                r = hook_run(bus, pass->config, HOOK_PRE_RENEW, &context, reterr);
        return r < 0 ? error_prefix(reterr, r, "nothing was written") : 0;
}

/* The stages in their order; each takes what the ones before it made. A failure ends here and is
 * reported by the caller. */
static int run_stages(Pass *pass, const PassRequest *request, Error *reterr)
{
        int r;

        /* 1. Nobody else acts, and nothing is half done. A dry run takes no lock and writes
         * nothing. */
        r = request->dry_run ? 0 : recover(pass, reterr);
        if (r < 0)
                return r;

        /* 2. What is there, how is it, what is to be done. */
        r = pass_look(pass, reterr);
        if (r < 0)
                return r;
        r = plan_make(pass->assessment, &request->plan, &pass->plan, reterr);
        if (r < 0)
                return r;

        /* 3. New certificates, in memory. */
        pass->issuance = issue_run(pass->root_fd, pass->plan, pass->config, pass->now);
        if (request->dry_run)
                return 0;

        r = run_pre_renew(pass, reterr);
        if (r < 0)
                return r;

        /* 5. All of them on disk, as one. Who asks us to stop now waits until it is reported. */
        interrupt_hold();
        r = commit_run(&(CommitInput){.root_fd = pass->root_fd,
                               .txn = pass->txn,
                               .judge = pass->judge,
                               .config = pass->config,
                               .pass_id = pass->id,
                               .now = pass->now,
                               .reason = request->nightly ? "run" : "renew"},
                pass->issuance, &pass->conflicts, reterr);
        if (r < 0)
                return r;
        pass->committed = r > 0;

        /* 6. Restarted, proven, rolled back where that fails. */
        return settle(pass, request->nightly, reterr);
}

static bool lock_is_held(const Pass *pass, int r)
{
        return r == -EBUSY && !pass->txn;
}

/* Everything due is new and proven: 0. Something failed: 1. Something is still owed: 75. */
static int exit_status(const Pass *pass, int r)
{
        if (lock_is_held(pass, r))
                return EXIT_UNFINISHED;
        if (r == -EINVAL && pass->assessment && !pass->plan)
                return EXIT_USAGE; /* a name that is none */
        if (r < 0)
                return EXIT_FAILED;
        for (size_t i = 0; pass->issuance && i < pass->issuance->n; i++)
                if (pass->issuance->results[i].outcome != OUTCOME_RENEWED)
                        return EXIT_FAILED;
        for (size_t i = 0; pass->plan && i < pass->plan->n_skips; i++)
                if (pass->plan->skips[i].is_failure)
                        return EXIT_FAILED;
        if (pass->restarts && pass->restarts->rolled_back)
                return EXIT_FAILED;
        return pass->owed && pass->owed->n > 0 ? EXIT_UNFINISHED : EXIT_DONE;
}

/* Reports what the pass came to, also where it came to nothing. */
static int report(const Pass *pass, int status, const char *failure, Error *reterr)
{
        const ReportInput input = {
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
                .after = latest(pass),
                .owed = pass->owed,
                .restarts = pass->restarts,
                .holds = pass->holds,
                .verification = pass->verification,
                .exit_status = status,
                .failure = failure,
        };
        int r, r_status;

        report_outcomes(&input);
        r = report_alarms(&input, reterr);
        r_status = report_status(&input, r < 0 ? NULL : reterr);
        return r < 0 ? r : r_status;
}

/* What the next pass must know of this one, whatever became of it, and backups that are too many.
 * Returns r, or the first failure. */
static int keep_house(const Pass *pass, int r, Error *reterr)
{
        const char *state_directory = pass->config->state_directory;
        const Assessment *last = latest(pass);

        if (last) {
                autoptr(History) history = assess_history(last);
                int w = history_write(
                        pass->root_fd, state_directory, history, r < 0 ? NULL : reterr);

                r = r < 0 ? r : w;
        }
        return r < 0 ? r
                     : backup_prune(
                               pass->root_fd, state_directory, pass->config->keep_backups, reterr);
}

/* What was issued and not written was not renewed, whoever asks for its outcome now. */
static void fail_unwritten(Pass *pass, const char *failure)
{
        for (size_t i = 0; pass->issuance && i < pass->issuance->n; i++)
                if (pass->issuance->results[i].outcome == OUTCOME_RENEWED)
                        issue_result_fail(&pass->issuance->results[i], OUTCOME_FAILED, failure);
}

/* What can still be said where not all could be reported; no reason is lost. */
static void report_rest(
        const Pass *pass, const char *failure, const char *unreported, Error *reterr)
{
        Error all = {};

        error_set(&all, 0, "%s%scannot report: %s", failure ? failure : "", failure ? "; " : "",
                unreported);
        (void)!report_incident(&(ReportInput){.root_fd = pass->root_fd,
                                       .pass_id = pass->id,
                                       .now = pass->now,
                                       .config = pass->config,
                                       .failure = all.text},
                NULL);
        error_set(reterr, 0, "%s", all.text);
}

/* The report of what was done since the lock was taken. */
static int finish(Pass *pass, int status, int r, const Error *failure, Error *reterr)
{
        Error unreported = {};

        if (report(pass, status, r < 0 ? failure->text : NULL, &unreported) < 0) {
                status = EXIT_FAILED;
                report_rest(pass, r < 0 ? failure->text : NULL, unreported.text, reterr);
        }
        return status;
}

int pass_run(Pass *pass, const PassRequest *request, Error *reterr)
{
        Error failure = {};
        int r, status;

        r = run_stages(pass, request, &failure);
        if (request->nightly && !request->dry_run)
                r = keep_house(pass, r, &failure);
        status = exit_status(pass, r);

        /* A text that was left behind by something that went well in the end is none. */
        error_set(reterr, r, "%s", r < 0 ? failure.text : "");

        /* Who only asked, and who found the lock held, leaves no report: it is not theirs to write.
         */
        if (request->dry_run || status == EXIT_USAGE || lock_is_held(pass, r))
                return status;
        status = finish(pass, status, r, &failure, reterr);
        if (r < 0 && !pass->committed)
                fail_unwritten(pass, failure.text);
        return status;
}

static int restore_stages(
        Pass *pass, const RestoreRequest *request, RestoreResult **ret_result, Error *reterr)
{
        RestoreRequest locked = *request;
        int r;

        /* 1. Nobody else acts, nothing is half done. */
        pass->judge = pair_judge_new(pass->root_fd, pass->config);
        r = recovery_run(&(Recovery){.root_fd = pass->root_fd,
                                 .config = pass->config,
                                 .judge = pass->judge,
                                 .pass_id = pass->id,
                                 .now = pass->now},
                &pass->txn, NULL, reterr);
        if (r < 0)
                return r;

        /* 2. Old files in place of the new ones. */
        interrupt_hold();
        locked.txn = pass->txn;
        locked.pass_id = pass->id;
        locked.now = pass->now;
        r = backup_restore(pass->root_fd, pass->config, &locked, ret_result, reterr);
        if (r < 0)
                return r;

        /* 3. From here on it is a pass like any other. */
        r = pass_look(pass, reterr);
        return r < 0 ? r : settle(pass, false, reterr);
}

int pass_try_restore(
        Pass *pass, const RestoreRequest *request, RestoreResult **ret_result, Error *reterr)
{
        RestoreRequest dry = *request;

        dry.dry_run = true;
        dry.now = pass->now;
        dry.pass_id = pass->id;
        return backup_restore(pass->root_fd, pass->config, &dry, ret_result, reterr) < 0
                       ? EXIT_FAILED
                       : EXIT_DONE;
}

int pass_restore(
        Pass *pass, const RestoreRequest *request, RestoreResult **ret_result, Error *reterr)
{
        Error failure = {};
        int r = restore_stages(pass, request, ret_result, &failure);
        int status = exit_status(pass, r);

        error_set(reterr, r, "%s", r < 0 ? failure.text : "");

        /* What was refused has changed nothing, and is told to who asked. */
        return pass->assessment ? finish(pass, status, r, &failure, reterr) : status;
}

int pass_verify(Pass *pass, Error *reterr)
{
        int r;

        r = pass_look(pass, reterr);
        if (r >= 0)
                r = read_ledgers(pass, reterr);
        if (r < 0)
                return r;
        pass->verification = verify_all(pass->running, pass->inventory, pass->owed);
        verify_apply(pass->verification, pass->assessment);
        return 0;
}

int pass_recover(Pass *pass, Error *reterr)
{
        int r;

        pass->judge = pair_judge_new(pass->root_fd, pass->config);
        r = recovery_run(&(Recovery){.root_fd = pass->root_fd,
                                 .config = pass->config,
                                 .judge = pass->judge,
                                 .pass_id = pass->id,
                                 .now = pass->now},
                &pass->txn, &pass->recovery, reterr);
        if (r < 0)
                return lock_is_held(pass, r) ? EXIT_UNFINISHED : EXIT_FAILED;
        return EXIT_DONE;
}
