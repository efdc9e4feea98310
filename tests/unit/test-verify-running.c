/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "plane.h"
#include "renew/restart/verify.h"

/* renew/verify; test-verify is that of pki. */

#define API       "kube-apiserver"
#define SCHEDULER "kube-scheduler"
#define PKI       "/etc/kubernetes/pki"
#define CERT      PKI "/apiserver.crt"
#define CONFIG    "/etc/kubernetes/scheduler.conf"

/* A scheduler whose container was created then, with these flags. */
static Plane scheduler(const char *created, const char *words)
{
        Plane plane = plane_new();

        plane_pod(&plane, SCHEDULER, "kube-scheduler:v1.28.7", words);
        if (created)
                plane_container(&plane, SCHEDULER, created);
        plane_runtime(&plane, NULL);
        plane_look(&plane);
        return plane;
}

static ComponentProof prove(const Plane *plane, const char *component, const VerifyRequest *request)
{
        ComponentProof proof;

        verify_component(plane->running, plane_component(plane, component), request, &proof);
        return proof;
}

static const Proof *find_proof(const ComponentProof *component, const char *item)
{
        for (size_t i = 0; i < component->n; i++)
                if (streq(component->proofs[i].item->name, item))
                        return &component->proofs[i];
        return NULL;
}

/* What is said of this one file. */
static void assert_proof(const Plane *plane, const char *component, const VerifyRequest *request,
        const char *item, ProofKind kind, Loaded loaded, const char *text)
{
        ComponentProof proofs = prove(plane, component, request);
        const Proof *proof = find_proof(&proofs, item);

        assert_non_null(proof);
        if (proof->kind != kind || proof->loaded != loaded ||
                (text ? !proof->text || !strstr(proof->text, text) : !!proof->text))
                fail_msg("%s %d: %s", proof_kind_name(proof->kind), proof->loaded, proof->text);
        component_proof_done(&proofs);
}

/* An API server that serves what is on disk now, in a container as old as that. */
static Plane api_server_with(const char *options, const char *created)
{
        Plane plane = plane_new();
        uint16_t port;

        shell("cp root" CERT " server.crt; cp root" PKI "/apiserver.key server.key");
        port = server_tls(options);
        autofree char *words =
                xasprintf("--tls-cert-file=" CERT ", --tls-private-key-file=" PKI "/apiserver.key"
                          ", --bind-address=127.0.0.1, --secure-port=%u"
                          ", --proxy-client-cert-file=" PKI "/front-proxy-client.crt"
                          ", --etcd-cafile=" PKI "/etcd/ca.crt",
                        port);
        plane_pod(&plane, API, "kube-apiserver:v1.28.7", words);
        plane_container(&plane, API, created);
        plane_runtime(&plane, NULL);
        plane_look(&plane);
        return plane;
}

static Plane api_server(const char *created)
{
        return api_server_with("-www", created);
}

static void test_t39_served_is_what_the_file_has(void **state)
{
        Plane plane = api_server(OLD);

        /* However old its process is, and whatever else it has not loaded. */
        assert_proof(&plane, API, &(VerifyRequest){}, "apiserver", PROOF_SERVED, LOADED_YES, NULL);
        assert_proof(&plane, API, &(VerifyRequest){}, "etcd-ca", PROOF_STARTED_AFTER, LOADED_NO,
                "runs since 1970-01-01T00:00:00Z, '" PKI "/etcd/ca.crt' changed 20");
        assert_proof(&plane, API, &(VerifyRequest){}, "front-proxy-client", PROOF_READS_ITSELF,
                LOADED_YES, NULL);
        plane_free(&plane);
}

static void test_t39_served_is_not_what_the_file_has(void **state)
{
        Plane plane = api_server(YOUNG);

        shell("cp root" PKI "/apiserver-kubelet-client.crt root" CERT);
        plane_look(&plane);
        assert_proof(&plane, API, &(VerifyRequest){}, "apiserver", PROOF_SERVED, LOADED_NO,
                "serves the certificate with serial ");

        /* A handshake counts, not who has seen what. */
        assert_proof(&plane, API, &(VerifyRequest){.witnessed = true}, "apiserver", PROOF_SERVED,
                LOADED_NO, "serves the certificate with serial ");
        tree_write_text(plane.host.root, CERT, "garbage");
        plane_look(&plane);
        assert_proof(&plane, API, &(VerifyRequest){}, "apiserver", PROOF_SERVED, LOADED_UNKNOWN,
                "has no certificate");
        plane_free(&plane);
}

/* In a CA rotation the leaf stays and what is behind it changes. */
static void test_t16_certificates_behind_the_leaf_are_served_too(void **state)
{
        Plane plane = api_server(YOUNG);

        shell("cat root" PKI "/ca.crt >>root" CERT);
        plane_look(&plane);
        assert_proof(&plane, API, &(VerifyRequest){}, "apiserver", PROOF_SERVED, LOADED_NO,
                "serves the certificate of '" CERT "', but behind it 0 that are not the 1 of the");
        plane_free(&plane);
}

static void test_t16_certificates_that_the_file_does_not_have_are_served(void **state)
{
        Plane plane = api_server_with("-www -cert_chain root" PKI "/ca.crt", YOUNG);
        assert_proof(&plane, API, &(VerifyRequest){}, "apiserver", PROOF_SERVED, LOADED_NO,
                "behind it 1 that are not the 0 of the file");
        shell("cat root" PKI "/ca.crt >>root" CERT);
        plane_look(&plane);
        assert_proof(&plane, API, &(VerifyRequest){}, "apiserver", PROOF_SERVED, LOADED_YES, NULL);
        shell("cat server.crt root" PKI "/etcd/ca.crt >root" CERT);
        plane_look(&plane);
        assert_proof(&plane, API, &(VerifyRequest){}, "apiserver", PROOF_SERVED, LOADED_NO,
                "behind it 1 that are not the 1 of the file");
        plane_free(&plane);
}

static void test_who_does_not_answer_is_not_known(void **state)
{
        Plane plane = api_server(YOUNG);

        servers_stop();
        plane_runtime(&plane, NULL);
        assert_proof(&plane, API, &(VerifyRequest){}, "apiserver", PROOF_SERVED, LOADED_UNKNOWN,
                "127.0.0.1 port");
        plane_free(&plane);
}

/* The moment at which the content of a file was written, in nanoseconds. */
static int64_t written_at(const Plane *plane, const char *path)
{
        autofree char *full = xasprintf("%s%s", plane->host.root, path);
        struct stat st;

        assert_int_equal(stat(full, &st), 0);
        return (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
}

static void test_a_process_is_older_or_younger_than_a_file(void **state)
{
        static const struct {
                int64_t later; /* than the file, nanoseconds */
                Loaded loaded;
        } table[] = {{-1, LOADED_NO}, {0, LOADED_NO}, {1, LOADED_YES}};

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                Plane plane = plane_new();
                autofree char *created =
                        xasprintf("%lld", (long long)(written_at(&plane, CONFIG) + table[i].later));

                plane_pod(&plane, SCHEDULER, "kube-scheduler:v1.28.7", "--kubeconfig=" CONFIG);
                plane_container(&plane, SCHEDULER, created);
                plane_runtime(&plane, NULL);
                plane_look(&plane);
                assert_proof(&plane, SCHEDULER, &(VerifyRequest){}, "scheduler.conf",
                        PROOF_STARTED_AFTER, table[i].loaded,
                        table[i].loaded == LOADED_NO ? "runs since" : NULL);
                plane_free(&plane);
                servers_stop();
                shell("rm -f root calls");
        }
}

/* We write before we rename: what the ledger has was put in place later than it was written. */
/* Its clock, or whoever wrote the file, was ahead: which of the two is older is not known. */
static void test_failure_mode_30_what_is_dated_in_the_future(void **state)
{
        autofree char *year = xasprintf("%lld000000000", (long long)time(NULL) + 365 * 86400);
        Plane plane = scheduler(year, "--kubeconfig=" CONFIG);

        assert_proof(&plane, SCHEDULER, &(VerifyRequest){}, "scheduler.conf", PROOF_STARTED_AFTER,
                LOADED_NO, ", which is yet to come");
        assert_proof(&plane, SCHEDULER, &(VerifyRequest){.witnessed = true}, "scheduler.conf",
                PROOF_STARTED_AFTER, LOADED_YES, NULL);
        plane_free(&plane);
        servers_stop();
        shell("rm -f root");

        /* The moment of the rename is ours, whatever date the content came with. */
        plane = scheduler(YOUNG, "--kubeconfig=" CONFIG);
        shell("touch -d '1 year' root" CONFIG);
        plane_look(&plane);
        assert_proof(&plane, SCHEDULER, &(VerifyRequest){}, "scheduler.conf", PROOF_STARTED_AFTER,
                LOADED_YES, NULL);
        plane_free(&plane);
}

static void test_what_is_owed_is_judged_by_when_it_was_put_in_place(void **state)
{
        char *paths[] = {(char *)CONFIG, NULL}, *others[] = {(char *)CERT, NULL};
        const struct {
                Owed owed;
                Loaded loaded;
        } table[] = {
                {{.since = 1, .paths = paths}, LOADED_NO},
                {{.since = 1, .paths = others}, LOADED_YES},
                {{.since = 1}, LOADED_YES}, /* a new process is owed, whatever it has loaded */
                {{.since = 0}, LOADED_NO},  /* its entry cannot be read: it may be any file */
        };
        Plane plane = scheduler("1700000000000000000", "--kubeconfig=" CONFIG);

        shell("touch -d 2020-01-01 root" CONFIG);
        plane_look(&plane);
        assert_proof(&plane, SCHEDULER, &(VerifyRequest){}, "scheduler.conf", PROOF_STARTED_AFTER,
                LOADED_YES, NULL);
        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                assert_proof(&plane, SCHEDULER, &(VerifyRequest){.owed = &table[i].owed},
                        "scheduler.conf", PROOF_STARTED_AFTER, table[i].loaded,
                        table[i].loaded == LOADED_NO ? "runs since" : NULL);
        plane_free(&plane);
}

static void test_who_does_not_run_has_loaded_nothing(void **state)
{
        Plane plane = scheduler(NULL, "--kubeconfig=" CONFIG ", --client-ca-file=" PKI "/ca.crt");

        assert_proof(&plane, SCHEDULER, &(VerifyRequest){}, "scheduler.conf", PROOF_STARTED_AFTER,
                LOADED_UNKNOWN, "there is no container");
        assert_proof(&plane, SCHEDULER, &(VerifyRequest){}, "ca", PROOF_READS_ITSELF,
                LOADED_UNKNOWN, "there is no container");

        /* But somebody who has seen it end, and come back, knows. */
        assert_proof(&plane, SCHEDULER, &(VerifyRequest){.witnessed = true}, "scheduler.conf",
                PROOF_STARTED_AFTER, LOADED_YES, NULL);
        assert_proof(&plane, SCHEDULER, &(VerifyRequest){.witnessed = true}, "ca",
                PROOF_READS_ITSELF, LOADED_YES, NULL);
        plane_free(&plane);
}

/* One file by two flags is one proof, and the graver one. */
static void test_the_gravest_proof_of_a_file_counts(void **state)
{
        Plane plane =
                scheduler(OLD, "--client-ca-file=" PKI "/ca.crt, --root-ca-file=" PKI "/ca.crt");
        ComponentProof proofs = prove(&plane, SCHEDULER, &(VerifyRequest){});

        assert_int_equal(proofs.n, 1);
        assert_string_equal(proofs.proofs[0].flag, "--root-ca-file");
        assert_int_equal(component_proof_loaded(&proofs), LOADED_NO);
        assert_non_null(strstr(component_proof_problem(&proofs), "runs since"));
        component_proof_done(&proofs);
        plane_free(&plane);
}

static void test_only_what_is_asked_for(void **state)
{
        char *key[] = {(char *)PKI "/apiserver.key", NULL}, *none[] = {(char *)"/x", NULL};
        Plane plane = api_server(YOUNG);
        ComponentProof proofs = prove(&plane, API, &(VerifyRequest){.paths = key});

        /* The key of a certificate stands for it. */
        assert_int_equal(proofs.n, 1);
        assert_string_equal(proofs.proofs[0].item->name, "apiserver");
        component_proof_done(&proofs);
        proofs = prove(&plane, API, &(VerifyRequest){.paths = none});
        assert_int_equal(proofs.n, 0);
        assert_int_equal(component_proof_loaded(&proofs), LOADED_YES);
        assert_null(component_proof_problem(&proofs));
        component_proof_done(&proofs);
        plane_free(&plane);
}

/* A component may use a key whose certificate it does not know. */
static void test_a_key_without_its_certificate(void **state)
{
        char *key[] = {(char *)PKI "/apiserver.key", NULL};
        Plane plane = scheduler("1700000000000000000", "--some-key=" PKI "/apiserver.key");

        assert_proof(&plane, SCHEDULER, &(VerifyRequest){.paths = key}, "apiserver",
                PROOF_STARTED_AFTER, LOADED_NO, "'" PKI "/apiserver.key' changed");

        /* And its own age counts, not that of the certificate. */
        shell("touch -d 2020-01-01 root" PKI "/apiserver.key");
        plane_look(&plane);
        assert_proof(&plane, SCHEDULER, &(VerifyRequest){}, "apiserver", PROOF_STARTED_AFTER,
                LOADED_YES, NULL);
        plane_free(&plane);
}

/* Of a kubeconfig and the certificate that it names, the one that changed last. */
static void test_a_kubeconfig_and_the_file_that_it_names(void **state)
{
        Plane plane = scheduler("1700000000000000000", "--kubeconfig=" CONFIG);

        tree_write_text(plane.host.root, CONFIG,
                "apiVersion: v1\nkind: Config\ncurrent-context: c\n"
                "clusters: [{name: k, cluster: {server: 'https://127.0.0.1:6443'}}]\n"
                "contexts: [{name: c, context: {cluster: k, user: u}}]\n"
                "users: [{name: u, user: {client-certificate: pki/apiserver-kubelet-client.crt,"
                " client-key: pki/apiserver-kubelet-client.key}}]\n");
        shell("touch -d 2020-01-01 root" CONFIG);
        plane_look(&plane);
        assert_proof(&plane, SCHEDULER, &(VerifyRequest){}, "scheduler.conf", PROOF_STARTED_AFTER,
                LOADED_NO, "'" PKI "/apiserver-kubelet-client.crt' changed");
        shell("touch -d 2020-01-01 root" PKI "/apiserver-kubelet-client.crt");
        plane_look(&plane);
        assert_proof(&plane, SCHEDULER, &(VerifyRequest){}, "scheduler.conf", PROOF_STARTED_AFTER,
                LOADED_YES, NULL);
        plane_free(&plane);
}

static void test_health_is_part_of_it(void **state)
{
        Plane plane = scheduler(YOUNG, "--kubeconfig=" CONFIG);
        ComponentProof proofs = prove(&plane, SCHEDULER, &(VerifyRequest){});

        assert_int_equal(proofs.health, 0);
        assert_null(proofs.health_problem);
        component_proof_done(&proofs);
        put("kube-scheduler.health", BAD);
        proofs = prove(&plane, SCHEDULER, &(VerifyRequest){});
        assert_int_equal(proofs.health, -EIO);
        assert_non_null(strstr(proofs.health_problem, "not well"));
        component_proof_done(&proofs);
        plane_free(&plane);
}

static void test_when_a_process_is_too_old(void **state)
{
        Plane plane = scheduler("1700000000999999999", "--kubeconfig=" CONFIG);
        ComponentProof proofs = prove(&plane, SCHEDULER, &(VerifyRequest){});

        assert_int_equal(component_started_at(&proofs), 1700000000);
        assert_false(component_is_too_old(&proofs, 1700000000 + 10 * YEAR)); /* LoopbackAge=0 */
        component_proof_done(&proofs);
        plane_configure(&plane, "[component kube-scheduler]\nLoopbackAge=30d\n");
        plane_look(&plane);
        proofs = prove(&plane, SCHEDULER, &(VerifyRequest){});
        assert_false(component_is_too_old(&proofs, 1700000000 + 30 * DAY - 1));
        assert_true(component_is_too_old(&proofs, 1700000000 + 30 * DAY));
        component_proof_done(&proofs);
        plane_free(&plane);
}

static void test_another_hosts_tree_says_nothing(void **state)
{
        Plane plane = api_server(OLD);

        running_free(plane.running);
        plane.running = running_new(plane.host.root_fd, plane.host.config, false);
        ComponentProof proofs = prove(&plane, API, &(VerifyRequest){});
        assert_int_equal(proofs.n, 3);
        for (size_t i = 0; i < proofs.n; i++) {
                assert_int_equal(proofs.proofs[i].loaded, LOADED_UNKNOWN);
                assert_string_equal(proofs.proofs[i].text, "the root is not that of this host");
        }
        assert_null(proofs.health_problem);
        component_proof_done(&proofs);
        plane_free(&plane);
}

/* Both a controller manager that has not loaded a CA and a scheduler that has. */
static void test_verdicts_take_the_worst_of_all_components(void **state)
{
        Plane plane = plane_new();

        plane_pod(&plane, "kube-controller-manager", "kube-controller-manager:v1.28.7",
                "--root-ca-file=" PKI
                "/ca.crt, --kubeconfig=/etc/kubernetes/controller-manager.conf");
        plane_pod(&plane, SCHEDULER, "kube-scheduler:v1.28.7",
                "--root-ca-file=" PKI "/ca.crt, --kubeconfig=" CONFIG);
        plane_container(&plane, "kube-controller-manager", OLD);
        plane_container(&plane, SCHEDULER, YOUNG);
        plane_runtime(&plane, NULL);
        plane_look(&plane);
        autoptr(Verification) verification = verify_all(plane.running, plane.host.inventory, NULL);
        verify_apply(verification, plane.host.assessment);
        host_assert_row(&plane.host, "ca", STATE_NOT_LOADED, "kube-controller-manager runs since");
        assert_int_equal(host_verdict(&plane.host, "ca")->loaded, LOADED_NO);

        /* Ten days before its end it is both; what it was is not forgotten. */
        host_assert_row(&plane.host, "controller-manager.conf", STATE_NOT_LOADED,
                "kube-controller-manager runs since");
        assert_int_equal(
                host_verdict(&plane.host, "controller-manager.conf")->covered, STATE_EXPIRING);
        host_assert_row(&plane.host, "scheduler.conf", STATE_EXPIRING, "expires in");
        assert_int_equal(host_verdict(&plane.host, "scheduler.conf")->loaded, LOADED_YES);
        assert_int_equal(host_verdict(&plane.host, "admin.conf")->loaded, LOADED_UNKNOWN);
        plane_free(&plane);
}

/* A fault of the file itself is graver than that nobody has loaded it. */
static void test_verdicts_keep_a_graver_state(void **state)
{
        Plane plane = scheduler(OLD, "--kubeconfig=" CONFIG);

        assert_int_equal(time_parse("2028-01-01T00:00:00Z", &plane.host.now), 0);
        plane_look(&plane);
        autoptr(Verification) verification = verify_all(plane.running, plane.host.inventory, NULL);
        verify_apply(verification, plane.host.assessment);
        host_assert_row(&plane.host, "scheduler.conf", STATE_EXPIRED, "expired");
        assert_int_equal(host_verdict(&plane.host, "scheduler.conf")->loaded, LOADED_NO);
        plane_free(&plane);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                SERVERS_TEST(test_t39_served_is_what_the_file_has),
                SERVERS_TEST(test_t39_served_is_not_what_the_file_has),
                SERVERS_TEST(test_t16_certificates_behind_the_leaf_are_served_too),
                SERVERS_TEST(test_t16_certificates_that_the_file_does_not_have_are_served),
                SERVERS_TEST(test_who_does_not_answer_is_not_known),
                SERVERS_TEST(test_a_process_is_older_or_younger_than_a_file),
                SERVERS_TEST(test_failure_mode_30_what_is_dated_in_the_future),
                SERVERS_TEST(test_what_is_owed_is_judged_by_when_it_was_put_in_place),
                SERVERS_TEST(test_who_does_not_run_has_loaded_nothing),
                SERVERS_TEST(test_the_gravest_proof_of_a_file_counts),
                SERVERS_TEST(test_only_what_is_asked_for),
                SERVERS_TEST(test_a_key_without_its_certificate),
                SERVERS_TEST(test_a_kubeconfig_and_the_file_that_it_names),
                SERVERS_TEST(test_health_is_part_of_it),
                SERVERS_TEST(test_when_a_process_is_too_old),
                SERVERS_TEST(test_another_hosts_tree_says_nothing),
                SERVERS_TEST(test_verdicts_take_the_worst_of_all_components),
                SERVERS_TEST(test_verdicts_keep_a_graver_state),
        };

        if (!plane_is_possible())
                return unit_skip_all("there is no fake runtime (libnghttp2 was not found)");
        return cmocka_run_group_tests(tests, NULL, NULL);
}
