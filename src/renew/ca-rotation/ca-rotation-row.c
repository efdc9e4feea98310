/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The rows of a checklist. */
#include "renew/ca-rotation/ca-rotation-checklist.h"

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
        checklist->items[checklist->n++] = (ChecklistItem){
                .ca = xstrdup(rotation->record ? rotation->record->id : rotation->ca->entry->id),
                .name = xstrdup(name),
                .state = state,
                .phase = phase,
                .text = text};
}
