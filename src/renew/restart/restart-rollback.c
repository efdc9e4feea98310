/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/restart/restart-internal.h"

#include "base/log.h"
#include "base/time-util.h"
#include "renew/commit/commit.h"
#include "renew/commit/restore.h"
#include "renew/unit/interrupt.h"

/* An old credential that does not live until the pass after the next is no help. */
#define NEXT_PASS (2 * DAY)

/* In the id of a roll-back, behind that of its pass. */
#define BACK "-back"

bool attempt_may_roll_back(Attempt *attempt)
{
        /* The backup of a roll-back holds what was given up before. */
        if (strstr(attempt->owed->pass_id, BACK))
                return false;

        /* What it renews by itself is not ours to put back. */
        if (attempt->owed->renews)
                return false;

        /* Where it answers its own probe, old files would mend nothing. */
        return attempt->is_started && attempt->was_healthy && !attempt->is_healthy &&
               !attempt->is_answering && attempt->owed->paths && *attempt->owed->pass_id &&
               !interrupt_is_pending();
}

/* The backup that the pass made which asked for this restart. *ret_reason: why it was made; the
 * caller frees both. */
static char *find_backup(const RestartInput *input, const char *pass_id, char **ret_reason)
{
        autoptr(BackupList) list = NULL;

        if (backup_list(input->root_fd, input->config->state_directory, &list, NULL) < 0)
                return NULL;
        for (size_t i = 0; i < list->n; i++) {
                const char *dash = strchr(list->backups[i].id, '-');

                if (!dash || !streq(dash + 1, pass_id))
                        continue;
                *ret_reason = xstrdup(list->backups[i].reason ? list->backups[i].reason : "");
                return xstrdup(list->backups[i].id);
        }
        return NULL;
}

static bool holds_any(const CopyTarget *copy, char *const *paths)
{
        for (size_t i = 0; i < COPY_PARTS; i++)
                if (copy->parts[i] && strv_contains(paths, copy->parts[i]))
                        return true;
        return false;
}

/* With one file of a pair goes the other, and with both their copies. */
static char **whole_pairs(const Layout *layout, char *const *paths)
{
        char **all = NULL;

        for (; paths && *paths; paths++)
                strv_add(&all, *paths);
        for (size_t i = 0; i < layout->n_credentials; i++) {
                const CredentialEntry *entry = &layout->credentials[i];

                if (!entry->key)
                        continue;
                if (strv_contains(all, entry->path) && !strv_contains(all, entry->key))
                        strv_add(&all, entry->key);
                else if (strv_contains(all, entry->key) && !strv_contains(all, entry->path))
                        strv_add(&all, entry->path);
        }
        for (size_t i = 0; i < layout->n_copy_targets; i++)
                if (holds_any(&layout->copy_targets[i], all))
                        strv_add(&all, layout->copy_targets[i].path);
        return all;
}

static int put_old_files_back(Stage *stage, const Attempt *attempt, Error *reterr)
{
        const RestartInput *input = stage->input;
        autofree char *reason = NULL;
        autofree char *backup = find_backup(input, attempt->owed->pass_id, &reason);
        autofree char *id = xasprintf("%s" BACK "%u", input->pass_id, ++stage->n_rollbacks);
        autostrv paths = whole_pairs(&input->config->layout, attempt->owed->paths);
        autoptr(RestoreResult) result = NULL;
        const RestoreRequest request = {.id = backup,
                .paths = paths,
                .txn = input->txn,
                .now = input->now,
                .outlive = NEXT_PASS,
                .pass_id = id};
        int r;

        if (!backup)
                return error_set(reterr, -ENOENT, "there is no backup of its old files");

        /* What others have of a CA by now they keep: only all of it together can go back. */
        if (starts_with(reason, COMMIT_ROTATES))
                return error_set(reterr, -EPERM,
                        "its files are those of a CA rotation, which goes back by 'kube-renewd "
                        "rotate-ca --phase=abort'");
        r = backup_restore(input->root_fd, input->config, &request, &result, reterr);
        if (r < 0)
                return r;
        return result->n_changes > 0
                       ? 0
                       : error_set(reterr, -ENODATA, "its old files are the same as its new ones");
}

/* What is on disk is no longer what the inventory saw. */
static int read_again(Stage *stage, Attempt *attempt, Error *reterr)
{
        const char *name = attempt->component->entry->name;
        Inventory *fresh;
        int r;

        r = inventory_read(stage->input->root_fd, stage->input->config, &fresh, reterr);
        if (r < 0)
                return r;
        stage_keep(stage, fresh);
        attempt->component = stage_component(stage, name);
        return attempt->component
                       ? 0
                       : error_set(reterr, -ENOENT, "the manifest of '%s' is gone", name);
}

bool attempt_roll_back(Stage *stage, Attempt *attempt)
{
        const Error before = attempt->problem;
        Error error = {};
        int r;

        log_status("Rolling back the files of %s", attempt->component->entry->name);
        r = put_old_files_back(stage, attempt, &error);
        if (r < 0) {
                error_set(&attempt->problem, r, "%s; not rolled back: %s", before.text, error.text);
                return false;
        }
        attempt->is_rolled_back = true;
        attempt->is_witnessed = attempt->is_ended = false;
        stage->report->rolled_back = true;
        r = read_again(stage, attempt, &error);
        if (r >= 0)
                attempt_keep_turn(stage, attempt);
        if (r >= 0 && attempt_restart(stage, attempt)) {
                attempt->problem = before;
                return true;
        }
        if (r < 0)
                attempt->problem = error;
        autofree char *after = xstrdup(attempt->problem.text);
        error_set(&attempt->problem, -EIO, "%s; with its old files: %s", before.text, after);
        return false;
}
