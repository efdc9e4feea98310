/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/pass-internal.h"

#include "base/log.h"
#include "renew/backup/pki-copy.h"
#include "renew/commit/commit.h"
#include "renew/issue/preflight.h"
#include "renew/pass-acquire.h"
#include "renew/pass-guard.h"
#include "renew/pass-renewal.h"
#include "renew/pass-requested.h"
#include "renew/recovery.h"
#include "renew/unit/hook.h"
#include "renew/unit/interrupt.h"
#include "renew/unit/self-check.h"
#include "renew/unit/unit-needs.h"

static bool is_conflict(const TxnOutcome *outcome, const char *path)
{
        for (size_t i = 0; i < outcome->n_conflicts; i++)
                if (streq(outcome->conflicts[i].path, path))
                        return true;
        return false;
}

/* Should its source have been held back in the end, a copy is still one that we wrote. */
static void note_written_copies(Pass *pass)
{
        for (size_t i = 0; i < pass->issuance->n_changes; i++) {
                const FileChange *change = &pass->issuance->changes[i];
                Digest digest = digest_of(change->content->data, change->content->size);

                if (change->copy && !is_conflict(&pass->conflicts, change->path))
                        history_set_last_equal(pass->history, change->path, &digest);
        }
}

/* Also what somebody else has replaced already: to write against each other is a loop, too. */
static void note_renewals(Pass *pass)
{
        for (size_t i = 0; i < pass->issuance->n; i++) {
                const IssueResult *result = &pass->issuance->results[i];

                if (result->outcome == OUTCOME_RENEWED && result->cert)
                        history_add_renewal(pass->history, result->step->item->name,
                                result->cert->not_before, pass->now);
        }
}

/* Takes the lock, which the pass keeps until it is freed: two reports at once would clear each
 * other's alarms. */
static int recover(Pass *pass, Error *reterr)
{
        int r;

        r = txn_check_place(pass->root_fd, pass->config->state_directory, reterr);
        if (r < 0) {
                pass_tell_elsewhere(pass);
                return r;
        }
        r = txn_open(pass->root_fd, pass->config->state_directory, &pass->txn, reterr);
        if (r < 0)
                return unit_needs_hint_state(
                        reterr, r, pass->root_fd, pass->config->state_directory);
        pass->judge = pair_judge_new(pass->root_fd, pass->config);
        return recovery_finish(
                pass->root_fd, pass->config, pass->judge, pass->txn, &pass->recovery, reterr);
}

/* What the processes on this host use, once all is done that could be done. */
static void verify(Pass *pass)
{
        if (!running_is_live(pass->running))
                return;
        pass->verification = verify_all(pass->running, pass_latest(pass)->inventory, pass->owed);
        verify_apply(pass->verification, pass_latest(pass));
}

/* From new files to processes that use them. */
int pass_settle(Pass *pass, bool nightly, Error *reterr)
{
        int r;

        /* 1. What is on disk now. Who asks us to stop is heard between two restarts. */
        interrupt_hold();
        r = pass->committed || (pass->acquisition && pass->acquisition->n > 0)
                    ? pass_look_again(pass, reterr)
                    : 0;
        if (r >= 0)
                r = owed_forget_undone(pass->root_fd, pass->config->state_directory, reterr);
        if (r < 0)
                return r;

        /* 2. Restarts; a roll-back changes what is on disk. */
        const RestartInput input = {.root_fd = pass->root_fd,
                .config = pass->config,
                .running = pass->running,
                .assessment = pass_latest(pass),
                .txn = pass->txn,
                .pass_id = pass->id,
                .now = pass->now};
        if (nightly)
                r = restart_enter_stale(&input, reterr);
        if (r >= 0 && nightly)
                r = pass_owe_changed(pass, reterr);
        if (r >= 0)
                r = restart_run(&input, &pass->restarts, reterr);
        if (r >= 0 && pass->restarts->rolled_back)
                r = pass_look_again(pass, reterr);
        if (r >= 0)
                r = pass_await_renewals(pass, reterr);

        /* 3. What is left, and what is proven. */
        if (r >= 0)
                r = pass_read_ledgers(pass, reterr);
        if (r >= 0)
                pass_judge_renewals(pass);
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
        int r;

        if (!hook_argv(pass->config, HOOK_PRE_RENEW) ||
                (issuance->n_changes == 0 && !pass_has_renewals(pass)) ||
                !running_is_live(pass->running))
                return 0;
        for (size_t i = 0; i < issuance->n; i++)
                if (issuance->results[i].outcome == OUTCOME_RENEWED ||
                        issuance->results[i].step->kind == STEP_RESTART)
                        strv_add(&names, issuance->results[i].step->item->name);
        for (size_t i = 0; i < issuance->n_changes; i++)
                strv_add(&paths, issuance->changes[i].path);
        const HookContext context = {.pass_id = pass->id, .certificates = names, .paths = paths};

        r = hook_run(pass->running, pass->config, HOOK_PRE_RENEW, &context, reterr);
        return r < 0 ? error_prefix(reterr, r, "nothing was written") : 0;
}

/* Who asks us to stop from here on waits until it is reported. */
int pass_commit(Pass *pass, Issuance *issuance, const char *reason, bool rotates, Error *reterr)
{
        return commit_run(&(CommitInput){.root_fd = pass->root_fd,
                                  .txn = pass->txn,
                                  .judge = pass->judge,
                                  .config = pass->config,
                                  .pass_id = pass->id,
                                  .now = pass->now,
                                  .reason = reason,
                                  .rotates = rotates},
                issuance, &pass->conflicts, reterr);
}

int pass_replace_files(Pass *pass, const char *reason, bool rotates, Error *reterr)
{
        int r;

        r = run_pre_renew(pass, reterr);
        if (r >= 0)
                r = pass_guard_clock_set(pass, reterr);
        if (r < 0)
                return r;
        interrupt_hold();
        pass_note_requested(pass);
        r = pass_owe_renewals(pass, reterr);
        if (r < 0)
                return r;
        if (pass->issuance->n_changes > 0)
                log_status("Replacing %zu files", pass->issuance->n_changes);
        r = pass_commit(pass, pass->issuance, reason, rotates, reterr);
        if (r < 0)
                return r;
        pass->committed = r > 0;
        note_written_copies(pass);
        if (pass->committed)
                note_renewals(pass);
        return 0;
}

/* Here, and in the Secrets that certificates are taken from. */
static int look(Pass *pass, Error *reterr)
{
        pass_fetch(pass);
        return pass_look(pass, reterr);
}

/* The stages in their order; each takes what the ones before it made. A failure ends here and is
 * reported by the caller. */
static int run_stages(Pass *pass, const PassRequest *request, Error *reterr)
{
        int r, w;

        /* 1. Nobody else acts, and nothing is half done. A dry run takes no lock and writes
         * nothing. */
        r = request->dry_run ? 0 : recover(pass, reterr);
        if (r < 0)
                return r;

        /* 2. May we act; what is there, how is it, what is to be done. */
        r = pass_guard(pass, reterr);
        if (r >= 0)
                r = look(pass, reterr);
        if (r < 0)
                return r;
        if (request->nightly) {
                self_check_directories(pass->config, pass->root_fd, pass->inventory);
                self_check_hands(pass->config, pass->root_fd, pass->inventory);
        }
        r = plan_make(pass->assessment, &request->plan, &pass->plan, reterr);
        if (r < 0)
                return r;

        /* 3. Who is at work on this control plane is not disturbed by what can wait. */
        if (!request->dry_run && pass_guard_upgrade(pass)) {
                r = pass_stand_by(pass, reterr);
                if (r >= 0)
                        verify(pass);
                return r;
        }

        /* 4. New certificates, in memory: asked for where somebody else signs; the API server may
         * say what it thinks of them. */
        r = request->dry_run ? 0 : pass_acquire(pass, &request->plan, reterr);
        if (r < 0)
                return r;
        if (pass->plan->n_steps > 0)
                log_status("Issuing %zu certificates", pass->plan->n_steps);
        pass->issuance =
                issue_run(pass->root_fd, pass->plan, pass->acquisition, pass->config, pass->now);
        if (running_is_live(pass->running))
                preflight_run(pass->issuance, api_try_credentials);
        if (request->dry_run)
                return 0;

        /* 5. All of them on disk, as one. */
        r = pass_replace_files(pass, request->nightly ? "run" : "renew", false, reterr);
        if (r < 0 && (pass->guards.clock ||
                             txn_is_unfinished(pass->root_fd, pass->config->state_directory)))
                return r;

        /* 6. Restarted, proven, rolled back where that fails; also what was owed already, when
         * nothing could be written tonight. */
        w = pass_settle(pass, request->nightly, r < 0 ? NULL : reterr);
        r = r < 0 ? r : w;

        /* 7. What was asked for and is in its place is asked for no longer. */
        return r < 0 ? r : pass_tidy_requests(pass, reterr);
}

/* What the next pass must know of this one, whatever became of it, and backups that are too many.
 * Returns r, or the first failure. */
static int keep_house(const Pass *pass, int r, Error *reterr)
{
        const char *state_directory = pass->config->state_directory;
        const Assessment *last = pass_latest(pass);

        if (last) {
                autoptr(History) history = assess_history(last);
                int w;

                history_keep_renewals(history, pass->history, pass->now);
                w = history_write(pass->root_fd, state_directory, history, r < 0 ? NULL : reterr);
                r = r < 0 ? r : w;
        }
        if (r >= 0)
                r = backup_prune(
                        pass->root_fd, state_directory, pass->config->keep_backups, reterr);
        return r < 0 ? r : pki_copy_prune(pass->root_fd, pass->config, reterr);
}

/* A copy that was left behind is known again by what it was, and refreshed then; and renewals are
 * counted, whoever wanted them. */
int pass_remember(const Pass *pass, int r, Error *reterr)
{
        bool left_behind = false;
        int w;

        for (size_t i = 0; pass->after && i < pass->after->n_copies; i++)
                left_behind = left_behind || pass->after->copies[i].state == COPY_OUTDATED;
        if (!left_behind && !pass->committed)
                return r;
        w = history_write(
                pass->root_fd, pass->config->state_directory, pass->history, r < 0 ? NULL : reterr);
        return r < 0 ? r : w;
}

/* What was issued and not written was not renewed, whoever asks for its outcome now. */
static void fail_unwritten(Pass *pass, const char *failure)
{
        for (size_t i = 0; pass->issuance && i < pass->issuance->n; i++)
                if (pass->issuance->results[i].outcome == OUTCOME_RENEWED &&
                        pass->issuance->results[i].step->kind != STEP_RESTART)
                        issue_result_fail(&pass->issuance->results[i], OUTCOME_FAILED, failure);
}

int pass_run(Pass *pass, const PassRequest *request, Error *reterr)
{
        Error failure = {};
        int r, status;

        pass->nightly = request->nightly;
        r = run_stages(pass, request, &failure);
        if (request->nightly && !request->dry_run)
                r = keep_house(pass, r, &failure);
        else if (!request->dry_run)
                r = pass_remember(pass, r, &failure);
        if (!request->dry_run)
                r = pass_remember_good(pass, r, &failure);
        status = pass_exit_status(pass, r);

        /* A text that was left behind by something that went well in the end is none. */
        error_set(reterr, r, "%s", r < 0 ? failure.text : "");

        /* Who only asked, found the lock held or may not take it leaves no report: it is not theirs
         * to write. That another one writes it, and whom it keeps waiting, is all there is to say.
         */
        if (pass_lock_is_held(pass, r))
                pass_tell_lock_is_held(pass, failure.text);
        if (request->dry_run || status == EXIT_USAGE || pass_lock_is_held(pass, r) ||
                pass->is_mute || (r == -EACCES && !pass->txn && !request->nightly))
                return status;
        status = pass_finish(pass, status, r, &failure, reterr);
        if (r < 0 && !pass->committed)
                fail_unwritten(pass, failure.text);
        return status;
}
