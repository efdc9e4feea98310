/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The whole pass on one screen: config → inventory → assess → plan → acquire → issue → commit →
 * restart → verify → report.
 *
 *     r = pass_open(&options, &pass, reterr);           root, configuration
 *     r = pass_look(pass, reterr);                      read and judged: `check`, `plan`, `explain`
 *     status = pass_run(pass, &request, reterr);        everything: `run`, `renew`
 *
 * Stages are called once and in this order; a failed one ends the pass by way of report. What is
 * unfinished is state on disk. */

#include "renew/ca-rotation/ca-rotation-checklist.h"
#include "renew/commit/judge.h"
#include "renew/commit/restore.h"
#include "renew/issue/issue.h"
#include "renew/plan/guard.h"
#include "renew/restart/restart.h"

typedef struct PassOptions {
        const char *root; /* --root=, NULL: "/" */
        ConfigOptions config;
        int64_t at;       /* --at=, 0: the clock */
        bool nightly;     /* `run`: a configuration that cannot be used leaves event and alarm */
        bool ask_timer;   /* warn if the timer does not fit the configuration, or does not run */
        bool trust_clock; /* --trust-clock: what earlier passes have left is what is wrong */
        bool recovers;    /* `recover`: a configuration that cannot be used is no failure */
} PassOptions;

typedef enum ExitStatus { /* EXIT STATUS of kube-renewd(8) */
        EXIT_DONE = 0,
        EXIT_FAILED = 1,
        EXIT_USAGE = 2,
        EXIT_UNFINISHED = 75,
        EXIT_CONFIG = 78,
} ExitStatus;

typedef struct Pass {
        int root_fd;
        int64_t now;
        bool clock_is_read; /* no --at= */
        bool trusts_clock;  /* somebody vouches for it */
        int64_t opened_at;  /* by clock_uptime() */
        char *id;           /* of this pass: 128 random bits in hexadecimal */
        bool nightly;       /* it is a `run` */
        Config *config;
        char *config_failure;  /* why only the least of it is known, of a `recover`, and of a `run`
                                  that has nothing to do here; NULL */
        bool state_is_guessed; /* then: StateDirectory= could not be read */
        bool is_mute;          /* there is no place to report to */
        FetchedList *fetched;  /* what Secrets hold; NULL: nobody was asked */
        Inventory *inventory;
        History *history;
        Assessment *assessment;
        Plan *plan;
        Acquisition *acquisition; /* what somebody else has signed; NULL: nobody was asked */
        Issuance *issuance;
        Txn *txn; /* the lock, held until the report is written; NULL in a dry run */
        PairJudge *judge;
        GuardFindings guards;
        TxnOutcome recovery;  /* what an earlier crash left */
        TxnOutcome conflicts; /* of this pass's own commit */
        bool committed;
        bool is_asked_again; /* a renewal was requested that this pass did not know of */
        Inventory *inventory_after;
        Assessment *after;          /* of what is on disk once the pass has written */
        Running *running;           /* made by pass_look(), unless it is there already */
        RestartReport *restarts;    /* what became of what was owed */
        Verification *verification; /* what the processes use now; NULL if nobody was asked */
        OwedList *owed;             /* what is left */
        HoldList *holds;
        CaRotations *rotations; /* of rotate-ca */
} Pass;

void pass_free(Pass *pass);
DEFINE_AUTOPTR(Pass, pass_free)

/* Opens the root, reads the clock once and the configuration. Errors as config_load(). */
int pass_open(const PassOptions *options, Pass **ret, Error *reterr) MUST_USE;

/* May a pass act now? For whoever writes without pass_run(), before the first write. -EAGAIN with a
 * sentence if the clock is implausible. Of a `run`: also looks for runs that were missed. */
int pass_guard(Pass *pass, Error *reterr) MUST_USE;

/* Asks for the Secrets of [fetch NAME], for a look that shall know of them. */
void pass_fetch(Pass *pass);

/* Reads and judges; writes nothing. */
int pass_look(Pass *pass, Error *reterr) MUST_USE;

/* The same, and asks every process on this host what it uses. For `verify`. */
int pass_verify(Pass *pass, Error *reterr) MUST_USE;

typedef struct PassRequest {
        PlanRequest plan;
        bool dry_run; /* everything up to the first write: no lock, no recovery, no report */
        bool nightly; /* `run`: also remembers what was mismatched, and prunes backups */
} PassRequest;

/* Recover, look, plan, issue, commit, restart, verify, report. Returns an ExitStatus; the error is
 * for stderr. */
int pass_run(Pass *pass, const PassRequest *request, Error *reterr) MUST_USE;

/* What people carry to whoever signs: makes a key and a request for each name, or takes those that
 * are on disk and say what is wanted now. *ret_pems: the requests, in the order of the names. An
 * ExitStatus. */
int pass_request(
        Pass *pass, char *const *names, bool new_key, char ***ret_pems, Error *reterr) MUST_USE;

typedef struct InstallRequest {
        const char *name;
        const char *certificate; /* a file of whoever asks, with what leads on to its CA */
        const char *key;         /* the same; NULL: that of the request on disk */
} InstallRequest;

/* Puts what somebody else has signed in its place, if it is what was asked for, then restarts,
 * verifies and reports as pass_run() does. An ExitStatus. */
int pass_install(Pass *pass, const InstallRequest *request, Error *reterr) MUST_USE;

/* What pass_restore() would change; writes nothing. */
int pass_try_restore(Pass *pass, const RestoreRequest *request, RestoreResult **ret_result,
        Error *reterr) MUST_USE;

/* Puts a backup back, then restarts, verifies and reports as pass_run() does. *ret_result is set
 * where it came so far. An ExitStatus. */
int pass_restore(Pass *pass, const RestoreRequest *request, RestoreResult **ret_result,
        Error *reterr) MUST_USE;

/* A backup of everything, on request: backup_create(). *ret_id is set if it was made. An
 * ExitStatus. */
int pass_backup(Pass *pass, char **ret_id, Error *reterr) MUST_USE;

typedef struct RotateRequest {
        const char *cas; /* as ca_rotations_select() */
        RotateStep step;
        bool begins; /* ROTATE_NEXT may be `prepare` */
        PrepareRequest prepare;
        bool force; /* also where the checklist is not done */
        bool dry_run;
} RotateRequest;

typedef struct RotateResult {
        RotateStep step; /* ROTATE_NEXT: nothing was left to do but what was owed */
        bool goes_on; /* what is still owed need not be waited for: nobody can be asked, or the old
                         CA is worth nothing */
        char *waits;  /* of a dry run: what would have to be done first; NULL: nothing is known */
        Checklist *checklist; /* of what is outside of this host's files; NULL where it was not
                                 asked for */
} RotateResult;

void rotate_result_done(RotateResult *result);

/* One phase of a CA rotation: recover, look, settle what is owed, make the files, commit, restart,
 * verify, report. An ExitStatus; 75 also where the phase must wait. pass->rotations says where each
 * CA was before. */
int pass_rotate(
        Pass *pass, const RotateRequest *request, RotateResult *ret, Error *reterr) MUST_USE;

/* Where each CA is; writes nothing. */
int pass_look_at_rotations(Pass *pass, Error *reterr) MUST_USE;

/* Finishes or undoes an interrupted transaction and nothing else. An ExitStatus: EXIT_CONFIG where
 * nothing was found, and it is not known whether that is where to look. */
int pass_recover(Pass *pass, Error *reterr) MUST_USE;
