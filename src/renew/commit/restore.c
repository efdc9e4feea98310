/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/commit/restore.h"

#include "base/time-util.h"
#include "kube/kubeconfig.h"
#include "renew/backup/pki-copy.h"
#include "renew/commit/hook-debt.h"
#include "renew/commit/judge.h"
#include "renew/commit/owed.h"
#include "renew/commit/publish.h"
#include "renew/commit/restore-set.h"
#include "renew/state/ca-rotation-record.h"

/* What restoring one backup needs at hand. */
typedef struct Restore {
        int root_fd;
        const Config *config;
        const RestoreRequest *request;
        RestoreSet *set;
        PairJudge *judge; /* by the CAs that there will be */
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
        restore_set_free(restore->set);
        pair_judge_free(restore->judge);
}

/* What a path will hold: from the backup, or what is there and stays. *ret_loaded is the caller's.
 */
static const FileImage *image_after(
        const Restore *restore, const char *path, FileImage **ret_loaded)
{
        const RestoreSet *set = restore->set;

        for (size_t i = 0; i < set->n; i++)
                if (streq(set->files[i].was->path, path))
                        return set->files[i].action == RESTORE_CONTENT ? set->files[i].saved
                                                                       : set->files[i].present;
        return fs_read_file(restore->root_fd, path, FS_SIZE_MAX, ret_loaded, NULL) < 0
                       ? NULL
                       : *ret_loaded;
}

/* What will be trusted here is what the backup brings, not what it takes away. */
static PairJudge *judge_after(const Restore *restore)
{
        const Layout *layout = &restore->config->layout;
        PairJudge *judge = pair_judge_empty(restore->root_fd, restore->config);

        for (size_t i = 0; i < layout->n_cas; i++) {
                autoptr(FileImage) loaded = NULL;

                pair_judge_trust(judge, image_after(restore, layout->cas[i].certificate, &loaded));
        }
        return judge;
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
                        "the certificate that '%s' had is signed by a CA that would not be here; "
                        "--force restores it all the same",
                        path);
        return 0;
}

/* What it becomes, in a few words. */
static char *describe_content(const RestoreFile *file, const CertList *list)
{
        char text[TIME_TEXT_SIZE];

        if (file->action == RESTORE_REMOVE)
                return xstrdup("did not exist; is removed");
        if (file->action == RESTORE_NOTHING)
                return xstrdup(file->was->existed ? "unchanged" : "did not exist; stays as it is");
        if (!list)
                return xstrdup("content of the backup");
        return xasprintf("%s, serial %s, until %s", list->certs[0]->subject, list->certs[0]->serial,
                time_format(list->certs[0]->not_after, text));
}

static int describe(
        const Restore *restore, const RestoreFile *file, RestoreLine *line, Error *reterr)
{
        autoptr(CertList) list =
                file->action == RESTORE_CONTENT ? saved_certificates(file->saved) : NULL;

        line->path = xstrdup(file->was->path);
        line->changes = file->action != RESTORE_NOTHING;
        line->text = describe_content(file, list);
        return list ? refuse_useless(restore, file->was->path, list, reterr) : 0;
}

/* The two files of one credential, or of one CA. */
typedef struct Pair {
        const char *certificate, *key;
        bool is_ca;
} Pair;

static Pair pair_with(const Layout *layout, unsigned number)
{
        if (number <= layout->n_credentials)
                return (Pair){layout->credentials[number - 1].path,
                        layout->credentials[number - 1].key, false};
        const CaEntry *ca = &layout->cas[number - layout->n_credentials - 1];
        return (Pair){ca->certificate, ca_key_path(ca), true};
}

/* A CA signs with the certificate of its bundle that has the key. */
static bool is_match(const Pair *pair, const Key *key, const CertList *list)
{
        for (size_t i = 0; i < list->n && (pair->is_ca || i == 0); i++)
                if (key_matches(key, list->certs[i]))
                        return true;
        return false;
}

/* A backup may hold one file of a pair of which the other has been replaced since then. A CA whose
 * key is kept elsewhere is none; one with another's key is of no use to anybody. */
static int refuse_mismatch(const Restore *restore, const Pair *pair, Error *reterr)
{
        autoptr(FileImage) certificate_file = NULL;
        autoptr(FileImage) key_file = NULL;
        autoptr(CertList) list = NULL;
        autoptr(Key) key = NULL;
        const FileImage *certificate = image_after(restore, pair->certificate, &certificate_file);
        const FileImage *key_image = image_after(restore, pair->key, &key_file);

        if (restore->request->force && !pair->is_ca)
                return 0;
        if (!certificate || cert_list_parse(certificate->data, certificate->size, &list, NULL) < 0)
                return 0;
        if (pair->is_ca && !key_image)
                return 0;
        if (key_image && key_parse(key_image->data, key_image->size, &key, NULL) >= 0 &&
                is_match(pair, key, list))
                return 0;
        return error_set(reterr, -EKEYREJECTED,
                "the key in '%s' would not belong to the certificate in '%s'%s", pair->key,
                pair->certificate, pair->is_ca ? "" : "; --force restores it all the same");
}

static int refuse_mismatches(const Restore *restore, Error *reterr)
{
        const Layout *layout = &restore->config->layout;
        int r = 0;

        for (size_t i = 0; r >= 0 && i < restore->set->n; i++) {
                const RestoreFile *file = &restore->set->files[i];
                unsigned number = restore_pair_of(layout, file->was->path);
                const Pair pair = number > 0 ? pair_with(layout, number) : (Pair){};

                if (file->action == RESTORE_CONTENT && pair.key)
                        r = refuse_mismatch(restore, &pair, reterr);
        }
        return r;
}

/* The directory of the records is ours, and may have gone with the last of them. */
static int make_place(const Restore *restore, const char *path, Error *reterr)
{
        const char *state = restore->config->state_directory;
        autofree char *directory = ca_record_directory(state);

        return ca_record_is_file(state, path)
                       ? fs_make_directories(restore->root_fd, directory, 0700, reterr)
                       : 0;
}

static int stage(const Restore *restore, Txn *txn, Error *reterr)
{
        const RestoreRequest *request = restore->request;
        autofree char *reason = xasprintf("restore %s", request->id);
        autofree char *backup =
                backup_path(restore->config->state_directory, request->now, request->pass_id);
        int r;

        r = txn_begin(txn, request->pass_id, backup, reason, request->now, reterr);
        for (size_t i = 0; r >= 0 && i < restore->set->n; i++) {
                const RestoreFile *file = &restore->set->files[i];
                const BackupFile *was = file->was;
                const struct stat like = {.st_uid = was->uid, .st_gid = was->gid};
                const FileImage *after =
                        file->action == RESTORE_CONTENT ? file->saved : file->present;

                if (file->action == RESTORE_NOTHING)
                        continue;
                r = make_place(restore, was->path, reterr);
                if (r >= 0)
                        r = txn_add(txn,
                                &(TxnChange){.path = was->path,
                                        .data = after->data,
                                        .size = after->size,
                                        .old = file->present,
                                        .mode = was->mode,
                                        .like = &like,
                                        .pair = restore_pair_of(
                                                &restore->config->layout, was->path)},
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
        for (size_t i = 0; i < restore->set->n; i++)
                if (restore->set->files[i].action == RESTORE_CONTENT)
                        strv_add(&paths, restore->set->files[i].was->path);
        restarts = restarts_of_paths(inventory, paths, &n);
        restarts_add_kubelet(inventory, restore->config, paths, &restarts, &n);
        r = owed_add(restore->root_fd, restore->config->state_directory, restarts, n,
                restore->request->pass_id, restore->request->now, reterr);
        restarts_free(restarts, n);
        const HookDebts debts = {.root_fd = restore->root_fd,
                .config = restore->config,
                .pass_id = restore->request->pass_id,
                .now = restore->request->now};
        const PublishInput publish = {.root_fd = restore->root_fd,
                .config = restore->config,
                .pass_id = restore->request->pass_id,
                .now = restore->request->now};
        if (r >= 0)
                r = hook_debts_enter(&debts, paths, reterr);
        return r < 0 ? r : publish_enter(&publish, paths, reterr);
}

/* A directory in which nothing changes holds up nothing. */
static int copy_directories(const Restore *restore, Error *reterr)
{
        autostrv paths = NULL;

        for (size_t i = 0; i < restore->set->n; i++)
                if (restore->set->files[i].action != RESTORE_NOTHING)
                        strv_add(&paths, restore->set->files[i].was->path);
        return pki_copy_make(
                restore->root_fd, restore->config, paths, restore->request->now, reterr);
}

static int write_back(Restore *restore, Error *reterr)
{
        const TxnJudge judge = pair_judge_txn(restore->judge);
        Txn *txn = restore->request->txn;
        TxnOutcome outcome = {};
        int r;

        r = copy_directories(restore, reterr);
        if (r >= 0)
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

/* No transaction removes anything: what nobody uses any more was in it as it is, for the sake of
 * its backup, and goes when the rest is in place; at the next try if we die here. */
static int remove_rest(const Restore *restore, Error *reterr)
{
        int r = 0;

        for (size_t i = 0; r >= 0 && i < restore->set->n; i++)
                if (restore->set->files[i].action == RESTORE_REMOVE)
                        r = fs_remove_file(
                                restore->root_fd, restore->set->files[i].was->path, reterr);
        return r;
}

/* What the backup holds, against what is there. */
static int look(Restore *restore, RestoreResult *result, Error *reterr)
{
        const RestoreRequest *request = restore->request;
        RestoreSet *set;
        int r;

        r = restore_set_read(restore->root_fd, restore->config, request->id, request->paths,
                &restore->set, reterr);
        if (r < 0)
                return r;
        set = restore->set;
        restore->judge = judge_after(restore);
        result->is_of_ca = set->is_of_ca;
        result->lines = xcalloc(set->n, sizeof(RestoreLine));
        for (size_t i = 0; i < set->n; i++) {
                r = describe(restore, &set->files[i], &result->lines[result->n++], reterr);
                if (r < 0)
                        return r;
                result->n_changes += result->lines[i].changes;
        }
        return refuse_mismatches(restore, reterr);
}

static int run(Restore *restore, RestoreResult *result, Error *reterr)
{
        int r;

        /* 1. What would change, and whether it may. */
        r = look(restore, result, reterr);
        if (r < 0 || restore->request->dry_run || result->n_changes == 0)
                return r;

        /* 2. Back, as one. */
        r = write_back(restore, reterr);
        return r < 0 ? r : remove_rest(restore, reterr);
}

int backup_restore(int root_fd, const Config *config, const RestoreRequest *request,
        RestoreResult **ret, Error *reterr)
{
        autoptr(RestoreResult) result = xcalloc(1, sizeof(*result));
        Restore restore = {
                .root_fd = root_fd,
                .config = config,
                .request = request,
        };
        int r = run(&restore, result, reterr);

        restore_done(&restore);
        if (r < 0)
                return r;
        *ret = TAKE(result);
        return 0;
}
