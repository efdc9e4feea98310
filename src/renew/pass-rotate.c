/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/pass-internal.h"

#include "base/log.h"
#include "renew/commit/commit.h"
#include "renew/event/events.h"
#include "renew/inventory/rotation.h"
#include "renew/issue/preflight.h"
#include "renew/pass-guard.h"
#include "renew/unit/interrupt.h"

void rotate_result_done(RotateResult *result)
{
        checklist_free(result->checklist);
        free(result->waits);
        *result = (RotateResult){};
}

/* What is worth nothing any more need not be kept in order until it is gone. */
static bool has_ended(const Pass *pass)
{
        const CaRotations *rotations = pass->rotations;
        bool any = false;

        for (size_t i = 0; i < rotations->n; i++) {
                const CaRotation *rotation = &rotations->list[i];

                if (!rotation->moves || !rotation->record)
                        continue;
                any = true;
                if (rotation->record->old_ca->not_after > pass->now)
                        return false;
        }
        return any;
}

static void forget_settled(Pass *pass)
{
        restart_report_free(TAKE(pass->restarts));
        verification_free(TAKE(pass->verification));
        owed_list_free(TAKE(pass->owed));
        hold_list_free(TAKE(pass->holds));
}

/* As pass_settle(); without `restarts` everybody is left as he is. */
static int settle(Pass *pass, bool restarts, Error *reterr)
{
        Running *running = pass->running;
        int r;

        forget_settled(pass);
        if (restarts)
                return pass_settle(pass, true, reterr);
        pass->running = running_new(pass->root_fd, pass->config, false);
        r = pass_settle(pass, false, reterr);
        running_free(pass->running);
        pass->running = running;
        return r;
}

int pass_look_at_rotations(Pass *pass, Error *reterr)
{
        int r = pass_read_ledgers(pass, reterr);

        if (r >= 0)
                pass->rotations = ca_rotations_read(pass->root_fd, pass->config, pass->inventory);
        return r;
}

/* The lock, and what was left by whoever died before us: returns how many rotations that had
 * brought to their end. A dry run only looks. */
static int begin(Pass *pass, const RotateRequest *request, Error *reterr)
{
        int r, n_finished = 0;

        r = pass_begin(pass, request->dry_run, reterr);
        if (r >= 0 && !request->dry_run)
                r = n_finished =
                        ca_rotations_finish(pass->root_fd, pass->config, pass->inventory, reterr);
        if (r >= 0)
                r = pass_look_at_rotations(pass, reterr);
        return r < 0 ? r : n_finished;
}

/* A rotation begins when somebody says so. */
static bool is_unasked(const RotateRequest *request, RotateStep step)
{
        return step == ROTATE_PREPARE && request->step == ROTATE_NEXT && !request->begins &&
               !request->dry_run;
}

/* Options of `prepare` change no CA that has been prepared, and begin nothing by themselves. */
static int check_prepare(
        const Pass *pass, const RotateRequest *request, RotateStep step, Error *reterr)
{
        const CaRotations *rotations = pass->rotations;
        size_t n_records = 0;
        int r = 0;

        if (!prepare_is_asked(&request->prepare))
                return 0;
        for (size_t i = 0; r >= 0 && i < rotations->n; i++) {
                const CaRotation *rotation = &rotations->list[i];

                if (!rotation->is_selected || !rotation->record)
                        continue;
                n_records++;
                r = ca_prepare_agrees(rotation->record, &request->prepare, reterr);
        }
        if (r < 0 || n_records > 0 || (step == ROTATE_PREPARE && !is_unasked(request, step)))
                return r;
        return error_set(reterr, -EINVAL,
                "options for the new CA are for its beginning: --phase=prepare --yes");
}

/* Who moves and where to; *ret_step is ROTATE_NEXT where nobody does. */
static int choose(Pass *pass, const RotateRequest *request, RotateStep *ret_step, Error *reterr)
{
        RotateStep step = ROTATE_NEXT;
        int r, n_finished;

        r = n_finished = begin(pass, request, reterr);
        if (r >= 0)
                r = ca_rotations_select(pass->rotations, request->cas, reterr);
        if (r >= 0 && (n_finished == 0 || request->step == ROTATE_PREPARE))
                r = ca_rotations_move(pass->rotations, request->step, &step, reterr);
        if (r >= 0 && n_finished == 0)
                r = check_prepare(pass, request, step, reterr);
        if (r < 0)
                return r;
        *ret_step = is_unasked(request, step) ? ROTATE_NEXT : step;
        return 0;
}

/* Everybody trusts and shows what the phase before has brought, or the next one would cut him off.
 */
static int refuse_unsettled(const Pass *pass, Error *reterr)
{
        const Assessment *latest = pass_latest(pass);

        if (pass->restarts && pass->restarts->rolled_back)
                return error_set(reterr, -EAGAIN, "a component has its old files again");
        if (pass->owed->n > 0) {
                const RestartResult *result =
                        restart_result_find(pass->restarts, pass->owed->entries[0].component);

                return error_set(reterr, -EAGAIN, "'%s' is still owed a restart%s%s",
                        pass->owed->entries[0].component, result && result->text ? ": " : "",
                        result && result->text ? result->text : "");
        }
        for (size_t i = 0; i < latest->n; i++)
                if (latest->verdicts[i].state == STATE_NOT_LOADED)
                        return error_set(reterr, -EAGAIN, "'%s' is not loaded: %s",
                                latest->inventory->items[i].name, latest->verdicts[i].text);
        return 0;
}

/* To go back is the way out where somebody does not come up, and waits for nobody. */
static int wait_for_former_phase(
        Pass *pass, const RotateRequest *request, RotateStep step, Error *reterr)
{
        int r;

        if (request->dry_run || step == ROTATE_PREPARE || step == ROTATE_ABORT ||
                !running_is_live(pass->running) || has_ended(pass))
                return 0;
        r = settle(pass, true, reterr);
        if (r >= 0)
                r = refuse_unsettled(pass, reterr);
        return r == -EAGAIN
                       ? error_prefix(reterr, r, "phase '%s' has to wait", rotate_step_name(step))
                       : r;
}

/* Another CA signs when every API server trusts it, and one goes when nobody is known who needs it:
 * the phase that the checklist is asked for. Backwards that is the same as forwards. */
static CaPhase waits_as(const CaRotations *rotations)
{
        CaPhase phase = CA_PHASE_NONE;

        for (size_t i = 0; i < rotations->n; i++) {
                const CaRotation *rotation = &rotations->list[i];
                CaPhase target = rotation->target;

                if (!rotation->moves || target == rotation->phase)
                        continue;
                if (rotation->aborts)
                        target = target == CA_PHASE_PREPARE ? CA_PHASE_TRUST_NEW : CA_PHASE_NONE;
                phase = target > phase ? target : phase;
        }
        return phase;
}

/* Who gives the last way back away is told what nobody could find out. */
static void tell_unknown(const Checklist *checklist, CaPhase phase)
{
        for (size_t i = 0; phase == CA_PHASE_TRUST_NEW && i < checklist->n; i++) {
                const ChecklistItem *item = &checklist->items[i];

                if (item->state == CHECK_UNKNOWN)
                        log_line(LOG_WARNING, "CA '%s': %s: not known: %s", item->ca, item->name,
                                item->text);
        }
}

/* What would make it wait, if it were not a dry run. */
static char *why_it_waits(
        const Pass *pass, const RotateRequest *request, RotateStep step, const ChecklistItem *open)
{
        if (has_ended(pass))
                return NULL;
        if (open && !request->force)
                return xasprintf("for what is on the checklist: %s", open->name);
        return pass->owed->n > 0 && step != ROTATE_PREPARE && step != ROTATE_ABORT
                       ? xasprintf("until '%s' is restarted, which is owed and comes first",
                                 pass->owed->entries[0].component)
                       : NULL;
}

static int look_at_checklist(
        Pass *pass, const RotateRequest *request, RotateResult *result, Error *reterr)
{
        const CaPhase phase = waits_as(pass->rotations);
        const ChecklistItem *item;

        result->checklist = checklist_make(&(ChecklistInput){.config = pass->config,
                .inventory = pass_latest(pass)->inventory,
                .running = pass->running,
                .rotations = pass->rotations,
                .aborts = result->step == ROTATE_ABORT,
                .is_supplied = request->prepare.certificate != NULL,
                .now = pass->now});
        item = checklist_open(result->checklist, phase);
        if (request->dry_run) {
                result->waits = why_it_waits(pass, request, result->step, item);
                return 0;
        }
        tell_unknown(result->checklist, phase);
        if (!item || request->force || has_ended(pass))
                return 0;
        return error_set(reterr, -EAGAIN,
                "phase '%s' has to wait for what is on the checklist (--force does not): %s: %s",
                rotate_step_name(result->step), item->name, item->text);
}

/* Who moves, and what that changes. */
static int make(Pass *pass, const RotateRequest *request, Error *reterr)
{
        const RotationInput input = {.assessment = pass->assessment,
                .history = pass->history,
                .prepare = &request->prepare,
                .now = pass->now};
        int r;

        r = ca_rotations_make(pass->rotations, &input, &pass->plan, &pass->issuance, reterr);
        if (r < 0 || !running_is_live(pass->running))
                return r;
        preflight_run(pass->issuance, api_try_credentials);
        for (size_t i = 0; i < pass->issuance->n; i++)
                if (pass->issuance->results[i].outcome != OUTCOME_RENEWED)
                        return error_set(reterr, -ECANCELED, "%s", pass->issuance->results[i].text);
        return 0;
}

/* The kubelet's own certificate, which it would go on using until half of its life is over. */
static bool leaves_kubelet(const Pass *pass)
{
        const Item *item = rotation_find(pass_latest(pass)->inventory);
        const CaRotations *rotations = pass->rotations;
        bool is_left = false;

        for (size_t i = 0; item && item->cert && i < rotations->n_moves; i++) {
                const CaMove *move = &rotations->moves[i];
                const Cert *signer = ca_phase_signer(move->record, move->target);
                const Cert *other = signer == move->record->old_ca ? move->record->new_ca
                                                                   : move->record->old_ca;

                is_left |= !move->is_lost && cert_is_issued_by(item->cert, other);
        }
        return is_left;
}

static void tell_phase(const CaRotations *rotations, RotateStep step)
{
        for (size_t i = 0; i < rotations->n_moves; i++) {
                const CaRecord *record = rotations->moves[i].record;
                char old_hex[DIGEST_HEX_SIZE], new_hex[DIGEST_HEX_SIZE];

                digest_format(&record->old_ca->sha256, old_hex);
                digest_format(&record->new_ca->sha256, new_hex);
                const LogField fields[] = {{"CA", record->id}, {"PHASE", rotate_step_name(step)},
                        {"OLD_SHA256", old_hex}, {"NEW_SHA256", new_hex}, {}};

                log_event(LOG_NOTICE, EVENT_CA_PHASE, fields,
                        "Phase '%s' of the rotation of CA '%s' is on disk.", rotate_step_name(step),
                        record->id);
        }
}

static int commit(Pass *pass, RotateStep step, Error *reterr)
{
        autofree char *reason = xasprintf(COMMIT_ROTATES " %s", rotate_step_name(step));
        autofree char *directory = ca_record_directory(pass->config->state_directory);
        int r;

        r = fs_make_directories(pass->root_fd, directory, 0700, reterr);
        if (r >= 0)
                r = pass_replace_files(pass, reason, true, reterr);
        if (r < 0)
                return r;
        if (pass->committed)
                tell_phase(pass->rotations, step);
        r = pass->committed ? pass_look_again(pass, reterr) : 0;
        return r < 0 || !leaves_kubelet(pass) ? r : pass_renew_kubelet(pass, "rotate-ca", reterr);
}

/* Nobody reads what `prepare` writes; and who is restarted with certificates that have all expired
 * does not come up before the next phase. */
static bool wants_restarts(const Pass *pass, RotateStep step)
{
        return step != ROTATE_PREPARE && (step != ROTATE_TRUST_BOTH || !has_ended(pass));
}

/* Who upgrades this control plane writes the same files. The way back is always open. */
static int refuse_upgrade(Pass *pass, const RotateRequest *request, RotateStep step, Error *reterr)
{
        if (request->dry_run || step == ROTATE_ABORT || !pass_guard_upgrade(pass))
                return 0;
        return error_set(
                reterr, -EAGAIN, "%s: nothing is begun until that is over", pass->guards.upgrade);
}

static int run_stages(Pass *pass, const RotateRequest *request, RotateResult *result, Error *reterr)
{
        int r, w;

        /* 1. Nobody else acts, nothing is half done; where everybody stands. */
        r = choose(pass, request, &result->step, reterr);
        if (r < 0 || (result->step == ROTATE_NEXT && request->dry_run))
                return r;
        if (result->step == ROTATE_NEXT)
                return settle(pass, true, reterr);

        /* 2. Is this the time for it? */
        r = refuse_upgrade(pass, request, result->step, reterr);
        if (r >= 0)
                r = wait_for_former_phase(pass, request, result->step, reterr);
        if (r >= 0)
                r = look_at_checklist(pass, request, result, reterr);
        if (r < 0)
                return r;

        /* 3. Everything in memory, then on disk, as one. */
        r = make(pass, request, reterr);
        if (r < 0 || request->dry_run)
                return r;
        interrupt_hold();
        r = commit(pass, result->step, reterr);
        if (r < 0 && !pass->committed)
                return r;

        /* 4. Restarted and proven; what is over leaves nothing behind. */
        result->goes_on = !running_is_live(pass->running) || has_ended(pass);
        w = settle(pass, wants_restarts(pass, result->step), r < 0 ? NULL : reterr);
        r = r < 0 ? r : w;
        if (r >= 0)
                r = ca_rotations_finish(
                        pass->root_fd, pass->config, pass_latest(pass)->inventory, reterr);
        return r < 0 ? r : 0;
}

int pass_rotate(Pass *pass, const RotateRequest *request, RotateResult *ret, Error *reterr)
{
        Error failure = {};
        int r, status;

        *ret = (RotateResult){};
        r = run_stages(pass, request, ret, &failure);
        if (!request->dry_run && pass->committed)
                r = pass_remember(pass, r, &failure);
        status = r == -EINVAL && !pass->committed   ? EXIT_USAGE
                 : r == -EAGAIN && !pass->committed ? EXIT_UNFINISHED
                                                    : pass_exit_status(pass, r);
        error_set(reterr, r, "%s", r < 0 ? failure.text : "");

        /* What was refused has changed nothing, and is told to who asked. */
        if (request->dry_run)
                return r < 0 ? status : EXIT_DONE;
        if (!pass->committed && !pass->restarts)
                return status;
        return pass_finish(pass, status, pass->committed ? r : 0, &failure, reterr);
}
