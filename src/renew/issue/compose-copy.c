/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/config/copy-content.h"
#include "renew/issue/compose.h"
#include "renew/unit/unit-needs.h"

/* One file of the source as it will be. */
static CopyPart part_after(
        const Issuance *issuance, const InventoryCopy *copy, size_t k, unsigned *source_pair)
{
        const char *path = copy->target->parts[k];
        const FileChange *change = path ? issuance_find_change(issuance, path) : NULL;
        const FileImage *image = copy->parts[k];

        if (change)
                *source_pair = change->pair;
        if (change)
                return (CopyPart){change->content->data, change->content->size};
        return image ? (CopyPart){image->data, image->size} : (CopyPart){};
}

/* What is to be written; NULL in *ret where the copy is that already. */
static int compose_copy(const Issuance *issuance, const InventoryCopy *copy, Secret **ret,
        unsigned *source_pair, Error *reterr)
{
        const CopyTarget *target = copy->target;
        CopyPart parts[COPY_PARTS];
        autoptr(Secret) content = NULL;
        int r;

        for (size_t k = 0; k < COPY_PARTS; k++)
                parts[k] = part_after(issuance, copy, k, source_pair);
        if (issuance_find_change(issuance, target->path))
                return error_set(
                        reterr, -ENOTUNIQ, "'%s' is a file of a certificate", target->path);
        r = copy_content(target, parts, &content, reterr);
        if (r < 0)
                return r;
        if (!copy->file || copy->file->size != content->size ||
                memcmp(copy->file->data, content->data, content->size) != 0)
                *ret = TAKE(content);
        return 0;
}

/* The files of one group, or none of them. */
static void compose_group(Issuance *issuance, int root_fd, const PlanCopy *first, size_t n)
{
        size_t n_before = issuance->n_changes;
        unsigned pair = (unsigned)issuance->n + 1 + first->copy->target->group;
        Error error = {};
        int r = 0;

        for (size_t i = 0; r >= 0 && i < n; i++) {
                const InventoryCopy *copy = first[i].copy;
                const char *path = copy->target->path;
                Secret *content = NULL;
                unsigned source_pair = 0;

                r = compose_copy(issuance, copy, &content, &source_pair, &error);
                if (r < 0 || !content)
                        continue;
                issuance_add_change(issuance, &(FileChange){
                                                      .path = xstrdup(path),
                                                      .content = content,
                                                      .old = copy->file,
                                                      .mode = copy->target->entry->mode,
                                                      .pair = pair,
                                                      .copy = &first[i],
                                                      .source_pair = source_pair,
                                              });
                r = fs_test_writable(root_fd, path, &error);
                r = unit_needs_hint(&error, r, root_fd, path);
        }
        if (r >= 0)
                return;
        issuance_cut_changes(issuance, n_before);
        for (size_t i = 0; i < n; i++)
                issue_copy_fail(issuance, &first[i], error.text);
}

void issuance_compose_copies(Issuance *issuance, int root_fd)
{
        const Plan *plan = issuance->plan;
        size_t end;

        free(issuance->copy_failures);
        issuance->copy_failures = xcalloc(plan->n_copies, sizeof(char *));
        for (size_t i = 0; i < plan->n_copies; i = end) {
                const PlanCopy *first = &plan->copies[i];

                for (end = i + 1; end < plan->n_copies && plan->copies[end].copy->target->group ==
                                                                  first->copy->target->group;)
                        end++;
                if (first->is_written)
                        compose_group(issuance, root_fd, first, end - i);
        }
}
