/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/commit/commit.h"

#include "renew/backup/backup.h"
#include "renew/backup/pki-copy.h"
#include "renew/commit/hook-debt.h"
#include "renew/commit/owed.h"
#include "renew/commit/publish.h"
#include "renew/inventory/rotation.h"
#include "renew/issue/compose.h"
#include "renew/unit/unit-needs.h"

/* What to do about a place where nothing can be written. */
static const struct {
        int error;
        const char *remedy;
} remedies[] = {
        {-ENOSPC, "make room on its file system"},
        {-EDQUOT, "make room within the quota of its file system"},
        {-EACCES, "'journalctl -k' may say what forbids it"},
        {-EIO, "'journalctl -k' may say what is wrong with its disk"},
};

static bool is_unchanged(int root_fd, const FileChange *change)
{
        autoptr(FileImage) now = NULL;
        int r = fs_read_file(root_fd, change->path, FS_SIZE_MAX, &now, NULL);

        if (!change->old)
                return r == -ENOENT;
        return r >= 0 && digest_equal(&now->digest, &change->old->digest) &&
               now->st.st_dev == change->old->st.st_dev && now->st.st_ino == change->old->st.st_ino;
}

static void fail_copy(Issuance *issuance, const char *path, const char *text)
{
        const FileChange *change = issuance_find_change(issuance, path);

        if (change && change->copy)
                issue_copy_fail(issuance, change->copy, text);
}

/* Whatever is wrong with a copy must not hold up what it is one of. */
static bool drop_copies(Issuance *issuance, const char *text)
{
        size_t n_before = issuance->n_changes;

        for (size_t i = 0; i < issuance->n_changes;)
                if (issuance->changes[i].copy)
                        issuance_drop_pair(issuance, issuance->changes[i].pair, text);
                else
                        i++;
        return issuance->n_changes < n_before;
}

/* Leaves out every pair of which a file is no longer what the inventory saw. */
static void drop_changed(int root_fd, Issuance *issuance)
{
        for (size_t i = 0; i < issuance->n_changes;) {
                const FileChange *change = &issuance->changes[i];

                if (is_unchanged(root_fd, change)) {
                        i++;
                        continue;
                }
                autofree char *text = xasprintf("'%s' was changed by somebody else in the "
                                                "meantime; the next pass looks again",
                        change->path);
                issuance_drop_file(issuance, change->path, text);
                i = 0;
        }
}

/* Where, why, and what to do about it. */
static char *fault_text(int root_fd, const TxnFault *fault)
{
        Error error = {};

        for (size_t i = 0; i < ELEMENTSOF(remedies); i++)
                if (remedies[i].error == fault->error)
                        return xasprintf("%s; %s", fault->text, remedies[i].remedy);
        error_set(&error, fault->error, "%s", fault->text);
        unit_needs_hint(&error, fault->error, root_fd, fault->path);
        return xstrdup(error.text);
}

/* Leaves out every pair of which a file cannot be written where it is: a directory without room
 * holds up what is in it, and nothing else. False if none of them is why it failed. */
static bool drop_faulty(const CommitInput *input, Issuance *issuance)
{
        const TxnFault *faults;
        size_t n = txn_faults(input->txn, &faults), n_before = issuance->n_changes;

        for (size_t i = 0; i < n; i++) {
                autofree char *text = fault_text(input->root_fd, &faults[i]);

                issuance_drop_file(issuance, faults[i].path, text);
        }
        return issuance->n_changes < n_before;
}

static int prepare(const CommitInput *input, const Issuance *issuance, Error *reterr)
{
        autofree char *backup =
                backup_path(input->config->state_directory, input->now, input->pass_id);
        int r;

        r = txn_begin(input->txn, input->pass_id, backup, input->reason, input->now, reterr);
        for (size_t i = 0; r >= 0 && i < issuance->n_changes; i++) {
                const FileChange *change = &issuance->changes[i];

                r = txn_add(input->txn,
                        &(TxnChange){.path = change->path,
                                .data = change->content->data,
                                .size = change->content->size,
                                .old = change->old,
                                .mode = change->mode,
                                .pair = change->pair},
                        reterr);
        }
        return r < 0 ? r : txn_prepare(input->txn, reterr);
}

/* Who is told of new files, and where they are published. */
static int owe_followers(const CommitInput *input, const Issuance *issuance, Error *reterr)
{
        const HookDebts debts = {.root_fd = input->root_fd,
                .config = input->config,
                .pass_id = input->pass_id,
                .now = input->now};
        const PublishInput publish = {.root_fd = input->root_fd,
                .config = input->config,
                .pass_id = input->pass_id,
                .now = input->now};
        autostrv paths = NULL;
        int r;

        for (size_t i = 0; i < issuance->n_changes; i++)
                strv_add(&paths, issuance->changes[i].path);
        r = hook_debts_enter(&debts, paths, reterr);
        if (r < 0)
                return error_prefix(reterr, r, "cannot note the hooks that will be owed");
        r = publish_enter(&publish, paths, reterr);
        return r < 0 ? error_prefix(reterr, r, "cannot note the Secrets that will be owed") : 0;
}

static int owe_restarts(const CommitInput *input, const Issuance *issuance, Error *reterr)
{
        const Plan *plan = issuance->plan;

        for (size_t i = 0; i < plan->n_restarts; i++) {
                int r = issuance_count(issuance, plan->restarts[i].paths) > 0
                                ? owed_add(input->root_fd, input->config->state_directory,
                                          &plan->restarts[i], 1, input->pass_id, input->now, reterr)
                                : 0;

                if (r < 0)
                        return error_prefix(reterr, r, "cannot note the restart that will be owed");
        }
        return owe_followers(input, issuance, reterr);
}

/* A pair that was returned to what somebody else, or the old pass, had is not renewed. */
static void fail_conflicts(Issuance *issuance, const TxnOutcome *outcome)
{
        for (size_t i = 0; i < outcome->n_conflicts; i++) {
                const TxnConflict *conflict = &outcome->conflicts[i];
                autofree char *text = xasprintf("'%s': %s", conflict->path, conflict->text);

                if (conflict->replaced)
                        continue;
                issue_fail_file(issuance, conflict->path, text);
                fail_copy(issuance, conflict->path, text);
        }
}

/* The kubelet's certificate is no file that is replaced, but a link that leads to the next one.
 * Only a new process pays the debt: nothing shows which certificate a kubelet has. */
static int rotate(const CommitInput *input, Issuance *issuance, Error *reterr)
{
        const FileChange *change = issuance->changes;
        Restart restart = issuance->plan->restarts[0];
        int r;

        drop_changed(input->root_fd, issuance);
        if (issuance->n_changes == 0)
                return 0;
        restart.paths = NULL;
        r = owed_add(input->root_fd, input->config->state_directory, &restart, 1, input->pass_id,
                input->now, reterr);
        if (r < 0)
                return error_prefix(reterr, r, "cannot note the restart that will be owed");
        r = owe_followers(input, issuance, reterr);
        if (r < 0)
                return r;
        r = rotation_swap(&(Rotation){.root_fd = input->root_fd,
                                  .state_directory = input->config->state_directory,
                                  .link = change->path,
                                  .content = change->content,
                                  .now = input->now},
                reterr);
        return r < 0 ? r : 1;
}

static const FileChange *find_below(
        const CommitInput *input, const Issuance *issuance, const char *pki_directory)
{
        for (size_t i = 0; i < issuance->n_changes; i++)
                if (pki_copy_covers(input->root_fd, pki_directory, issuance->changes[i].path))
                        return &issuance->changes[i];
        return NULL;
}

static void drop_below(
        const CommitInput *input, Issuance *issuance, const char *pki_directory, const char *text)
{
        const FileChange *change;

        while ((change = find_below(input, issuance, pki_directory))) {
                autofree char *path = xstrdup(change->path);

                issuance_drop_file(issuance, path, text);
        }
}

/* A directory that cannot be copied holds up what is in it, and nothing else; but the files of a CA
 * rotation go all together. */
static int copy_directories(const CommitInput *input, Issuance *issuance, Error *reterr)
{
        char **directories = input->config->pki_directories;

        for (char **path = directories; path && *path; path++) {
                Error error = {};
                int r = find_below(input, issuance, *path)
                                ? pki_copy_make_one(input->root_fd, *path, input->now, &error)
                                : 0;

                if (r < 0 && input->rotates)
                        return error_set(reterr, r, "%s", error.text);
                if (r < 0)
                        drop_below(input, issuance, *path, error.text);
        }
        return 0;
}

/* Prepares what is still as the inventory saw it, and can be written; returns how many files that
 * are. */
static int prepare_possible(const CommitInput *input, Issuance *issuance, Error *reterr)
{
        int r;

        if (input->rotates) {
                r = issuance->n_changes > 0 ? prepare(input, issuance, reterr) : 0;
                return r < 0 ? r : (int)issuance->n_changes;
        }
        for (;;) {
                drop_changed(input->root_fd, issuance);
                if (issuance->n_changes == 0)
                        return 0;
                r = prepare(input, issuance, reterr);
                if (r >= 0)
                        return (int)issuance->n_changes;
                /* What could not be undone waits for the next start, and so does all else. */
                if (txn_is_unfinished(input->root_fd, input->config->state_directory))
                        return r;
                /* One that changes again and again holds up nobody else. */
                if (!drop_faulty(input, issuance))
                        return r;
        }
}

/* Whoever composed it: what is everybody's trust changes when somebody has asked for it, and only
 * then. */
static int refuse_ca_files(const CommitInput *input, const Issuance *issuance, Error *reterr)
{
        const Layout *layout = &input->config->layout;

        for (size_t i = 0; i < issuance->n_changes && !input->rotates; i++)
                for (size_t k = 0; k < layout->n_cas; k++) {
                        const char *path = issuance->changes[i].path;
                        const CaEntry *ca = &layout->cas[k];
                        const char *key_path = ca_key_path(ca);

                        if (streq(path, ca->certificate) || (key_path && streq(path, key_path)))
                                return error_set(reterr, -EPERM,
                                        "'%s' is a file of CA '%s': only 'rotate-ca' changes those",
                                        path, ca->id);
                }
        return 0;
}

int commit_run(const CommitInput *input, Issuance *issuance, TxnOutcome *ret_outcome, Error *reterr)
{
        const TxnJudge judge = pair_judge_txn(input->judge);
        TxnOutcome outcome = {};
        Error error = {};
        int r;

        r = refuse_ca_files(input, issuance, reterr);
        if (r < 0)
                return r;
        if (issuance->n_changes > 0 && issuance->changes[0].is_rotated)
                return rotate(input, issuance, reterr);

        /* 1. What is there, as it was before anybody touched it. */
        r = copy_directories(input, issuance, reterr);
        if (r < 0)
                return r;

        /* 2. Prepare; whoever was edited meanwhile, or cannot be written, drops out with its
         * partner, and if all fails copies may be too much: certificates go first. */
        r = prepare_possible(input, issuance, &error);
        if (r < 0 && drop_copies(issuance, error.text))
                r = prepare_possible(input, issuance, &error);
        if (r < 0)
                return error_set(reterr, r, "%s", error.text);
        if (r == 0)
                return 0;

        /* 3. What must be restarted is on disk before there is a reason for it. */
        r = owe_restarts(input, issuance, reterr);
        if (r < 0)
                return r;

        /* 4. The commit point, and the swaps. */
        r = txn_commit(input->txn, &judge, &outcome, reterr);
        if (r < 0) {
                txn_outcome_done(&outcome);
                return r;
        }
        fail_conflicts(issuance, &outcome);
        *ret_outcome = outcome;
        return (int)issuance->n_changes;
}
