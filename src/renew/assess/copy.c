/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/assess/copy.h"

#include "renew/config/copy-content.h"

/* What it should be now; NULL if the source cannot be read. */
static Secret *expected_content(const InventoryCopy *copy)
{
        CopyPart parts[COPY_PARTS] = {};
        Secret *content = NULL;

        for (size_t k = 0; k < COPY_PARTS; k++)
                if (copy->parts[k])
                        parts[k] = (CopyPart){copy->parts[k]->data, copy->parts[k]->size};
        return copy_content(copy->target, parts, &content, NULL) < 0 ? NULL : content;
}

static char *difference(const InventoryCopy *copy, bool outdated)
{
        return xasprintf("'%s' is not what '%s' is%s", copy->target->path,
                copy->target->source->name,
                outdated ? " any more, and has not been refreshed yet"
                         : "; it was never seen equal, or somebody has changed it since then");
}

/* What cannot be read, and has not been seen yet, may be what its source is now; that is known once
 * it can be read, should the source have been renewed by then. */
static void suppose_equal(const Secret *expected, CopyVerdict *verdict)
{
        verdict->was_equal = true;
        verdict->last_equal = digest_of(expected->data, expected->size);
}

static void judge(const InventoryCopy *copy, const History *history, CopyVerdict *verdict)
{
        autoptr(Secret) expected = expected_content(copy);

        verdict->was_equal = history_last_equal(history, copy->target->path, &verdict->last_equal);
        if (copy->error == -ENOENT) {
                verdict->state = COPY_ABSENT;
        } else if (copy->error < 0) {
                verdict->state = COPY_UNREADABLE;
                verdict->text = xstrdup(copy->problem);
                if (expected && !verdict->was_equal)
                        suppose_equal(expected, verdict);
        } else if (!expected) {
                verdict->state = COPY_UNKNOWN;
        } else if (copy->file->size == expected->size &&
                   memcmp(copy->file->data, expected->data, expected->size) == 0) {
                verdict->state = COPY_CURRENT;
                verdict->was_equal = true;
                verdict->last_equal = copy->file->digest;
        } else {
                bool outdated = copy->target->entry->overwrite ||
                                (verdict->was_equal &&
                                        digest_equal(&copy->file->digest, &verdict->last_equal));

                verdict->state = outdated ? COPY_OUTDATED : COPY_STALE;
                verdict->text = difference(copy, outdated);
        }
}

CopyVerdict *copies_judge(const Inventory *inventory, const History *history)
{
        CopyVerdict *verdicts = xcalloc(inventory->n_copies, sizeof(*verdicts));

        for (size_t i = 0; i < inventory->n_copies; i++)
                judge(&inventory->copies[i], history, &verdicts[i]);
        return verdicts;
}

void copies_verdicts_free(CopyVerdict *verdicts, size_t n)
{
        for (size_t i = 0; i < n; i++)
                free(verdicts[i].text);
        free(verdicts);
}

void copies_remember(History *history, const Inventory *inventory, const CopyVerdict *verdicts)
{
        for (size_t i = 0; i < inventory->n_copies; i++)
                if (verdicts[i].was_equal && verdicts[i].state != COPY_ABSENT)
                        history_set_last_equal(history, inventory->copies[i].target->path,
                                &verdicts[i].last_equal);
}
