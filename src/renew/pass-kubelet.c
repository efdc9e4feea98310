/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/pass-internal.h"

#include "renew/commit/commit.h"

int pass_renew_kubelet(Pass *pass, const char *reason, Error *reterr)
{
        const PlanRequest request = {.kubelet_unit = pass->config->kubelet_unit};
        autoptr(Plan) plan = NULL;
        autoptr(Issuance) issuance = NULL;
        int r;

        r = plan_make(pass_latest(pass), &request, &plan, reterr);
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        issuance = issue_run(pass->root_fd, plan, NULL, pass->config, pass->now);
        if (issuance->results[0].outcome != OUTCOME_RENEWED)
                return error_set(reterr, -ECANCELED, "the kubelet's certificate: %s",
                        issuance->results[0].text);
        r = pass_commit(pass, issuance, reason, false, reterr);
        pass->committed |= r > 0;
        return r < 0 ? r : 0;
}
