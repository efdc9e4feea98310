/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/ca-rotation/ca-rotation-cluster.h"

#include "base/digest.h"
#include "renew/ca-rotation/ca-rotation-cluster-internal.h"
#include "renew/issue/preflight.h"

#define ASK_TIMEOUT 10 /* seconds */

/* Who may read what is asked for (facts 1). */
static const char *const administrators[] = {"system:masters", "kubeadm:cluster-admins"};

typedef enum Trust {
        TRUST_NONE, /* neither of the two: not about this CA */
        TRUST_STAYING,
        TRUST_LEAVING_ALONE,
} Trust;

static Trust trust_of(const Question *question, const void *pem, size_t size)
{
        autoptr(CertList) list = NULL;

        if (cert_list_parse(pem, size, &list, NULL) < 0)
                return TRUST_NONE;
        if (cert_list_contains(list, question->staying))
                return TRUST_STAYING;
        return cert_list_contains(list, question->leaving) ? TRUST_LEAVING_ALONE : TRUST_NONE;
}

/* What trusts one of the two is counted, and whatever else it may trust does not matter. */
static void tally_trust(Tally *tally, Trust trust, const char *name)
{
        if (trust != TRUST_NONE)
                tally_add(tally, trust == TRUST_LEAVING_ALONE, name);
}

static void add_tally(const Question *question, const char *name, Tally *tally, const char *remedy)
{
        bool any = tally->n > 0, is_open = tally->n_open > 0;
        autofree char *text = tally_text(tally);

        if (is_open)
                question_add(question, name, CHECK_OPEN,
                        xasprintf(
                                "the CA that goes is all that is trusted by %s: %s", text, remedy));
        else if (any)
                question_add(question, name, CHECK_DONE, xstrdup("trusts the CA that stays"));
}

/* A list under way. */
typedef struct Visit {
        const Question *question;
        Tally tally;
} Visit;

static void visit_root_ca(const json_t *object, void *userdata)
{
        Visit *visit = userdata;
        const char *pem = api_text(object, "data", "ca.crt", NULL);
        const char *namespace = api_text(object, "metadata", "namespace", NULL);

        if (pem)
                tally_trust(&visit->tally, trust_of(visit->question, pem, strlen(pem)),
                        namespace ? namespace : "");
}

static void check_root_ca(const Question *question)
{
        static const char name[] = "ConfigMaps kube-root-ca.crt";
        Visit visit = {.question = question};
        Error error = {};

        if (api_list(&question->server,
                    "/api/v1/configmaps?fieldSelector=metadata.name%3Dkube-root-ca.crt", 100,
                    visit_root_ca, &visit, &error) < 0) {
                strv_free(visit.tally.names);
                question_fail(question, name, &error);
        } else
                add_tally(question, name, &visit.tally,
                        "kube-controller-manager writes them when it has begun with the new "
                        "--root-ca-file");
}

static Trust trust_of_kubeconfig(const Question *question, const char *text)
{
        autoptr(Kubeconfig) config = NULL;

        if (kubeconfig_parse(text, strlen(text), &config, NULL) < 0 || config->n_clusters == 0 ||
                !config->clusters[0].ca)
                return TRUST_NONE;
        return trust_of(question, config->clusters[0].ca, config->clusters[0].ca_size);
}

/* One ConfigMap, of which some values are texts that trust somebody. */
static void check_config_map(const Question *question, const char *path, const char *name,
        const char *const *keys, Trust (*ask)(const Question *question, const char *text),
        const char *remedy)
{
        autoptr(json_t) object = NULL;
        Tally tally = {};
        Error error = {};
        int r;

        r = api_get(&question->server, path, &object, &error);
        if (r < 0 && r != -ENOENT)
                question_fail(question, name, &error);
        for (; r >= 0 && *keys; keys++) {
                const char *text = api_text(object, "data", *keys, NULL);

                if (text)
                        tally_trust(&tally, ask(question, text), *keys);
        }
        add_tally(question, name, &tally, remedy);
}

static Trust trust_of_text(const Question *question, const char *text)
{
        return trust_of(question, text, strlen(text));
}

static void check_config_maps(const Question *question)
{
        check_config_map(question, "/api/v1/namespaces/kube-public/configmaps/cluster-info",
                "ConfigMap kube-public/cluster-info", (const char *const[]){"kubeconfig", NULL},
                trust_of_kubeconfig,
                "nodes that join would trust nobody else; put both CAs into its "
                "certificate-authority-data, or let `kubeadm init phase bootstrap-token` write it");
        check_config_map(question,
                "/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication",
                "ConfigMap kube-system/extension-apiserver-authentication",
                (const char *const[]){"client-ca-file", "requestheader-client-ca-file", NULL},
                trust_of_text, "kube-apiserver writes it a minute after it has read the new files");
}

static void tally_bundle(Visit *visit, const json_t *client, const char *name)
{
        const char *text = api_text(client, "caBundle", NULL);
        autofree unsigned char *pem = NULL;
        size_t size;

        if (text && base64_decode(text, strlen(text), &pem, &size) >= 0)
                tally_trust(&visit->tally, trust_of(visit->question, pem, size), name);
}

/* Who is called by the API server, and by which CA it knows him. */
static void visit_called(const json_t *object, void *userdata)
{
        const json_t *webhooks = json_object_get(object, "webhooks");
        const json_t *spec = json_object_get(object, "spec");
        const json_t *conversion = json_object_get(json_object_get(spec, "conversion"), "webhook");
        const char *name = api_text(object, "metadata", "name", NULL);
        const json_t *webhook;
        size_t i;

        name = name ? name : "";
        json_array_foreach(webhooks, i, webhook)
                tally_bundle(userdata, json_object_get(webhook, "clientConfig"), name);
        tally_bundle(userdata, json_object_get(conversion, "clientConfig"), name);
        tally_bundle(userdata, spec, name);
}

/* Definitions of resources are the largest objects there are: one at a time. */
static void check_called(const Question *question)
{
        static const struct {
                const char *path, *name;
                unsigned page_size;
        } lists[] = {
                {"/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations",
                        "validating webhooks", 10},
                {"/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations",
                        "mutating webhooks", 10},
                {"/apis/apiextensions.k8s.io/v1/customresourcedefinitions", "conversion webhooks",
                        1},
                {"/apis/apiregistration.k8s.io/v1/apiservices", "aggregated API servers", 20},
        };

        for (size_t i = 0; i < ELEMENTSOF(lists); i++) {
                Visit visit = {.question = question};
                Error error = {};

                if (api_list(&question->server, lists[i].path, lists[i].page_size, visit_called,
                            &visit, &error) < 0) {
                        strv_free(visit.tally.names);
                        question_fail(question, lists[i].name, &error);
                } else
                        add_tally(question, lists[i].name, &visit.tally,
                                "put both CAs into caBundle");
        }
}

static bool is_administrator(const Cert *cert)
{
        for (size_t i = 0; i < ELEMENTSOF(administrators); i++)
                if (strv_contains(cert->organizations, administrators[i]))
                        return true;
        return false;
}

/* With whose credentials to ask in a cluster of this CA; NULL: nobody's. */
static const Item *find_administrator(const Inventory *inventory, const char *ca)
{
        for (size_t i = 0; i < inventory->n_items; i++) {
                const Item *item = &inventory->items[i];

                if (item->kind == ITEM_KUBECONFIG && item->embedded && item->cert && item->user &&
                        item->user->certificate && item->user->key &&
                        is_administrator(item->cert) && layout_is_same(item->name, ca))
                        return item;
        }
        return NULL;
}

void cluster_ask(const Question *question)
{
        cluster_check_members(question);
        check_config_maps(question);
        check_called(question);
        if (question->signs_server) {
                check_root_ca(question);
                cluster_check_pods(question);
        }
        if (question->signs_clients)
                cluster_check_nodes(question);
}

char *cluster_roots(const Inventory *inventory, const char *ca)
{
        char *roots = xstrdup("");

        for (size_t i = 0; i < inventory->n_cas; i++) {
                const CertList *bundle = inventory->cas[i].bundle;

                if (!layout_is_same(inventory->cas[i].entry->id, ca))
                        continue;
                for (size_t k = 0; bundle && k < bundle->n; k++) {
                        autofree char *before = roots, *pem = cert_to_pem(bundle->certs[k]);

                        roots = strstr(before, pem) ? TAKE(before) : xasprintf("%s%s", before, pem);
                }
        }
        return roots;
}

/* Who answers, and knows us. */
static int connect_to_server(const Item *administrator, const char *roots,
        const ManifestEndpoint *endpoint, ApiServer *server, Error *reterr)
{
        autoptr(json_t) object = NULL;

        if (!endpoint || !administrator)
                return error_set(reterr, -ENOENT, "there is no %s on this host",
                        endpoint ? "administrator's kubeconfig" : "API server");
        *server = (ApiServer){.host = endpoint->host,
                .port = endpoint->port,
                .timeout = ASK_TIMEOUT,
                .tls = {.ca = roots,
                        .ca_size = strlen(roots),
                        .certificate = administrator->user->certificate,
                        .certificate_size = administrator->user->certificate_size,
                        .key = administrator->user->key->data,
                        .key_size = administrator->user->key->size}};
        return api_get(server, "/version", &object, reterr);
}

/* A CA is made: nobody else must have to get the same one. */
static bool is_made(const ChecklistInput *input, const CaRotation *rotation)
{
        return !rotation->record && rotation->moves && !rotation->aborts && !input->is_supplied;
}

static bool trusts_both(const CaRotation *rotation)
{
        return rotation->record &&
               (rotation->phase == CA_PHASE_TRUST_BOTH || rotation->phase == CA_PHASE_REISSUE);
}

static void check_rotation(
        const ChecklistInput *input, Checklist *checklist, const CaRotation *rotation)
{
        const char *ca = rotation->ca->entry->id;
        const Item *administrator = find_administrator(input->inventory, ca);
        const CaRecord *record = rotation->record;
        autofree char *roots = cluster_roots(input->inventory, ca);
        Question question = {.input = input,
                .checklist = checklist,
                .rotation = rotation,
                .server.timeout = ASK_TIMEOUT};
        Error error = {};
        int r;

        if (record) {
                bool aborts = input->aborts || record->is_aborting;

                question.leaving = aborts ? record->new_ca : record->old_ca;
                question.staying = aborts ? record->old_ca : record->new_ca;
                cluster_check_etcd(&question);
        }
        r = connect_to_server(administrator, roots, preflight_find_server(input->inventory, ca),
                &question.server, &error);
        if (!record)
                cluster_check_alone(&question, r < 0 ? &error : NULL);
        else if (r < 0)
                question_fail(&question, "the cluster", &error);
        else {
                question_look(&question, administrator->cert);
                cluster_ask(&question);
        }
}

void cluster_check(const ChecklistInput *input, Checklist *checklist)
{
        for (size_t i = 0; running_is_live(input->running) && i < input->rotations->n; i++) {
                const CaRotation *rotation = &input->rotations->list[i];

                if (rotation->is_selected && rotation->error >= 0 &&
                        (trusts_both(rotation) || is_made(input, rotation)))
                        check_rotation(input, checklist, rotation);
        }
}
