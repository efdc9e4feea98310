/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A cluster whose CA is on its way to another one, as its API server tells it.
 *
 *     cluster_set_up(&cluster);
 *     answer_trust("both");
 *     answer_hosts("other-ca", "2026-11-22T12:30:00Z");
 *     cluster_ask(&cluster.question);
 *     expect(&cluster, (const char *const[]){"pods=done", NULL});
 *     cluster_tear_down(&cluster); */

#include "base/digest.h"
#include "base/time-util.h"
#include "renew/ca-rotation/ca-rotation-cluster-internal.h"
#include "servers.h"

#define TRUSTED_SINCE "2026-11-22T12:00:00Z"

/* "ca" is the old CA, "other-ca" the new one, and "server" an API server whose certificate the old
 * one has signed. */
typedef struct Cluster {
        Config config;
        Inventory inventory;
        CaRecord record;
        CaRotation rotation;
        CaRotations rotations;
        ChecklistInput input;
        CertList *old_ca, *new_ca;
        Question question;
} Cluster;

static inline char *text_of(const char *name)
{
        const FileImage *file = pem("crt", name);

        return xstrndup((const char *)file->data, file->size);
}

static inline CertList *list_of(const char *name)
{
        const FileImage *file = pem("crt", name);
        CertList *list = NULL;

        assert_int_equal(cert_list_parse(file->data, file->size, &list, NULL), 0);
        return list;
}

static inline void cluster_set_up(Cluster *cluster)
{
        servers_make_pki();
        shell("mkdir -p api/v1/namespaces/kube-public/configmaps "
              "api/v1/namespaces/kube-system/configmaps api/v1/namespaces/default/endpoints "
              "apis/admissionregistration.k8s.io/v1 apis/apiextensions.k8s.io/v1 "
              "apis/apiregistration.k8s.io/v1 apis/certificates.k8s.io/v1; cat ca.crt other-ca.crt "
              ">both.crt");
        *cluster = (Cluster){};
        cluster->old_ca = list_of("ca");
        cluster->new_ca = list_of("other-ca");
        cluster->config.host.node_name = (char *)"cp1";
        cluster->record = (CaRecord){.id = (char *)"kubernetes",
                .old_ca = cluster->old_ca->certs[0],
                .new_ca = cluster->new_ca->certs[0]};
        assert_int_equal(time_parse(TRUSTED_SINCE, &cluster->record.times[CA_PHASE_TRUST_BOTH]), 0);
        cluster->rotation = (CaRotation){
                .record = &cluster->record, .phase = CA_PHASE_REISSUE, .is_selected = true};
        cluster->input =
                (ChecklistInput){.config = &cluster->config, .inventory = &cluster->inventory};
        cluster->question = (Question){.input = &cluster->input,
                .checklist = xcalloc(1, sizeof(Checklist)),
                .rotation = &cluster->rotation,
                .leaving = cluster->record.old_ca,
                .staying = cluster->record.new_ca,
                .signs_server = true,
                .signs_clients = true,
                .server = {.host = "127.0.0.1",
                        .port = server_tls("-HTTP"),
                        .tls = tls_of("both", "client"),
                        .timeout = 5}};
}

static inline void cluster_tear_down(Cluster *cluster)
{
        checklist_free(cluster->question.checklist);
        cert_list_free(cluster->old_ca);
        cert_list_free(cluster->new_ca);
}

/* The server will answer this path so. Takes the object. */
static inline void answer(const char *path, json_t *object)
{
        autofree char *body = json_text(xcheck(object));
        autofree char *text = xasprintf("HTTP/1.0 200 OK\r\n\r\n%s", body);

        put(path, text);
        json_decref(object);
}

static inline json_t *list(json_t *item)
{
        return json_pack("{s:{}, s:[o]}", "metadata", "items", item);
}

#define CLUSTER_INFO   "api/v1/namespaces/kube-public/configmaps/cluster-info"
#define AUTHENTICATION "api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication"
#define ROOT_CAS       "api/v1/configmaps?fieldSelector=metadata.name%3Dkube-root-ca.crt&limit=100"
#define VALIDATING     "apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations?limit=10"
#define MUTATING       "apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations?limit=10"
#define CONVERSION     "apis/apiextensions.k8s.io/v1/customresourcedefinitions?limit=1"
#define AGGREGATED     "apis/apiregistration.k8s.io/v1/apiservices?limit=20"
#define REQUESTS                                                                                   \
        "apis/certificates.k8s.io/v1/certificatesigningrequests?fieldSelector=spec.signerName"     \
        "%3Dkubernetes.io%2Fkube-apiserver-client-kubelet&limit=20"
#define NODES     "api/v1/nodes?limit=10"
#define PODS      "api/v1/pods?limit=20"
#define ENDPOINTS "api/v1/namespaces/default/endpoints/kubernetes"

/* Everybody in the cluster trusts these CAs, and nobody else. */
static inline void answer_trust(const char *name)
{
        autofree char *text = text_of(name);
        autofree char *base64 = base64_encode(text, strlen(text));
        autofree char *kubeconfig =
                xasprintf("apiVersion: v1\nkind: Config\nclusters:\n- name: ''\n"
                          "  cluster:\n    server: https://cp1:6443\n"
                          "    certificate-authority-data: %s\n",
                        base64);

        answer(CLUSTER_INFO, json_pack("{s:{s:s}}", "data", "kubeconfig", kubeconfig));
        answer(AUTHENTICATION, json_pack("{s:{s:s}}", "data", "client-ca-file", text));
        answer(ROOT_CAS, list(json_pack("{s:{s:s}, s:{s:s}}", "metadata", "namespace", "default",
                                 "data", "ca.crt", text)));
        answer(VALIDATING, list(json_pack("{s:{s:s}, s:[{s:{s:s}}]}", "metadata", "name", "policy",
                                   "webhooks", "clientConfig", "caBundle", base64)));
        answer(MUTATING, list(json_pack("{s:{s:s}, s:[{s:{s:s}}]}", "metadata", "name", "inject",
                                 "webhooks", "clientConfig", "caBundle", base64)));
        answer(CONVERSION,
                list(json_pack("{s:{s:s}, s:{s:{s:{s:{s:s}}}}}", "metadata", "name", "things",
                        "spec", "conversion", "webhook", "clientConfig", "caBundle", base64)));
        answer(AGGREGATED, list(json_pack("{s:{s:s}, s:{s:s}}", "metadata", "name", "v1.metrics",
                                   "spec", "caBundle", base64)));
}

static inline json_t *pod(const char *name, const char *since, const char *mount)
{
        return json_pack("{s:{s:s, s:s}, s:{s:[{s:[{s:s}]}]}, s:{s:[{s:{s:{s:s}}}]}}", "metadata",
                "name", name, "namespace", "default", "spec", "containers", "volumeMounts",
                "mountPath", mount, "status", "containerStatuses", "state", "running", "startedAt",
                since);
}

#define TOKEN "/var/run/secrets/kubernetes.io/serviceaccount"

/* One of worker1 that is valid from then on, as a request has it; the caller frees. */
static inline char *node_certificate(const char *ca, const char *not_before)
{
        shell("openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "
              "/O=system:nodes/CN=system:node:worker1 -keyout node.key -out node.csr && mkdir -p "
              "issued && : >index && printf '[ca]\ndefault_ca=d\n[d]\ndatabase=index\n"
              "new_certs_dir=issued\npolicy=p\nrand_serial=yes\ndefault_md=sha256\n[p]\n"
              "organizationName=supplied\ncommonName=supplied\n' >ca.cnf && openssl ca -batch "
              "-config ca.cnf -notext -in node.csr -cert %s.crt -keyfile %s.key -startdate %s "
              "-enddate 20361120000000Z -out node.crt",
                ca, ca, not_before);
        autofree char *text = text_of("node");

        return base64_encode(text, strlen(text));
}

/* worker1's last request was granted by the CA of this name. */
static inline void answer_hosts(const char *ca, const char *pod_since)
{
        autofree char *certificate = NULL;

        certificate = node_certificate(ca, "20261120000000Z");
        answer(REQUESTS, list(json_pack("{s:{s:s}}", "status", "certificate", certificate)));
        answer(NODES, json_pack("{s:{}, s:[{s:{s:s}}, {s:{s:s}}]}", "metadata", "items", "metadata",
                              "name", "cp1", "metadata", "name", "worker1"));
        answer(PODS,
                json_pack("{s:{}, s:[o, o]}", "metadata", "items", pod("web", pod_since, TOKEN),
                        pod("cp", "2020-01-01T00:00:00Z", "/etc/ssl")));
        answer(ENDPOINTS, json_pack("{s:[]}", "subsets"));
}

/* Each line as "name=state". */
static inline void expect(const Cluster *cluster, const char *const *lines)
{
        const Checklist *checklist = cluster->question.checklist;
        size_t n = 0;

        for (; *lines; lines++, n++) {
                assert_true(n < checklist->n);
                autofree char *line = xasprintf("%s=%s", checklist->items[n].name,
                        check_state_name(checklist->items[n].state));

                if (!streq(line, *lines))
                        fail_msg("'%s', not '%s': %s", line, *lines, checklist->items[n].text);
        }
        assert_int_equal(checklist->n, n);
}
