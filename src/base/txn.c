/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/txn-internal.h"

#include "base/fs-internal.h"
#include "base/sync-batch.h"

#include <assert.h>
#include <fcntl.h>
#include <sys/file.h>

/* Whoever holds the lock has written his PID into it: for people only, the lock is the kernel's. */
static int report_holder(const Txn *txn, const char *path, Error *reterr)
{
        char pid[16] = {};
        ssize_t n = pread(txn->lock_fd, pid, sizeof(pid) - 1, 0);

        pid[n > 0 ? strspn(pid, "0123456789") : 0] = 0;
        return error_set(reterr, -EBUSY, "another kube-renewd%s%s holds the lock '%s'",
                *pid ? " with PID " : "", pid, path);
}

static int take_lock(Txn *txn, Error *reterr)
{
        autofree char *path = txn_state_path(txn, "lock");
        autofree char *pid = xasprintf("%d\n", (int)getpid());
        int r;

        r = fs_open(txn->root_fd, path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600, reterr);
        if (r < 0)
                return r;
        txn->lock_fd = r;
        if (flock(txn->lock_fd, LOCK_EX | LOCK_NB) < 0)
                return errno == EWOULDBLOCK ? report_holder(txn, path, reterr)
                                            : error_errno(reterr, -errno, "cannot lock '%s'", path);
        r = ftruncate(txn->lock_fd, 0) < 0 ? -errno : fs_write_all(txn->lock_fd, pid, strlen(pid));
        return r < 0 ? error_errno(reterr, r, "cannot write '%s'", path) : 0;
}

int txn_check_place(int root_fd, const char *state_directory, Error *reterr)
{
        Error error = {};
        int r = fs_check_place(root_fd, state_directory, FS_OUR_HANDS, &error);

        return r < 0 ? error_set(reterr, r,
                               "%s, who could send us anywhere; 'chown root' or 'chmod go-w' it "
                               "when you have seen that all below '%s' is ours",
                               error.text, state_directory)
                     : 0;
}

int txn_open(int root_fd, const char *state_directory, Txn **ret, Error *reterr)
{
        autoptr(Txn) txn = xcalloc(1, sizeof(*txn));
        int r;

        txn->root_fd = root_fd;
        txn->state_directory = xstrdup(state_directory);
        txn->lock_fd = txn->state_fd = -1;
        r = txn_check_place(root_fd, state_directory, reterr);
        if (r < 0)
                return r;
        /* As systemd makes it: public/ below it is for everybody, what is not is closed itself. */
        r = fs_make_directories(root_fd, state_directory, 0755, reterr);
        if (r >= 0)
                r = txn_check_place(root_fd, state_directory, reterr);
        if (r < 0)
                return r;
        txn->state_fd = fs_open(root_fd, state_directory, O_RDONLY | O_DIRECTORY, 0, reterr);
        if (txn->state_fd < 0)
                return txn->state_fd;
        r = take_lock(txn, reterr);
        if (r < 0)
                return r;
        *ret = TAKE(txn);
        return 0;
}

bool txn_is_unfinished(int root_fd, const char *state_directory)
{
        autofree char *prepared = xasprintf("%s/" TXN_PREPARED, state_directory);
        autofree char *committed = xasprintf("%s/" TXN_COMMITTED, state_directory);

        return fs_exists(root_fd, prepared) || fs_exists(root_fd, committed);
}

size_t txn_faults(const Txn *txn, const TxnFault **ret_faults)
{
        *ret_faults = txn->faults;
        return txn->n_faults;
}

static void forget_faults(Txn *txn)
{
        for (size_t i = 0; i < txn->n_faults; i++) {
                free(txn->faults[i].path);
                free(txn->faults[i].text);
        }
        free(TAKE(txn->faults));
        txn->n_faults = 0;
}

static void forget(Txn *txn)
{
        txn_record_free(TAKE(txn->record));
        free(TAKE(txn->reason));
        txn->prepared = false;
}

int txn_begin(Txn *txn, const char *id, const char *backup_path, const char *reason, int64_t now,
        Error *reterr)
{
        assert(!txn->prepared);
        if (!txn_id_is_valid(id))
                return error_set(reterr, -EINVAL, "'%s' is no id of a transaction", id);
        if (!txn_path_is_valid(backup_path))
                return error_set(reterr, -EINVAL, "'%s' is no path of a backup", backup_path);
        if (txn_is_unfinished(txn->root_fd, txn->state_directory))
                return error_set(reterr, -EINPROGRESS,
                        "an unfinished transaction in '%s' must be recovered first",
                        txn->state_directory);
        if (fs_exists(txn->root_fd, backup_path))
                return error_set(reterr, -EEXIST, "the backup '%s' exists already", backup_path);
        forget(txn);
        forget_faults(txn);
        txn->record = xcalloc(1, sizeof(*txn->record));
        txn->record->id = xstrdup(id);
        txn->record->backup = xstrdup(backup_path);
        txn->reason = xstrdup(reason);
        txn->now = now;
        return 0;
}

int txn_add(Txn *txn, const TxnChange *change, Error *reterr)
{
        TxnRecord *record = txn->record;
        TxnFile *file;

        assert(record && !txn->prepared);
        if (!txn_path_is_valid(change->path))
                return error_set(
                        reterr, -EINVAL, "'%s' is no absolute path without '..'", change->path);
        if (change->size > FS_SIZE_MAX || record->n_files == TXN_FILES_MAX)
                return error_set(
                        reterr, -EFBIG, "'%s' is too much for a transaction", change->path);
        for (size_t i = 0; i < record->n_files; i++)
                if (streq(record->files[i].path, change->path))
                        return error_set(
                                reterr, -EEXIST, "'%s' is in the transaction twice", change->path);
        record->files = xreallocarray(record->files, record->n_files + 1, sizeof(TxnFile));
        file = &record->files[record->n_files++];
        *file = (TxnFile){
                .path = xstrdup(change->path),
                .pair = change->pair,
                .existed = change->old,
                .new_digest = digest_of(change->data, change->size),
                .content = secret_new(change->data, change->size),
                .mode = change->mode,
                .owned = change->like,
                .uid = change->like ? change->like->st_uid : 0,
                .gid = change->like ? change->like->st_gid : 0,
                .directory_fd = -1,
        };
        if (change->old) {
                file->old_digest = change->old->digest;
                file->device = change->old->st.st_dev;
                file->inode = change->old->st.st_ino;
        }
        return 0;
}

size_t txn_size(const Txn *txn)
{
        return txn->record ? txn->record->n_files : 0;
}

/* A final link is followed once, here: from now on only the real directory and name count. */
static int resolve(Txn *txn, TxnFile *file, Error *reterr)
{
        autofd int fd = fs_open_parent(txn->root_fd, file->path, &file->name, reterr);
        int r = fd < 0 ? fd : fs_path_of(txn->root_fd, fd, &file->directory, reterr);

        return r < 0 ? r : txn_open_directory(txn->root_fd, txn->record, file, reterr);
}

static int first_fault(const Txn *txn, Error *reterr)
{
        return txn->n_faults == 0
                       ? 0
                       : error_set(reterr, txn->faults[0].error, "%s", txn->faults[0].text);
}

/* One step for every target, also behind one that is at fault: the caller wants to know them all.
 */
static int for_each_target(
        Txn *txn, int (*step)(Txn *txn, TxnFile *file, Error *reterr), Error *reterr)
{
        for (size_t i = 0; i < txn->record->n_files; i++) {
                TxnFile *file = &txn->record->files[i];
                Error error = {};
                int r = step(txn, file, &error);

                if (r < 0)
                        txn_note_fault(txn, file, r, &error);
        }
        return first_fault(txn, reterr);
}

static void note_unsynced(void *userdata, size_t i, int r)
{
        Txn *txn = userdata;
        const TxnFile *file = &txn->record->files[i];
        Error error = {};

        error_errno(&error, r, TXN_CANNOT_SYNC, file->path);
        txn_note_fault(txn, file, r, &error);
}

/* All are written before the first is synced, also behind one that is at fault. */
static int stage_all(Txn *txn, Error *reterr)
{
        SyncBatch batch = {.fail = note_unsynced, .userdata = txn};

        for (size_t i = 0; i < txn->record->n_files; i++) {
                const TxnFile *file = &txn->record->files[i];
                Error error = {};
                int fd = txn_stage_unsynced(
                        file, file->content->data, file->content->size, true, &error);

                if (fd < 0)
                        txn_note_fault(txn, file, fd, &error);
                else
                        sync_batch_add(&batch, fd, i);
        }
        sync_batch_flush(&batch);
        return first_fault(txn, reterr);
}

/* The kernel tells of a failed write once: that one call speaks for all files of the directory. */
static int sync_targets(Txn *txn, Error *reterr)
{
        const TxnRecord *record = txn->record;

        for (size_t d = 0; d < record->n_directories; d++) {
                int fd = record->directories[d].fd;
                int r = fd >= 0 && fsync(fd) < 0 ? -errno : 0;

                for (size_t i = 0; r < 0 && i < record->n_files; i++) {
                        const TxnFile *file = &record->files[i];
                        Error error = {};

                        error_errno(&error, r, "cannot stage '%s': cannot sync its directory",
                                file->path);
                        if (file->directory_fd == fd)
                                txn_note_fault(txn, file, r, &error);
                }
        }
        return first_fault(txn, reterr);
}

static int stage_and_back_up(Txn *txn, const char *text, Error *reterr)
{
        autofree char *path = txn_state_path(txn, TXN_PREPARED);
        int r;

        /* 1. The record, so that no crash can leave a staged file nobody knows. */
        r = fs_write_file(txn->root_fd, path, text, strlen(text), 0600, reterr);

        /* 2. The new content beside the old. */
        if (r >= 0)
                r = stage_all(txn, reterr);

        /* 3. As late as can be: is everything still what the inventory saw? */
        if (r >= 0)
                r = txn_backup_write(txn, reterr);
        return r < 0 ? r : sync_targets(txn, reterr);
}

int txn_prepare(Txn *txn, Error *reterr)
{
        autofree char *text = NULL;
        int r;

        assert(txn->record && !txn->prepared);
        r = for_each_target(txn, resolve, reterr);
        if (r >= 0)
                r = txn_record_text(txn->record, &text, reterr);
        if (r >= 0) {
                r = stage_and_back_up(txn, text, reterr);
                /* Where undoing fails too, the record stays for txn_recover(). */
                if (r < 0)
                        (void)!txn_undo(txn, txn->record, NULL);
        }
        if (r < 0) {
                forget(txn);
                return r;
        }
        txn->prepared = true;
        return 0;
}

int txn_save(Txn *txn, Error *reterr)
{
        autofree char *text = NULL;
        int r;

        assert(txn->record && !txn->prepared);
        r = for_each_target(txn, resolve, reterr);
        if (r >= 0)
                r = txn_record_text(txn->record, &text, reterr); /* names the copies */
        if (r >= 0)
                r = txn_backup_write(txn, reterr);
        if (r < 0)
                (void)!txn_backup_remove(txn->root_fd, txn->record, NULL);
        forget(txn);
        return r;
}

int txn_commit(Txn *txn, const TxnJudge *judge, TxnOutcome *ret_outcome, Error *reterr)
{
        TxnOutcome outcome = {};
        int r;

        assert(txn->prepared);
        r = txn_mark_committed(txn, reterr);
        if (r < 0) {
                (void)!txn_undo(txn, txn->record, NULL);
                forget(txn);
                return r;
        }
        r = txn_finish(txn, txn->record, judge, &outcome, reterr);
        forget(txn);
        if (r < 0) {
                txn_outcome_done(&outcome);
                return r;
        }
        *ret_outcome = outcome;
        return 0;
}

void txn_free(Txn *txn)
{
        if (!txn)
                return;
        if (txn->prepared)
                (void)!txn_undo(txn, txn->record, NULL);
        forget(txn);
        forget_faults(txn);
        if (txn->state_fd >= 0)
                close(txn->state_fd);
        if (txn->lock_fd >= 0)
                close(txn->lock_fd);
        free(txn->state_directory);
        free(txn);
}
