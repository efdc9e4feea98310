/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/ca-rotation/ca-rotation-compose.h"

/* Flags that take one certificate and the key that signs for it, in files of their own:
 * --cluster-signing-cert-file and what is named like it. Source: k8s.io/kubernetes
 * cmd/kube-controller-manager/app/options/csrsigningcontroller.go. */
#define CERTIFICATE_SUFFIX "cert-file"
#define KEY_SUFFIX         "key-file"

/* A pair that signs, and who it was and will be. */
typedef struct Pair {
        const CaMove *move;
        RotationFile *certificate;
        const Cert *was, *will_be;
} Pair;

static bool names_certificate(const char *flag)
{
        size_t length = strlen(flag), suffix = strlen(CERTIFICATE_SUFFIX);

        return length > suffix && streq(flag + length - suffix, CERTIFICATE_SUFFIX);
}

/* The file of the flag beside this one; NULL: there is none, and nobody signs. */
static const char *key_beside(const Manifest *manifest, const ComponentUse *use)
{
        if (!manifest || !use->container || !names_certificate(use->how))
                return NULL;
        autofree char *flag = xasprintf(
                "%.*s" KEY_SUFFIX, (int)(strlen(use->how) - strlen(CERTIFICATE_SUFFIX)), use->how);

        for (size_t i = 0; i < manifest->n_files; i++) {
                const ManifestFile *file = &manifest->files[i];

                if (file->flag && streq(file->flag, flag) && streq(file->container, use->container))
                        return file->path;
        }
        return NULL;
}

static bool holds_key_of(const RotationFile *file, const Cert *cert)
{
        autoptr(Key) key = NULL;
        size_t size;
        const void *text = rotation_file_data(file, &size);

        return text && key_parse(text, size, &key, NULL) >= 0 && key_matches(key, cert);
}

/* The key goes with its certificate, or the component would not start. */
static int change_key(RotationFiles *files, const Pair *pair, const char *path, Error *reterr)
{
        RotationFile *key, *ca_key;
        size_t size;
        int r;

        r = rotation_files_get(files, path, &key, reterr);
        if (r >= 0)
                r = rotation_files_get(files, pair->move->ca->entry->key, &ca_key, reterr);
        if (r < 0)
                return r;
        if (!holds_key_of(key, pair->will_be)) {
                if (!holds_key_of(key, pair->was))
                        return error_set(reterr, -EKEYREJECTED,
                                "'%s' holds CA '%s', and '%s' is not its key: neither of them can "
                                "follow; a component that signs with them must have a pair",
                                pair->certificate->path, pair->move->record->id, key->path);
                const void *text = rotation_file_data(ca_key, &size);

                rotation_file_set(key, secret_new(text, size));
                key->pair = ca_key->pair;
        }
        pair->certificate->pair = ca_key->pair;
        return 0;
}

static int change_keys(
        const ComposeInput *input, RotationFiles *files, const Pair *pair, Error *reterr)
{
        const Inventory *inventory = input->inventory;
        int r = 0;

        for (size_t i = 0; i < inventory->n_components; i++) {
                const InventoryComponent *component = &inventory->components[i];
                ComponentUse use;

                for (size_t at = 0; r >= 0 && component_next_use(component, pair->certificate->path,
                                                      &at, &use);) {
                        const char *path = key_beside(component->manifest, &use);

                        r = path ? change_key(files, pair, path, reterr) : 0;
                }
        }
        return r;
}

static int change_signer(const ComposeInput *input, RotationFiles *files, const CaMove *move,
        RotationFile *file, Error *reterr)
{
        const CaRecord *record = move->record;
        const Cert *signer = ca_phase_signer(record, move->target);
        const BundleEdit edit = {.known = {record->old_ca, record->new_ca},
                .n_known = 2,
                .wanted = {signer},
                .n_wanted = 1};
        size_t size;
        const void *text = rotation_file_data(file, &size);
        Secret *edited = bundle_edit(text, size, &edit);

        if (!edited)
                return 0;
        rotation_file_set(file, edited);
        return change_keys(input, files,
                &(Pair){.move = move,
                        .certificate = file,
                        .was = signer == record->old_ca ? record->new_ca : record->old_ca,
                        .will_be = signer},
                reterr);
}

int rotation_compose_signer_file(
        const ComposeInput *input, RotationFiles *files, const char *path, Error *reterr)
{
        RotationFile *file;
        int r;

        r = rotation_files_get(files, path, &file, reterr);
        for (size_t i = 0; r >= 0 && file->image && i < input->n_moves; i++)
                r = change_signer(input, files, &input->moves[i], file, reterr);
        return r;
}
