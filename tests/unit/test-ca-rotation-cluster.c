/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "cluster.h"

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
                                 "kubelets of other nodes=open", NULL});
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

/* What a node was given last counts, in whatever order that is told. */
static void test_the_newest_certificate_of_a_node_counts(void **state)
{
        static const struct {
                const char *first, *then; /* told; the first one is a day older */
                bool is_told_backwards;
                const char *line;
        } cases[] = {
                {"ca", "other-ca", false, "kubelets of other nodes=done"},
                {"ca", "other-ca", true, "kubelets of other nodes=done"},
                {"other-ca", "ca", false, "kubelets of other nodes=open"},
                {"other-ca", "ca", true, "kubelets of other nodes=open"},
                {"server", "server", false, "kubelets of other nodes=unknown"},
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Cluster cluster;

                cluster_set_up(&cluster);
                answer_hosts("ca", "2026-11-22T12:30:00Z");
                autofree char *first = node_certificate(cases[i].first, "20261120000000Z");
                autofree char *then = node_certificate(cases[i].then, "20261121000000Z");
                const char *told[] = {first, then};
                bool back = cases[i].is_told_backwards;

                answer(REQUESTS,
                        json_pack("{s:{}, s:[{s:{s:s}}, {s:{s:s}}]}", "metadata", "items", "status",
                                "certificate", told[back], "status", "certificate", told[!back]));
                cluster_check_nodes(&cluster.question);
                expect(&cluster, (const char *const[]){cases[i].line, NULL});
                cluster_tear_down(&cluster);
                servers_stop();
        }
}

/* One that is left, and one of which nothing is known: each is told. */
static void test_nodes_are_told_by_what_is_known_of_them(void **state)
{
        Cluster cluster;

        cluster_set_up(&cluster);
        answer_hosts("ca", "2026-11-22T12:30:00Z");
        answer(NODES, json_pack("{s:{}, s:[{s:{s:s}}, {s:{s:s}}]}", "metadata", "items", "metadata",
                              "name", "worker1", "metadata", "name", "worker2"));
        cluster_check_nodes(&cluster.question);
        expect(&cluster, (const char *const[]){"kubelets of other nodes=open",
                                 "kubelets of other nodes=unknown", NULL});
        assert_non_null(strstr(cluster.question.checklist->items[0].text, "1 of 2 (worker1)"));
        assert_non_null(strstr(cluster.question.checklist->items[1].text, "1 of 2 (worker2)"));
        cluster_tear_down(&cluster);
}

/* A CA file that held both from the beginning: nobody knows since when. */
static void test_pods_of_a_phase_that_was_never_made(void **state)
{
        Cluster cluster;

        cluster_set_up(&cluster);
        answer_hosts("ca", "2026-11-22T12:30:00Z");
        cluster.record.times[CA_PHASE_TRUST_BOTH] = 0;
        cluster_check_pods(&cluster.question);
        expect(&cluster, (const char *const[]){"pods=unknown", NULL});
        cluster_tear_down(&cluster);
}

/* By what the API server shows, and by who asks: whatever the CAs are called, and whichever of two
 * it is. */
static void test_what_a_ca_is_for(void **state)
{
        Cluster cluster;

        cluster_set_up(&cluster);
        autoptr(CertList) client = list_of("client");
        autoptr(CertList) other = list_of("other");

        question_look(&cluster.question, client->certs[0]);
        assert_true(cluster.question.signs_server && cluster.question.signs_clients);
        question_look(&cluster.question, other->certs[0]);
        assert_true(cluster.question.signs_server && cluster.question.signs_clients);
        question_look(&cluster.question, cluster.record.new_ca);
        assert_true(cluster.question.signs_server && cluster.question.signs_clients);

        cluster.question.leaving = cluster.question.staying;
        question_look(&cluster.question, client->certs[0]);
        assert_false(cluster.question.signs_server || cluster.question.signs_clients);
        cluster.question.server.port = server_none();
        question_look(&cluster.question, other->certs[0]);
        assert_true(!cluster.question.signs_server && cluster.question.signs_clients);
        cluster_tear_down(&cluster);
}

/* The API server may be another CA's than its clients; but none of another layout's. */
static void test_roots_are_those_of_all_cas(void **state)
{
        const CaEntry ours = {.id = (char[]){"kubernetes"}}, other = {.id = (char[]){"x:etcd"}};
        Cluster cluster;

        cluster_set_up(&cluster);
        InventoryCa cas[] = {{.entry = &ours, .bundle = cluster.old_ca}, {.entry = &ours},
                {.entry = &ours, .bundle = cluster.new_ca},
                {.entry = &ours, .bundle = cluster.old_ca}};
        const Inventory inventory = {.cas = cas, .n_cas = ELEMENTSOF(cas)};
        autofree char *roots = cluster_roots(&inventory, "front-proxy"),
                      *others = cluster_roots(&inventory, other.id);
        autoptr(CertList) list = NULL;

        assert_int_equal(cert_list_parse(roots, strlen(roots), &list, NULL), 0);
        assert_int_equal(list->n, 2);
        assert_true(cert_list_contains(list, cluster.record.old_ca));
        assert_true(cert_list_contains(list, cluster.record.new_ca));
        assert_string_equal(others, "");
        cas[2].entry = &other;
        autofree char *theirs = cluster_roots(&inventory, other.id);
        assert_true(theirs[0] && strstr(roots, theirs) && strlen(theirs) < strlen(roots));
        cluster_tear_down(&cluster);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                SERVERS_TEST(test_everybody_trusts_the_ca_that_stays),
                SERVERS_TEST(test_nobody_trusts_the_ca_that_stays),
                SERVERS_TEST(test_what_is_not_ours_is_passed_over),
                SERVERS_TEST(test_backwards),
                SERVERS_TEST(test_who_does_not_answer_is_unknown),
                SERVERS_TEST(test_the_newest_certificate_of_a_node_counts),
                SERVERS_TEST(test_nodes_are_told_by_what_is_known_of_them),
                SERVERS_TEST(test_pods_of_a_phase_that_was_never_made),
                SERVERS_TEST(test_what_a_ca_is_for),
                SERVERS_TEST(test_roots_are_those_of_all_cas),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
