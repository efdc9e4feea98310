/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "base/digest.h"
#include "base/time-util.h"
#include "renew/ca-rotation-cluster-internal.h"
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

static char *text_of(const char *name)
{
        const FileImage *file = pem("crt", name);

        return xstrndup((const char *)file->data, file->size);
}

static CertList *list_of(const char *name)
{
        const FileImage *file = pem("crt", name);
        CertList *list = NULL;

        assert_int_equal(cert_list_parse(file->data, file->size, &list, NULL), 0);
        return list;
}

static void cluster_set_up(Cluster *cluster)
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
                .is_api_ca = true,
                .server = {.host = "127.0.0.1",
                        .port = server_tls("-HTTP"),
                        .tls = tls_of("both", "client"),
                        .timeout = 5}};
}

static void cluster_tear_down(Cluster *cluster)
{
        checklist_free(cluster->question.checklist);
        cert_list_free(cluster->old_ca);
        cert_list_free(cluster->new_ca);
}

/* The server will answer this path so. Takes the object. */
static void answer(const char *path, json_t *object)
{
        autofree char *body = json_text(xcheck(object));
        autofree char *text = xasprintf("HTTP/1.0 200 OK\r\n\r\n%s", body);

        put(path, text);
        json_decref(object);
}

static json_t *list(json_t *item)
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
static void answer_trust(const char *name)
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

static json_t *pod(const char *name, const char *since, const char *mount)
{
        return json_pack("{s:{s:s, s:s}, s:{s:[{s:[{s:s}]}]}, s:{s:[{s:{s:{s:s}}}]}}", "metadata",
                "name", name, "namespace", "default", "spec", "containers", "volumeMounts",
                "mountPath", mount, "status", "containerStatuses", "state", "running", "startedAt",
                since);
}

#define TOKEN "/var/run/secrets/kubernetes.io/serviceaccount"

/* worker1's last request was granted by the CA of this name. */
static void answer_hosts(const char *ca, const char *pod_since)
{
        autofree char *certificate = NULL;

        shell("openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "
              "/O=system:nodes/CN=system:node:worker1 -keyout node.key -out node.csr && openssl "
              "x509 -req -in node.csr -CA %s.crt -CAkey %s.key -CAcreateserial -days 1 -out "
              "node.crt",
                ca, ca);
        autofree char *text = text_of("node");
        certificate = base64_encode(text, strlen(text));
        answer(REQUESTS, list(json_pack("{s:{s:s}}", "status", "certificate", certificate)));
        answer(NODES, json_pack("{s:{}, s:[{s:{s:s}}, {s:{s:s}}]}", "metadata", "items", "metadata",
                              "name", "cp1", "metadata", "name", "worker1"));
        answer(PODS,
                json_pack("{s:{}, s:[o, o]}", "metadata", "items", pod("web", pod_since, TOKEN),
                        pod("cp", "2020-01-01T00:00:00Z", "/etc/ssl")));
        answer(ENDPOINTS, json_pack("{s:[]}", "subsets"));
}

/* Each line as "name=state". */
static void expect(const Cluster *cluster, const char *const *lines)
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

static void test_everybody_trusts_the_ca_that_stays(void **state)
{
        Cluster cluster;

        cluster_set_up(&cluster);
        answer_trust("both");
        answer_hosts("other-ca", "2026-11-22T12:30:00Z");
        cluster_ask(&cluster.question);
        expect(&cluster, (const char *const[]){"ConfigMap kube-public/cluster-info=done",
                                 "ConfigMap kube-system/extension-apiserver-authentication=done",
                                 "validating webhooks=done", "mutating webhooks=done",
                                 "conversion webhooks=done", "aggregated API servers=done",
                                 "ConfigMaps kube-root-ca.crt=done", "pods=done",
                                 "kubelets of other nodes=done", NULL});
        assert_null(checklist_open(cluster.question.checklist, CA_PHASE_TRUST_NEW));
        cluster_tear_down(&cluster);
}

static void test_nobody_trusts_the_ca_that_stays(void **state)
{
        Cluster cluster;

        cluster_set_up(&cluster);
        answer_trust("ca");
        answer_hosts("ca", "2026-11-22T11:59:59Z");
        cluster_ask(&cluster.question);
        expect(&cluster, (const char *const[]){"ConfigMap kube-public/cluster-info=open",
                                 "ConfigMap kube-system/extension-apiserver-authentication=open",
                                 "validating webhooks=open", "mutating webhooks=open",
                                 "conversion webhooks=open", "aggregated API servers=open",
                                 "ConfigMaps kube-root-ca.crt=open", "pods=open",
                                 "kubelets of other nodes=unknown", NULL});
        assert_non_null(strstr(cluster.question.checklist->items[7].text, "1 of 1 (default/web)"));
        assert_non_null(strstr(cluster.question.checklist->items[8].text, "1 of 1 (worker1)"));

        /* None of it is in the way of another CA that signs: all trust the old one. */
        assert_null(checklist_open(cluster.question.checklist, CA_PHASE_REISSUE));
        assert_non_null(checklist_open(cluster.question.checklist, CA_PHASE_TRUST_NEW));
        cluster_tear_down(&cluster);
}

/* Of a CA that is none of ours we say nothing, and what is not there is not open. */
static void test_what_is_not_ours_is_passed_over(void **state)
{
        Cluster cluster;

        cluster_set_up(&cluster);
        answer_trust("server");
        answer_hosts("ca", "2026-11-22T12:30:00Z");
        answer(NODES, json_pack("{s:{}, s:[]}", "metadata", "items"));
        answer(PODS, json_pack("{s:{}, s:[]}", "metadata", "items"));
        cluster_ask(&cluster.question);
        assert_int_equal(cluster.question.checklist->n, 0);
        cluster_tear_down(&cluster);
}

/* Back to the old CA: then whoever trusts both is well, and the new one alone is not. */
static void test_backwards(void **state)
{
        Cluster cluster;

        cluster_set_up(&cluster);
        cluster.question.leaving = cluster.record.new_ca;
        cluster.question.staying = cluster.record.old_ca;
        answer_trust("other-ca");
        answer_hosts("ca", "2026-11-22T11:59:59Z");
        cluster_ask(&cluster.question);
        assert_int_equal(cluster.question.checklist->items[0].state, CHECK_OPEN);
        for (size_t i = 0; i < cluster.question.checklist->n; i++)
                assert_string_not_equal(cluster.question.checklist->items[i].name, "pods");
        cluster_tear_down(&cluster);
}

static void test_who_does_not_answer_is_unknown(void **state)
{
        Cluster cluster;

        cluster_set_up(&cluster);
        cluster_ask(&cluster.question);
        assert_int_equal(cluster.question.checklist->n, 10);
        for (size_t i = 0; i < cluster.question.checklist->n; i++)
                assert_int_equal(cluster.question.checklist->items[i].state, CHECK_UNKNOWN);
        cluster_tear_down(&cluster);
}

/* Another API server is well once the CA that stays vouches for it, by what it shows or by what it
 * sends along. */
static void test_other_api_servers(void **state)
{
        static const struct {
                const char *make;
                CheckState state;
        } cases[] = {
                {"true", CHECK_OPEN},
                {"openssl x509 -x509toreq -in ca.crt -signkey ca.key -out ca.csr && printf "
                 "'basicConstraints=CA:TRUE\\n' >ext && openssl x509 -req -in ca.csr -CA "
                 "other-ca.crt -CAkey other-ca.key -CAcreateserial -days 2 -extfile ext -out "
                 "cross.crt",
                        CHECK_DONE},
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Cluster cluster;
                const Checklist *checklist;
                uint16_t port;

                cluster_set_up(&cluster);
                answer_trust("both");
                answer_hosts("other-ca", "2026-11-22T12:30:00Z");
                shell("%s", cases[i].make);
                put("version", "HTTP/1.0 200 OK\r\n\r\n{}");
                port = server_tls(i == 0 ? "-HTTP" : "-HTTP -cert_chain cross.crt");
                answer(ENDPOINTS, json_pack("{s:[{s:[{s:s}], s:[{s:i}]}]}", "subsets", "addresses",
                                          "ip", "127.0.0.1", "ports", "port", (int)port));
                cluster_ask(&cluster.question);
                checklist = cluster.question.checklist;
                assert_string_equal(checklist->items[0].name, "API server 127.0.0.1");
                assert_int_equal(checklist->items[0].state, cases[i].state);
                assert_int_equal(
                        !checklist_open(checklist, CA_PHASE_REISSUE), cases[i].state == CHECK_DONE);
                assert_null(checklist_open(checklist, CA_PHASE_TRUST_BOTH));
                cluster_tear_down(&cluster);
                servers_stop();
        }
}

/* Nothing that others could send along leads to the CA that stays: then only somebody who looks
 * there can know. */
static void test_other_api_servers_that_cannot_show_it(void **state)
{
        Cluster cluster;
        struct {
                bool is_api_ca, has_cross;
                int64_t end; /* of what leads there, from now on */
                const char *name;
        } cases[] = {
                {true, true, 1, "API server 127.0.0.1"},
                {true, true, 0, "other control planes"},
                {true, false, 0, "other control planes"},
                {false, true, 1, "other control planes"},
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                cluster_set_up(&cluster);
                cluster.rotation.phase = CA_PHASE_TRUST_BOTH;
                cluster.record.old_by_new = cases[i].has_cross ? cluster.record.old_ca : NULL;
                cluster.input.now = cluster.record.old_ca->not_after - cases[i].end;
                cluster.question.is_api_ca = cases[i].is_api_ca;
                answer(ENDPOINTS, json_pack("{s:[{s:[{s:s}, {s:s}], s:[{s:i}]}]}", "subsets",
                                          "addresses", "ip", "127.0.0.1", "ip", "127.0.0.2",
                                          "ports", "port", (int)server_none()));
                cluster_check_members(&cluster.question);
                assert_string_equal(cluster.question.checklist->items[0].name, cases[i].name);
                assert_int_equal(cluster.question.checklist->items[0].state, CHECK_UNKNOWN);
                assert_null(checklist_open(cluster.question.checklist, CA_PHASE_REISSUE));
                cluster_tear_down(&cluster);
                servers_stop();
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                SERVERS_TEST(test_everybody_trusts_the_ca_that_stays),
                SERVERS_TEST(test_nobody_trusts_the_ca_that_stays),
                SERVERS_TEST(test_what_is_not_ours_is_passed_over),
                SERVERS_TEST(test_backwards),
                SERVERS_TEST(test_who_does_not_answer_is_unknown),
                SERVERS_TEST(test_other_api_servers),
                SERVERS_TEST(test_other_api_servers_that_cannot_show_it),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
