/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/inventory/identity.h"

void identity_free(Identity *identity)
{
        if (!identity)
                return;
        free(identity->common_name);
        strv_free(identity->organizations);
        strv_free(identity->sans);
        free(identity);
}

static int expand_sans(const HostIdentity *host, char *const *sans, char ***ret, Error *reterr)
{
        autostrv expanded = NULL;

        for (; sans && *sans; sans++) {
                autofree char *text = NULL;
                char *san;
                int r;

                r = host_identity_expand(host, *sans, &text, reterr);
                if (r < 0)
                        return r;
                r = san_normalize(text, &san, reterr);
                if (r < 0)
                        return r;
                strv_take(&expanded, san);
        }
        *ret = TAKE(expanded);
        return 0;
}

int identity_expand(
        const HostIdentity *host, const IdentityEntry *entry, Identity **ret, Error *reterr)
{
        autoptr(Identity) identity = xcalloc(1, sizeof(*identity));
        int r;

        if (!entry->common_name)
                return error_set(
                        reterr, -ENOKEY, "its identity is not configured: set CommonName=");
        r = host_identity_expand(host, entry->common_name, &identity->common_name, reterr);
        if (r < 0)
                return r;
        for (char *const *o = entry->organizations; o && *o; o++) {
                char *organization;

                r = host_identity_expand(host, *o, &organization, reterr);
                if (r < 0)
                        return r;
                strv_take(&identity->organizations, organization);
        }
        r = expand_sans(host, entry->sans, &identity->sans, reterr);
        if (r < 0)
                return r;
        identity->usage = entry->usage ? entry->usage : CERT_USAGE_CLIENT;
        *ret = TAKE(identity);
        return 0;
}

LeafIdentity identity_leaf(const Identity *identity)
{
        return (LeafIdentity){
                .common_name = identity->common_name,
                .organizations = identity->organizations,
                .sans = identity->sans,
                .usage = identity->usage,
        };
}
