/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/issue/issue-kubeconfig.h"

#include "renew/issue/token.h"

/* Who signs the layout's own kubeconfigs signs this one, too; a layout without any has one CA. */
static const char *default_ca(const Layout *layout)
{
        for (size_t i = 0; i < layout->n_credentials; i++)
                if (layout->credentials[i].is_kubeconfig && layout->credentials[i].ca)
                        return layout->credentials[i].ca;
        return layout->n_cas > 0 ? layout->cas[0].id : NULL;
}

static int find_ca(const Config *config, const Inventory *inventory, const char *asked,
        const InventoryCa **ret, Error *reterr)
{
        const char *id = asked ? asked : default_ca(&config->layout);
        autostrv ids = NULL;

        for (size_t i = 0; id && i < inventory->n_cas; i++) {
                const CaEntry *entry = inventory->cas[i].entry;

                if (streq(entry->id, id)) {
                        *ret = &inventory->cas[i];
                        return 0;
                }
                strv_add(&ids, entry->id);
        }
        if (!asked)
                return error_set(reterr, -ENOKEY, "the layout has no CA");
        autofree char *known = strv_join(ids, ", ");
        return error_set(reterr, -EINVAL, "there is no CA '%s'; there are: %s", id, known);
}

static int check_server(const char *server, Error *reterr)
{
        static const char scheme[] = "https://";
        size_t length = strlen(server);

        for (size_t i = 0; i < length; i++)
                if (server[i] <= ' ' || server[i] == 0x7f)
                        length = 0;
        if (length < sizeof(scheme) || !starts_with(server, scheme))
                return error_set(reterr, -EINVAL,
                        "'%s' is no URL of an API server; write it as https://192.0.2.10:6443",
                        server);
        return 0;
}

/* Its key must be here: nobody else is asked to sign this. */
static int open_ca(
        int root_fd, const Config *config, const InventoryCa *ca, int64_t now, Error *reterr)
{
        const char *name = ca->entry->name;
        int r;

        if (ca->error < 0)
                return error_set(reterr, ca->error, "CA '%s' cannot sign: %s", name, ca->problem);
        if (ca->key_error < 0)
                return error_set(reterr, ca->key_error == -ENOENT ? -ENOKEY : ca->key_error,
                        "CA '%s' cannot sign: %s", name,
                        ca->key_error == -ENOENT ? "its key is not on this host" : ca->key_problem);
        r = token_open_ca(root_fd, config, ca, reterr);
        if (r >= 0)
                r = ca_check(ca->ca, now, reterr);
        return r < 0 ? error_prefix(reterr, r, "CA '%s' cannot sign", name) : 0;
}

static int make_key(
        const Config *config, const KubeconfigRequest *request, Key **ret, Error *reterr)
{
        KeyKind kind = config->policy.key_algorithm;
        int r = 0;

        if (request->key_algorithm)
                r = key_kind_read(request->key_algorithm, &kind, reterr);
        return r < 0 ? r : key_generate(kind ? kind : KEY_KIND_RSA_2048, ret, reterr);
}

/* The whole file: who trusts one root only is lost when the CA is rotated. */
static char *roots_of(const InventoryCa *ca)
{
        char *roots = xstrdup("");

        for (size_t i = 0; i < ca->bundle->n; i++) {
                autofree char *before = roots, *pem = cert_to_pem(ca->bundle->certs[i]);

                roots = xasprintf("%s%s", before, pem);
        }
        return roots;
}

static Secret *compose(const KubeconfigRequest *request, const InventoryCa *ca, const Cert *cert,
        const Secret *key)
{
        autofree char *roots = roots_of(ca), *pem = cert_to_pem(cert);

        return kubeconfig_write(&(KubeconfigNew){
                .cluster = "kubernetes",
                .server = request->server,
                .user = request->user,
                .ca = roots,
                .ca_size = strlen(roots),
                .certificate = pem,
                .certificate_size = strlen(pem),
                .key = key->data,
                .key_size = key->size,
        });
}

int issue_kubeconfig(int root_fd, const Config *config, const Inventory *inventory,
        const KubeconfigRequest *request, int64_t now, Secret **ret, Error *reterr)
{
        int64_t validity = request->validity ? request->validity : config->policy.validity;
        const LeafIdentity identity = {
                .common_name = request->user,
                .organizations = request->groups,
                .usage = CERT_USAGE_CLIENT,
        };
        autofree char *subject = NULL;
        autoptr(Key) key = NULL;
        autoptr(Cert) cert = NULL;
        autoptr(Secret) pem = NULL;
        const InventoryCa *ca = NULL;
        int r;

        /* 1. What was asked for, and whether it can be signed, before there is a key. */
        r = find_ca(config, inventory, request->ca, &ca, reterr);
        if (r >= 0)
                r = check_server(request->server, reterr);
        if (r >= 0)
                r = leaf_subject(&identity, &subject, reterr);
        if (r >= 0)
                r = open_ca(root_fd, config, ca, now, reterr);
        if (r < 0)
                return r;

        /* 2. Key and certificate, which has been read back and verified when it is here. */
        const LeafTerms terms = leaf_terms(ca->ca, now, validity, NULL);

        r = make_key(config, request, &key, reterr);
        if (r >= 0)
                r = ca_issue(ca->ca, &identity, key, &terms, &cert, reterr);
        if (r >= 0)
                r = key_to_pem(key, key_format_default(key_kind(key)), &pem, reterr);
        if (r < 0)
                return r;

        /* 3. The file that nobody here keeps. */
        *ret = compose(request, ca, cert, pem);
        return 0;
}
