/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Makes the new certificates in memory: keys in parallel on all cores, signatures, the check of the
 * DER to be written; or takes what somebody else has made.
 *
 *     issuance = issue_run(root_fd, plan, acquisition, config, now);
 *     for (i = 0; i < issuance->n; i++) ... issuance->results[i].outcome
 *
 * Writes nothing. One failure never stops the others: each step has its own result. The changes of
 * all results that succeeded are what renew/commit/commit.h hands to the transaction; several users
 * of one kubeconfig are one change. */

#include "base/txn.h"
#include "renew/issue/acquire.h"

typedef struct IssueResult {
        const Step *step;
        Outcome outcome;                   /* RENEWED, FAILED, CA_LIMITED, PENDING: also a
                                              STEP_RESTART, until that has come */
        Cert *cert;                        /* new; NULL for STEP_REPAIR_CA_DATA or a failure */
        Secret *certificate_pem, *key_pem; /* as they will stand in the file or scalar */
        char *text;                        /* what failed, or NULL */
} IssueResult;

/* A file as it will be. */
typedef struct FileChange {
        char *path;
        Secret *content;
        const FileImage *old; /* NULL: new */
        mode_t mode;          /* for a new file */
        unsigned pair;
        bool is_rotated; /* path is a link that is to lead to a new file: renew/inventory/rotation.h
                          */
        const PlanCopy *copy; /* it is one of something else, whose change has source_pair (0: it
                                 has none); NULL for the files of certificates */
        unsigned source_pair;
} FileChange;

void file_change_done(FileChange *change);

typedef struct Issuance {
        const Plan *plan;
        IssueResult *results; /* parallel to plan->steps */
        size_t n;
        FileChange *changes;
        size_t n_changes;
        char **copy_failures; /* parallel to plan->copies: why one is not written; or NULL */
} Issuance;

void issuance_free(Issuance *issuance);
DEFINE_AUTOPTR(Issuance, issuance_free)

/* How many of these files it changes: what failed changes none. */
size_t issuance_count(const Issuance *issuance, char *const *paths);

/* Makes a result that was RENEWED so far the given outcome; an earlier failure stays the reason. */
void issue_result_fail(IssueResult *result, Outcome outcome, const char *text);

/* What became of a STEP_RESTART: cert is what is there now, or NULL; takes the text. */
void issue_result_found(IssueResult *result, Outcome outcome, const Cert *cert, char *text);

/* A failure, for every result that would change this file. */
void issue_fail_file(Issuance *issuance, const char *path, const char *text);

/* Leaves out the changes of a pair, and the copies of its files. */
void issuance_drop_pair(Issuance *issuance, unsigned pair, const char *text);

/* Leaves out a file with all that belongs to it; whatever would change it fails. */
void issuance_drop_file(Issuance *issuance, const char *path, const char *text);

/* Says why a copy is not written; it holds nothing else up. */
void issue_copy_fail(Issuance *issuance, const PlanCopy *copy, const char *text);

/* root_fd only to test each target for writing before anything is issued. acquisition: what
 * somebody else has signed; NULL where nobody was asked, and what would be is PENDING. */
Issuance *issue_run(int root_fd, const Plan *plan, const Acquisition *acquisition,
        const Config *config, int64_t now);
