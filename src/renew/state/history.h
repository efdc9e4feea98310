/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The little that one pass must remember of those before: which pairs were mismatched, what was
 * rolled back, what each copy was when it equalled its source, and what was renewed, or
 * restarted for that, when.
 *
 *     history = history_read(root_fd, state_directory);
 *     if (history_saw_mismatch(history, name, &cert_digest, &key_digest)) ...
 *     r = history_write(root_fd, state_directory, assess_history(assessment), reterr);
 *
 * A pair seen mismatched once may be somebody copying; the same two files mismatched at the next
 * pass are a fault (STATES OF A CERTIFICATE of kube-renewd(8)). A missing or unreadable file is an
 * empty history: it postpones a repair by one pass, and fails nothing. */

#include "base/fs.h"
#include "base/name-index.h"
#include "renew/state/hold.h"

/* Renewed so often within a day, a certificate is renewed over and over. */
#define LOOP_RENEWALS 3

/* A component is started anew for the sake of a certificate no sooner than so long after the last
 * time. */
#define RESTART_INTERVAL DAY

typedef struct MismatchSighting {
        char *name;              /* of the item */
        Digest certificate, key; /* of the two files */
} MismatchSighting;

typedef struct CopySighting {
        char *path;
        Digest digest;
} CopySighting;

typedef struct Renewal {
        char *name; /* of the item */
        int64_t time;
        size_t next; /* private: the next of that name, counted from 1; 0: this is the last */
} Renewal;

typedef struct History {
        MismatchSighting *mismatches;
        size_t n_mismatches;
        HoldList *holds; /* of renew/state/hold.h, which writes them; NULL if they cannot be read */
        CopySighting *copies;
        size_t n_copies;
        Renewal *renewals; /* the oldest first, at most LOOP_RENEWALS of a name */
        size_t n_renewals;
        NameIndex renewal_index; /* private: the first of each name */
        Renewal *restarts;       /* when a restart was asked for that renews it; one of a name */
        size_t n_restarts;
        int64_t newest_not_before; /* of all that was ever issued; 0 if nothing was */
} History;

void history_free(History *history);
DEFINE_AUTOPTR(History, history_free)

History *history_new(void);

/* Reads STATE/history.json and STATE/held/. Never NULL. */
History *history_read(int root_fd, const char *state_directory);

/* Replaces STATE/history.json (0600). */
int history_write(
        int root_fd, const char *state_directory, const History *history, Error *reterr) MUST_USE;

void history_add_mismatch(
        History *history, const char *name, const Digest *certificate, const Digest *key);
bool history_saw_mismatch(
        const History *history, const char *name, const Digest *certificate, const Digest *key);

/* What the copy at that path was when it last equalled its source. */
void history_set_last_equal(History *history, const char *path, const Digest *digest);
bool history_last_equal(const History *history, const char *path, Digest *ret);

/* The item was renewed, by a certificate that begins at not_before. */
void history_add_renewal(History *history, const char *name, int64_t not_before, int64_t now);

/* Until when a pass leaves the item alone, as it was renewed LOOP_RENEWALS times in the 24 hours
 * before `now`; 0 if it was not. */
int64_t history_loop_until(const History *history, const char *name, int64_t now);

/* A restart that renews the item is asked for. */
void history_add_restart(History *history, const char *name, int64_t now);

/* When the last one was, if that is less than RESTART_INTERVAL before `now`; 0 otherwise. */
int64_t history_restarted_at(const History *history, const char *name, int64_t now);

/* Renewals and restarts later than `now` were dated by a clock that was ahead. */
void history_forget_future(History *history, int64_t now);

/* What `before` knows of renewals and restarts, but for those of more than a day ago. */
void history_keep_renewals(History *history, const History *before, int64_t now);
