/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/backup.h"

#include "base/time-util.h"
#include "kube/kubeconfig.h"
#include "renew/backup-manifest.h"
#include "renew/hook-debt.h"
#include "renew/owed.h"
#include "renew/recovery.h"

/* What restoring one backup needs at hand. */
typedef struct Restore {
        int root_fd;
        const Config *config;
        const RestoreRequest *request;
        char *directory;
        BackupManifest *manifest;
        FileImage **saved;   /* parallel to manifest->files, NULL where there was no file */
        FileImage **present; /* what is there now, NULL where there is none */
        PairJudge *judge;
} Restore;

void restore_result_free(RestoreResult *result)
{
        if (!result)
                return;
        for (size_t i = 0; i < result->n; i++) {
                free(result->lines[i].path);
                free(result->lines[i].text);
        }
        free(result->lines);
        free(result);
}

static void restore_done(Restore *restore)
{
        for (size_t i = 0; restore->manifest && i < restore->manifest->n_files; i++) {
                file_image_free(restore->saved[i]);
                file_image_free(restore->present[i]);
        }
        free(restore->saved);
        free(restore->present);
        free(restore->directory);
        backup_manifest_free(restore->manifest);
        pair_judge_free(restore->judge);
}

static int load(Restore *restore, Error *reterr)
{
        const BackupManifest *manifest;
        int r;

        r = backup_id_check(restore->request->id, reterr);
        if (r >= 0)
                r = backup_manifest_read(
                        restore->root_fd, restore->directory, &restore->manifest, reterr);
        if (r < 0)
                return r;
        manifest = restore->manifest;
        restore->saved = xcalloc(manifest->n_files, sizeof(FileImage *));
        restore->present = xcalloc(manifest->n_files, sizeof(FileImage *));
        for (size_t i = 0; i < manifest->n_files; i++) {
                const BackupFile *file = &manifest->files[i];

                r = fs_read_file(
                        restore->root_fd, file->path, FS_SIZE_MAX, &restore->present[i], reterr);
                if (r < 0 && r != -ENOENT)
                        return r;
                r = file->existed ? backup_manifest_load(restore->root_fd, restore->directory, file,
                                            &restore->saved[i], reterr)
                                  : 0;
                if (r < 0)
                        return r;
        }
        return 0;
}

static bool changes(const Restore *restore, size_t i)
{
        const FileImage *saved = restore->saved[i], *present = restore->present[i];
        char *const *wanted = restore->request->paths;

        if (wanted && !strv_contains(wanted, restore->manifest->files[i].path))
                return false;
        return saved && (!present || !digest_equal(&saved->digest, &present->digest));
}

/* The certificates of a saved file: PEM, or the embedded ones of a kubeconfig. NULL for a key. */
static CertList *saved_certificates(const FileImage *saved)
{
        autoptr(CertList) list = NULL;
        autoptr(Kubeconfig) config = NULL;

        if (cert_list_parse(saved->data, saved->size, &list, NULL) >= 0)
                return TAKE(list);
        if (kubeconfig_parse(saved->data, saved->size, &config, NULL) < 0)
                return NULL;
        for (size_t i = 0; i < config->n_users; i++)
                if (config->users[i].certificate &&
                        cert_list_parse(config->users[i].certificate,
                                config->users[i].certificate_size, &list, NULL) >= 0)
                        return TAKE(list);
        return NULL;
}

/* An old backup must not bring back certificates that nobody accepts. */
static int refuse_useless(
        const Restore *restore, const char *path, const CertList *list, Error *reterr)
{
        char text[TIME_TEXT_SIZE];

        if (restore->request->force)
                return 0;
        if (list->certs[0]->not_after <= restore->request->now)
                return error_set(reterr, -EKEYREJECTED,
                        "the certificate that '%s' had expired on %s; --force restores it all the "
                        "same",
                        path, time_format(list->certs[0]->not_after, text));
        if (list->certs[0]->not_after <= restore->request->now + restore->request->outlive)
                return error_set(reterr, -EKEYREJECTED,
                        "the certificate that '%s' had ends too soon, on %s", path,
                        time_format(list->certs[0]->not_after, text));
        if (!list->certs[0]->is_ca && !chain_is_ours(restore->judge, list))
                return error_set(reterr, -EKEYREJECTED,
                        "the certificate that '%s' had is signed by a CA that is not here; --force "
                        "restores it all the "
                        "same",
                        path);
        return 0;
}

static int describe(const Restore *restore, size_t i, RestoreLine *line, Error *reterr)
{
        const BackupFile *file = &restore->manifest->files[i];
        autoptr(CertList) list = NULL;
        char text[TIME_TEXT_SIZE];

        line->path = xstrdup(file->path);
        line->changes = changes(restore, i);
        if (!line->changes) {
                line->text = xstrdup(file->existed ? "unchanged" : "did not exist; stays as it is");
                return 0;
        }
        list = saved_certificates(restore->saved[i]);
        if (!list) {
                line->text = xstrdup("content of the backup");
                return 0;
        }
        line->text = xasprintf("%s, serial %s, until %s", list->certs[0]->subject,
                list->certs[0]->serial, time_format(list->certs[0]->not_after, text));
        return refuse_useless(restore, file->path, list, reterr);
}

/* Key and certificate of one credential are swapped together. */
static unsigned pair_of(const Layout *layout, const char *path)
{
        for (size_t i = 0; i < layout->n_credentials; i++)
                if (streq(layout->credentials[i].path, path) ||
                        (layout->credentials[i].key && streq(layout->credentials[i].key, path)))
                        return (unsigned)i + 1;
        return 0;
}

/* What a path will hold: from the backup, or what is there and stays. *ret_loaded is the caller's.
 */
static const FileImage *image_after(
        const Restore *restore, const char *path, FileImage **ret_loaded)
{
        for (size_t i = 0; i < restore->manifest->n_files; i++)
                if (streq(restore->manifest->files[i].path, path))
                        return changes(restore, i) ? restore->saved[i] : restore->present[i];
        return fs_read_file(restore->root_fd, path, FS_SIZE_MAX, ret_loaded, NULL) < 0
                       ? NULL
                       : *ret_loaded;
}

/* A backup may hold one file of a pair of which the other has been replaced since then. */
static int refuse_mismatch(const Restore *restore, const CredentialEntry *entry, Error *reterr)
{
        autoptr(FileImage) certificate_file = NULL;
        autoptr(FileImage) key_file = NULL;
        autoptr(CertList) list = NULL;
        autoptr(Key) key = NULL;
        const FileImage *certificate = image_after(restore, entry->path, &certificate_file);
        const FileImage *key_image = image_after(restore, entry->key, &key_file);

        if (!certificate || cert_list_parse(certificate->data, certificate->size, &list, NULL) < 0)
                return 0;
        if (key_image && key_parse(key_image->data, key_image->size, &key, NULL) >= 0 &&
                key_matches(key, list->certs[0]))
                return 0;
        return error_set(reterr, -EKEYREJECTED,
                "the key in '%s' would not belong to the certificate in '%s'; --force restores it "
                "all the same",
                entry->key, entry->path);
}

static int refuse_mismatches(const Restore *restore, Error *reterr)
{
        const Layout *layout = &restore->config->layout;
        int r = 0;

        for (size_t i = 0; r >= 0 && i < restore->manifest->n_files; i++) {
                unsigned pair = pair_of(layout, restore->manifest->files[i].path);

                if (pair > 0 && changes(restore, i) && layout->credentials[pair - 1].key)
                        r = refuse_mismatch(restore, &layout->credentials[pair - 1], reterr);
        }
        return r;
}

static int stage(const Restore *restore, Txn *txn, Error *reterr)
{
        const RestoreRequest *request = restore->request;
        autofree char *reason = xasprintf("restore %s", request->id);
        autofree char *backup =
                backup_path(restore->config->state_directory, request->now, request->pass_id);
        int r;

        r = txn_begin(txn, request->pass_id, backup, reason, request->now, reterr);
        for (size_t i = 0; r >= 0 && i < restore->manifest->n_files; i++) {
                const BackupFile *file = &restore->manifest->files[i];
                const struct stat like = {.st_uid = file->uid, .st_gid = file->gid};

                if (!changes(restore, i))
                        continue;
                r = txn_add(txn,
                        &(TxnChange){.path = file->path,
                                .data = restore->saved[i]->data,
                                .size = restore->saved[i]->size,
                                .old = restore->present[i],
                                .mode = file->mode,
                                .like = &like,
                                .pair = pair_of(&restore->config->layout, file->path)},
                        reterr);
        }
        return r < 0 ? r : txn_prepare(txn, reterr);
}

static int owe_restarts(const Restore *restore, Error *reterr)
{
        autoptr(Inventory) inventory = NULL;
        autostrv paths = NULL;
        Restart *restarts;
        size_t n;
        int r;

        r = inventory_read(restore->root_fd, restore->config, &inventory, reterr);
        if (r < 0)
                return r;
        for (size_t i = 0; i < restore->manifest->n_files; i++)
                if (changes(restore, i))
                        strv_add(&paths, restore->manifest->files[i].path);
        restarts = restarts_of_paths(inventory, paths, &n);
        r = owed_add(restore->root_fd, restore->config->state_directory, restarts, n,
                restore->request->pass_id, restore->request->now, reterr);
        restarts_free(restarts, n);
        const HookDebts debts = {.root_fd = restore->root_fd,
                .config = restore->config,
                .pass_id = restore->request->pass_id,
                .now = restore->request->now};
        return r < 0 ? r : hook_debts_enter(&debts, paths, reterr);
}

static int write_back(Restore *restore, Txn *txn, Error *reterr)
{
        const TxnJudge judge = pair_judge_txn(restore->judge);
        TxnOutcome outcome = {};
        int r;

        r = stage(restore, txn, reterr);
        if (r >= 0)
                r = owe_restarts(restore, reterr);
        if (r >= 0)
                r = txn_commit(txn, &judge, &outcome, reterr);
        if (r >= 0 && outcome.n_conflicts > 0)
                r = error_set(reterr, -ESTALE,
                        "'%s' was written by somebody else at the same moment",
                        outcome.conflicts[0].path);
        txn_outcome_done(&outcome);
        return r;
}

static int run(Restore *restore, RestoreResult *result, Error *reterr)
{
        Txn *held = restore->request->txn;
        autoptr(Txn) txn = NULL;
        int r = 0;

        /* 1. Nobody else acts, nothing is half done. A dry run reads only. */
        restore->judge = pair_judge_new(restore->root_fd, restore->config);
        if (!restore->request->dry_run && !held)
                r = recovery_run(&(Recovery){.root_fd = restore->root_fd,
                                         .config = restore->config,
                                         .judge = restore->judge,
                                         .pass_id = restore->request->pass_id,
                                         .now = restore->request->now},
                        &txn, NULL, reterr);
        if (r < 0)
                return r;

        /* 2. What the backup holds, against what is there. */
        r = load(restore, reterr);
        if (r < 0)
                return r;
        result->lines = xcalloc(restore->manifest->n_files, sizeof(RestoreLine));
        for (size_t i = 0; i < restore->manifest->n_files; i++) {
                r = describe(restore, i, &result->lines[result->n++], reterr);
                if (r < 0)
                        return r;
                result->n_changes += result->lines[i].changes;
        }

        if (!restore->request->force) {
                r = refuse_mismatches(restore, reterr);
                if (r < 0)
                        return r;
        }

        /* 3. Back, as one. */
        if (restore->request->dry_run || result->n_changes == 0)
                return 0;
        return write_back(restore, held ? held : txn, reterr);
}

int backup_restore(int root_fd, const Config *config, const RestoreRequest *request,
        RestoreResult **ret, Error *reterr)
{
        autoptr(RestoreResult) result = xcalloc(1, sizeof(*result));
        Restore restore = {
                .root_fd = root_fd,
                .config = config,
                .request = request,
                .directory = xasprintf("%s/backups/%s", config->state_directory, request->id),
        };
        int r = run(&restore, result, reterr);

        restore_done(&restore);
        if (r < 0)
                return r;
        *ret = TAKE(result);
        return 0;
}
