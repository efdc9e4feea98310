/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/ca-rotation/ca-rotation-compose.h"

#include "base/path.h"

/* What changes in one kubeconfig. */
typedef struct Edits {
        KubeconfigEdit *edits;
        Secret **contents; /* parallel */
        size_t n;
} Edits;

static void edits_done(Edits *edits)
{
        for (size_t i = 0; i < edits->n; i++)
                secret_free(edits->contents[i]);
        free(edits->contents);
        free(edits->edits);
}

/* Takes the content. */
static void edits_add(Edits *edits, KubeconfigField field, const char *name, Secret *content)
{
        if (!content)
                return;
        edits->edits = xreallocarray(edits->edits, edits->n + 1, sizeof(KubeconfigEdit));
        edits->contents = xreallocarray(edits->contents, edits->n + 1, sizeof(Secret *));
        edits->edits[edits->n] = (KubeconfigEdit){
                .field = field, .name = name, .data = content->data, .size = content->size};
        edits->contents[edits->n++] = content;
}

/* The CA that the layout names for it; only its current cluster is known to be ours. */
static const InventoryCa *ca_of_cluster(
        const Inventory *inventory, const CredentialEntry *entry, bool is_current)
{
        for (size_t i = 0; is_current && entry->ca && i < inventory->n_cas; i++)
                if (streq(inventory->cas[i].entry->id, entry->ca))
                        return &inventory->cas[i];
        return NULL;
}

/* Its name is of a file beside the kubeconfig, or a path. */
static int edit_ca_file(const ComposeInput *input, RotationFiles *files,
        const CredentialEntry *entry, const char *name, const InventoryCa *ca, Error *reterr)
{
        autofree char *directory =
                xstrndup(entry->path, (size_t)(fs_basename(entry->path) - entry->path));
        autofree char *path = path_join(directory, name);

        return rotation_edit_file(input, files, path, ca, reterr);
}

static int collect(const ComposeInput *input, RotationFiles *files, const CredentialEntry *entry,
        const Kubeconfig *config, Edits *edits, Error *reterr)
{
        const KubeconfigCluster *current = kubeconfig_current_cluster(config);
        int r = 0;

        for (size_t i = 0; r >= 0 && i < config->n_clusters; i++) {
                const KubeconfigCluster *cluster = &config->clusters[i];
                const InventoryCa *ca = ca_of_cluster(input->inventory, entry, cluster == current);

                if (cluster->ca)
                        edits_add(edits, KUBECONFIG_CERTIFICATE_AUTHORITY, cluster->name,
                                rotation_edit_roots(input, cluster->ca, cluster->ca_size, ca));
                else if (cluster->ca_file)
                        r = edit_ca_file(input, files, entry, cluster->ca_file, ca, reterr);
        }
        for (size_t i = 0; i < config->n_users && !credential_is_only_read(entry); i++)
                if (config->users[i].certificate)
                        edits_add(edits, KUBECONFIG_CLIENT_CERTIFICATE, config->users[i].name,
                                rotation_edit_chain(input, config->users[i].certificate,
                                        config->users[i].certificate_size));
        return r;
}

static int compose_kubeconfig(const ComposeInput *input, RotationFiles *files,
        const CredentialEntry *entry, Error *reterr)
{
        __attribute__((cleanup(edits_done))) Edits edits = {};
        autoptr(Kubeconfig) config = NULL;
        autoptr(Secret) content = NULL;
        RotationFile *file;
        size_t size;
        int r;

        /* 1. One that is none is a fault of its own, and holds nobody up; what a component makes it
         * makes with the CAs of its own. */
        if (issuer_restarts(entry) || rotation_files_get(files, entry->path, &file, NULL) < 0 ||
                !file->image)
                return 0;
        const void *text = rotation_file_data(file, &size);
        if (kubeconfig_parse(text, size, &config, NULL) < 0)
                return 0;

        /* 2. All that changes in it, at once. */
        r = collect(input, files, entry, config, &edits, reterr);
        if (r < 0 || edits.n == 0)
                return r;
        r = kubeconfig_replace(text, size, edits.edits, edits.n, &content, reterr);
        if (r < 0)
                return error_prefix(reterr, r, "cannot change '%s'", entry->path);
        rotation_file_set(file, TAKE(content));
        return 0;
}

int rotation_compose_kubeconfigs(const ComposeInput *input, RotationFiles *files, Error *reterr)
{
        const Layout *layout = &input->config->layout;
        int r = 0;

        for (size_t i = 0; r >= 0 && i < layout->n_credentials; i++)
                if (layout->credentials[i].is_kubeconfig)
                        r = compose_kubeconfig(input, files, &layout->credentials[i], reterr);
        return r;
}
