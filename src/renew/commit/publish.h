/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Secrets that are owed: what is on disk is written into them after new files are in place, and
 * again by every pass until it is there.
 *
 *     r = publish_enter(&input, paths, reterr);            before the commit, with the restarts
 *     r = publish_enter_stale(&input, reterr);             every night: what is not as it should be
 *     r = publish_settle(&input, entry, reterr);           after it
 *
 * The debt is an entry of the ledger of restarts, as that of a hook is, so that a commit that never
 * came forgets it and a pass that leaves one ends in 75; its alarm is stale-copy. A pair that does
 * not fit together is never written. Keys of the Secret that nobody has named stay as they are. */

#include "renew/commit/owed.h"
#include "renew/inventory/fetch.h"
#include "renew/unit/running.h"

typedef struct PublishInput {
        int root_fd;
        const Config *config;
        Running *running; /* NULL: only enters */
        const char *pass_id;
        int64_t now;
} PublishInput;

/* Enters those that have any of these files. */
int publish_enter(const PublishInput *input, char *const *paths, Error *reterr) MUST_USE;

/* Asks for each Secret, and enters those that differ; and those that cannot be asked for, unless
 * what is on disk now is known to have been there. */
int publish_enter_stale(const PublishInput *input, Error *reterr) MUST_USE;

/* Writes it if it is owed and differs. 1 if it was owed and is there, 0 if it was not owed, -ECHILD
 * if it stays owed (why is in the error); others if the ledger cannot be read or written. */
int publish_settle(const PublishInput *input, const SecretEntry *entry, Error *reterr) MUST_USE;

/* The resource of its entry and alarm: "publish-NAME". The caller frees. */
char *publish_debt_name(const SecretEntry *entry);

/* Is it such an entry, also of one that is no longer configured? */
bool publish_debt_is(const Layout *layout, const char *name);

/* Whose entry that is; NULL if it is nobody's who is configured. */
const SecretEntry *publish_find_debt(const Layout *layout, const char *name);
