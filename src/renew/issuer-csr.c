/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/issuer.h"

IssuerAnswer issuer_csr_ask(const IssuerInput *input, Pending *pending)
{
        (void)input;
        (void)pending;
        return (IssuerAnswer){.verdict = ISSUER_UNCONFIGURED,
                .text = xstrdup("the issuer 'csr' is not built yet")};
}

void issuer_csr_withdraw(const IssuerInput *input, const Pending *pending)
{
        (void)input;
        (void)pending;
}

void issuer_csr_clean_up(const IssuerInput *input, const Pending *pending)
{
        (void)input;
        (void)pending;
}
