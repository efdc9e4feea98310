/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "cluster.h"
#include "plane.h"

#define PKI "/etc/kubernetes/pki/etcd"

/* cross.crt: the old CA's name and key, signed by the new one. */
static void make_cross(void)
{
        shell("openssl x509 -x509toreq -in ca.crt -signkey ca.key -out ca.csr && printf "
              "'basicConstraints=CA:TRUE\n' >ext && openssl x509 -req -in ca.csr -CA other-ca.crt "
              "-CAkey other-ca.key -CAcreateserial -days 2 -extfile ext -out cross.crt");
}

/* Another API server is well once the CA that stays vouches for it, by what it shows or by what it
 * sends along. */
static void test_other_api_servers(void **state)
{
        static const struct {
                CaPhase phase; /* of this host */
                const char *words;
                CheckState state;
                CaPhase waits; /* that waits for it */
        } cases[] = {
                {CA_PHASE_TRUST_BOTH, "", CHECK_OPEN, CA_PHASE_REISSUE},
                {CA_PHASE_TRUST_BOTH, "-cert_chain cross.crt", CHECK_DONE, N_CA_PHASES},
                {CA_PHASE_REISSUE, "", CHECK_OPEN, CA_PHASE_REISSUE},
                {CA_PHASE_REISSUE, "-cert_chain cross.crt", CHECK_OPEN, CA_PHASE_TRUST_NEW},
                {CA_PHASE_REISSUE, "-cert other.crt -key other.key", CHECK_DONE, N_CA_PHASES},
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Cluster cluster;
                const Checklist *checklist;
                uint16_t port;

                cluster_set_up(&cluster);
                answer_trust("both");
                answer_hosts("other-ca", "2026-11-22T12:30:00Z");
                make_cross();
                cluster.rotation.phase = cases[i].phase;
                cluster.record.old_by_new = cluster.record.old_ca; /* there is one */
                put("version", "HTTP/1.0 200 OK\r\n\r\n{}");
                autofree char *words = xasprintf("-HTTP %s", cases[i].words);
                port = server_tls(words);
                answer(ENDPOINTS, json_pack("{s:[{s:[{s:s}], s:[{s:i}]}]}", "subsets", "addresses",
                                          "ip", "127.0.0.1", "ports", "port", (int)port));
                cluster_check_members(&cluster.question);
                checklist = cluster.question.checklist;
                assert_string_equal(checklist->items[0].name, "API server 127.0.0.1");
                assert_int_equal(checklist->items[0].state, cases[i].state);
                for (CaPhase phase = CA_PHASE_NONE; phase < N_CA_PHASES; phase++)
                        assert_int_equal(
                                !!checklist_open(checklist, phase), phase >= cases[i].waits);
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
                bool signs_server, has_cross;
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
                cluster.question.signs_server = cases[i].signs_server;
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

/* This host's etcd, which says that these are the members. */
static Plane plane_of_etcd(const char *members)
{
        autofree char *json = xasprintf(
                "{\"header\":{\"cluster_id\":\"9\",\"member_id\":\"1\"},\"members\":[%s]}",
                members);
        autofree char *answer =
                xasprintf("HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen(json), json);
        Plane plane = plane_new();

        shell("cp ca.crt root" PKI "/ca.crt; cp server.crt server.key root" PKI "/");
        autofree char *words = xasprintf("--cert-file=" PKI "/server.crt, --key-file=" PKI
                                         "/server.key, --trusted-ca-file=" PKI "/ca.crt, "
                                         "\"--listen-client-urls=https://127.0.0.1:%u\"",
                server_tls_saying(answer));
        plane_pod(&plane, "etcd", "etcd:3.5.10-0", words);
        plane_look(&plane);
        return plane;
}

/* The question is about this host, too. */
static void ask_of(Cluster *cluster, const Plane *plane)
{
        cluster->rotations.root_fd = plane->host.root_fd;
        cluster->input.rotations = &cluster->rotations;
        cluster->input.inventory = plane->host.inventory;
        cluster->input.now = time(NULL);
}

/* Four members: one has gone all the way, one to trust-both, one nowhere, and one is down. */
static Plane plane_of_four(void)
{
        uint16_t last = server_tls("-HTTP -cert other.crt -key other.key");
        uint16_t middle = server_tls("-HTTP -cert_chain cross.crt"), first = server_tls("-HTTP");
        autofree char *members =
                xasprintf("{\"ID\":\"1\",\"name\":\"a\",\"peerURLs\":[\"https://127.0.0.1:%u\"],"
                          "\"clientURLs\":[\"https://127.0.0.1:%u\"]},"
                          "{\"ID\":\"2\",\"name\":\"b\",\"peerURLs\":[\"https://127.0.0.1:%u\"],"
                          "\"clientURLs\":[\"https://127.0.0.1:%u/\",\"http://127.0.0.1:1\"]},"
                          "{\"ID\":\"3\",\"name\":\"c\",\"peerURLs\":[\"https://127.0.0.1:%u\"]},"
                          "{\"ID\":\"4\",\"name\":\"\",\"peerURLs\":[\"https://127.0.0.1:%u\"]}",
                        last, last, last, middle, first, server_none());

        return plane_of_etcd(members);
}

static void test_members_of_etcd(void **state)
{
        static const struct {
                CaPhase phase;
                bool has_cross;
                const char *lines[5];
                CaPhase waits[4];
        } cases[] = {
                {CA_PHASE_TRUST_BOTH, true,
                        {"etcd a=done", "etcd b=done", "etcd c=open", "etcd (not started)=unknown"},
                        {0, 0, CA_PHASE_REISSUE, 0}},
                {CA_PHASE_REISSUE, false,
                        {"etcd a=done", "etcd b=open", "etcd c=open", "etcd (not started)=unknown"},
                        {0, CA_PHASE_TRUST_NEW, CA_PHASE_REISSUE, 0}},
                {CA_PHASE_TRUST_BOTH, false, {"members of etcd=unknown"}, {0}},
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Cluster cluster;

                cluster_set_up(&cluster);
                make_cross();
                Plane plane = plane_of_four();
                ask_of(&cluster, &plane);
                cluster.rotation.phase = cases[i].phase;
                cluster.record.old_by_new = cases[i].has_cross ? cluster.record.old_ca : NULL;
                cluster_check_etcd(&cluster.question);
                expect(&cluster, cases[i].lines);
                for (size_t k = 0; k < cluster.question.checklist->n; k++)
                        if (cases[i].waits[k])
                                assert_int_equal(cluster.question.checklist->items[k].phase,
                                        cases[i].waits[k]);
                plane_free(&plane);
                cluster_tear_down(&cluster);
                servers_stop();
                shell("rm root");
        }
}

/* Etcd has a CA of its own: of the others it says nothing, and nor does a host without etcd. */
static void test_etcd_is_asked_about_its_own_ca(void **state)
{
        Cluster cluster;

        cluster_set_up(&cluster);
        make_cross();
        Plane plane = plane_of_four();
        ask_of(&cluster, &plane);
        cluster.question.leaving = cluster.question.staying;
        cluster_check_etcd(&cluster.question);
        assert_int_equal(cluster.question.checklist->n, 0);
        plane_free(&plane);
        cluster.input.inventory = &cluster.inventory;
        cluster.question.leaving = cluster.record.old_ca;
        cluster_check_etcd(&cluster.question);
        assert_int_equal(cluster.question.checklist->n, 0);
        cluster_tear_down(&cluster);
}

/* A CA that each of several would make for himself. */
static void test_who_is_not_alone(void **state)
{
        static const struct {
                const char *endpoints, *members, *error, *line;
        } cases[] = {
                {"[]", NULL, NULL, NULL},
                {"[{\"ip\":\"192.0.2.1\"}]", "{\"ID\":\"1\",\"name\":\"a\"}", NULL, NULL},
                {"[{\"ip\":\"192.0.2.1\"},{\"ip\":\"192.0.2.2\"}]", NULL, NULL,
                        "there are several (192.0.2.1, 192.0.2.2), and each must get the same"},
                {"[]", "{\"ID\":\"1\",\"name\":\"a\"},{\"ID\":\"2\",\"name\":\"b\"}", "it is down",
                        "there are several (a, b)"},
                {"[]", NULL, "it is down", "could not be asked: it is down"},
        };
        CaEntry entry = {.id = (char *)"kubernetes"};
        InventoryCa ca = {.entry = &entry};

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Error error = {};
                Cluster cluster;

                cluster_set_up(&cluster);
                cluster.rotation = (CaRotation){.ca = &ca};
                autofree char *endpoints = xasprintf("HTTP/1.0 200 OK\r\n\r\n"
                                                     "{\"subsets\":[{\"addresses\":%s}]}",
                        cases[i].endpoints);
                put(ENDPOINTS, endpoints);
                Plane plane = cases[i].members ? plane_of_etcd(cases[i].members) : plane_new();
                plane_look(&plane);
                ask_of(&cluster, &plane);
                if (cases[i].error)
                        error_set(&error, -EIO, "%s", cases[i].error);
                cluster_check_alone(&cluster.question, cases[i].error ? &error : NULL);

                const Checklist *checklist = cluster.question.checklist;
                assert_int_equal(checklist->n, cases[i].line != NULL);
                if (cases[i].line && !strstr(checklist->items[0].text, cases[i].line))
                        fail_msg("%s", checklist->items[0].text);
                assert_int_equal(!!checklist_open(checklist, CA_PHASE_PREPARE),
                        cases[i].line && starts_with(cases[i].line, "there are"));
                plane_free(&plane);
                cluster_tear_down(&cluster);
                servers_stop();
                shell("rm root");
        }
}

/* Only who makes a CA of his own is asked for. */
static void test_who_gives_a_ca_need_not_be_alone(void **state)
{
        CaEntry entry = {.id = (char *)"kubernetes"};
        InventoryCa ca = {.entry = &entry};
        CaRotation rotation = {.ca = &ca, .is_selected = true, .moves = true};

        for (int supplied = 0; supplied < 2; supplied++) {
                Plane plane = plane_new();
                plane_look(&plane);
                Running *running = running_new(plane.host.root_fd, plane.host.config, true);
                const CaRotations rotations = {
                        .root_fd = plane.host.root_fd, .list = &rotation, .n = 1};
                const ChecklistInput input = {.config = plane.host.config,
                        .inventory = plane.host.inventory,
                        .running = running,
                        .rotations = &rotations,
                        .is_supplied = supplied};
                autoptr(Checklist) checklist = checklist_make(&input);

                assert_int_equal(checklist->n, !supplied);
                if (!supplied)
                        assert_string_equal(checklist->items[0].name, "other control planes");
                running_free(running);
                plane_free(&plane);
                shell("rm root");
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                SERVERS_TEST(test_other_api_servers),
                SERVERS_TEST(test_other_api_servers_that_cannot_show_it),
                SERVERS_TEST(test_members_of_etcd),
                SERVERS_TEST(test_etcd_is_asked_about_its_own_ca),
                SERVERS_TEST(test_who_is_not_alone),
                SERVERS_TEST(test_who_gives_a_ca_need_not_be_alone),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
