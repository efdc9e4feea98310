/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/ca-rotation/ca-rotation.h"

#include "base/nearest-word.h"
#include "renew/inventory/rotation.h"

void ca_rotations_free(CaRotations *rotations)
{
        if (!rotations)
                return;
        for (size_t i = 0; i < rotations->n; i++) {
                ca_record_free(rotations->list[i].record);
                free(rotations->list[i].problem);
        }
        free(rotations->list);
        free(rotations->moves);
        rotation_files_free(rotations->files);
        assessment_free(rotations->assessment);
        inventory_free(rotations->overlaid);
        free(rotations);
}

static void note_problem(CaRotation *rotation, int r, const Error *error)
{
        rotation->error = r;
        rotation->problem = r < 0 ? xstrdup(error->text) : NULL;
}

/* Of the names of one CA the first under which its key is here; or the first. */
static const InventoryCa *principal_of(const Inventory *inventory, const InventoryCa *ca)
{
        const InventoryCa *principal = NULL;

        for (size_t i = 0; i < inventory->n_cas; i++) {
                const InventoryCa *other = &inventory->cas[i];

                if (!ca->signer || !other->signer || !other->expected ||
                        !cert_equal(ca->signer, other->signer))
                        continue;
                if (!principal || (!principal->ca && other->ca))
                        principal = other;
        }
        return principal ? principal : ca;
}

/* Who makes the certificates of this CA when it is started; NULL: nobody but us. */
static const char *renewer_of(const Layout *layout, const InventoryCa *ca)
{
        for (size_t i = 0; i < layout->n_credentials; i++) {
                const CredentialEntry *entry = &layout->credentials[i];

                if (issuer_restarts(entry) && entry->ca && streq(entry->ca, ca->entry->id))
                        return entry->issuer.renewed_by;
        }
        return NULL;
}

static int refuse(const CaRotations *rotations, const InventoryCa *ca, Error *reterr)
{
        const char *renewer = renewer_of(&rotations->config->layout, ca);

        if (renewer)
                return error_set(reterr, -EPERM,
                        "'%s' renews what CA '%s' has signed when it is started (RenewedBy=): the "
                        "tools of that product rotate it",
                        renewer, ca->entry->id);
        return ca_rotation_refuse(ca, reterr);
}

static void read_rotation(const CaRotations *rotations, const InventoryCa *ca, CaRotation *rotation)
{
        const InventoryCa *principal = principal_of(rotations->inventory, ca);
        Error error = {};
        int r;

        *rotation = (CaRotation){.ca = ca, .same_as = principal == ca ? NULL : principal};
        if (rotation->same_as)
                return;
        r = ca_record_read(rotations->root_fd, rotations->config->state_directory, ca->entry->id,
                &rotation->record, &error);
        rotation->is_damaged = r < 0;
        rotation->is_lost = rotation->record && ca_phase_is_lost(rotation->record, ca);
        if (r >= 0)
                r = rotation->record
                            ? ca_phase_derive(rotation->record, ca, &rotation->phase, &error)
                            : refuse(rotations, ca, &error);
        note_problem(rotation, r, &error);
}

CaRotations *ca_rotations_read(int root_fd, const Config *config, const Inventory *inventory)
{
        CaRotations *rotations = xcalloc(1, sizeof(*rotations));

        rotations->root_fd = root_fd;
        rotations->config = config;
        rotations->inventory = inventory;
        rotations->list = xcalloc(inventory->n_cas, sizeof(CaRotation));
        for (size_t i = 0; i < inventory->n_cas; i++)
                if (inventory->cas[i].expected)
                        read_rotation(
                                rotations, &inventory->cas[i], &rotations->list[rotations->n++]);
        return rotations;
}

static CaRotation *find(const CaRotations *rotations, const char *id)
{
        for (size_t i = 0; i < rotations->n; i++)
                if (streq(rotations->list[i].ca->entry->id, id))
                        return &rotations->list[i];
        return NULL;
}

static int select_one(CaRotations *rotations, const char *id, Error *reterr)
{
        autofree const char **known = xcalloc(rotations->n + 1, sizeof(char *));
        CaRotation *rotation = find(rotations, id);
        const char *near;

        for (size_t i = 0; i < rotations->n; i++)
                known[i] = rotations->list[i].ca->entry->id;
        near = nearest_word(id, known);
        if (!rotation)
                return error_set(reterr, -EINVAL, "no CA of this host is called '%s'%s%s%s", id,
                        near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
        if (rotation->same_as)
                return error_set(reterr, -EINVAL,
                        "CA '%s' is '%s' under another name, and follows it: name that one", id,
                        rotation->same_as->entry->id);
        rotation->is_selected = true;
        return 0;
}

static bool is_begun(const CaRotation *rotation)
{
        return rotation->record || rotation->is_damaged;
}

/* A rotation that has begun is brought to its end before the next one is thought of. */
static void select_default(CaRotations *rotations)
{
        bool any = false;

        for (size_t i = 0; i < rotations->n; i++)
                any |= is_begun(&rotations->list[i]);
        for (size_t i = 0; i < rotations->n; i++) {
                CaRotation *rotation = &rotations->list[i];

                rotation->is_selected = !rotation->same_as && (!any || is_begun(rotation));
        }
}

int ca_rotations_select(CaRotations *rotations, const char *ids, Error *reterr)
{
        int r = 0;

        if (!ids) {
                select_default(rotations);
                return 0;
        }
        if (streq(ids, "all")) {
                for (size_t i = 0; i < rotations->n; i++)
                        rotations->list[i].is_selected = !rotations->list[i].same_as;
                return 0;
        }
        for (const char *id = ids; r >= 0 && *id; id += strcspn(id, ","), id += *id == ',') {
                autofree char *word = xstrndup(id, strcspn(id, ","));

                r = select_one(rotations, word, reterr);
        }
        return r;
}

const char *rotate_step_name(RotateStep step)
{
        return step == ROTATE_ABORT  ? "abort"
               : step == ROTATE_NEXT ? "none"
                                     : ca_phase_name((CaPhase)step);
}

RotateStep ca_rotation_next(const CaRotation *rotation)
{
        if (rotation->record && rotation->record->is_aborting)
                return ROTATE_ABORT;
        return rotation->error < 0 || rotation->phase == CA_PHASE_TRUST_NEW
                       ? ROTATE_NEXT
                       : (RotateStep)(rotation->phase + 1);
}

/* Of those that are selected, the one that is least far. */
static RotateStep choose_step(const CaRotations *rotations)
{
        RotateStep step = ROTATE_NEXT;

        for (size_t i = 0; i < rotations->n; i++) {
                const CaRotation *rotation = &rotations->list[i];
                RotateStep next = ca_rotation_next(rotation);

                if (!rotation->is_selected || next == ROTATE_NEXT)
                        continue;
                if (next == ROTATE_ABORT)
                        return ROTATE_ABORT;
                if (step == ROTATE_NEXT || next < step)
                        step = next;
        }
        return step;
}

static int move_forward(CaRotation *rotation, CaPhase target, Error *reterr)
{
        const char *id = rotation->ca->entry->id;

        if (rotation->record && rotation->record->is_aborting)
                return error_set(reterr, -EINVAL,
                        "the rotation of CA '%s' is being aborted: --phase=abort brings that to "
                        "its end",
                        id);
        if (rotation->phase + 1 < target)
                return error_set(reterr, -EINVAL,
                        "CA '%s' is not there yet: --phase=%s comes first", id,
                        ca_phase_name(rotation->phase + 1));
        rotation->moves = rotation->phase <= target;
        rotation->target = target;
        return 0;
}

bool ca_rotation_signs(const Item *item)
{
        return !item->entry->watch && item->entry->issuer.kind == ISSUER_KIND_CA;
}

/* A certificate of the new CA that we can sign anew with the old one: ours, and the kubelet's. */
static bool has_new_leaf(const CaRotations *rotations, const CaRecord *record)
{
        const Inventory *inventory = rotations->inventory;

        for (size_t i = 0; i < inventory->n_items; i++) {
                const Item *item = &inventory->items[i];

                if (item_is_leaf(item) && item->cert &&
                        (ca_rotation_signs(item) || rotation_is_kept(item)) &&
                        cert_is_issued_by(item->cert, record->new_ca))
                        return true;
        }
        return false;
}

/* Back by one: what was added goes, or the old one signs again while both stay. */
static int move_back(const CaRotations *rotations, CaRotation *rotation, Error *reterr)
{
        const CaRecord *record = rotation->record;

        if (!record)
                return 0;
        if (rotation->phase == CA_PHASE_TRUST_NEW)
                return error_set(reterr, -EINVAL,
                        "the old CA '%s' is trusted by nobody any more: 'kube-renewd backup list' "
                        "and 'kube-renewd restore' are the way back",
                        rotation->ca->entry->id);
        rotation->moves = rotation->aborts = true;
        if (rotation->phase == CA_PHASE_TRUST_BOTH && has_new_leaf(rotations, record)) {
                rotation->target = rotation->phase;
                return 0;
        }
        rotation->target =
                rotation->phase == CA_PHASE_REISSUE ? CA_PHASE_TRUST_BOTH : CA_PHASE_PREPARE;
        return 0;
}

static int move(const CaRotations *rotations, CaRotation *rotation, RotateStep step, Error *reterr)
{
        if (rotation->is_lost && step == ROTATE_ABORT) {
                rotation->moves = rotation->aborts = true;
                rotation->target = CA_PHASE_PREPARE;
                return 0;
        }
        if (rotation->error < 0)
                return error_set(reterr, rotation->error, "CA '%s' cannot be rotated: %s",
                        rotation->ca->entry->id, rotation->problem);
        return step == ROTATE_ABORT ? move_back(rotations, rotation, reterr)
                                    : move_forward(rotation, (CaPhase)step, reterr);
}

int ca_rotations_move(CaRotations *rotations, RotateStep step, RotateStep *ret_step, Error *reterr)
{
        int r = 0;

        /* A CA with a fault is told before anything of the others is done. */
        for (size_t i = 0; r >= 0 && i < rotations->n; i++)
                if (rotations->list[i].is_selected && rotations->list[i].error < 0)
                        r = move(rotations, &rotations->list[i], step, reterr);
        if (step == ROTATE_NEXT)
                step = choose_step(rotations);
        for (size_t i = 0; r >= 0 && step != ROTATE_NEXT && i < rotations->n; i++)
                if (rotations->list[i].is_selected)
                        r = move(rotations, &rotations->list[i], step, reterr);
        if (r >= 0)
                *ret_step = step;
        return r;
}
