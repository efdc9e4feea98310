/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Who a certificate is for where there is none to copy from: the layout's words with this host's
 * names in them.
 *
 *     r = identity_expand(&config->host, &entry->identity, &identity, reterr);
 *     r = ca_issue(ca, &(LeafIdentity){identity->common_name, ...}, key, &terms, &cert, reterr);
 *
 * Only for `init` and RecreateMissing=; a renewal copies the certificate and never comes here. */

#include "pki/ca.h"
#include "renew/config/config.h"

typedef struct Identity {
        char *common_name;
        char **organizations;
        char **sans;    /* normal form */
        unsigned usage; /* CertUsage bits */
} Identity;

void identity_free(Identity *identity);
DEFINE_AUTOPTR(Identity, identity_free)

/* -ENOKEY if a specifier has no value on this host or there is no common name, -EINVAL for a SAN
 * that is none. */
int identity_expand(const HostIdentity *host, const IdentityEntry *entry, Identity **ret,
        Error *reterr) MUST_USE;

/* The same as ca_issue() wants it; valid as long as the identity is. */
LeafIdentity identity_leaf(const Identity *identity);
