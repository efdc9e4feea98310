/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The ledger of restarts that are owed: one file per component, STATE/owed/COMPONENT.json, written
 * before the commit, removed only by proof, or because the commit never came.
 *
 *     r = owed_add(root_fd, state_directory, restarts, n_restarts, pass_id, now, reterr);
 *     r = owed_forget_undone(root_fd, state_directory, reterr);
 *     r = owed_read(root_fd, state_directory, &list, reterr);
 *     r = owed_remove(root_fd, state_directory, component, reterr);
 *
 * An entry survives any number of nights and reboots; a second one for the same component keeps
 * `since` and joins the files. An entry that cannot be read is still owed.
 * Restarting itself, and proof, are renew/restart/restart.h. */

#include "base/json.h"
#include "renew/plan/plan.h"

typedef struct Owed {
        char *component;
        int64_t since;   /* 0: its file cannot be read */
        int64_t expires; /* the first end of a certificate that its process may have loaded and that
                            is not on disk any longer; 0: not known */
        char *pass_id;   /* of the latest pass that has changed a file of it, or else of the first
                            that has seen it; "" if its file cannot be read */
        char **paths;
        char **before; /* parallel: SHA-256 of what the process may have loaded, "" for no file,
                          "unknown" */
        char *reason;  /* why a new process is owed, for people; NULL if it is not known */
        bool renews;   /* its start renews `paths`: a process begun after `since` pays, whatever it
                          has loaded */
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

/* The same for what is no component of the inventory: `before` is what its files hold now. */
int owed_enter(int root_fd, const char *state_directory, const Owed *entry, Error *reterr) MUST_USE;

/* Enters, or joins, a component that runs with something older than what is on disk: nobody knows
 * what it has loaded. entry->paths may be NULL: then only a new process pays the debt. `before` is
 * not looked at. */
int owed_note(int root_fd, const char *state_directory, const Owed *entry, Error *reterr) MUST_USE;

/* Removes the entry of a component: it is proven. None is fine. */
int owed_remove(
        int root_fd, const char *state_directory, const char *component, Error *reterr) MUST_USE;

/* Removes the entries whose files are all as they were: the commit failed, or was undone. */
int owed_forget_undone(int root_fd, const char *state_directory, Error *reterr) MUST_USE;

/* All that is owed; a missing ledger is an empty one. */
int owed_read(int root_fd, const char *state_directory, OwedList **ret, Error *reterr) MUST_USE;

/* The entry of this component, NULL if there is none. list may be NULL. */
const Owed *owed_find(const OwedList *list, const char *component);

/* component since pass_id paths reason, for status.json. */
json_t *owed_to_json(const OwedList *list);

/* The reverse; what the processes had loaded is not in there. -EBADMSG. */
int owed_from_json(const json_t *array, OwedList **ret, Error *reterr) MUST_USE;
