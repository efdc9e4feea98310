/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Hooks that are owed: Deploy= and PostRenew= run after new files are in place, and are repeated by
 * every pass until they have ended well.
 *
 *     r = hook_debts_enter(&debts, paths, reterr);      before the commit, with the restarts
 *     r = hook_debt_settle(&debts, HOOK_DEPLOY, components, &result, reterr);      after it
 *
 * The debt is an entry of the ledger of restarts, so that a commit that never came forgets it, the
 * alarm of an unpaid one is restart-owed, and a pass that leaves one ends in 75. */

#include "renew/commit/owed.h"
#include "renew/unit/hook.h"
#include "renew/unit/running.h"

typedef struct HookDebts {
        int root_fd;
        const Config *config;
        const Inventory *inventory; /* tells which certificates the files are; may be NULL */
        Running *running;           /* for settling */
        const char *pass_id;
        int64_t now;
} HookDebts;

/* Enters the hooks that are configured, for these files. */
int hook_debts_enter(const HookDebts *debts, char *const *paths, Error *reterr) MUST_USE;

/* The same for files that somebody else has replaced already. */
int hook_debts_note(const HookDebts *debts, char *const *paths, Error *reterr) MUST_USE;

/* Runs the hook if it is owed. 1 if it was and is paid, 0 if it was not owed, -ECHILD if it failed
 * and stays owed (why is in the error); others if the ledger cannot be read or written. */
int hook_debt_settle(
        const HookDebts *debts, Hook hook, char *const *components, Error *reterr) MUST_USE;

/* True for the entry of a hook. */
bool hook_debt_is(const char *name);

/* The resource of its entry and alarm: "hook-deploy". The caller frees. */
char *hook_debt_name(Hook hook);
