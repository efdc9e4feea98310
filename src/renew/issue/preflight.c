/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/issue/preflight.h"

#include "base/log.h"
#include "renew/issue/compose.h"

#define API_SERVER      "kube-apiserver"
#define API_SERVER_FLAG "--tls-cert-file"
#define ASK_TIMEOUT     5 /* seconds */

static const ManifestEndpoint *endpoint_of(const Manifest *manifest)
{
        for (size_t i = 0; manifest && i < manifest->n_endpoints; i++) {
                const ManifestEndpoint *endpoint = &manifest->endpoints[i];
                const ManifestContainer *container =
                        manifest_container(manifest, endpoint->container);

                if (container && container->program && streq(container->program, API_SERVER) &&
                        streq(endpoint->flag, API_SERVER_FLAG))
                        return endpoint;
        }
        return NULL;
}

const ManifestEndpoint *preflight_find_server(const Inventory *inventory, const char *name)
{
        const ManifestEndpoint *endpoint = NULL;

        for (size_t i = 0; i < inventory->n_components && !endpoint; i++)
                if (layout_is_same(inventory->components[i].entry->name, name))
                        endpoint = endpoint_of(inventory->components[i].manifest);
        return endpoint;
}

/* Is there something to lose? What has expired is replaced whatever anybody says, and what was
 * missing too. */
static bool is_in_question(const IssueResult *result)
{
        const Item *item = result->step->item;

        return result->outcome == OUTCOME_RENEWED && result->cert && item->embedded && item->user &&
               result->step->verdict->residual >= 0;
}

/* What a client with the new kubeconfig would show, and whom it would trust; false if that is not
 * in our hands. */
static bool credentials_of(const IssueResult *result, HttpTls *ret)
{
        const Item *item = result->step->item;
        const KubeconfigCluster *cluster = kubeconfig_current_cluster(item->kubeconfig);
        const FileImage *ca = item->expected_ca ? item->expected_ca->file : NULL;
        const Secret *key = result->key_pem ? result->key_pem : item->user->key;

        if (!key || !result->certificate_pem || !((cluster && cluster->ca) || ca))
                return false;
        *ret = (HttpTls){
                .ca = cluster && cluster->ca ? cluster->ca : (const void *)ca->data,
                .ca_size = cluster && cluster->ca ? cluster->ca_size : ca->size,
                .certificate = result->certificate_pem->data,
                .certificate_size = result->certificate_pem->size,
                .key = key->data,
                .key_size = key->size,
        };
        return true;
}

/* The whole kubeconfig stays as it is, and so do its copies. */
static void hold_back(Issuance *issuance, const IssueResult *result, const char *why)
{
        const char *path = step_path(result->step);
        const FileChange *change = issuance_find_change(issuance, path);
        autofree char *text = xasprintf("the new certificate of '%s' was tried before it was "
                                        "written, and %s; the old one stays",
                result->step->item->name, why);

        issue_fail_file(issuance, path, text);
        if (change)
                issuance_drop_pair(issuance, change->pair, text);
}

void preflight_run(Issuance *issuance, PreflightAsk ask)
{
        const Inventory *inventory = issuance->plan->assessment->inventory;

        for (size_t i = 0; i < issuance->n; i++) {
                const IssueResult *result = &issuance->results[i];
                const ManifestEndpoint *server;
                Error error = {};
                HttpTls tls;

                if (!is_in_question(result) || !credentials_of(result, &tls))
                        continue;
                server = preflight_find_server(inventory, result->step->item->name);
                if (!server)
                        continue;
                switch (ask(server->host, server->port, &tls, ASK_TIMEOUT, &error)) {
                case API_ACCEPTED:
                        break;
                case API_REFUSED:
                        hold_back(issuance, result, error.text);
                        break;
                case API_SILENT:
                        log_debug("new credentials are not tried: %s", error.text);
                        return;
                }
        }
}
