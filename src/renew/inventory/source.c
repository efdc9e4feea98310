/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/inventory/source.h"

#include "base/time-util.h"

void source_free(PairSource *source)
{
        if (!source)
                return;
        free(source->place);
        secret_free(source->certificate);
        secret_free(source->key);
        free(source->problem);
        free(source);
}

bool source_shares_name(const PairSource *source, const Cert *cert)
{
        const Cert *leaf = source->chain->certs[0];
        bool shared = leaf->common_name && cert->common_name &&
                      streq(leaf->common_name, cert->common_name);

        for (char *const *san = cert->sans; san && *san && !shared; san++)
                shared = cert_has_san(leaf, *san) || strv_contains(leaf->sans, *san);
        return shared;
}

char *source_problem(const PairSource *source, int64_t now)
{
        const Cert *leaf = source->chain ? source->chain->certs[0] : NULL;
        autofree char *what = source->fetch ? xstrdup("it") : xasprintf("'%s'", source->place);
        char span[SPAN_TEXT_SIZE];

        if (source->problem)
                return xstrdup(source->problem);
        if (leaf->not_after <= now)
                return xasprintf(
                        "%s expired %s ago", what, span_format(now - leaf->not_after, span));
        if (now < leaf->not_before)
                return xasprintf(
                        "%s becomes valid in %s", what, span_format(leaf->not_before - now, span));
        return NULL;
}
