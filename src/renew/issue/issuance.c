/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What was made, certificate by certificate and file by file, and what became of each. */
#include "renew/issue/compose.h"

#include "base/log.h"

void file_change_done(FileChange *change)
{
        free(change->path);
        secret_free(change->content);
}

void issuance_free(Issuance *issuance)
{
        if (!issuance)
                return;
        for (size_t i = 0; i < issuance->n; i++) {
                IssueResult *result = &issuance->results[i];

                cert_free(result->cert);
                secret_free(result->certificate_pem);
                secret_free(result->key_pem);
                free(result->text);
        }
        issuance_cut_changes(issuance, 0);
        for (size_t i = 0; issuance->copy_failures && i < issuance->plan->n_copies; i++)
                free(issuance->copy_failures[i]);
        free(issuance->copy_failures);
        free(issuance->results);
        free(issuance->changes);
        free(issuance);
}

void issue_result_fail(IssueResult *result, Outcome outcome, const char *text)
{
        if (result->outcome != OUTCOME_RENEWED)
                return;
        result->outcome = outcome;
        free(result->text);
        result->text = xstrdup(text);
}

void issue_copy_fail(Issuance *issuance, const PlanCopy *copy, const char *text)
{
        char **failure = &issuance->copy_failures[copy - issuance->plan->copies];

        free(*failure);
        *failure = xstrdup(text);
}

size_t issuance_count(const Issuance *issuance, char *const *paths)
{
        size_t n = 0;

        for (size_t i = 0; i < issuance->n_changes; i++)
                n += strv_contains(paths, issuance->changes[i].path);
        return n;
}

void issue_fail_file(Issuance *issuance, const char *path, const char *text)
{
        for (size_t i = 0; i < issuance->n; i++) {
                const Step *step = issuance->results[i].step;
                const char *key_path = step->item->key_path;

                if (streq(step_path(step), path) || (key_path && streq(key_path, path)))
                        issue_result_fail(&issuance->results[i], OUTCOME_FAILED, text);
        }
}

void issuance_drop_pair(Issuance *issuance, unsigned pair, const char *text)
{
        size_t kept = 0;

        for (size_t i = 0; i < issuance->n_changes; i++) {
                FileChange *change = &issuance->changes[i];

                if (change->pair != pair && (!change->copy || change->source_pair != pair)) {
                        issuance->changes[kept++] = *change;
                        continue;
                }
                if (change->copy)
                        issue_copy_fail(issuance, change->copy, text);
                file_change_done(change);
        }
        issuance->n_changes = kept;
}

void issuance_drop_file(Issuance *issuance, const char *path, const char *text)
{
        const FileChange *change = issuance_find_change(issuance, path);

        if (!change)
                return; /* with its partner already */
        unsigned pair = change->pair;

        issue_fail_file(issuance, path, text);
        issuance_drop_pair(issuance, pair, text);
}

void issuance_add_change(Issuance *issuance, const FileChange *change)
{
        issuance->changes =
                xreallocarray(issuance->changes, issuance->n_changes + 1, sizeof(FileChange));
        issuance->changes[issuance->n_changes++] = *change;
}

void issuance_cut_changes(Issuance *issuance, size_t n)
{
        while (issuance->n_changes > n)
                file_change_done(&issuance->changes[--issuance->n_changes]);
}

const FileChange *issuance_find_change(const Issuance *issuance, const char *path)
{
        for (size_t i = 0; i < issuance->n_changes; i++)
                if (streq(issuance->changes[i].path, path))
                        return &issuance->changes[i];
        return NULL;
}
