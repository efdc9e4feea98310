/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/ca-rotation/ca-rotation-compose.h"

#include "kube/manifest-edit.h"
#include "renew/inventory/reload.h"

#define SUFFIX "-signer.crt"

static bool takes_one(const InventoryComponent *component, const ComponentUse *use)
{
        const Consumer consumer = component_consumer(component, use);

        return reload_takes_one_certificate(consumer.component, use->how);
}

bool rotation_is_signer_file(const Inventory *inventory, const char *path)
{
        bool is_signer = false;

        for (size_t i = 0; i < inventory->n_cas; i++)
                if (streq(inventory->cas[i].entry->certificate, path))
                        return false;
        for (size_t i = 0; i < inventory->n_components; i++) {
                ComponentUse use;

                for (size_t at = 0;
                        component_next_use(&inventory->components[i], path, &at, &use);) {
                        if (!takes_one(&inventory->components[i], &use))
                                return false;
                        is_signer = true;
                }
        }
        return is_signer;
}

/* The move of which this file holds both CAs; NULL: it can be read by who takes one. */
static const CaMove *move_of_bundle(const ComposeInput *input, const RotationFile *file)
{
        autoptr(CertList) list = NULL;
        size_t size;
        const void *text = rotation_file_data(file, &size);

        if (!text || cert_list_parse(text, size, &list, NULL) < 0)
                return NULL;
        for (size_t i = 0; i < input->n_moves; i++)
                if (cert_list_contains(list, input->moves[i].record->old_ca) &&
                        cert_list_contains(list, input->moves[i].record->new_ca))
                        return &input->moves[i];
        return NULL;
}

/* "DIRECTORY/ca.crt": "DIRECTORY/ca-signer.crt", in this directory. */
static char *signer_path(const char *beside, const char *file)
{
        const char *name = fs_basename(file), *dot = strrchr(name, '.');
        size_t length = dot ? (size_t)(dot - name) : strlen(name);

        return xasprintf(
                "%.*s%.*s" SUFFIX, (int)(fs_basename(beside) - beside), beside, (int)length, name);
}

static int replace_flag(RotationFile *manifest, const CaManifestEdit *edit, const char *old_value,
        const char *new_value, Error *reterr)
{
        autofree char *text = NULL;
        size_t size, text_size;
        const void *data = rotation_file_data(manifest, &size);
        int r;

        r = manifest_replace_argument(data, size, edit->container, edit->flag, old_value, new_value,
                &text, &text_size, reterr);
        if (r < 0)
                return error_prefix(
                        reterr, r, "cannot change %s in '%s'", edit->flag, edit->manifest);
        rotation_file_set(manifest, secret_new(text, text_size));
        return 0;
}

static int write_signer(RotationFiles *files, const CaMove *move, const char *path, Error *reterr)
{
        autofree char *pem = cert_to_pem(ca_phase_signer(move->record, move->target));
        RotationFile *file;
        int r;

        r = rotation_files_get(files, path, &file, reterr);
        if (r >= 0)
                rotation_file_set(file, secret_new(pem, strlen(pem)));
        return r;
}

/* From the file that holds two to one beside it that holds who signs. */
static int point_to_signer(RotationFiles *files, const InventoryComponent *component,
        const ManifestFile *named, const CaMove *move, Error *reterr)
{
        const char *path = component->entry->manifest;
        const char *value = manifest_flag(component->manifest, named->container, named->flag);
        const CaManifestEdit *edit;
        RotationFile *manifest;
        int r;

        if (named->mounted_singly)
                return error_set(reterr, -EOPNOTSUPP,
                        "%s in '%s' takes one certificate, and '%s' is mounted by itself: mount "
                        "its directory, so that another file can be named",
                        named->flag, path, named->path);
        if (!ca_record_find_edit(move->record, path, named->container, named->flag))
                ca_record_add_edit(
                        move->record, &(CaManifestEdit){
                                              .manifest = xstrdup(path),
                                              .container = xstrdup(named->container),
                                              .flag = xstrdup(named->flag),
                                              .value = xstrdup(value),
                                              .signer_value = signer_path(value, named->path),
                                              .signer = signer_path(named->path, named->path),
                                      });
        edit = ca_record_find_edit(move->record, path, named->container, named->flag);
        r = rotation_files_get(files, path, &manifest, reterr);
        if (r >= 0)
                r = replace_flag(manifest, edit, value, edit->signer_value, reterr);
        return r < 0 ? r : write_signer(files, move, edit->signer, reterr);
}

static int compose_flag(const ComposeInput *input, RotationFiles *files,
        const InventoryComponent *component, const ManifestFile *named, Error *reterr)
{
        const ComponentUse use = {.how = named->flag,
                .container = named->container,
                .mounted_singly = named->mounted_singly};
        const CaMove *move;
        RotationFile *file;
        int r;

        if (!named->flag || !takes_one(component, &use))
                return 0;
        r = rotation_files_get(files, named->path, &file, reterr);
        if (r < 0)
                return r;
        move = move_of_bundle(input, file);
        return move ? point_to_signer(files, component, named, move, reterr) : 0;
}

/* Back to what the flag said, unless somebody has given it another value since then. */
static int take_back(
        RotationFiles *files, const CaMove *move, const CaManifestEdit *edit, Error *reterr)
{
        autofree char *pem = cert_to_pem(ca_phase_signer(move->record, move->target));
        autofree char *retired = xasprintf(ROTATION_RETIRED "%s", pem);
        autoptr(Manifest) manifest = NULL;
        RotationFile *file, *signer;
        const char *value;
        size_t size;
        int r;

        r = rotation_files_get(files, edit->manifest, &file, reterr);
        if (r >= 0)
                r = rotation_files_get(files, edit->signer, &signer, reterr);
        if (r < 0 || !file->image)
                return r;
        const void *data = rotation_file_data(file, &size);
        r = manifest_parse(data, size, &manifest, reterr);
        if (r < 0)
                return error_prefix(reterr, r, "'%s'", edit->manifest);
        value = manifest_flag(manifest, edit->container, edit->flag);
        if (value && streq(value, edit->signer_value))
                r = replace_flag(file, edit, edit->signer_value, edit->value, reterr);
        if (r >= 0 && signer->image)
                rotation_file_set(signer, secret_new(retired, strlen(retired)));
        return r;
}

int rotation_compose_manifests(const ComposeInput *input, RotationFiles *files, Error *reterr)
{
        const Inventory *inventory = input->inventory;
        int r = 0;

        for (size_t i = 0; i < inventory->n_components; i++) {
                const InventoryComponent *component = &inventory->components[i];
                const Manifest *manifest = component->manifest;

                for (size_t k = 0; r >= 0 && manifest && k < manifest->n_files; k++)
                        r = compose_flag(input, files, component, &manifest->files[k], reterr);
        }
        return r;
}

int rotation_restore_manifests(const ComposeInput *input, RotationFiles *files, Error *reterr)
{
        int r = 0;

        for (size_t i = 0; i < input->n_moves; i++)
                for (size_t k = 0; r >= 0 && rotation_is_over(&input->moves[i]) &&
                                   k < input->moves[i].record->n_edits;
                        k++)
                        r = take_back(
                                files, &input->moves[i], &input->moves[i].record->edits[k], reterr);
        return r;
}
