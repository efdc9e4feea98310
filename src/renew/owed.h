/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The ledger of restarts that are owed: one file per component, STATE/owed/COMPONENT.json, written
 * before the commit, removed only by proof, or because the commit never came.
 *
 *     r = owed_add(root_fd, state_directory, restarts, n_restarts, pass_id, now, reterr);
 *     r = owed_forget_undone(root_fd, state_directory, reterr);
 *     r = owed_read(root_fd, state_directory, &list, reterr);
 *
 * An entry survives any number of nights and reboots; a second one for the same component keeps
 * `since` and joins the files. An entry that cannot be read is still owed.
 * Restarting itself, and proof, are renew/restart.h. */

#include "base/json.h"
#include "renew/plan.h"

typedef struct Owed {
        char *component;
        int64_t since; /* 0: its file cannot be read */
        char *pass_id; /* of the latest pass that asked for it; "" if its file cannot be read */
        char **paths;
        char **before; /* parallel: SHA-256 of what the process may have loaded, "" for no file,
                          "unknown" */
} Owed;

typedef struct OwedList {
        Owed *entries; /* by component */
        size_t n;
} OwedList;

void owed_list_free(OwedList *list);
DEFINE_AUTOPTR(OwedList, owed_list_free)

/* Enters each restart, or joins it to the entry that is there. To be called while the files are
 * still as the process knows them. */
int owed_add(int root_fd, const char *state_directory, const Restart *restarts, size_t n_restarts,
        const char *pass_id, int64_t now, Error *reterr) MUST_USE;

/* Removes the entries whose files are all as they were: the commit failed, or was undone. */
int owed_forget_undone(int root_fd, const char *state_directory, Error *reterr) MUST_USE;

/* All that is owed; a missing ledger is an empty one. */
int owed_read(int root_fd, const char *state_directory, OwedList **ret, Error *reterr) MUST_USE;

/* component since pass_id paths, for status.json. */
json_t *owed_to_json(const OwedList *list);
