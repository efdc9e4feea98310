/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/inventory/rotation.h"
#include "renew/plan/plan.h"

/* What every kubelet is called: k8s.io/kubernetes pkg/auth/nodeidentifier knows no other. */
#define NODE "system:node:"

static const InventoryComponent *find_unit(const Inventory *inventory, const char *unit)
{
        for (size_t i = 0; i < inventory->n_components; i++) {
                const ComponentEntry *entry = inventory->components[i].entry;

                if (entry->unit && streq(entry->unit, unit))
                        return &inventory->components[i];
        }
        return NULL;
}

/* The identity of the certificate that is there, if a node can have it; else the layout's. */
static StepKind step_kind(const Item *item)
{
        const char *common_name = item->cert ? item->cert->common_name : NULL;

        return common_name && starts_with(common_name, NODE) ? STEP_RENEW : STEP_CREATE;
}

int plan_kubelet(const Assessment *assessment, const char *unit, Plan **ret, Error *reterr)
{
        const Inventory *inventory = assessment->inventory;
        const Item *item = rotation_find(inventory);
        const InventoryComponent *component = find_unit(inventory, unit);
        autoptr(Plan) plan = xcalloc(1, sizeof(*plan));

        /* 1. Whose certificate it is, and who must have it. */
        if (!item)
                return error_set(reterr, -ENOENT,
                        "no kubeconfig with Watch=yes names a certificate that a kubelet renews "
                        "by itself (kubelet-client-current.pem)");
        if (!component)
                return error_set(reterr, -ENOENT,
                        "there is no [component] with Unit=%s, so the kubelet could not be "
                        "restarted",
                        unit);

        /* 2. One certificate, one restart. */
        plan->assessment = assessment;
        plan->n_steps = plan->n_restarts = 1;
        plan->steps = xcalloc(1, sizeof(Step));
        plan->steps[0] = (Step){.kind = step_kind(item),
                .item = item,
                .verdict = &assessment->verdicts[item - inventory->items],
                .reason = DUE_REQUESTED,
                .text = xstrdup("was asked for")};
        plan->restarts = xcalloc(1, sizeof(Restart));
        plan->restarts[0] = (Restart){
                .component = component, .text = xasprintf("reads %s when it starts", item->path)};
        strv_add(&plan->restarts[0].paths, item->path);
        *ret = TAKE(plan);
        return 0;
}

/* The one that the kubelet keeps to itself. */
static const char *find_kubeconfig(const Layout *layout, char *const *paths)
{
        for (size_t i = 0; i < layout->n_credentials; i++) {
                const CredentialEntry *entry = &layout->credentials[i];

                if (entry->is_kubeconfig && entry->watch && strv_contains(paths, entry->path))
                        return entry->path;
        }
        return NULL;
}

void restarts_add_kubelet(const Inventory *inventory, const Config *config, char *const *paths,
        Restart **restarts, size_t *n)
{
        const char *path = find_kubeconfig(&config->layout, paths);
        const InventoryComponent *component = find_unit(inventory, config->kubelet_unit);
        size_t at = 0;

        if (!path || !component)
                return;
        while (at < *n && (*restarts)[at].component != component)
                at++;
        if (at == *n) {
                *restarts = xreallocarray(*restarts, *n + 1, sizeof(Restart));
                memmove(*restarts + 1, *restarts, (*n)++ * sizeof(Restart));
                at = 0;
                **restarts = (Restart){
                        .component = component, .text = xasprintf("keeps what %s embeds", path)};
        }
        (*restarts)[at].is_needed = true;
        if (!strv_contains((*restarts)[at].paths, path))
                strv_add(&(*restarts)[at].paths, path);
}
