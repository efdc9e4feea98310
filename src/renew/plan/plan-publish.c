/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/plan/plan.h"

void plan_publications_free(Plan *plan)
{
        for (size_t i = 0; i < plan->n_publications; i++)
                strv_free(plan->publications[i].keys);
        free(plan->publications);
}

void plan_publications(Plan *plan, char *const *changed)
{
        const Layout *layout = &plan->assessment->config->layout;

        for (size_t i = 0; i < layout->n_publications; i++) {
                const SecretEntry *entry = &layout->publications[i];
                char **keys = NULL;

                for (size_t k = 0; k < entry->n_parts; k++)
                        if (strv_contains(changed, entry->parts[k].path))
                                strv_add(&keys, entry->parts[k].key);
                if (!keys)
                        continue;
                plan->publications = xreallocarray(
                        plan->publications, plan->n_publications + 1, sizeof(PlanPublication));
                plan->publications[plan->n_publications++] = (PlanPublication){entry, keys};
        }
}
