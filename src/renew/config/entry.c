/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an entry of a layout says of itself, and which one is called so. */
#include "renew/config/config.h"

const char *issuer_kind_name(IssuerKind kind)
{
        static const char *const names[N_ISSUER_KINDS] = {
                [ISSUER_KIND_CA] = "ca",
                [ISSUER_KIND_SELF_SIGNED] = "self-signed",
                [ISSUER_KIND_FILES] = "files",
                [ISSUER_KIND_CSR] = "csr",
                [ISSUER_KIND_COMMAND] = "command",
                [ISSUER_KIND_EXTERNAL] = "external",
                [ISSUER_KIND_RESTART] = "restart",
        };

        return names[kind];
}

bool issuer_takes_requests(const CredentialEntry *entry)
{
        return !entry->watch &&
               (entry->issuer.kind == ISSUER_KIND_CSR || entry->issuer.kind == ISSUER_KIND_COMMAND);
}

bool issuer_restarts(const CredentialEntry *entry)
{
        return !entry->watch && entry->issuer.kind == ISSUER_KIND_RESTART;
}

bool credential_is_only_read(const CredentialEntry *entry)
{
        return entry->watch || issuer_restarts(entry);
}

/* Of "vcluster:apiserver" that of the layout; of what is bare, nothing. Behind a slash is a user.
 */
static size_t prefix_length(const char *name)
{
        size_t length = strcspn(name, ":/#");

        return name[length] == ':' ? length : 0;
}

bool layout_is_same(const char *name, const char *other)
{
        size_t length = prefix_length(name);

        return length == prefix_length(other) && strncmp(name, other, length) == 0;
}

bool ca_has_token(const CaEntry *ca)
{
        return ca->key && ca->key[0] != '/';
}

const char *ca_key_path(const CaEntry *ca)
{
        return ca_has_token(ca) ? NULL : ca->key;
}

const CaEntry *layout_find_ca(const Layout *layout, const char *id)
{
        for (size_t i = 0; i < layout->n_cas; i++)
                if (streq(layout->cas[i].id, id))
                        return &layout->cas[i];
        return NULL;
}

const CredentialEntry *layout_find_credential(const Layout *layout, const char *name)
{
        size_t i;

        return name_index_find(&layout->credential_index, name, &i) ? &layout->credentials[i]
                                                                    : NULL;
}

const ComponentEntry *layout_find_component(const Layout *layout, const char *name)
{
        for (size_t i = 0; i < layout->n_components; i++)
                if (streq(layout->components[i].name, name))
                        return &layout->components[i];
        return NULL;
}

static const SecretEntry *find_secret(const SecretEntry *entries, size_t n, const char *name)
{
        for (size_t i = 0; i < n; i++)
                if (streq(entries[i].name, name))
                        return &entries[i];
        return NULL;
}

const SecretEntry *layout_find_publication(const Layout *layout, const char *name)
{
        return find_secret(layout->publications, layout->n_publications, name);
}

const SecretEntry *layout_find_fetch(const Layout *layout, const char *name)
{
        return find_secret(layout->fetches, layout->n_fetches, name);
}

const SecretEntry *layout_fetch_of(const Layout *layout, const CredentialEntry *entry)
{
        for (size_t i = 0; i < layout->n_fetches; i++)
                for (size_t k = 0; k < layout->fetches[i].n_parts; k++)
                        if (layout->fetches[i].parts[k].credential == entry)
                                return &layout->fetches[i];
        return NULL;
}

const CopyEntry *layout_find_copy(const Layout *layout, const char *name)
{
        for (size_t i = 0; i < layout->n_copies; i++)
                if (streq(layout->copies[i].name, name))
                        return &layout->copies[i];
        return NULL;
}
