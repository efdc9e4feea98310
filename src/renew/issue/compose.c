/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/issue/compose.h"

#include "renew/inventory/identity.h"
#include "renew/inventory/rotation.h"

/* Text that may hold a key: grown by whole PEM blocks, wiped whenever it moves. */
typedef struct Buffer {
        Secret *secret;
} Buffer;

static void buffer_add(Buffer *buffer, const void *data, size_t size)
{
        Secret *old = buffer->secret;
        size_t old_size = old ? old->size : 0;
        autoptr(Secret) joined = xcalloc(1, sizeof(*joined));

        joined->data = xmalloc(old_size + size);
        joined->size = old_size + size;
        if (old)
                memcpy(joined->data, old->data, old_size);
        memcpy(joined->data + old_size, data, size);
        secret_free(old);
        buffer->secret = TAKE(joined);
}

static void buffer_add_cert(Buffer *buffer, const Cert *cert)
{
        autofree char *pem = cert_to_pem(cert);

        buffer_add(buffer, pem, strlen(pem));
}

/* The new leaf, then what followed the old one: intermediates stay. From what is signed by its own
 * key nothing leads on. */
static Secret *leaf_with_chain(const IssueResult *result)
{
        const CertList *chain =
                cert_is_self_signed(result->cert) ? NULL : result->step->item->chain;
        Buffer buffer = {};

        buffer_add_cert(&buffer, result->cert);
        for (size_t i = 1; chain && i < chain->n; i++)
                buffer_add_cert(&buffer, chain->certs[i]);
        return buffer.secret;
}

static void add_change(Issuance *issuance, const char *path, Secret *content, const FileImage *old,
        mode_t mode, unsigned pair)
{
        issuance_add_change(issuance, &(FileChange){.path = xstrdup(path),
                                              .content = content,
                                              .old = old,
                                              .mode = mode,
                                              .pair = pair});
}

/* Reads certificate and key back from the bytes that will be written. */
static int check_pair(
        const IssueResult *result, const Secret *certificate, const Secret *key_file, Error *reterr)
{
        autoptr(CertList) list = NULL;
        autoptr(Key) key = NULL;
        int r;

        r = cert_list_parse(certificate->data, certificate->size, &list, reterr);
        if (r < 0)
                return r;
        if (!cert_equal(list->certs[0], result->cert))
                return error_set(reterr, -EBADMSG,
                        "the composed file does not begin with the new certificate");
        if (!key_file)
                return key_matches(result->step->item->key, result->cert)
                               ? 0
                               : error_set(reterr, -EKEYREJECTED,
                                         "the key that was kept does not match");
        r = key_parse(key_file->data, key_file->size, &key, reterr);
        if (r < 0)
                return r;
        if (!key_matches(key, result->cert))
                return error_set(reterr, -EKEYREJECTED,
                        "the composed key does not match the new certificate");
        return 0;
}

/* Certificate and key in one file: in the order they had. */
static Secret *one_file(const IssueResult *result)
{
        const FileImage *old = result->step->item->file;
        const Secret *key = result->key_pem;
        const char *text = old ? (const char *)old->data : "";
        const char *key_at = strstr(text, "PRIVATE KEY-----"),
                   *cert_at = strstr(text, "BEGIN CERTIFICATE");
        bool key_first = key_at && cert_at && key_at < cert_at;
        Buffer buffer = {};

        if (key_first)
                buffer_add(&buffer, key->data, key->size);
        buffer_add(&buffer, result->certificate_pem->data, result->certificate_pem->size);
        if (!key_first)
                buffer_add(&buffer, key->data, key->size);
        return buffer.secret;
}

/* No pass ever writes a CA file, whatever a kubeconfig or a layout names. */
static bool is_ca_file(const Inventory *inventory, const char *path, const FileImage *file)
{
        for (size_t i = 0; i < inventory->n_cas; i++) {
                const InventoryCa *ca = &inventory->cas[i];
                const char *key_path = ca_key_path(ca->entry);

                if (streq(ca->entry->certificate, path) || (key_path && streq(key_path, path)))
                        return true;
                if (file && ca->file && file->st.st_dev == ca->file->st.st_dev &&
                        file->st.st_ino == ca->file->st.st_ino)
                        return true;
        }
        return false;
}

static int compose_files(Issuance *issuance, IssueResult *result, unsigned pair, Error *reterr)
{
        const Inventory *inventory = issuance->plan->assessment->inventory;
        const Item *item = result->step->item;
        bool same_file = item->key_path && streq(item->key_path, item->path);
        int r;

        /* 1. A CA file never; nor one that another credential of this pass already changes. */
        if (is_ca_file(inventory, item->path, item->file) ||
                (item->key_path && is_ca_file(inventory, item->key_path, item->key_file)))
                return error_set(reterr, -EPERM, "'%s' is in a file of a CA", item->name);
        if (issuance_find_change(issuance, item->path) ||
                (item->key_path && issuance_find_change(issuance, item->key_path)))
                return error_set(reterr, -ENOTUNIQ, "'%s' shares a file with another certificate",
                        item->name);
        if (same_file && !result->key_pem)
                return error_set(reterr, -EOPNOTSUPP,
                        "ReuseKey= is not possible where '%s' holds certificate and key",
                        item->path);

        /* 2. One file or two. */
        autoptr(Secret) certificate = same_file ? one_file(result)
                                                : secret_new(result->certificate_pem->data,
                                                          result->certificate_pem->size);
        autoptr(Secret) key = result->key_pem && !same_file
                                      ? secret_new(result->key_pem->data, result->key_pem->size)
                                      : NULL;

        /* 3. What will be read from them. */
        r = check_pair(result, certificate, same_file ? certificate : key, reterr);
        if (r < 0)
                return r;
        add_change(
                issuance, item->path, TAKE(certificate), item->file, same_file ? 0600 : 0644, pair);
        issuance->changes[issuance->n_changes - 1].is_rotated = rotation_is_kept(item);
        if (key)
                add_change(issuance, item->key_path, TAKE(key), item->key_file, 0600, pair);
        return 0;
}

static const KubeconfigUser *find_user(const Kubeconfig *config, const char *name)
{
        for (size_t i = 0; i < config->n_users; i++)
                if (streq(config->users[i].name, name))
                        return &config->users[i];
        return NULL;
}

/* What a client would read as this user's certificate and key. */
static int check_user(
        const IssueResult *result, const Kubeconfig *fresh, const char *name, Error *reterr)
{
        const KubeconfigUser *user = find_user(fresh, name);
        Secret certificate;

        if (!user || !user->certificate)
                return error_set(reterr, -EBADMSG, "the composed kubeconfig lost user '%s'", name);
        certificate = (Secret){.data = user->certificate, .size = user->certificate_size};
        return check_pair(result, &certificate, result->key_pem ? user->key : NULL, reterr);
}

/* A kubeconfig that is missing is written whole. */
static int compose_new_kubeconfig(Issuance *issuance, const IssueResult *result,
        const Config *config, unsigned pair, Error *reterr)
{
        const Item *item = result->step->item;
        const InventoryCa *ca = item->expected_ca;
        autofree char *server = NULL;
        autoptr(Secret) content = NULL;
        autoptr(Kubeconfig) fresh = NULL;
        int r;

        if (!item->entry->server || !ca || !ca->file)
                return error_set(reterr, -ENOKEY,
                        "'%s' cannot be made anew: set Server= and CA=", item->path);
        r = host_identity_expand(&config->host, item->entry->server, &server, reterr);
        if (r < 0)
                return r;
        content = kubeconfig_write(&(KubeconfigNew){
                .cluster = "kubernetes",
                .server = server,
                .user = result->cert->common_name,
                .ca = ca->file->data,
                .ca_size = ca->file->size,
                .certificate = result->certificate_pem->data,
                .certificate_size = result->certificate_pem->size,
                .key = result->key_pem->data,
                .key_size = result->key_pem->size,
        });
        r = kubeconfig_parse(content->data, content->size, &fresh, reterr);
        if (r >= 0)
                r = check_user(result, fresh, result->cert->common_name, reterr);
        if (r < 0)
                return r;
        add_change(issuance, item->path, TAKE(content), NULL, 0600, pair);
        return 0;
}

/* The edits of one kubeconfig, by all results that concern it. */
typedef struct Edits {
        KubeconfigEdit *edits;
        size_t n;
        Secret **owned; /* CA data made here */
        size_t n_owned;
} Edits;

static void edits_add(
        Edits *edits, KubeconfigField field, const char *name, const void *data, size_t size)
{
        edits->edits = xreallocarray(edits->edits, edits->n + 1, sizeof(KubeconfigEdit));
        edits->edits[edits->n++] =
                (KubeconfigEdit){.field = field, .name = name, .data = data, .size = size};
}

static void edits_done(Edits *edits)
{
        for (size_t i = 0; i < edits->n_owned; i++)
                secret_free(edits->owned[i]);
        free(edits->owned);
        free(edits->edits);
}

/* Appends the roots of the CA file that the cluster's data lacks; none is dropped. */
static void edits_add_roots(Edits *edits, const KubeconfigCluster *cluster, const CertList *roots)
{
        autoptr(CertList) known = NULL;
        Buffer buffer = {};
        size_t n_missing = 0;

        if (!cluster->ca || cert_list_parse(cluster->ca, cluster->ca_size, &known, NULL) < 0)
                return;
        buffer_add(&buffer, cluster->ca, cluster->ca_size);
        if (cluster->ca_size > 0 && cluster->ca[cluster->ca_size - 1] != '\n')
                buffer_add(&buffer, "\n", 1);
        for (size_t i = 0; i < roots->n; i++)
                if (!cert_list_contains(known, roots->certs[i])) {
                        buffer_add_cert(&buffer, roots->certs[i]);
                        n_missing++;
                }
        edits->owned = xreallocarray(edits->owned, edits->n_owned + 1, sizeof(Secret *));
        edits->owned[edits->n_owned++] = buffer.secret;
        if (n_missing > 0)
                edits_add(edits, KUBECONFIG_CERTIFICATE_AUTHORITY, cluster->name,
                        buffer.secret->data, buffer.secret->size);
}

static void edits_of_result(Edits *edits, const IssueResult *result)
{
        const Item *item = result->step->item;

        if (result->step->kind == STEP_REPAIR_CA_DATA) {
                const KubeconfigCluster *cluster = kubeconfig_current_cluster(item->kubeconfig);

                if (cluster && item->expected_ca && item->expected_ca->bundle)
                        edits_add_roots(edits, cluster, item->expected_ca->bundle);
                return;
        }
        edits_add(edits, KUBECONFIG_CLIENT_CERTIFICATE, item->user->name,
                result->certificate_pem->data, result->certificate_pem->size);
        if (result->key_pem)
                edits_add(edits, KUBECONFIG_CLIENT_KEY, item->user->name, result->key_pem->data,
                        result->key_pem->size);
}

/* Reads every user that was to change back from the bytes that will be written. */
static int check_kubeconfig(const IssueResult *result, const Kubeconfig *fresh, Error *reterr)
{
        if (result->step->kind == STEP_REPAIR_CA_DATA)
                return 0;
        return check_user(result, fresh, result->step->item->user->name, reterr);
}

static bool is_spliced(const IssueResult *result)
{
        const Step *step = result->step;

        return result->outcome == OUTCOME_RENEWED &&
               (step->kind == STEP_REPAIR_CA_DATA ||
                       (step->item->embedded && step->item->kubeconfig &&
                               step->kind != STEP_CREATE));
}

static bool splices_into(const IssueResult *result, const char *path)
{
        return is_spliced(result) && streq(step_path(result->step), path);
}

static int splice(const Issuance *issuance, const FileImage *old, Secret **ret, Error *reterr)
{
        Edits edits = {};
        autoptr(Kubeconfig) fresh = NULL;
        autoptr(Secret) content = NULL;
        int r;

        /* 1. All that is to change in this file, at once. */
        for (size_t i = 0; i < issuance->n; i++)
                if (splices_into(&issuance->results[i], old->path))
                        edits_of_result(&edits, &issuance->results[i]);
        r = kubeconfig_replace(old->data, old->size, edits.edits, edits.n, &content, reterr);
        edits_done(&edits);
        if (r < 0)
                return r;

        /* 2. Read it as a client would. */
        r = kubeconfig_parse(content->data, content->size, &fresh, reterr);
        for (size_t i = 0; r >= 0 && i < issuance->n; i++)
                if (splices_into(&issuance->results[i], old->path))
                        r = check_kubeconfig(&issuance->results[i], fresh, reterr);
        if (r < 0)
                return r;
        *ret = TAKE(content);
        return 0;
}

/* One change for the whole kubeconfig; if that fails, all its results fail with it. */
static void compose_kubeconfig(Issuance *issuance, const FileImage *old, unsigned pair)
{
        Error error = {};
        Secret *content = NULL;

        if (issuance_find_change(issuance, old->path))
                return;
        if (splice(issuance, old, &content, &error) >= 0) {
                add_change(issuance, old->path, content, old, 0600, pair);
                return;
        }
        error_prefix(&error, -EBADMSG, "cannot change '%s'", old->path);
        for (size_t i = 0; i < issuance->n; i++)
                if (splices_into(&issuance->results[i], old->path))
                        issue_result_fail(&issuance->results[i], OUTCOME_FAILED, error.text);
}

void issuance_compose(Issuance *issuance, const Config *config)
{
        for (size_t i = 0; i < issuance->n; i++) {
                IssueResult *result = &issuance->results[i];
                const Item *item = result->step->item;
                unsigned pair = (unsigned)i + 1;
                Error error = {};
                int r = 0;

                if (result->cert && !result->certificate_pem)
                        result->certificate_pem = leaf_with_chain(result);
                if (result->outcome != OUTCOME_RENEWED || is_spliced(result))
                        continue;
                if (item->kind == ITEM_KUBECONFIG && !item->kubeconfig && !rotation_is_kept(item))
                        r = compose_new_kubeconfig(issuance, result, config, pair, &error);
                else
                        r = compose_files(issuance, result, pair, &error);
                if (r < 0)
                        issue_result_fail(result, OUTCOME_FAILED, error.text);
        }
        for (size_t i = 0; i < issuance->n; i++)
                if (is_spliced(&issuance->results[i]))
                        compose_kubeconfig(issuance,
                                issuance->results[i].step->item->kubeconfig_file, (unsigned)i + 1);
}
