/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/ca-rotation/ca-rotation.h"

#include "base/log.h"
#include "renew/issue/compose.h"
#include "renew/unit/unit-needs.h"

/* The CA that no longer signs has signed it, and it is ours to sign anew. */
static const CaMove *move_of_leaf(const CaRotations *rotations, const Item *item)
{
        if (!item_is_leaf(item) || !item->cert || !ca_rotation_signs(item) || item->renewed_as)
                return NULL;
        for (size_t i = 0; i < rotations->n_moves; i++) {
                const CaMove *move = &rotations->moves[i];
                const Cert *signer = ca_phase_signer(move->record, move->target);
                const Cert *other = signer == move->record->old_ca ? move->record->new_ca
                                                                   : move->record->old_ca;

                if (!move->is_lost && cert_is_issued_by(item->cert, other))
                        return move;
        }
        return NULL;
}

static Plan *plan_leaves(const CaRotations *rotations)
{
        const Inventory *inventory = rotations->overlaid;
        Plan *plan = xcalloc(1, sizeof(*plan));

        plan->assessment = rotations->assessment;
        plan->steps = xcalloc(inventory->n_items, sizeof(Step));
        for (size_t i = 0; i < inventory->n_items; i++) {
                const Item *item = &inventory->items[i];
                const CaMove *move = move_of_leaf(rotations, item);

                if (move)
                        plan->steps[plan->n_steps++] = (Step){.kind = STEP_RENEW,
                                .item = item,
                                .verdict = &rotations->assessment->verdicts[i],
                                .reason = DUE_REQUESTED,
                                .text = xasprintf("CA '%s' has another key", move->record->id)};
        }
        return plan;
}

/* The host as it will be once these files are in place. */
static int look_ahead(CaRotations *rotations, const RotationInput *input, Error *reterr)
{
        const RotationFiles *files = rotations->files;
        autofree InventoryOverlay *overlay = xcalloc(files->n, sizeof(*overlay));
        size_t n = 0;
        int r;

        for (size_t i = 0; i < files->n; i++) {
                const RotationFile *file = files->files[i];

                if (file->content)
                        overlay[n++] = (InventoryOverlay){.path = file->path,
                                .image = file->image,
                                .data = file->content->data,
                                .size = file->content->size};
        }
        r = inventory_read_overlaid(
                rotations->root_fd, rotations->config, overlay, n, &rotations->overlaid, reterr);
        if (r < 0)
                return r;
        rotations->assessment =
                assess(rotations->overlaid, rotations->config, input->history, input->now);
        return 0;
}

/* What comes of it is what was meant, or nothing is written: whoever signs has its key beside it.
 */
static int check_signers(const CaRotations *rotations, Error *reterr)
{
        for (size_t i = 0; i < rotations->n_moves; i++) {
                const CaMove *move = &rotations->moves[i];
                const InventoryCa *ca =
                        &rotations->overlaid->cas[move->ca - rotations->inventory->cas];

                if (move->is_lost)
                        continue;
                if (!ca->ca ||
                        !cert_equal(ca_signer(ca->ca), ca_phase_signer(move->record, move->target)))
                        return error_set(reterr, -EKEYREJECTED,
                                "CA '%s' would not sign in phase '%s': '%s' and '%s' would not be "
                                "a pair",
                                move->record->id, ca_phase_name(move->target),
                                ca->entry->certificate, ca->entry->key);
        }
        return 0;
}

/* What was issued for the host as it will be replaces files of the host as it is. */
static int take_issued(CaRotations *rotations, Issuance *issuance, Error *reterr)
{
        for (size_t i = 0; i < issuance->n_changes; i++) {
                FileChange *change = &issuance->changes[i];
                RotationFile *file;
                int r = rotation_files_get(rotations->files, change->path, &file, reterr);

                if (r < 0)
                        return r;
                change->old = file->image;
                secret_free(TAKE(file->content));
        }
        return 0;
}

/* Everything else that changes; a manifest when all that it names is there, and the record last. */
static int add_changes(CaRotations *rotations, Issuance *issuance, Error *reterr)
{
        const char *state = rotations->config->state_directory;
        unsigned pairs = (unsigned)(issuance->n + rotations->config->layout.n_copy_targets + 1);

        for (size_t i = 0; i < rotations->files->n; i++) {
                RotationFile *file = rotations->files->files[i];
                int r;

                if (!file->content)
                        continue;
                r = ca_record_is_file(state, file->path)
                            ? 0
                            : fs_test_writable(rotations->root_fd, file->path, reterr);
                r = unit_needs_hint(reterr, r, rotations->root_fd, file->path);
                if (r < 0)
                        return r;
                issuance_add_change(
                        issuance, &(FileChange){.path = xstrdup(file->path),
                                          .content = TAKE(file->content),
                                          .old = file->image,
                                          .mode = file->mode,
                                          .pair = file->pair > 0 ? pairs + file->pair : 0});
        }
        return 0;
}

static char **changed_paths(const Issuance *issuance)
{
        char **paths = NULL;

        for (size_t i = 0; i < issuance->n_changes; i++)
                strv_add(&paths, issuance->changes[i].path);
        return paths;
}

/* Those of which the source changes; what could not follow before is for the next pass. */
static void add_copies(const CaRotations *rotations, Plan *plan, Issuance *issuance)
{
        autostrv paths = changed_paths(issuance);

        plan_copies(plan, &(PlanRequest){.names = (char *[]){NULL}}, paths);
        issuance_compose_copies(issuance, rotations->root_fd);
}

static void add_restarts(const CaRotations *rotations, Plan *plan, const Issuance *issuance)
{
        autostrv paths = changed_paths(issuance);

        plan->restarts = restarts_of_paths(rotations->inventory, paths, &plan->n_restarts);
        restarts_add_kubelet(
                rotations->inventory, rotations->config, paths, &plan->restarts, &plan->n_restarts);
}

/* A CA of which one certificate cannot be issued stays where it is. */
static int refuse_failures(const Issuance *issuance, Error *reterr)
{
        for (size_t i = 0; i < issuance->n; i++) {
                const IssueResult *result = &issuance->results[i];

                if (result->outcome != OUTCOME_RENEWED)
                        return error_set(reterr, -ECANCELED, "'%s' cannot be issued again: %s",
                                result->step->item->name,
                                result->text ? result->text : "no reason is known");
        }
        return 0;
}

static int make_record(
        CaRotations *rotations, CaRotation *rotation, const RotationInput *input, Error *reterr)
{
        autofree char *path =
                ca_record_key_path(rotations->config->state_directory, rotation->ca->entry->id);
        autoptr(Secret) key = NULL;
        RotationFile *file;
        int r;

        log_status("Making the new CA '%s'", rotation->ca->entry->id);
        r = ca_prepare(rotation->ca, input->prepare, input->now, &rotation->record, &key, reterr);
        if (r >= 0)
                r = rotation_files_get(rotations->files, path, &file, reterr);
        if (r < 0)
                return r;
        file->mode = 0600;
        rotation_file_set(file, TAKE(key));
        return 0;
}

/* What stands behind the leaves of the old CA lasts until everybody has gone on, or is made anew.
 */
static int renew_cross(
        const CaRotations *rotations, const CaRotation *rotation, int64_t now, Error *reterr)
{
        autofree char *path =
                ca_record_key_path(rotations->config->state_directory, rotation->ca->entry->id);

        if (rotation->target != CA_PHASE_TRUST_BOTH || !ca_cross_is_due(rotation->record, now))
                return 0;
        return ca_cross_again(rotations->root_fd,
                rotation->phase == CA_PHASE_REISSUE ? rotation->ca->entry->key : path,
                rotation->record, now, reterr);
}

/* Each that moves, with the record of where it will be. */
static int make_moves(CaRotations *rotations, const RotationInput *input, Error *reterr)
{
        rotations->moves = xcalloc(rotations->n, sizeof(CaMove));
        for (size_t i = 0; i < rotations->n; i++) {
                CaRotation *rotation = &rotations->list[i];
                CaRecord *record;
                int r = 0;

                if (!rotation->moves)
                        continue;
                if (!rotation->record)
                        r = make_record(rotations, rotation, input, reterr);
                if (r >= 0)
                        r = renew_cross(rotations, rotation, input->now, reterr);
                if (r < 0)
                        return r;
                record = rotation->record;
                if (rotation->aborts) {
                        record->is_aborting = true;
                        record->times[CA_PHASE_NONE] = input->now;
                } else if (rotation->target > rotation->phase)
                        record->times[rotation->target] = input->now;
                rotations->moves[rotations->n_moves++] = (CaMove){
                        rotation->ca, record, rotation->phase, rotation->target, rotation->is_lost};
        }
        return 0;
}

int ca_rotations_make(CaRotations *rotations, const RotationInput *input, Plan **ret_plan,
        Issuance **ret_issuance, Error *reterr)
{
        const ComposeInput compose = {
                .config = rotations->config, .inventory = rotations->inventory, .now = input->now};
        autoptr(Plan) plan = NULL;
        autoptr(Issuance) issuance = NULL;
        int r;

        /* 1. Where each goes, and what names it. */
        rotations->files = rotation_files_new(rotations->root_fd);
        r = make_moves(rotations, input, reterr);
        if (r >= 0) {
                ComposeInput with_moves = compose;

                with_moves.moves = rotations->moves;
                with_moves.n_moves = rotations->n_moves;
                r = rotation_compose(&with_moves, rotations->files, reterr);
        }

        /* 2. Leaves of the CA that no longer signs, on the host as it will be. */
        if (r >= 0)
                r = look_ahead(rotations, input, reterr);
        if (r >= 0)
                r = check_signers(rotations, reterr);
        if (r < 0)
                return r;
        plan = plan_leaves(rotations);
        issuance = issue_run(rotations->root_fd, plan, NULL, rotations->config, input->now);
        r = refuse_failures(issuance, reterr);

        /* 3. All of that as one set of files, and who must have them. */
        if (r >= 0)
                r = take_issued(rotations, issuance, reterr);
        if (r >= 0)
                r = add_changes(rotations, issuance, reterr);
        if (r < 0)
                return r;
        plan->assessment = input->assessment;
        add_copies(rotations, plan, issuance);
        add_restarts(rotations, plan, issuance);
        *ret_plan = TAKE(plan);
        *ret_issuance = TAKE(issuance);
        return 0;
}

static bool is_retired(int root_fd, const char *path)
{
        autoptr(FileImage) image = NULL;

        return fs_read_file(root_fd, path, FS_SIZE_MAX, &image, NULL) >= 0 &&
               starts_with((const char *)image->data, ROTATION_RETIRED);
}

/* It was given up: its key, which nobody needs, is in the backup and no longer here. */
static bool is_given_up(int root_fd, const Config *config, const CaRecord *record)
{
        autofree char *path = ca_record_key_path(config->state_directory, record->id);

        return record->is_aborting && is_retired(root_fd, path);
}

static bool is_over(int root_fd, const Config *config, const CaRotation *rotation)
{
        if (!rotation->record)
                return false;
        if (rotation->is_lost)
                return is_given_up(root_fd, config, rotation->record);
        return rotation->error >= 0 &&
               (rotation->phase == CA_PHASE_TRUST_NEW ||
                       (rotation->phase == CA_PHASE_PREPARE && rotation->record->is_aborting));
}

/* What is ours goes, unless somebody has put it to use again. */
static int finish(int root_fd, const Config *config, const CaRotation *rotation, Error *reterr)
{
        const CaRecord *record = rotation->record;
        int r = 0;

        for (size_t i = 0; r >= 0 && i < record->n_edits; i++)
                if (is_retired(root_fd, record->edits[i].signer))
                        r = fs_remove_file(root_fd, record->edits[i].signer, reterr);
        return r < 0 ? r : ca_record_remove(root_fd, config->state_directory, record->id, reterr);
}

int ca_rotations_finish(
        int root_fd, const Config *config, const Inventory *inventory, Error *reterr)
{
        autoptr(CaRotations) rotations = ca_rotations_read(root_fd, config, inventory);
        int r = 0, n = 0;

        for (size_t i = 0; r >= 0 && i < rotations->n; i++) {
                if (!is_over(root_fd, config, &rotations->list[i]))
                        continue;
                r = finish(root_fd, config, &rotations->list[i], reterr);
                n++;
        }
        return r < 0 ? r : n;
}
