/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The CAs of this host on their way to others: where each is, who moves, and what that changes.
 *
 *     rotations = ca_rotations_read(root_fd, config, inventory);
 *     r = ca_rotations_select(rotations, "kubernetes,etcd", reterr);
 *     r = ca_rotations_move(rotations, ROTATE_NEXT, reterr);          who goes where
 *     r = ca_rotations_make(rotations, &input, &plan, &issuance, reterr);
 *     ... commit, restart, prove: renew/pass.h ...
 *     r = ca_rotations_finish(root_fd, config, rotations, reterr);    what is over leaves nothing
 *
 * Writes nothing but what ca_rotations_finish() removes. A CA that another section of the layout
 * has under another name is one CA, and follows. */

#include "renew/ca-rotation/ca-rotation-compose.h"
#include "renew/ca-rotation/ca-rotation-prepare.h"
#include "renew/issue/issue.h"

typedef struct CaRotation {
        const InventoryCa *ca;
        const InventoryCa *same_as; /* it is that one under another name; NULL */
        CaRecord *record;           /* NULL: it is in no rotation */
        CaPhase phase;
        int error; /* 0, or why its phase is not known, or none can begin */
        char *problem;
        bool is_damaged; /* there is a record that cannot be read */
        bool is_lost;    /* ca_phase_is_lost(): all that can be done is to give it up */
        bool is_selected;

        /* Set by ca_rotations_move(). */
        bool moves;
        bool aborts;    /* it goes back */
        CaPhase target; /* the phase that it is in already: only what is left of that one */
} CaRotation;

typedef struct CaRotations {
        int root_fd;
        const Config *config;
        const Inventory *inventory;
        CaRotation *list;
        size_t n;
        CaMove *moves; /* of those that move, once ca_rotations_make() has prepared them */
        size_t n_moves;
        RotationFiles *files; /* what the plan and the issuance point to */
        Inventory *overlaid;
        Assessment *assessment;
} CaRotations;

void ca_rotations_free(CaRotations *rotations);
DEFINE_AUTOPTR(CaRotations, ca_rotations_free)

/* Is this leaf ours to sign anew, with a CA of this host? Not what somebody else renews or signs,
 * though a CA of ours may have been asked to. */
bool ca_rotation_signs(const Item *item);

/* Those that are expected on this host. The fault of one is its own. */
CaRotations *ca_rotations_read(int root_fd, const Config *config, const Inventory *inventory);

/* ids: separated by commas, or "all". NULL: those that are in a rotation, or else all. -EINVAL for
 * an id that is none; with the nearest. */
int ca_rotations_select(CaRotations *rotations, const char *ids, Error *reterr) MUST_USE;

typedef enum RotateStep {
        ROTATE_NEXT, /* the next one of the CA that is least far */
        ROTATE_PREPARE,
        ROTATE_TRUST_BOTH,
        ROTATE_REISSUE,
        ROTATE_TRUST_NEW,
        ROTATE_ABORT,
} RotateStep;

/* -EINVAL for a step that does not come next, or a CA that cannot be rotated here (the first that
 * is selected, with the reason). *ret_step is never ROTATE_NEXT unless there is nothing to do. */
int ca_rotations_move(
        CaRotations *rotations, RotateStep step, RotateStep *ret_step, Error *reterr) MUST_USE;

/* The step that comes next for one CA; ROTATE_NEXT: none. */
RotateStep ca_rotation_next(const CaRotation *rotation);
const char *rotate_step_name(RotateStep step);

typedef struct RotationInput {
        const Assessment *assessment; /* of the inventory */
        const History *history;
        const PrepareRequest *prepare;
        int64_t now;
} RotationInput;

/* Everything that the step changes, as a plan with its restarts and an issuance with its files; for
 * commit_run() with `rotates`. Fails if any certificate cannot be issued. Both point into
 * `rotations`, which must outlive them. */
int ca_rotations_make(CaRotations *rotations, const RotationInput *input, Plan **ret_plan,
        Issuance **ret_issuance, Error *reterr) MUST_USE;

/* Removes the records of rotations that are over (done, or aborted), and what was made for them; to
 * be called after the commit, and before anything else, for one that died between. Returns how many
 * there were. */
int ca_rotations_finish(
        int root_fd, const Config *config, const Inventory *inventory, Error *reterr) MUST_USE;
