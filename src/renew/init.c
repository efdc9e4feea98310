/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/init.h"

#include "base/log.h"
#include "base/time-util.h"
#include "kube/kubeconfig.h"
#include "pki/key-batch.h"
#include "renew/backup/backup.h"
#include "renew/inventory/identity.h"
#include "renew/recovery.h"
#include "renew/unit/interrupt.h"

#define CA_VALIDITY (10 * YEAR) /* kubeadm's: 87600 h */

/* One key and what it is for: a CA, a credential that one of them signs, or neither: the service
 * account's. */
typedef struct Maker {
        const CaEntry *ca;                 /* this is a CA */
        const CredentialEntry *credential; /* this is a leaf */
        KeyRequest *key;
        Cert *cert;
        Ca *signer; /* of a CA, made from its own certificate */
} Maker;

typedef struct Init {
        const Config *config;
        const InitOptions *options;
        HostIdentity host;
        int64_t now;
        Maker *makers; /* CAs first */
        size_t n;
        KeyRequest *keys; /* parallel to makers */
        struct {
                char *path;
                Secret *content;
                mode_t mode;
        } * files;
        size_t n_files;
} Init;

static void init_done(Init *init)
{
        for (size_t i = 0; i < init->n; i++) {
                cert_free(init->makers[i].cert);
                ca_free(init->makers[i].signer);
                key_free(init->keys[i].key);
        }
        for (size_t i = 0; i < init->n_files; i++) {
                free(init->files[i].path);
                secret_free(init->files[i].content);
        }
        free(init->makers);
        free(init->keys);
        free(init->files);
}

static void add_file(Init *init, const char *path, const void *data, size_t size, mode_t mode)
{
        init->files = xreallocarray(init->files, init->n_files + 1, sizeof(*init->files));
        init->files[init->n_files].path = xstrdup(path);
        init->files[init->n_files].content = secret_new(data, size);
        init->files[init->n_files++].mode = mode;
}

static int choose_key_kind(const Init *init, const Policy *policy, KeyKind *ret, Error *reterr)
{
        KeyKind kind = policy->key_algorithm;
        int r = 0;

        if (init->options->key_algorithm)
                r = key_kind_read(init->options->key_algorithm, &kind, reterr);
        if (r < 0)
                return r;
        *ret = kind == KEY_KIND_NONE ? KEY_KIND_RSA_2048 : kind;
        return 0;
}

static int refuse_existing(int root_fd, const char *path, Error *reterr)
{
        if (path && fs_exists(root_fd, path))
                return error_set(reterr, -EEXIST,
                        "'%s' exists: init never overwrites; move it away, or name another --root=",
                        path);
        return 0;
}

/* One more key to make, for files that must not be there yet. */
static int add_maker(Init *init, int root_fd, const Maker *maker, const Policy *policy,
        const char *const paths[2], Error *reterr)
{
        int r = 0;

        for (size_t i = 0; r >= 0 && i < 2; i++)
                r = refuse_existing(root_fd, paths[i], reterr);
        if (r >= 0)
                r = choose_key_kind(init, policy, &init->keys[init->n].kind, reterr);
        if (r < 0)
                return r;
        init->makers[init->n] = *maker;
        init->makers[init->n].key = &init->keys[init->n];
        init->n++;
        return 0;
}

static int add_ca_maker(Init *init, int root_fd, const CaEntry *ca, Error *reterr)
{
        const char *const paths[] = {ca->certificate, ca_key_path(ca)};

        if (ca_has_token(ca))
                return error_set(reterr, -EINVAL,
                        "cannot make CA '%s': no keys are made in a token ('%s'); set Key= to a "
                        "path, or make key and certificate there",
                        ca->name, ca->key);
        if (!ca->key)
                return error_set(
                        reterr, -EINVAL, "cannot make CA '%s': set Key= to a path", ca->name);
        return add_maker(init, root_fd, &(Maker){.ca = ca}, &init->config->policy, paths, reterr);
}

/* Everything the layout describes with an identity, none of it on disk. */
static int collect(Init *init, int root_fd, Error *reterr)
{
        const Layout *layout = &init->config->layout;
        const char *const service_account[] = {
                layout->service_account_key, layout->service_account_public_key};
        size_t n_max = layout->n_cas + layout->n_credentials + 1;
        int r = 0;

        for (size_t i = 0; i < layout->n_credentials; i++)
                if (issuer_restarts(&layout->credentials[i]))
                        return error_set(reterr, -EOPNOTSUPP,
                                "there is nothing to make here: '%s' makes certificates and CAs "
                                "when it is started (RenewedBy= of '%s')",
                                layout->credentials[i].issuer.renewed_by,
                                layout->credentials[i].name);
        init->makers = xcalloc(n_max, sizeof(Maker));
        init->keys = xcalloc(n_max, sizeof(KeyRequest));
        for (size_t i = 0; r >= 0 && i < layout->n_cas; i++)
                if (!layout->cas[i].optional)
                        r = add_ca_maker(init, root_fd, &layout->cas[i], reterr);
        for (size_t i = 0; r >= 0 && i < layout->n_credentials; i++) {
                const CredentialEntry *entry = &layout->credentials[i];
                const char *const paths[] = {entry->path, entry->key};

                if (!entry->identity.common_name || entry->issuer.kind != ISSUER_KIND_CA)
                        continue;
                if (entry->ca && layout_find_ca(layout, entry->ca)->optional)
                        r = error_set(reterr, -EINVAL,
                                "cannot make '%s': CA '%s' has Optional=yes, and is not made",
                                entry->name, entry->ca);
                else if (!entry->ca || (!entry->key && !entry->is_kubeconfig))
                        r = error_set(reterr, -EINVAL,
                                "cannot make '%s': set CA= and Key= of [certificate %s]",
                                entry->name, entry->name);
                else
                        r = add_maker(init, root_fd, &(Maker){.credential = entry}, &entry->policy,
                                paths, reterr);
        }
        if (r < 0 || !service_account[0] || !service_account[1])
                return r;

        /* The API server signs and verifies tokens with RSA and ECDSA only. */
        r = add_maker(init, root_fd, &(Maker){}, &init->config->policy, service_account, reterr);
        if (r >= 0 && init->keys[init->n - 1].kind == KEY_KIND_ED25519)
                init->keys[init->n - 1].kind = KEY_KIND_ECDSA_P256;
        return r;
}

/* The pair that signs tokens: kubeadm keeps both halves to root. */
static int make_service_account(Init *init, const Maker *maker, Error *reterr)
{
        const Layout *layout = &init->config->layout;
        autofree char *public_pem = NULL;
        autoptr(Secret) key_pem = NULL;
        int r;

        r = key_to_pem(maker->key->key, key_format_default(maker->key->kind), &key_pem, reterr);
        if (r >= 0)
                r = key_public_to_pem(maker->key->key, &public_pem, reterr);
        if (r < 0)
                return r;
        add_file(init, layout->service_account_key, key_pem->data, key_pem->size, 0600);
        add_file(init, layout->service_account_public_key, public_pem, strlen(public_pem), 0600);
        return 0;
}

static int make_ca(Init *init, Maker *maker, Error *reterr)
{
        int64_t validity = init->options->ca_validity ? init->options->ca_validity : CA_VALIDITY;
        autofree char *pem = NULL;
        autoptr(Secret) key_pem = NULL;
        int r;

        r = ca_create(maker->ca->common_name ? maker->ca->common_name : maker->ca->name,
                maker->key->key, init->now - 5 * MINUTE, init->now + validity, &maker->cert,
                reterr);
        if (r < 0)
                return r;
        r = key_to_pem(maker->key->key, key_format_default(maker->key->kind), &key_pem, reterr);
        if (r < 0)
                return r;
        pem = cert_to_pem(maker->cert);
        add_file(init, maker->ca->certificate, pem, strlen(pem), 0644);
        add_file(init, maker->ca->key, key_pem->data, key_pem->size, 0600);

        const CertList bundle = {.certs = &maker->cert, .n = 1};
        r = ca_new(&bundle, maker->key->key, &maker->signer, reterr);
        if (r >= 0)
                maker->key->key = NULL;
        return r;
}

static const Maker *find_ca(const Init *init, const char *id)
{
        for (size_t i = 0; i < init->n; i++)
                if (init->makers[i].ca && streq(init->makers[i].ca->id, id))
                        return &init->makers[i];
        return NULL;
}

static int write_kubeconfig(Init *init, const Maker *maker, const Maker *ca, const char *pem,
        const Secret *key, Error *reterr)
{
        autofree char *server = NULL, *ca_pem = cert_to_pem(ca->cert);
        autoptr(Secret) content = NULL;
        int r;

        if (!maker->credential->server)
                return error_set(
                        reterr, -EINVAL, "set Server= of [kubeconfig %s]", maker->credential->name);
        r = host_identity_expand(&init->host, maker->credential->server, &server, reterr);
        if (r < 0)
                return r;
        content = kubeconfig_write(&(KubeconfigNew){
                .cluster = "kubernetes",
                .server = server,
                .user = maker->cert->common_name,
                .ca = ca_pem,
                .ca_size = strlen(ca_pem),
                .certificate = pem,
                .certificate_size = strlen(pem),
                .key = key->data,
                .key_size = key->size,
        });
        add_file(init, maker->credential->path, content->data, content->size, 0600);
        return 0;
}

static int make_leaf(Init *init, Maker *maker, Error *reterr)
{
        const CredentialEntry *entry = maker->credential;
        const Maker *ca = find_ca(init, entry->ca);
        int64_t validity =
                init->options->validity ? init->options->validity : entry->policy.validity;
        autoptr(Identity) identity = NULL;
        autofree char *pem = NULL;
        autoptr(Secret) key_pem = NULL;
        int r;

        r = identity_expand(&init->host, &entry->identity, &identity, reterr);
        if (r < 0)
                return r;
        const LeafIdentity leaf = identity_leaf(identity);
        const LeafTerms terms =
                leaf_terms(ca->signer, init->now, validity, entry->policy.extra_sans);
        r = ca_issue(ca->signer, &leaf, maker->key->key, &terms, &maker->cert, reterr);
        if (r < 0)
                return r;
        r = key_to_pem(maker->key->key, key_format_default(maker->key->kind), &key_pem, reterr);
        if (r < 0)
                return r;
        pem = cert_to_pem(maker->cert);
        if (entry->is_kubeconfig)
                return write_kubeconfig(init, maker, ca, pem, key_pem, reterr);
        add_file(init, entry->path, pem, strlen(pem), 0644);
        add_file(init, entry->key, key_pem->data, key_pem->size, 0600);
        return 0;
}

static int make(Init *init, Maker *maker, Error *reterr)
{
        if (maker->key->error < 0)
                return error_set(reterr, maker->key->error, "%s", maker->key->text.text);
        if (maker->ca)
                return make_ca(init, maker, reterr);
        if (maker->credential)
                return make_leaf(init, maker, reterr);
        return make_service_account(init, maker, reterr);
}

static int make_all(Init *init, Error *reterr)
{
        log_status("Making %zu keys and certificates", init->n);
        key_generate_all(init->keys, init->n);
        for (size_t i = 0; i < init->n; i++) {
                Maker *maker = &init->makers[i];
                int r = make(init, maker, reterr);

                if (r < 0)
                        return error_prefix(reterr, r, "cannot make '%s'",
                                maker->ca           ? maker->ca->name
                                : maker->credential ? maker->credential->name
                                                    : init->config->layout.service_account_key);
        }
        return 0;
}

static int make_parent(int root_fd, const char *path, Error *reterr)
{
        autofree char *parent = xstrndup(path, (size_t)(fs_basename(path) - path));

        return fs_make_directories(root_fd, parent, 0755, reterr);
}

static int write_all(const Init *init, int root_fd, Error *reterr)
{
        const char *state_directory = init->config->state_directory;
        autofree char *backup = backup_path(state_directory, init->now, init->options->pass_id);
        autoptr(PairJudge) judge = NULL;
        autoptr(Txn) txn = NULL;
        TxnOutcome outcome = {};
        int r;

        /* 1. The lock, and the end of whatever was interrupted here before. Who asks us to stop is
         * heard when all is written. */
        interrupt_hold();
        judge = pair_judge_new(root_fd, init->config);
        const TxnJudge txn_judge = pair_judge_txn(judge);
        r = recovery_run(&(Recovery){.root_fd = root_fd,
                                 .config = init->config,
                                 .judge = judge,
                                 .pass_id = init->options->pass_id,
                                 .now = init->now},
                &txn, NULL, reterr);
        if (r < 0)
                return r;

        /* 2. All files as one. */
        r = txn_begin(txn, init->options->pass_id, backup, "init", init->now, reterr);
        for (size_t i = 0; r >= 0 && i < init->n_files; i++) {
                r = make_parent(root_fd, init->files[i].path, reterr);
                if (r >= 0)
                        r = txn_add(txn,
                                &(TxnChange){.path = init->files[i].path,
                                        .data = init->files[i].content->data,
                                        .size = init->files[i].content->size,
                                        .mode = init->files[i].mode},
                                reterr);
        }
        if (r >= 0)
                r = txn_prepare(txn, reterr);
        if (r >= 0)
                r = txn_commit(txn, &txn_judge, &outcome, reterr);
        if (r >= 0 && outcome.n_conflicts > 0)
                r = error_set(reterr, -EEXIST, "somebody else made '%s' at the same moment",
                        outcome.conflicts[0].path);
        txn_outcome_done(&outcome);
        return r;
}

static HostIdentity merge_host(const HostIdentity *configured, const InitOptions *options)
{
        HostIdentity host = *configured;

        if (options->node_name)
                host.node_name = (char *)options->node_name;
        if (options->advertise_address)
                host.advertise_address = (char *)options->advertise_address;
        if (options->service_address)
                host.service_address = (char *)options->service_address;
        if (options->dns_domain)
                host.dns_domain = (char *)options->dns_domain;
        return host;
}

int init_control_plane(int root_fd, const Config *config, const InitOptions *options, int64_t now,
        char ***ret_paths, Error *reterr)
{
        Init init = {.config = config,
                .options = options,
                .now = now,
                .host = merge_host(&config->host, options)};
        int r;

        if (strv_length(config->layout.names) > 1)
                return error_set(reterr, -EINVAL,
                        "init makes one control plane; name its layout with --layout=");
        r = collect(&init, root_fd, reterr);
        if (r >= 0)
                r = make_all(&init, reterr);
        if (r >= 0)
                r = write_all(&init, root_fd, reterr);
        if (r >= 0) {
                *ret_paths = NULL;
                for (size_t i = 0; i < init.n_files; i++)
                        strv_add(ret_paths, init.files[i].path);
        }
        init_done(&init);
        return r;
}
