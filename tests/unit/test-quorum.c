/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "plane.h"
#include "renew/restart/quorum.h"

#define ETCD "etcd"
#define PKI  "/etc/kubernetes/pki/etcd"
#define TLS                                                                                        \
        "--cert-file=" PKI "/server.crt, --key-file=" PKI "/server.key, "                          \
        "--trusted-ca-file=" PKI "/ca.crt"
#define HEALTHY "HTTP/1.1 200 OK\r\n\r\n{\"health\":\"true\"}"
#define SICK    "HTTP/1.1 503 No\r\n\r\n{\"health\":\"false\"}"

/* A member, with these words behind its name. */
static Plane etcd(const char *words)
{
        Plane plane = plane_new();

        servers_make_pki();
        shell("cp ca.crt root" PKI "/ca.crt; cp server.crt server.key root" PKI "/");
        plane_pod(&plane, ETCD, "etcd:3.5.10-0", words);
        plane_look(&plane);
        return plane;
}

/* A member that answers with this list of members. */
static Plane etcd_of(const char *members)
{
        autofree char *json = xasprintf(
                "{\"header\":{\"cluster_id\":\"9\",\"member_id\":\"1\"},\"members\":[%s]}",
                members);
        autofree char *answer =
                xasprintf("HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen(json), json);
        Plane plane = etcd("--version");

        autofree char *words = xasprintf(
                TLS ", \"--listen-client-urls=https://127.0.0.1:%u\"", server_tls_saying(answer));
        plane_pod(&plane, ETCD, "etcd:3.5.10-0", words);
        plane_look(&plane);
        return plane;
}

/* Forbidden for this reason; NULL: not forbidden. */
static void assert_forbidden(
        const Plane *plane, const char *component, bool is_healthy, const char *reason)
{
        Error error = {};
        bool forbids = quorum_forbids(
                plane->host.root_fd, plane_component(plane, component), is_healthy, &error);

        if (forbids != !!reason || (reason && !strstr(error.text, reason)))
                fail_msg("%d: %s", forbids, error.text);
}

static void test_a_member_that_can_be_spared(void **state)
{
        static const struct {
                size_t healthy, sick;
                const char *reason;
        } table[] = {
                {1, 0, NULL},
                {2, 0, "of 2 members of etcd 2 are healthy"},
                {3, 0, NULL},
                {2, 1, "of 3 members of etcd 2 are healthy: without this one there would be no"},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                uint16_t healthy = server_saying(HEALTHY, true), sick = server_saying(SICK, true);
                autofree char *members = xstrdup("");

                for (size_t k = 0; k < table[i].healthy + table[i].sick; k++) {
                        char *before = members;

                        members = xasprintf("%s%s{\"ID\":\"%zu\",\"name\":\"m\","
                                            "\"clientURLs\":[\"http://127.0.0.1:%u\"]}",
                                before, k > 0 ? "," : "", k + 1,
                                k < table[i].healthy ? healthy : sick);
                        free(before);
                }
                Plane plane = etcd_of(members);
                assert_forbidden(&plane, ETCD, true, table[i].reason);
                plane_free(&plane);
                servers_stop();
                shell("rm root");
        }
}

/* Quorum cannot be had back: what is not known forbids. */
static void test_what_is_not_known_forbids(void **state)
{
        uint16_t none = server_none();
        autofree char *silent =
                xasprintf(TLS ", \"--listen-client-urls=https://127.0.0.1:%u\"", none);
        const struct {
                const char *words, *reason;
        } table[] = {
                {silent, "the members of etcd are not known: "},
                {TLS ", \"--listen-client-urls=http://127.0.0.1:2379\"",
                        "it serves no https endpoint for clients"},
                {"--cert-file=" PKI "/server.crt, "
                 "\"--listen-client-urls=https://127.0.0.1:2379\"",
                        "its manifest has no --trusted-ca-file on this host"},
                {"--cert-file=" PKI "/server.crt, --trusted-ca-file=" PKI "/ca.crt, "
                 "\"--listen-client-urls=https://127.0.0.1:2379\"",
                        "its manifest has no --key-file on this host"},
                {"--cert-file=" PKI "/server.crt, --key-file=" PKI "/server.key, "
                 "--trusted-ca-file=" PKI "/nothing.crt, "
                 "\"--listen-client-urls=https://127.0.0.1:2379\"",
                        "nothing.crt"},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                Plane plane = etcd(table[i].words);

                assert_forbidden(&plane, ETCD, true, table[i].reason);
                assert_forbidden(&plane, ETCD, true, "the members of etcd are not known");
                plane_free(&plane);
                servers_stop();
                shell("rm root");
        }
}

static void test_an_ill_member_is_left_alone(void **state)
{
        Plane plane = etcd(TLS);

        assert_forbidden(&plane, ETCD, false, "etcd is not healthy");
        plane_free(&plane);
}

/* A container whose program only its image knows is taken for what it is called. */
static void test_a_member_without_a_command(void **state)
{
        Plane plane = etcd(TLS);

        shell("sed -i 's/    command: .etcd,/    args: [/' root" MANIFESTS "/etcd.yaml");
        plane_look(&plane);
        assert_forbidden(&plane, ETCD, false, "etcd is not healthy");
        plane_free(&plane);
}

static void test_others_are_never_forbidden(void **state)
{
        Plane plane = plane_new();

        plane_pod(&plane, "kube-apiserver", "kube-apiserver:v1.28.7", "--etcd-servers=x");
        tree_write_text(plane.host.root, MANIFESTS "/kube-scheduler.yaml", "{[");
        plane_look(&plane);
        assert_forbidden(&plane, "kube-apiserver", false, NULL);
        assert_forbidden(&plane, "kube-scheduler", true, NULL);
        plane_free(&plane);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                SERVERS_TEST(test_a_member_that_can_be_spared),
                SERVERS_TEST(test_what_is_not_known_forbids),
                SERVERS_TEST(test_an_ill_member_is_left_alone),
                SERVERS_TEST(test_a_member_without_a_command),
                SERVERS_TEST(test_others_are_never_forbidden),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
