/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/digest.h"
#include "base/time-util.h"
#include "renew/ca-rotation/ca-rotation-cluster-internal.h"
#include "renew/inventory/rotation.h"

#define NODE "system:node:"

/* Where every container of a pod finds the CA, and the token that goes with it. */
#define TOKEN_MOUNT "/var/run/secrets/kubernetes.io/serviceaccount"

/* So long after the phase, at most, the ConfigMaps have the new CA, too. */
#define PUBLISHED_WITHIN (2 * MINUTE)

/* The newest certificate that one node has been given. */
typedef struct Given {
        char *node;
        int64_t since;
        bool is_staying; /* by the CA that stays; or else by the one that goes */
} Given;

typedef struct Nodes {
        const Question *question;
        const char *self; /* this host's: its kubelet is among the files of this host */
        Given *given;
        size_t n_given;
        Tally left;   /* the newest is of the CA that goes */
        Tally silent; /* nothing is known of it */
} Nodes;

static void nodes_done(Nodes *nodes)
{
        for (size_t i = 0; i < nodes->n_given; i++)
                free(nodes->given[i].node);
        free(nodes->given);
        strv_free(nodes->left.names);
        strv_free(nodes->silent.names);
}

static Given *find_given(const Nodes *nodes, const char *node)
{
        for (size_t i = 0; i < nodes->n_given; i++)
                if (streq(nodes->given[i].node, node))
                        return &nodes->given[i];
        return NULL;
}

static void note_given(Nodes *nodes, const char *node, const Cert *cert, bool is_staying)
{
        Given *given = find_given(nodes, node);

        if (!given) {
                nodes->given = xreallocarray(nodes->given, nodes->n_given + 1, sizeof(Given));
                given = &nodes->given[nodes->n_given++];
                *given = (Given){.node = xstrdup(node), .since = INT64_MIN};
        }
        if (cert->not_before < given->since)
                return;
        given->since = cert->not_before;
        given->is_staying = is_staying;
}

static void visit_request(const json_t *object, void *userdata)
{
        Nodes *nodes = userdata;
        const char *text = api_text(object, "status", "certificate", NULL);
        autofree unsigned char *pem = NULL;
        autoptr(CertList) list = NULL;
        bool is_staying;
        const Cert *cert;
        size_t size;

        if (!text || base64_decode(text, strlen(text), &pem, &size) < 0 ||
                cert_list_parse(pem, size, &list, NULL) < 0)
                return;
        cert = list->certs[0];
        is_staying = cert_is_issued_by(cert, nodes->question->staying);
        if ((is_staying || cert_is_issued_by(cert, nodes->question->leaving)) &&
                cert->common_name && starts_with(cert->common_name, NODE))
                note_given(nodes, cert->common_name + strlen(NODE), cert, is_staying);
}

static void visit_node(const json_t *object, void *userdata)
{
        Nodes *nodes = userdata;
        const char *name = api_text(object, "metadata", "name", NULL);
        const Given *given;

        if (!name || (nodes->self && streq(name, nodes->self)))
                return;
        given = find_given(nodes, name);
        tally_add(&nodes->left, given && !given->is_staying, name);
        tally_add(&nodes->silent, !given, name);
}

static const char *own_node(const ChecklistInput *input)
{
        const Item *item = rotation_find(input->inventory);
        const char *name = item && item->cert ? item->cert->common_name : NULL;

        return name && starts_with(name, NODE) ? name + strlen(NODE)
                                               : input->config->host.node_name;
}

static void add_nodes(const Question *question, const char *name, Nodes *nodes)
{
        bool any = nodes->left.n > 0;
        bool is_left = nodes->left.n_open > 0, is_silent = nodes->silent.n_open > 0;
        autofree char *left = tally_text(&nodes->left);
        autofree char *silent = tally_text(&nodes->silent);

        if (is_left)
                question_add(question, name, CHECK_OPEN,
                        xasprintf("%s have got their certificate from the CA that goes: see that "
                                  "each control plane signs with the one that stays, and that they "
                                  "ask for another",
                                left));
        if (is_silent)
                question_add(question, name, CHECK_UNKNOWN,
                        xasprintf("%s have asked for no certificate within the last hour: see "
                                  "that each has the CA that stays in its kubelet.conf, and a new "
                                  "certificate",
                                silent));
        if (any && !is_left && !is_silent)
                question_add(question, name, CHECK_DONE,
                        xstrdup("all have a certificate of the CA that stays"));
}

/* What a kubelet trusts, nobody can see from here. That it has a certificate of the CA that stays
 * shows that it was there; requests are kept for an hour. */
void cluster_check_nodes(const Question *question)
{
        static const char name[] = "kubelets of other nodes";
        __attribute__((cleanup(nodes_done)))
        Nodes nodes = {.question = question, .self = own_node(question->input)};
        Error error = {};
        int r;

        r = api_list(&question->server,
                "/apis/certificates.k8s.io/v1/certificatesigningrequests?fieldSelector="
                "spec.signerName%3Dkubernetes.io%2Fkube-apiserver-client-kubelet",
                20, visit_request, &nodes, &error);
        if (r >= 0)
                r = api_list(&question->server, "/api/v1/nodes", 10, visit_node, &nodes, &error);
        if (r < 0)
                question_fail(question, name, &error);
        else
                add_nodes(question, name, &nodes);
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

typedef struct Pods {
        const Question *question;
        Tally tally;
} Pods;

static void visit_pod(const json_t *object, void *userdata)
{
        Pods *pods = userdata;
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
        Pods pods = {.question = question};
        autofree char *text = NULL;
        bool any, is_open;
        Error error = {};
        int r;

        if (question->staying == question->rotation->record->old_ca)
                return;
        if (question->rotation->record->times[CA_PHASE_TRUST_BOTH] == 0) {
                question_add(question, name, CHECK_UNKNOWN,
                        xstrdup("since when they could read the new CA is not known: see that each "
                                "has begun since"));
                return;
        }
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
