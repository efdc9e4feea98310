/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "fake-clock.h"
#include "fake-cluster.h"
#include "plane.h"
#include "renew/restart/quorum.h"

#define PKI "/etc/kubernetes/pki/etcd"

/* A member of these, with further words. */
static Plane etcd_of(const char *members, const char *words)
{
        autofree char *all =
                xasprintf("--cert-file=" PKI "/server.crt, --key-file=" PKI "/server.key, "
                          "--trusted-ca-file=" PKI "/ca.crt, "
                          "\"--listen-client-urls=https://127.0.0.1:2379\"%s",
                        words);
        Plane plane = plane_new();

        cluster_reset();
        cluster_add("192.0.2.1");
        cluster_add("192.0.2.2");
        cluster_add("192.0.2.3");
        cluster_server("192.0.2.2")->id = "2";
        cluster_server("192.0.2.3")->id = "3";
        cluster.members = members;
        plane_pod(&plane, "etcd", "etcd:3.5.10-0", all);
        plane_look(&plane);
        return plane;
}

static const char three[] =
        "{\"ID\":\"1\",\"name\":\"a\",\"clientURLs\":[\"https://192.0.2.1:2379\"]},"
        "{\"ID\":\"2\",\"name\":\"b\",\"clientURLs\":[\"https://192.0.2.2:2379\"]},"
        "{\"ID\":\"3\",\"name\":\"c\",\"clientURLs\":[\"https://192.0.2.3:2379\"]}";

/* Is it as it was when these were healthy, of which each has a letter? */
static void assert_back(const Plane *plane, const char *names, const char *reason)
{
        autostrv healthy = NULL;
        Error error = {};
        bool is_back;

        for (const char *name = names; *name; name++)
                strv_take(&healthy, xstrndup(name, 1));
        is_back = quorum_is_back(
                plane->host.root_fd, plane_component(plane, "etcd"), healthy, &error);
        if (is_back == !!reason || (reason && !strstr(error.text, reason)))
                fail_msg("%s: %d: %s", names, is_back, error.text);
}

static void assert_healthy(const Plane *plane, const char *names)
{
        autostrv healthy = quorum_healthy(plane->host.root_fd, plane_component(plane, "etcd"));
        autofree char *joined = strv_join(healthy, "");

        assert_string_equal(joined, names);
}

/* Those that were not well before do not matter. */
static void test_all_that_were_well_are_well_again(void **state)
{
        Plane plane = etcd_of(three, "");

        assert_healthy(&plane, "abc");
        assert_back(&plane, "abc", NULL);
        cluster_server("192.0.2.2")->is_ready = false;
        cluster_server("192.0.2.3")->status = -1;
        assert_healthy(&plane, "a");
        assert_back(&plane, "a", NULL);
        assert_back(&plane, "ab", "member 'b' of etcd was healthy before, and is not");
        assert_back(&plane, "ac", "member 'c' of etcd was healthy before, and is not");
        cluster.members = NULL;
        assert_healthy(&plane, "");
        assert_back(&plane, "a", "the members of etcd are not known: etcd: nobody listens");
        plane_free(&plane);
}

static void test_one_that_is_alone_has_no_others(void **state)
{
        Plane plane = etcd_of(
                "{\"ID\":\"1\",\"name\":\"a\",\"clientURLs\":[\"https://192.0.2.1:2379\"]}", "");

        assert_healthy(&plane, "");
        cluster.members = NULL;
        assert_back(&plane, "", NULL);
        plane_free(&plane);
}

static void assert_handed_over(const Plane *plane, char *const *healthy, int expected)
{
        Error error = {};

        strv_free(TAKE(cluster.log));
        if (quorum_hand_over(plane->host.root_fd, plane_component(plane, "etcd"), healthy,
                    &error) != expected)
                fail_msg("%s", error.text);
}

/* The first of the others that is healthy, if this one leads and may say who does. */
static void test_another_one_leads(void **state)
{
        static const struct {
                const char *leader, *ill, *expected;
                size_t n_orders;
        } table[] = {
                {"1", "", "2", 1},
                {"1", "192.0.2.2", "3", 1},
                {"2", "", "2", 0},
                {"0", "", "0", 0}, /* nobody does */
                {NULL, "", NULL, 0},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                Plane plane = etcd_of(three, "");
                autostrv healthy = NULL;

                cluster.leader = table[i].leader ? xstrdup(table[i].leader) : NULL;
                if (*table[i].ill)
                        cluster_server(table[i].ill)->is_ready = false;
                healthy = quorum_healthy(plane.host.root_fd, plane_component(&plane, "etcd"));
                assert_handed_over(&plane, healthy, 0);
                assert_int_equal(cluster_asked("POST /v3/maintenance/transfer-leadership"),
                        table[i].n_orders);
                if (table[i].expected)
                        assert_string_equal(cluster.leader, table[i].expected);
                plane_free(&plane);
                servers_stop();
                shell("rm root");
        }
}

/* Two others that do not reach each other: who has led both leads them again. */
static void test_a_cut_between_the_others_is_seen(void **state)
{
        char *healthy[] = {(char *)"a", (char *)"b", (char *)"c", NULL};
        Plane plane = etcd_of(three, "");
        int64_t begin = ticks;
        Error error = {};

        cluster.leader = xstrdup("1");
        cluster_server("192.0.2.3")->follows = "0";
        assert_int_equal(quorum_hand_over(plane.host.root_fd, plane_component(&plane, "etcd"),
                                 healthy, &error),
                -EBUSY);
        assert_non_null(strstr(error.text, "member 'c' of etcd does not follow"));
        assert_in_range(ticks - begin, 15000, 15100);
        assert_int_equal(cluster_asked("POST /v3/maintenance/transfer-leadership 192.0.2.1"), 0);
        assert_int_equal(cluster_asked("POST /v3/maintenance/transfer-leadership 192.0.2.2"), 1);
        assert_string_equal(cluster.leader, "1");

        /* One that was not healthy before is not asked, nor is one that nobody can ask by TLS. */
        healthy[2] = NULL;
        assert_handed_over(&plane, healthy, 0);
        plane_free(&plane);
}

static void test_nobody_to_lead_instead(void **state)
{
        char *healthy[] = {(char *)"a", NULL};
        Plane plane = etcd_of(three, "");

        cluster.leader = xstrdup("1");
        cluster_server("192.0.2.2")->status = cluster_server("192.0.2.3")->status = -1;
        assert_handed_over(&plane, healthy, -EBUSY);
        assert_string_equal(cluster.leader, "1");

        /* One that is alone, or of whose others nothing is known, is not even asked. */
        assert_handed_over(&plane, NULL, 0);
        assert_null(cluster.log);
        plane_free(&plane);
}

/* Members that are ill until they have been asked so often. */
static size_t n_questions;

static void be_well_at_last(const char *method)
{
        for (size_t i = 0; i < cluster.n; i++)
                cluster.servers[i].is_ready = cluster_asked("GET /health") > n_questions;
}

static void follow_at_last(const char *method)
{
        if (cluster_asked("POST /v3/maintenance/status 192.0.2.3") > n_questions)
                cluster_server("192.0.2.3")->follows = NULL;
}

static void test_an_election_is_waited_for(void **state)
{
        char *healthy[] = {(char *)"a", (char *)"b", (char *)"c", NULL};
        Plane plane = etcd_of(three, "");
        const InventoryComponent *etcd = plane_component(&plane, "etcd");

        /* It may be over, or not have been one: who asks looks again. */
        assert_true(quorum_settles(plane.host.root_fd, etcd));

        n_questions = cluster_asked("GET /health") + 4;
        cluster_on_request = be_well_at_last;
        assert_true(quorum_settles(plane.host.root_fd, etcd));
        assert_true(cluster_asked("GET /health") >= n_questions + 3);

        /* After the leader has changed, too. */
        cluster.leader = xstrdup("1");
        cluster_server("192.0.2.3")->follows = "0";
        n_questions = 3;
        cluster_on_request = follow_at_last;
        assert_handed_over(&plane, healthy, 0);
        assert_int_equal(cluster_asked("POST /v3/maintenance/status 192.0.2.3"), 4);
        cluster.members = NULL;
        assert_false(quorum_settles(plane.host.root_fd, etcd));
        plane_free(&plane);
}

/* At the address that the list has, which need not be one at which it says that it listens. */
static void test_its_peers_see_its_file(void **state)
{
        static const struct {
                const char *file, *reason;
                bool listens;
        } table[] = {
                {"server.crt", NULL, true},
                {"ca.crt", "where its peers look for it, it does not show its file", true},
                {"none.crt", "cannot open '/etc/kubernetes/pki/etcd/none.crt'", true},
                {"", NULL, true}, /* it shows none */
                {"server.crt", "does not show its file: ", false},
        };

        servers_make_pki();
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                autofree char *members = xasprintf(
                        "{\"ID\":\"1\",\"name\":\"a\","
                        "\"clientURLs\":[\"https://192.0.2.1:2379\"],"
                        "\"peerURLs\":[\"https://127.0.0.1:%u\"]},"
                        "{\"ID\":\"2\",\"name\":\"b\",\"peerURLs\":[\"https://127.0.0.1:1\"]}",
                        table[i].listens ? server_tls("-HTTP") : server_none());
                autofree char *words =
                        *table[i].file ? xasprintf(", --peer-cert-file=" PKI "/%s", table[i].file)
                                       : xstrdup("");
                Plane plane = etcd_of(members, words);

                shell("cp server.crt root" PKI "/; cp ca.crt root" PKI "/ca.crt");
                assert_back(&plane, "a", table[i].reason);
                plane_free(&plane);
                servers_stop();
                shell("rm root");
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                SERVERS_TEST(test_all_that_were_well_are_well_again),
                SERVERS_TEST(test_one_that_is_alone_has_no_others),
                SERVERS_TEST(test_another_one_leads),
                SERVERS_TEST(test_a_cut_between_the_others_is_seen),
                SERVERS_TEST(test_nobody_to_lead_instead),
                SERVERS_TEST(test_an_election_is_waited_for),
                SERVERS_TEST(test_its_peers_see_its_file),
        };
        int r = cmocka_run_group_tests(tests, NULL, NULL);

        cluster_reset();
        return r;
}
