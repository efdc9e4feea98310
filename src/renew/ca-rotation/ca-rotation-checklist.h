/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What else must know a new CA, or let go of an old one, before a phase may take one of them away.
 *
 *     checklist = checklist_make(&input);
 *     for (i = 0; i < checklist->n; i++) ... checklist->items[i].text
 *
 * Asks, and changes nothing. What cannot be asked is UNKNOWN, and never in the way. */

#include "renew/ca-rotation/ca-rotation.h"
#include "renew/unit/running.h"

typedef enum CheckState {
        CHECK_DONE,
        CHECK_OPEN,    /* known not to be done: taking the CA away would break it */
        CHECK_UNKNOWN, /* somebody must look */
} CheckState;

/* "done", "open", "unknown". */
const char *check_state_name(CheckState state);

typedef struct ChecklistItem {
        char *ca;   /* the id of the CA that it is about */
        char *name; /* "kubelet-client", "configmap kube-system/kube-root-ca.crt", … */
        CheckState state;
        CaPhase phase; /* that has to wait for it */
        char *text;    /* one sentence: what is so, and what to do */
} ChecklistItem;

typedef struct Checklist {
        ChecklistItem *items;
        size_t n;
} Checklist;

void checklist_free(Checklist *checklist);
DEFINE_AUTOPTR(Checklist, checklist_free)

typedef struct ChecklistInput {
        const Config *config;
        const Inventory *inventory; /* of what is on disk now */
        Running *running;           /* whom to ask; not live: nobody is */
        const CaRotations *rotations;
        bool aborts;      /* the new CA is to go, and not the old one */
        bool is_supplied; /* the new one of who begins is given, and not made here */
        int64_t now;
} ChecklistInput;

/* Of every CA that is in a rotation and selected. Never NULL; cannot fail. */
Checklist *checklist_make(const ChecklistInput *input);

/* Takes the text. For who fills in a part of it. */
void checklist_add(Checklist *checklist, const CaRotation *rotation, const char *name,
        CheckState state, CaPhase phase, char *text);

/* The first that is open, and that this phase has to wait for; NULL if none is. */
const ChecklistItem *checklist_open(const Checklist *checklist, CaPhase phase);
