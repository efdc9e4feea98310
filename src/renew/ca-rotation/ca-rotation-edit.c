/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One file that names or embeds a CA, as a phase wants it. */
#include "renew/ca-rotation/ca-rotation-compose.h"

/* The text as edited so far becomes the result of one more edit. */
static void edit_once(Secret **text, const BundleEdit *edit)
{
        Secret *edited = bundle_edit((*text)->data, (*text)->size, edit);

        if (!edited)
                return;
        secret_free(*text);
        *text = edited;
}

/* NULL if nothing has changed. */
static Secret *changed_or_null(Secret *text, const void *before, size_t size)
{
        if (text->size != size || memcmp(text->data, before, size) != 0)
                return text;
        secret_free(text);
        return NULL;
}

bool rotation_is_of(const CaMove *move, const InventoryCa *ca)
{
        return ca && ca->signer && cert_equal(ca->signer, move->ca->signer);
}

Secret *rotation_edit_roots(
        const ComposeInput *input, const void *text, size_t size, const InventoryCa *lacking)
{
        Secret *edited = secret_new(text, size);

        for (size_t i = 0; i < input->n_moves; i++) {
                const CaMove *move = &input->moves[i];
                BundleEdit edit = {.known = {move->record->old_ca, move->record->new_ca},
                        .n_known = 2,
                        .append = rotation_is_of(move, lacking)};

                edit.n_wanted = ca_phase_roots(move->record, move->target, edit.wanted);
                edit_once(&edited, &edit);
        }
        return changed_or_null(edited, text, size);
}

static bool is_leaf_of(const CaMove *move, const Cert *leaf)
{
        return cert_is_issued_by(leaf, move->record->old_ca) ||
               cert_is_issued_by(leaf, move->record->new_ca);
}

/* One that was made for this rotation before, and is not the one of its record. */
static const Cert *find_former_cross(const CaRecord *record, const CertList *list)
{
        for (size_t i = 1; record->old_by_new && i < list->n; i++)
                if (cert_is_issued_by(record->old_ca, list->certs[i]) &&
                        cert_is_issued_by(list->certs[i], record->new_ca) &&
                        !cert_equal(list->certs[i], record->old_by_new))
                        return list->certs[i];
        return NULL;
}

/* Once the old CA is gone, nothing leads to it either: who knows only that one is to notice. */
Secret *rotation_edit_chain(const ComposeInput *input, const void *text, size_t size)
{
        autoptr(CertList) list = NULL;

        if (cert_list_parse(text, size, &list, NULL) < 0 || list->certs[0]->is_ca)
                return NULL;
        for (size_t i = 0; i < input->n_moves; i++) {
                const CaMove *move = &input->moves[i];
                const Cert *cross = ca_phase_cross(move->record, move->target);
                const BundleEdit edit = {
                        .known = {move->record->old_by_new, move->record->new_by_old,
                                find_former_cross(move->record, list)},
                        .n_known = 3,
                        .wanted = {cross},
                        .n_wanted = cross && cross->not_after > input->now,
                        .append = true};

                if (is_leaf_of(move, list->certs[0]))
                        return bundle_edit(text, size, &edit);
        }
        return NULL;
}

int rotation_edit_file(const ComposeInput *input, RotationFiles *files, const char *path,
        const InventoryCa *lacking, Error *reterr)
{
        RotationFile *file;
        Secret *edited;
        size_t size;
        int r;

        r = rotation_files_get(files, path, &file, reterr);
        if (r < 0 || !file->image)
                return r;
        const void *text = rotation_file_data(file, &size);
        edited = rotation_edit_roots(input, text, size, lacking);
        if (edited)
                rotation_file_set(file, edited);
        return 0;
}

bool rotation_is_over(const CaMove *move)
{
        return move->target == CA_PHASE_TRUST_NEW ||
               (move->target == CA_PHASE_PREPARE && move->record->is_aborting);
}
