/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/ca-rotation/ca-rotation-compose.h"

#include "kube/kubelet.h"
#include "pki/ca.h"

/* A key of this CA, or it signs what nobody can verify. */
static int check_key(const RotationFile *file, const Cert *ca, Error *reterr)
{
        autoptr(Key) key = NULL;
        char hex[DIGEST_HEX_SIZE];
        int r = key_parse(file->image->data, file->image->size, &key, reterr);

        if (r < 0)
                return error_prefix(reterr, r, "'%s'", file->path);
        if (key_matches(key, ca))
                return 0;
        digest_format(&ca->sha256, hex);
        return error_set(reterr, -EKEYREJECTED,
                "'%s' does not hold the key of the CA that is to sign (%s): somebody has changed "
                "it",
                file->path, hex);
}

/* The two keys change places. */
static int swap_key(const ComposeInput *input, RotationFiles *files, const CaMove *move,
        const InventoryCa *ca, Error *reterr)
{
        autofree char *other_path =
                ca_record_key_path(input->config->state_directory, move->record->id);
        RotationFile *key, *other;
        int r;

        r = rotation_files_get(files, ca->entry->key, &key, reterr);
        if (r >= 0)
                r = rotation_files_get(files, other_path, &other, reterr);
        if (r < 0)
                return r;
        if (!key->image || !other->image)
                return error_set(reterr, -ENOKEY, "'%s' is missing: the key of the other CA",
                        key->image ? other_path : key->path);
        r = check_key(other, ca_phase_signer(move->record, move->target), reterr);
        if (r < 0)
                return r;
        if (!key->content)
                rotation_file_set(key, secret_new(other->image->data, other->image->size));
        if (!other->content && ca == move->ca)
                rotation_file_set(other, secret_new(key->image->data, key->image->size));
        return 0;
}

/* The file of a CA, and of every other that is the same one under another name. */
static int compose_ca(const ComposeInput *input, RotationFiles *files, const CaMove *move,
        const InventoryCa *ca, Error *reterr)
{
        const Cert *signer = ca_phase_signer(move->record, move->target);
        RotationFile *file, *key;
        int r = ca_has_token(ca->entry) ? ca_rotation_refuse(ca, reterr) : 0;

        if (r >= 0)
                r = rotation_edit_file(input, files, ca->entry->certificate, NULL, reterr);
        if (r >= 0 && ca->ca && !cert_equal(ca_signer(ca->ca), signer))
                r = swap_key(input, files, move, ca, reterr);
        if (r < 0 || !ca->ca)
                return r;

        /* A certificate and the key that signs for it are one. */
        r = rotation_files_get(files, ca->entry->certificate, &file, reterr);
        if (r >= 0)
                r = rotation_files_get(files, ca->entry->key, &key, reterr);
        if (r >= 0 && file->content && key->content && file != key)
                file->pair = key->pair = 1 + (unsigned)(ca - input->inventory->cas);
        return r;
}

static int compose_cas(const ComposeInput *input, RotationFiles *files, Error *reterr)
{
        const Inventory *inventory = input->inventory;
        int r = 0;

        for (size_t i = 0; i < input->n_moves; i++)
                for (size_t k = 0; r >= 0 && k < inventory->n_cas; k++)
                        if (rotation_is_of(&input->moves[i], &inventory->cas[k]))
                                r = compose_ca(
                                        input, files, &input->moves[i], &inventory->cas[k], reterr);
        return r;
}

static bool begins_with_ca(const RotationFile *file)
{
        autoptr(CertList) list = NULL;

        return file->image &&
               cert_list_parse(file->image->data, file->image->size, &list, NULL) >= 0 &&
               list->certs[0]->is_ca;
}

/* Whatever a component reads of which the first certificate is a CA: those are trusted. */
static int compose_component(const ComposeInput *input, RotationFiles *files,
        const InventoryComponent *component, Error *reterr)
{
        const char *path;
        int r = 0;

        for (size_t i = 0; r >= 0 && (path = component_file(component, i)); i++) {
                RotationFile *file;

                /* What cannot be read embeds nothing that a process could have read. */
                if (rotation_files_get(files, path, &file, NULL) < 0 || !begins_with_ca(file))
                        continue;
                r = rotation_is_signer_file(input->inventory, path)
                            ? rotation_compose_signer_file(input, files, path, reterr)
                            : rotation_edit_file(input, files, path, NULL, reterr);
        }
        return r;
}

/* Whom the kubelet lets in, where that is a file of its own: it is read again when it changes.
 * Source: k8s.io/kubernetes cmd/kubelet/app/server.go (dynamic client CA). */
static int compose_kubelet(const ComposeInput *input, RotationFiles *files, Error *reterr)
{
        autofree char *path = NULL;
        const char *source;

        /* One whose configuration cannot be read does not run with it either. */
        if (kubelet_setting(files->root_fd, "--client-ca-file", "authentication.x509.clientCAFile",
                    &path, &source, NULL) < 0 ||
                !path || *path != '/')
                return 0;
        return rotation_edit_file(input, files, path, NULL, reterr);
}

/* Leaves in files of their own; somebody else's are somebody else's. */
static int compose_chain(
        const ComposeInput *input, RotationFiles *files, const Item *item, Error *reterr)
{
        RotationFile *file;
        Secret *edited;
        size_t size;
        int r;

        if (!item_is_leaf(item) || item->embedded || !item->cert ||
                credential_is_only_read(item->entry) || item->renewed_as)
                return 0;
        r = rotation_files_get(files, item->path, &file, reterr);
        if (r < 0 || !file->image)
                return r;
        const void *text = rotation_file_data(file, &size);
        edited = rotation_edit_chain(input, text, size);
        if (edited)
                rotation_file_set(file, edited);
        return 0;
}

/* The key that nobody needs any more is gone with the phase, and its file soon after. */
static int retire_key(
        const ComposeInput *input, RotationFiles *files, const CaMove *move, Error *reterr)
{
        autofree char *path = ca_record_key_path(input->config->state_directory, move->record->id);
        RotationFile *file;
        int r;

        if (!rotation_is_over(move))
                return 0;
        r = rotation_files_get(files, path, &file, reterr);
        if (r >= 0 && file->image)
                rotation_file_set(file, secret_new(ROTATION_RETIRED, strlen(ROTATION_RETIRED)));
        return r;
}

static int compose_record(
        const ComposeInput *input, RotationFiles *files, const CaMove *move, Error *reterr)
{
        autofree char *path = ca_record_path(input->config->state_directory, move->record->id);
        autofree char *text = ca_record_text(move->record);
        RotationFile *file;
        int r;

        r = rotation_files_get(files, path, &file, reterr);
        if (r < 0)
                return r;
        file->mode = 0600;
        rotation_file_set(file, secret_new(text, strlen(text)));
        return retire_key(input, files, move, reterr);
}

/* Whatever else may be amiss in a file is not for the phase that nobody is to notice, nor for the
 * way back from it. */
static CaMove *list_seen(const ComposeInput *input, size_t *ret_n)
{
        CaMove *moves = xcalloc(input->n_moves, sizeof(CaMove));
        size_t n = 0;

        for (size_t i = 0; i < input->n_moves; i++)
                if (input->moves[i].from > CA_PHASE_PREPARE ||
                        input->moves[i].target > CA_PHASE_PREPARE)
                        moves[n++] = input->moves[i];
        *ret_n = n;
        return moves;
}

/* All but the records. */
static int compose_host(const ComposeInput *input, RotationFiles *files, Error *reterr)
{
        const Inventory *inventory = input->inventory;
        int r;

        /* 1. Who is trusted, and who signs. */
        r = compose_cas(input, files, reterr);
        for (size_t i = 0; r >= 0 && i < inventory->n_components; i++)
                r = compose_component(input, files, &inventory->components[i], reterr);
        if (r >= 0)
                r = compose_kubelet(input, files, reterr);

        /* 2. Who shows a certificate shows the way to both CAs. */
        for (size_t i = 0; r >= 0 && i < inventory->n_items; i++)
                r = compose_chain(input, files, &inventory->items[i], reterr);
        if (r >= 0)
                r = rotation_compose_kubeconfigs(input, files, reterr);

        /* 3. Who can read one certificate only. */
        return r < 0 ? r : rotation_compose_manifests(input, files, reterr);
}

/* Which key is where is known by the record: they change with the CA's, or not at all. */
static int tie_record(
        const ComposeInput *input, RotationFiles *files, const CaMove *move, Error *reterr)
{
        const char *state = input->config->state_directory;
        autofree char *key_path = ca_record_key_path(state, move->record->id);
        autofree char *path = ca_record_path(state, move->record->id);
        RotationFile *ca_key, *key, *record;
        int r;

        r = rotation_files_get(files, move->ca->entry->key, &ca_key, reterr);
        if (r >= 0)
                r = rotation_files_get(files, key_path, &key, reterr);
        if (r >= 0)
                r = rotation_files_get(files, path, &record, reterr);
        if (r < 0)
                return r;
        if (ca_key->content && ca_key->pair > 0)
                key->pair = record->pair = ca_key->pair;
        return 0;
}

int rotation_compose(const ComposeInput *input, RotationFiles *files, Error *reterr)
{
        ComposeInput seen = *input;
        autofree CaMove *moves = list_seen(input, &seen.n_moves);
        int r;

        seen.moves = moves;
        r = seen.n_moves > 0 ? compose_host(&seen, files, reterr) : 0;
        if (r >= 0)
                r = rotation_restore_manifests(input, files, reterr);
        for (size_t i = 0; r >= 0 && i < input->n_moves; i++)
                r = compose_record(input, files, &input->moves[i], reterr);
        for (size_t i = 0; r >= 0 && i < input->n_moves; i++)
                r = input->moves[i].is_lost ? 0
                                            : tie_record(input, files, &input->moves[i], reterr);
        return r;
}
