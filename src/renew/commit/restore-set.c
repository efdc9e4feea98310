/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/commit/restore-set.h"

#include "renew/backup/backup.h"
#include "renew/state/ca-rotation-record.h"

void restore_set_free(RestoreSet *set)
{
        if (!set)
                return;
        for (size_t i = 0; i < set->n; i++) {
                file_image_free(set->files[i].saved);
                file_image_free(set->files[i].present);
        }
        for (size_t i = 0; i < set->n_manifests; i++) {
                backup_manifest_free(set->manifests[i]);
                free(set->directories[i]);
        }
        free(set->files);
        free(set->manifests);
        free(set->directories);
        free(set);
}

static bool is_one_of(const char *path, const char *a, const char *b)
{
        return (a && streq(path, a)) || (b && streq(path, b));
}

unsigned restore_pair_of(const Layout *layout, const char *path)
{
        for (size_t i = 0; i < layout->n_credentials; i++)
                if (is_one_of(path, layout->credentials[i].path, layout->credentials[i].key))
                        return (unsigned)i + 1;
        for (size_t i = 0; i < layout->n_cas; i++)
                if (is_one_of(path, layout->cas[i].certificate, ca_key_path(&layout->cas[i])))
                        return (unsigned)(layout->n_credentials + i) + 1;
        return 0;
}

/* By these the backups of one rotation are known. */
static bool is_of_ca(const Config *config, const char *path)
{
        return ca_record_is_file(config->state_directory, path) ||
               restore_pair_of(&config->layout, path) > config->layout.n_credentials;
}

static bool any_of_ca(const Config *config, char *const *paths)
{
        for (; paths && *paths; paths++)
                if (is_of_ca(config, *paths))
                        return true;
        return false;
}

static bool shares_ca(const Config *config, char *const *paths, char *const *others)
{
        for (; paths && *paths; paths++)
                if (is_of_ca(config, *paths) && strv_contains(others, *paths))
                        return true;
        return false;
}

static bool add_missing(char ***wanted, char *const *paths)
{
        bool added = false;

        for (; paths && *paths; paths++)
                if (!strv_contains(*wanted, *paths)) {
                        strv_add(wanted, *paths);
                        added = true;
                }
        return added;
}

/* The partners of what goes back, where they were replaced since. */
static void add_partners(const Config *config, char *const *paths, char ***wanted)
{
        autostrv partners = NULL;

        for (; paths && *paths; paths++) {
                unsigned pair = restore_pair_of(&config->layout, *paths);

                for (char **path = *wanted; pair > 0 && path && *path; path++)
                        if (restore_pair_of(&config->layout, *path) == pair) {
                                strv_add(&partners, *paths);
                                break;
                        }
        }
        add_missing(wanted, partners);
}

/* All files that the phases since then have changed. Backups are newest first, `at` is the one that
 * is restored; what one of them brings may make an older one part of it. */
static char **rotation_paths(const Config *config, const BackupList *list, size_t at)
{
        char **wanted = NULL;

        add_missing(&wanted, list->backups[at].paths);
        for (bool again = true; again;) {
                again = false;
                for (size_t i = at; i-- > 0;)
                        if (shares_ca(config, list->backups[i].paths, wanted) &&
                                add_missing(&wanted, list->backups[i].paths))
                                again = true;
        }
        for (size_t i = at; i-- > 0;)
                add_partners(config, list->backups[i].paths, &wanted);
        return wanted;
}

static int read_manifest(
        int root_fd, const char *state_directory, const char *id, RestoreSet *set, Error *reterr)
{
        char *directory = xasprintf("%s/backups/%s", state_directory, id);

        set->directories[set->n_manifests] = directory;
        return backup_manifest_read(
                root_fd, directory, &set->manifests[set->n_manifests++], reterr);
}

static const BackupManifest *manifest_with(
        const RestoreSet *set, const char *path, BackupFile **ret_file, size_t *ret_at)
{
        for (size_t i = 0; i < set->n_manifests; i++)
                for (size_t k = 0; k < set->manifests[i]->n_files; k++)
                        if (streq(set->manifests[i]->files[k].path, path)) {
                                *ret_file = &set->manifests[i]->files[k];
                                *ret_at = i;
                                return set->manifests[i];
                        }
        return NULL;
}

/* A record that there was not, or a file of nothing but certificates that the layout does not know:
 * what a static pod was to sign with. */
static bool may_be_removed(const Config *config, const RestoreFile *file)
{
        autoptr(CertList) list = NULL;
        autoptr(Key) key = NULL;
        const FileImage *present = file->present;

        if (ca_record_is_file(config->state_directory, file->was->path))
                return true;
        return restore_pair_of(&config->layout, file->was->path) == 0 &&
               cert_list_parse(present->data, present->size, &list, NULL) >= 0 &&
               list->certs[0]->is_ca &&
               key_parse(present->data, present->size, &key, NULL) == -ENODATA;
}

static RestoreAction choose_action(
        const Config *config, const RestoreSet *set, const RestoreFile *file)
{
        if (file->saved)
                return file->present && digest_equal(&file->saved->digest, &file->present->digest)
                               ? RESTORE_NOTHING
                               : RESTORE_CONTENT;
        return set->is_of_ca && file->present && may_be_removed(config, file) ? RESTORE_REMOVE
                                                                              : RESTORE_NOTHING;
}

static int read_file(
        int root_fd, const Config *config, RestoreSet *set, const char *path, Error *reterr)
{
        RestoreFile *file = &set->files[set->n++];
        size_t at = 0;
        int r;

        manifest_with(set, path, &file->was, &at);
        r = fs_read_file(root_fd, path, FS_SIZE_MAX, &file->present, reterr);
        if (r < 0 && r != -ENOENT)
                return r;
        r = file->was->existed ? backup_manifest_load(root_fd, set->directories[at], file->was,
                                         &file->saved, reterr)
                               : 0;
        if (r >= 0)
                file->action = choose_action(config, set, file);
        return r;
}

static int read_files(
        int root_fd, const Config *config, RestoreSet *set, char *const *paths, Error *reterr)
{
        int r = 0;

        set->files = xcalloc(strv_length(paths), sizeof(RestoreFile));
        for (; r >= 0 && paths && *paths; paths++)
                r = read_file(root_fd, config, set, *paths, reterr);
        return r;
}

static int find_backup(const BackupList *list, const char *id, size_t *ret, Error *reterr)
{
        for (size_t i = 0; i < list->n; i++) {
                if (!streq(list->backups[i].id, id))
                        continue;
                if (list->backups[i].problem)
                        return error_set(reterr, -EBADMSG, "%s", list->backups[i].problem);
                *ret = i;
                return 0;
        }
        return error_set(reterr, -ENOENT, "there is no backup '%s'", id);
}

/* The backup itself; of a CA, also those that were made since, the oldest first. */
static int read_manifests(int root_fd, const Config *config, const BackupList *list, size_t at,
        RestoreSet *set, Error *reterr)
{
        int r = 0;

        set->manifests = xcalloc(at + 1, sizeof(BackupManifest *));
        set->directories = xcalloc(at + 1, sizeof(char *));
        for (size_t i = at + 1; r >= 0 && i-- > 0;) {
                const Backup *backup = &list->backups[i];

                if (i < at && !set->is_of_ca)
                        break;
                if (backup->problem)
                        return error_set(reterr, -EBADMSG,
                                "what was replaced after it is not known, for the backup '%s' is "
                                "damaged: %s",
                                backup->id, backup->problem);
                r = read_manifest(root_fd, config->state_directory, backup->id, set, reterr);
        }
        return r;
}

static char **chosen(char *const *all, char *const *only)
{
        char **paths = NULL;

        for (; all && *all; all++)
                if (!only || strv_contains(only, *all))
                        strv_add(&paths, *all);
        return paths;
}

int restore_set_read(int root_fd, const Config *config, const char *id, char *const *paths,
        RestoreSet **ret, Error *reterr)
{
        autoptr(RestoreSet) set = xcalloc(1, sizeof(*set));
        autoptr(BackupList) list = NULL;
        autostrv all = NULL;
        autostrv wanted = NULL;
        size_t at = 0;
        int r;

        /* 1. The backup, and whether it is one of many. */
        r = backup_id_check(id, reterr);
        if (r >= 0)
                r = backup_list(root_fd, config->state_directory, &list, reterr);
        if (r >= 0)
                r = find_backup(list, id, &at, reterr);
        if (r < 0)
                return r;
        set->is_of_ca = any_of_ca(config, list->backups[at].paths);
        if (set->is_of_ca && paths)
                return error_set(reterr, -EPERM,
                        "its files changed together with a CA, and go back with it or not at all: "
                        "'kube-renewd restore %s'",
                        id);

        /* 2. Which files go back, and from where. */
        r = read_manifests(root_fd, config, list, at, set, reterr);
        if (r < 0)
                return r;
        all = set->is_of_ca ? rotation_paths(config, list, at) : strv_copy(list->backups[at].paths);
        wanted = chosen(all, paths);

        /* 3. What they held, and what they hold. */
        r = read_files(root_fd, config, set, wanted, reterr);
        if (r < 0)
                return r;
        *ret = TAKE(set);
        return 0;
}
