/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Components that were rolled back, and until when their certificates are left alone: one file
 * each, STATE/held/COMPONENT.json.
 *
 *     r = hold_add(root_fd, state_directory, &hold, reterr);      after the roll-back
 *     r = hold_read(root_fd, state_directory, &list, reterr);     at the start of a pass
 *     hold = hold_find_path(list, path, now);                     is this file left alone?
 *     r = hold_settle(root_fd, state_directory, component, paths, reterr);
 *
 * A hold that is over still stands for the alarm: only proof of new files removes it. One that
 * cannot be read holds nothing back, but keeps its alarm. */

#include "base/json.h"

typedef struct Hold {
        char *component;
        int64_t since, until;
        char **paths; /* the files that were rolled back */
        char **old;   /* parallel: SHA-256 of what they got back; made by hold_add() */
        char *reason; /* why the new ones were given up */
} Hold;

typedef struct HoldList {
        Hold *holds; /* by component */
        size_t n;
} HoldList;

void hold_list_free(HoldList *list);
DEFINE_AUTOPTR(HoldList, hold_list_free)

/* Replaces what was noted of this component. To be called while the files are as they were rolled
 * back. */
int hold_add(int root_fd, const char *state_directory, const Hold *hold, Error *reterr) MUST_USE;

/* The component has been proven to use what is in these files now: if one of them was held and is
 * no longer what it got back, the hold is removed. None is no error; NULL stands for all files. */
int hold_settle(int root_fd, const char *state_directory, const char *component, char *const *paths,
        Error *reterr) MUST_USE;

/* Removes the hold of a component that is not there any more. */
int hold_remove(
        int root_fd, const char *state_directory, const char *component, Error *reterr) MUST_USE;

/* All of them; a missing directory is an empty list. */
int hold_read(int root_fd, const char *state_directory, HoldList **ret, Error *reterr) MUST_USE;

/* The hold that keeps this file as it is at `now`, NULL if there is none. One that begins later was
 * dated by a clock that was ahead, and keeps nothing. list may be NULL. */
const Hold *hold_find_path(const HoldList *list, const char *path, int64_t now);

/* That of the component, over or not, NULL if there is none. */
const Hold *hold_find(const HoldList *list, const char *component);
