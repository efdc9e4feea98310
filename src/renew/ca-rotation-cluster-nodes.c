/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/digest.h"
#include "base/time-util.h"
#include "renew/ca-rotation-cluster-internal.h"
#include "renew/rotation.h"

#define NODE "system:node:"

/* Where every container of a pod finds the CA, and the token that goes with it. */
#define TOKEN_MOUNT "/var/run/secrets/kubernetes.io/serviceaccount"

/* So long after the phase, at most, the ConfigMaps have the new CA, too. */
#define PUBLISHED_WITHIN (2 * MINUTE)

/* Nodes, and those of them that have shown a certificate of the CA that stays. */
typedef struct Nodes {
        const Question *question;
        const char *self; /* this host's: its kubelet is among the files of this host */
        char **renewed;
        Tally tally;
} Nodes;

static void visit_request(const json_t *object, void *userdata)
{
        Nodes *nodes = userdata;
        const char *text = api_text(object, "status", "certificate", NULL);
        autofree unsigned char *pem = NULL;
        autoptr(CertList) list = NULL;
        size_t size;

        if (!text || base64_decode(text, strlen(text), &pem, &size) < 0 ||
                cert_list_parse(pem, size, &list, NULL) < 0)
                return;
        if (cert_is_issued_by(list->certs[0], nodes->question->staying) &&
                list->certs[0]->common_name && starts_with(list->certs[0]->common_name, NODE))
                strv_add(&nodes->renewed, list->certs[0]->common_name + strlen(NODE));
}

static void visit_node(const json_t *object, void *userdata)
{
        Nodes *nodes = userdata;
        const char *name = api_text(object, "metadata", "name", NULL);

        if (name && !(nodes->self && streq(name, nodes->self)))
                tally_add(&nodes->tally, !strv_contains(nodes->renewed, name), name);
}

static const char *own_node(const ChecklistInput *input)
{
        const Item *item = rotation_find(input->inventory);
        const char *name = item && item->cert ? item->cert->common_name : NULL;

        return name && starts_with(name, NODE) ? name + strlen(NODE)
                                               : input->config->host.node_name;
}

/* What a kubelet trusts, nobody can see from here. That it has a certificate of the CA that stays
 * shows that it was there; requests are kept for an hour. */
void cluster_check_nodes(const Question *question)
{
        static const char name[] = "kubelets of other nodes";
        Nodes nodes = {.question = question, .self = own_node(question->input)};
        autofree char *text = NULL;
        bool any, is_open;
        Error error = {};
        int r;

        r = api_list(&question->server,
                "/apis/certificates.k8s.io/v1/certificatesigningrequests?fieldSelector="
                "spec.signerName%3Dkubernetes.io%2Fkube-apiserver-client-kubelet",
                20, visit_request, &nodes, &error);
        if (r >= 0)
                r = api_list(&question->server, "/api/v1/nodes", 10, visit_node, &nodes, &error);
        strv_free(nodes.renewed);
        any = nodes.tally.n > 0;
        is_open = nodes.tally.n_open > 0;
        text = tally_text(&nodes.tally);
        if (r < 0)
                question_fail(question, name, &error);
        else if (is_open)
                question_add(question, name, CHECK_UNKNOWN,
                        xasprintf("%s have asked for no certificate of the CA that stays within "
                                  "the last hour: see that each has that CA in its kubelet.conf "
                                  "and a new certificate",
                                text));
        else if (any)
                question_add(question, name, CHECK_DONE,
                        xstrdup("all have a certificate of the CA that stays"));
}

static bool mounts_token(const json_t *spec)
{
        const json_t *container, *mount;
        size_t i, k;

        json_array_foreach(json_object_get(spec, "containers"), i, container)
                json_array_foreach(json_object_get(container, "volumeMounts"), k, mount)
        {
                const char *path = api_text(mount, "mountPath", NULL);

                if (path && streq(path, TOKEN_MOUNT))
                        return true;
        }
        return false;
}

/* When the oldest of its containers began; 0: none runs. */
static int64_t running_since(const json_t *status)
{
        const json_t *container;
        int64_t since = 0;
        size_t i;

        json_array_foreach(json_object_get(status, "containerStatuses"), i, container)
        {
                const char *text = api_text(container, "state", "running", "startedAt", NULL);
                int64_t t;

                if (text && time_parse(text, &t) >= 0 && (since == 0 || t < since))
                        since = t;
        }
        return since;
}

static void visit_pod(const json_t *object, void *userdata)
{
        Nodes *pods = userdata;
        const CaRecord *record = pods->question->rotation->record;
        int64_t since = running_since(json_object_get(object, "status"));
        const char *name = api_text(object, "metadata", "name", NULL);
        const char *namespace = api_text(object, "metadata", "namespace", NULL);

        if (!name || !namespace || since == 0 || !mounts_token(json_object_get(object, "spec")))
                return;
        autofree char *full_name = xasprintf("%s/%s", namespace, name);
        tally_add(&pods->tally, since < record->times[CA_PHASE_TRUST_BOTH] + PUBLISHED_WITHIN,
                full_name);
}

/* Who is in a pod reads the CA when he begins. To go back is no matter for them: they have known
 * the CA that stays from the beginning. */
void cluster_check_pods(const Question *question)
{
        static const char name[] = "pods";
        Nodes pods = {.question = question};
        autofree char *text = NULL;
        bool any, is_open;
        Error error = {};
        int r;

        if (question->staying == question->rotation->record->old_ca)
                return;
        r = api_list(&question->server, "/api/v1/pods", 20, visit_pod, &pods, &error);
        any = pods.tally.n > 0;
        is_open = pods.tally.n_open > 0;
        text = tally_text(&pods.tally);
        if (r < 0)
                question_fail(question, name, &error);
        else if (is_open)
                question_add(question, name, CHECK_OPEN,
                        xasprintf("%s began before the new CA was published, and may have read "
                                  "the old one alone: restart them (kubectl rollout restart)",
                                text));
        else if (any)
                question_add(question, name, CHECK_DONE,
                        xstrdup("all have begun with the CA that stays"));
}

/* What an API server elsewhere shows us proves that its host has gone through the same phase: only
 * then does the CA that stays vouch for it. */
static void ask_member(const Question *question, const char *host, uint16_t port)
{
        autofree char *name = xasprintf("API server %s", host);
        autofree char *staying = cert_to_pem(question->staying);
        ApiServer member = question->server;
        autoptr(json_t) object = NULL;
        Error error = {};
        int r;

        member.host = host;
        member.port = port;
        member.tls.ca = staying;
        member.tls.ca_size = strlen(staying);
        r = api_get(&member, "/version", &object, &error);
        if (r >= 0)
                checklist_add(question->checklist, question->rotation, name, CHECK_DONE,
                        CA_PHASE_REISSUE, xstrdup("is vouched for by the CA that stays"));
        else if (r == -EKEYREJECTED || r == -EACCES)
                checklist_add(question->checklist, question->rotation, name, CHECK_OPEN,
                        CA_PHASE_REISSUE,
                        xasprintf("the CA that stays does not vouch for it, or it does not know "
                                  "our certificate; run the same phase there, with the same CA "
                                  "(--certificate= --key=): %s",
                                error.text));
        else
                question_fail(question, name, &error);
}

/* Who has gone through the same phase is vouched for by the CA that stays: it has signed him, or
 * what he sends along. */
static bool is_vouched_for(const Question *question)
{
        const CaRotation *rotation = question->rotation;
        const Cert *cross = ca_phase_cross(rotation->record, rotation->phase);

        return cert_equal(ca_phase_signer(rotation->record, rotation->phase), question->staying) ||
               (cross && cross->not_after > question->input->now);
}

static void ask_others(const Question *question, const json_t *subset, bool asks, char ***ret_hosts)
{
        const json_t *address, *port;
        uint16_t number = 443;
        size_t i;

        json_array_foreach(json_object_get(subset, "ports"), i, port)
        {
                json_int_t n = json_integer_value(json_object_get(port, "port"));

                if (n > 0 && n <= UINT16_MAX)
                        number = (uint16_t)n;
        }
        json_array_foreach(json_object_get(subset, "addresses"), i, address)
        {
                const char *host = api_text(address, "ip", NULL);

                if (!host)
                        continue;
                strv_add(ret_hosts, host);
                if (asks)
                        ask_member(question, host, number);
        }
}

void cluster_check_members(const Question *question)
{
        bool asks = question->is_api_ca && is_vouched_for(question);
        autoptr(json_t) object = NULL;
        autostrv hosts = NULL;
        const json_t *subset;
        Error error = {};
        size_t i;
        int r;

        r = api_get(&question->server, "/api/v1/namespaces/default/endpoints/kubernetes", &object,
                &error);
        if (r < 0) {
                question_fail(question, "other control planes", &error);
                return;
        }
        json_array_foreach(json_object_get(object, "subsets"), i, subset)
                ask_others(question, subset, asks, &hosts);
        if (!asks && strv_length(hosts) > 1) {
                autofree char *text = strv_join(hosts, ", ");

                question_add(question, "other control planes", CHECK_UNKNOWN,
                        xasprintf("see that each has gone through the same phase of this CA, "
                                  "with the same new one: %s",
                                text));
        }
}
