/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/ca-rotation-checklist.h"

#include "renew/ca-rotation-cluster.h"

static const char *const state_names[] = {
        [CHECK_DONE] = "done",
        [CHECK_OPEN] = "open",
        [CHECK_UNKNOWN] = "unknown",
};

const char *check_state_name(CheckState state)
{
        return state_names[state];
}

void checklist_free(Checklist *checklist)
{
        if (!checklist)
                return;
        for (size_t i = 0; i < checklist->n; i++) {
                free(checklist->items[i].ca);
                free(checklist->items[i].name);
                free(checklist->items[i].text);
        }
        free(checklist->items);
        free(checklist);
}

const ChecklistItem *checklist_open(const Checklist *checklist, CaPhase phase)
{
        for (size_t i = 0; checklist && i < checklist->n; i++)
                if (checklist->items[i].state == CHECK_OPEN && checklist->items[i].phase <= phase)
                        return &checklist->items[i];
        return NULL;
}

void checklist_add(Checklist *checklist, const CaRotation *rotation, const char *name,
        CheckState state, CaPhase phase, char *text)
{
        checklist->items =
                xreallocarray(checklist->items, checklist->n + 1, sizeof(*checklist->items));
        checklist->items[checklist->n++] = (ChecklistItem){.ca = xstrdup(rotation->record->id),
                .name = xstrdup(name),
                .state = state,
                .phase = phase,
                .text = text};
}

/* Certificates of this host that the CA which is to go has signed. Ours are signed anew before
 * that, so that only those are told that could not be. */
static void add_leaves(const ChecklistInput *input, const CaRotation *rotation, const Cert *leaving,
        Checklist *checklist)
{
        const Cert *signer = ca_phase_signer(rotation->record, rotation->phase);

        for (size_t i = 0; i < input->inventory->n_items; i++) {
                const Item *item = &input->inventory->items[i];
                bool is_leaf = item->kind == ITEM_CERTIFICATE || item->kind == ITEM_KUBECONFIG;

                if (!is_leaf || item->renewed_as || !item->cert ||
                        !cert_is_issued_by(item->cert, leaving) ||
                        (!item->entry->watch && cert_equal(signer, leaving)))
                        continue;
                checklist_add(checklist, rotation, item->name, CHECK_OPEN, CA_PHASE_TRUST_NEW,
                        xasprintf("'%s' has a certificate of the CA that is to go%s", item->path,
                                item->entry->watch ? ", and somebody else renews it" : ""));
        }
}

Checklist *checklist_make(const ChecklistInput *input)
{
        Checklist *checklist = xcalloc(1, sizeof(*checklist));

        for (size_t i = 0; i < input->rotations->n; i++) {
                const CaRotation *rotation = &input->rotations->list[i];
                const CaRecord *record = rotation->record;

                if (!record || !rotation->is_selected || rotation->error < 0)
                        continue;
                add_leaves(input, rotation,
                        input->aborts || record->is_aborting ? record->new_ca : record->old_ca,
                        checklist);
        }
        cluster_check(input, checklist);
        return checklist;
}
