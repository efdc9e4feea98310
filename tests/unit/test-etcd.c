/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "kube/etcd.h"
#include "servers.h"

/* A real etcd is asked in tests/system/etcd-look.sh. */

#define HEALTHY "HTTP/1.1 200 OK\r\n\r\n{\"health\":\"true\",\"reason\":\"\"}"
#define SICK    "HTTP/1.1 503 Service Unavailable\r\n\r\n{\"health\":\"false\"}"

/* Asks a member that answers with this JSON. */
static int look(const char *json, EtcdCluster *cluster, Error *error)
{
        autofree char *answer =
                xasprintf("HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen(json), json);
        HttpTls tls = tls_of("ca", "client");
        uint16_t port = server_tls_saying(answer);

        return etcd_look("127.0.0.1", port, &tls, 1, cluster, error);
}

static void test_counts_voters_and_who_is_healthy(void **state)
{
        static const struct {
                const char *self;
                bool is_voter, is_healthy_voter;
        } cases[] = {
                {"1", true, true},
                {"2", true, false},
                {"6", false, false},
                {"77", false, false},
        };
        uint16_t healthy = server_saying(HEALTHY, true), sick = server_saying(SICK, true);
        uint16_t nobody = server_none();

        servers_make_pki();
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                autofree char *json = xasprintf(
                        "{\"header\":{\"cluster_id\":\"9\",\"member_id\":\"%s\"},\"members\":["
                        "{\"ID\":\"1\",\"name\":\"a\",\"clientURLs\":[\"http://127.0.0.1:%u\"]},"
                        "{\"ID\":\"2\",\"name\":\"b\",\"clientURLs\":[\"http://127.0.0.1:%u\"]},"
                        "{\"ID\":\"3\","
                        "\"clientURLs\":[\"http://127.0.0.1:%u\",\"http://127.0.0.1:%u\"]},"
                        "{\"ID\":\"4\",\"clientURLs\":[\"http://127.0.0.1:%u\"]},"
                        "{\"ID\":\"5\",\"peerURLs\":[\"https://192.0.2.1:2380\"]},"
                        "{\"ID\":\"6\",\"isLearner\":true,"
                        "\"clientURLs\":[\"http://127.0.0.1:%u\"]}]}",
                        cases[i].self, healthy, sick, sick, healthy, nobody, healthy);
                EtcdCluster cluster = {};
                Error error = {};

                if (look(json, &cluster, &error) < 0)
                        fail_msg("%s", error.text);
                assert_int_equal(cluster.n_voters, 5);
                assert_int_equal(cluster.n_healthy, 2);
                assert_int_equal(cluster.n_ill, 1);
                assert_string_equal(cluster.heir, streq(cases[i].self, "1") ? "3" : "1");
                assert_int_equal(cluster.is_voter, cases[i].is_voter);
                assert_int_equal(cluster.is_healthy_voter, cases[i].is_healthy_voter);
                autofree char *names = strv_join(cluster.healthy, " ");
                assert_string_equal(names, "a 3");
                etcd_cluster_done(&cluster);
        }
}

static void test_answers_that_are_no_list(void **state)
{
        static const char *const answers[] = {
                "",
                "Method Not Allowed",
                "{\"members\":",
                "[]",
                "{}",
                "{\"header\":{\"member_id\":\"1\"}}",
                "{\"header\":{\"member_id\":\"1\"},\"members\":[]}",
                "{\"header\":{\"member_id\":\"1\"},\"members\":{}}",
                "{\"header\":{\"member_id\":\"1\"},\"members\":[{\"ID\":[]}]}",
                "{\"header\":{\"member_id\":\"1\"},\"members\":[{\"isLearner\":true}]}",
                "{\"header\":{\"member_id\":\"1\"},\"members\":[{\"ID\":\"1\",\"clientURLs\":1}]}",
                "{\"header\":{},\"members\":[{\"ID\":\"1\"}]}",
                "{\"members\":[{\"ID\":\"1\"}]}",
        };

        servers_make_pki();
        for (size_t i = 0; i < ELEMENTSOF(answers); i++) {
                EtcdCluster cluster = {.n_voters = 77};
                Error error = {};

                if (look(answers[i], &cluster, &error) != -EPROTO)
                        fail_msg("%s", answers[i]);
                assert_non_null(strstr(error.text, "/v3/cluster/member/list: "));
                assert_int_equal(cluster.n_voters, 77);
                servers_stop();
        }
}

/* All of them, with whatever of their addresses shows a certificate. */
static void test_who_the_members_are(void **state)
{
        static const char json[] =
                "{\"header\":{\"member_id\":\"1\"},\"members\":["
                "{\"ID\":\"1\",\"name\":\"a\",\"peerURLs\":[\"https://192.0.2.1:2380\"],"
                "\"clientURLs\":[\"https://192.0.2.1:2379/\",\"http://192.0.2.1:2381\","
                "\"https://192.0.2.1\",\"https://192.0.2.1:0\",\"unix://x:1\"]},"
                "{\"ID\":\"2\",\"peerURLs\":[\"https://[2001:db8::1]:2380\"],"
                "\"isLearner\":true}]}";
        autofree char *answer =
                xasprintf("HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen(json), json);
        autoptr(EtcdMembers) members = NULL;
        Error error = {};

        servers_make_pki();
        HttpTls tls = tls_of("ca", "client");
        if (etcd_list("127.0.0.1", server_tls_saying(answer), &tls, 5, &members, &error) < 0)
                fail_msg("%s", error.text);
        assert_int_equal(members->n, 2);
        assert_string_equal(members->list[0].name, "a");
        assert_int_equal(members->list[0].n, 2);
        assert_int_equal(members->list[0].n_peers, 1);
        assert_true(members->list[0].is_self);
        assert_false(members->list[1].is_self);
        assert_string_equal(members->list[0].addresses[1].host, "192.0.2.1");
        assert_int_equal(members->list[0].addresses[0].port, 2380);
        assert_int_equal(members->list[0].addresses[1].port, 2379);
        assert_string_equal(members->list[1].name, "");
        assert_int_equal(members->list[1].n, 1);
        assert_string_equal(members->list[1].addresses[0].host, "2001:db8::1");
}

static void test_member_that_does_not_answer(void **state)
{
        EtcdCluster cluster = {};
        Error error = {};
        HttpTls tls, other;

        servers_make_pki();
        tls = tls_of("ca", "client");
        other = tls_of("other-ca", "client");
        assert_int_equal(
                etcd_look("127.0.0.1", server_none(), &tls, 1, &cluster, &error), -ECONNREFUSED);
        assert_int_equal(
                etcd_look("127.0.0.1", server_saying("", false), &tls, 1, &cluster, &error),
                -ETIMEDOUT);
        assert_int_equal(etcd_look("127.0.0.1", server_tls("-HTTP"), &other, 1, &cluster, &error),
                -EKEYREJECTED);
        assert_int_equal(etcd_look("127.0.0.1",
                                 server_tls_saying("HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"),
                                 &tls, 1, &cluster, &error),
                -EPROTO);
}

/* Asks a member that says this of itself. */
static int ask_status(const char *json, EtcdStatus *ret, Error *error)
{
        autofree char *answer =
                xasprintf("HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen(json), json);
        HttpTls tls = tls_of("ca", "client");

        return etcd_status("127.0.0.1", server_tls_saying(answer), &tls, 1, ret, error);
}

static void test_who_leads(void **state)
{
        static const struct {
                const char *json, *leader;
        } table[] = {
                {"{\"header\":{\"member_id\":\"9\"},\"leader\":\"9\"}", "9"},
                {"{\"header\":{\"member_id\":\"9\"},\"leader\":\"8\"}", "8"},
                {"{\"header\":{\"member_id\":\"9\"}}", "0"},
                {"{\"leader\":\"9\"}", NULL},
                {"{\"header\":{\"member_id\":\"9\"},\"leader\":[]}", NULL},
                {"Method Not Allowed", NULL},
        };

        servers_make_pki();
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                EtcdStatus status = {};
                Error error = {};
                int r = ask_status(table[i].json, &status, &error);

                if (r != (table[i].leader ? 0 : -EPROTO))
                        fail_msg("%s: %d: %s", table[i].json, r, error.text);
                if (r < 0) {
                        assert_non_null(strstr(error.text, "/v3/maintenance/status: "));
                } else {
                        assert_string_equal(status.id, "9");
                        assert_string_equal(status.leader, table[i].leader);
                }
                etcd_status_done(&status);
                servers_stop();
        }
}

static void test_who_shall_lead(void **state)
{
        static const struct {
                const char *answer, *heir;
                int expected;
        } table[] = {
                {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "8", 0},
                {"HTTP/1.1 412 No\r\nContent-Length: 2\r\n\r\n{}", "8", -EPROTO},
                {"HTTP/1.1 501 No\r\nContent-Length: 2\r\n\r\n{}", "8", -EPROTO},
                {"HTTP/1.1 503 No\r\nContent-Length: 2\r\n\r\n{}", "8", -EBUSY},
                {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "8\",\"x\":\"", -EPROTO},
                {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "", -EPROTO},
        };

        servers_make_pki();
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                HttpTls tls = tls_of("ca", "client");
                uint16_t port = server_tls_saying(table[i].answer);
                Error error = {};

                assert_int_equal(etcd_hand_over("127.0.0.1", port, &tls, 1, table[i].heir, &error),
                        table[i].expected);
                servers_stop();
        }
}

static void test_who_may_be_stopped(void **state)
{
        static const struct {
                size_t n_voters, n_healthy;
                bool is_voter, is_healthy_voter, expected;
        } cases[] = {
                {1, 1, true, true, true},
                {1, 0, true, false, true},
                {2, 2, true, true, false},
                {2, 1, true, false, false},
                {3, 3, true, true, true},
                {3, 2, true, true, false},
                {3, 2, true, false, true},
                {3, 1, true, false, false},
                {4, 4, true, true, true},
                {4, 3, true, true, false},
                {5, 4, true, true, true},
                {5, 3, true, true, false},
                {5, 3, true, false, true},
                {2, 2, false, false, true},
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                EtcdCluster cluster = {.n_voters = cases[i].n_voters,
                        .n_healthy = cases[i].n_healthy,
                        .is_voter = cases[i].is_voter,
                        .is_healthy_voter = cases[i].is_healthy_voter};

                assert_int_equal(etcd_may_stop(&cluster), cases[i].expected);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                SERVERS_TEST(test_counts_voters_and_who_is_healthy),
                SERVERS_TEST(test_answers_that_are_no_list),
                SERVERS_TEST(test_who_the_members_are),
                SERVERS_TEST(test_member_that_does_not_answer),
                SERVERS_TEST(test_who_leads),
                SERVERS_TEST(test_who_shall_lead),
                cmocka_unit_test(test_who_may_be_stopped),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
