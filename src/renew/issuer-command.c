/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/issuer.h"

IssuerAnswer issuer_command_ask(const IssuerInput *input, Pending *pending)
{
        (void)input;
        (void)pending;
        return (IssuerAnswer){.verdict = ISSUER_UNCONFIGURED,
                .text = xstrdup("the issuer 'command' is not built yet")};
}
