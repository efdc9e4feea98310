/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

/* Runtime and probes are as real as they are elsewhere; the cluster is none. */
#define __wrap_http_call cluster_call
#include "fake-cluster.h"
#undef __wrap_http_call

#include "plane.h"
#include "quick-clock.h"

#define SCHEDULER "kube-scheduler"
#define CONFIG    "/etc/kubernetes/scheduler.conf"
#define LEASED                                                                                     \
        "[cluster]\nCoordination=lease\n[host]\nNodeName=cp1\n"                                    \
        "[component kube-scheduler]\nStartTimeout=10s\n"

int __real_http_call(const HttpRequest *request, HttpAnswer **ret, Error *reterr);
int __wrap_http_call(const HttpRequest *request, HttpAnswer **ret, Error *reterr);

int __wrap_http_call(const HttpRequest *request, HttpAnswer **ret, Error *reterr)
{
        return starts_with(request->url, "https://") ? cluster_call(request, ret, reterr)
                                                     : __real_http_call(request, ret, reterr);
}

/* Where the kubeconfig of the administrator leads. */
static const char api[] = "192.0.2.10";

/* A scheduler that is owed a restart, of a host that takes turns. */
static Plane scheduler(const char *fault)
{
        Plane plane = plane_new();

        cluster_reset();
        cluster_add(api);
        plane_pod(&plane, SCHEDULER, "kube-scheduler:v1.28.7", "--kubeconfig=" CONFIG);
        plane_container(&plane, SCHEDULER, OLD);
        plane_runtime(&plane, fault, NULL);
        plane_owe(&plane, SCHEDULER, CONFIG);
        plane_configure(&plane, LEASED);
        return plane;
}

static void restart(Plane *plane, RestartOutcome outcome, const char *text)
{
        autoptr(RestartReport) report = plane_restart(plane, false);

        plane_assert_result(report, SCHEDULER, outcome, text);
}

static void test_the_turn_is_given_back(void **state)
{
        Plane plane = scheduler("--restart");

        restart(&plane, RESTART_DONE, NULL);
        assert_int_equal(cluster_asked("PUT"), 1);
        assert_int_equal(cluster_asked("POST"), 1);
        assert_string_equal(cluster_holder(), "");
        plane_free(&plane);
}

/* Nobody else may end his while ours is down; this host's next pass goes on. */
static void test_the_turn_is_kept_while_something_is_not_back(void **state)
{
        Plane plane = scheduler("--fault=Version:none"); /* none: it stays down */

        put("stop-kube-scheduler.sh", "cp bad kube-scheduler.health");
        restart(&plane, RESTART_LEFT, "it does not run");
        assert_string_equal(cluster_holder(), "cp1/this");
        /* For the restart, and for all that is looked at before it. */
        assert_int_equal(
                json_integer_value(json_object_get(cluster_spec(), "leaseDurationSeconds")),
                150 + 15 + 1 + 10 + 60);
        plane_free(&plane);
}

/* What was ill before is not worse than it was. */
static void test_what_was_ill_before_keeps_no_turn(void **state)
{
        Plane plane = scheduler("--restart");

        put("kube-scheduler.health", BAD);
        restart(&plane, RESTART_LEFT, "not well");
        assert_int_equal(plane_stops(SCHEDULER), 1);
        assert_string_equal(cluster_holder(), "");
        plane_free(&plane);
}

/* Of the time in which a certificate is to be renewed the second half is that in which its restart
 * cannot wait, or PostponeLimit= if that is shorter: of one that lives for a day that would be all
 * of its life. */
static void test_who_cannot_wait(void **state)
{
        static const struct {
                const char *renew_before;
                int64_t expires, since; /* seconds from now; 0: not known */
                bool is_urgent;
        } table[] = {
                {"15d", 4 * DAY, -HOUR, false}, {"15d", 2 * DAY, -HOUR, true},
                {"15d", -HOUR, -HOUR, true}, {"4d", 2 * DAY + HOUR, -HOUR, false},
                {"4d", 2 * DAY - HOUR, -HOUR, true}, {"2h", 90 * MINUTE, -MINUTE, false},
                {"2h", 30 * MINUTE, -MINUTE, true}, {"15d", 0, -11 * DAY, false},
                {"15d", 0, -13 * DAY, true}, {"2h", 0, -30 * MINUTE, false},
                {"2h", 0, -90 * MINUTE, true},
                {"15d", 0, 0, false}, /* what cannot be read is not of 1970 */
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                autofree char *text = xasprintf(LEASED
                        "[cluster]\nLeaseTimeout=1min\n[renewal]\nRenewBefore=%s\n",
                        table[i].renew_before);
                char *paths[] = {(char *)CONFIG, NULL};
                Plane plane = scheduler("--restart");
                int64_t now = time(NULL);
                const Owed owed = {.component = (char *)SCHEDULER,
                        .since = now + table[i].since,
                        .expires = table[i].expires != 0 ? now + table[i].expires : 0,
                        .pass_id = (char *)"p",
                        .paths = paths};

                plane_configure(&plane, text);
                assert_int_equal(owed_remove(plane.host.root_fd, STATE, SCHEDULER, NULL), 0);
                assert_int_equal(owed_enter(plane.host.root_fd, STATE, &owed, NULL), 0);
                if (table[i].since == 0)
                        tree_write_text(plane.host.root, STATE "/owed/" SCHEDULER ".json", "");
                cluster_lease("by hand", 0);
                autoptr(RestartReport) report = plane_restart(&plane, false);
                if ((report->results[0].outcome == RESTART_DONE) != table[i].is_urgent)
                        fail_msg("%zu: %s", i, report->results[0].text);
                assert_string_equal(report->turn_holder ? report->turn_holder : "",
                        table[i].is_urgent ? "" : "by hand");
                assert_int_equal(plane_stops(SCHEDULER), table[i].is_urgent);
                plane_free(&plane);
                servers_stop();
                shell("rm -f root calls");
        }
}

static size_t readies_left;

/* So often its answer is no. */
static void become_ready(const char *method)
{
        FakeServer *own = cluster_server("127.0.0.1");

        own->is_ready = cluster_asked("GET /readyz 127.0.0.1") > readies_left;
}

/* By its probe it is alive at once. */
static void test_an_api_server_is_back_when_it_is_ready(void **state)
{
        static const struct {
                size_t refusals;
                RestartOutcome outcome;
                const char *text, *holder;
        } table[] = {
                {0, RESTART_DONE, NULL, ""},
                {3, RESTART_DONE, NULL, ""},
                {SIZE_MAX, RESTART_LEFT, "GET /readyz with HTTP status 500", "cp1/this"},
        };

        servers_make_pki();
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                Plane plane = plane_new();
                autofree char *words =
                        xasprintf("--advertise-address=192.0.2.99, --secure-port=%u, "
                                  "--tls-cert-file=/etc/kubernetes/pki/apiserver.crt, "
                                  "--tls-private-key-file=/etc/kubernetes/pki/apiserver.key",
                                server_tls("-HTTP"));

                cluster_reset();
                cluster_add(api);
                cluster_add("127.0.0.1");
                cluster_on_request = become_ready;
                readies_left = table[i].refusals;
                plane_pod(&plane, "kube-apiserver", "kube-apiserver:v1.28.7", words);
                shell("cp server.crt root/etc/kubernetes/pki/apiserver.crt; "
                      "cp server.key root/etc/kubernetes/pki/apiserver.key");
                plane_container(&plane, "kube-apiserver", OLD);
                plane_runtime(&plane, "--restart", NULL);
                plane_owe(&plane, "kube-apiserver", NULL);
                plane_configure(&plane, LEASED "[component kube-apiserver]\nStartTimeout=5min\n");
                autoptr(RestartReport) report = plane_restart(&plane, false);
                plane_assert_result(report, "kube-apiserver", table[i].outcome, table[i].text);
                assert_string_equal(cluster_holder(), table[i].holder);
                assert_true(cluster_asked("GET /readyz "
                                          "127.0.0.1") > 0);
                plane_free(&plane);
                servers_stop();
                shell("rm -f root calls");
        }
}

/* The look after another one leads is the one by which it is ended, or not. */
static void test_an_etcd_whose_others_are_cut_apart_runs_on(void **state)
{
        static const char members[] =
                "{\"ID\":\"1\",\"name\":\"a\",\"clientURLs\":[\"https://192.0.2.1:2379\"]},"
                "{\"ID\":\"2\",\"name\":\"b\",\"clientURLs\":[\"https://192.0.2.2:2379\"]},"
                "{\"ID\":\"3\",\"name\":\"c\",\"clientURLs\":[\"https://192.0.2.3:2379\"]}";

        servers_make_pki();
        for (unsigned is_cut = 0; is_cut < 2; is_cut++) {
                Plane plane = plane_new();
                autofree char *words =
                        xasprintf("--cert-file=/etc/kubernetes/pki/etcd/server.crt, "
                                  "--key-file=/etc/kubernetes/pki/etcd/server.key, "
                                  "--trusted-ca-file=/etc/kubernetes/pki/etcd/ca.crt, "
                                  "\"--listen-client-urls=https://127.0.0.1:%u\"",
                                server_tls("-HTTP"));

                cluster_reset();
                cluster_add("192.0.2.1");
                cluster_add("192.0.2.2");
                cluster_add("192.0.2.3");
                cluster_server("192.0.2.2")->id = "2";
                cluster_server("192.0.2.3")->id = "3";
                cluster_server("192.0.2.3")->follows = is_cut ? "0" : NULL;
                cluster.members = members;
                cluster.leader = xstrdup("1");
                plane_pod(&plane, "etcd", "etcd:3.4.13-0", words);
                shell("cp server.crt root/etc/kubernetes/pki/etcd/server.crt; "
                      "cp server.key root/etc/kubernetes/pki/etcd/server.key");
                plane_container(&plane, "etcd", OLD);
                plane_runtime(&plane, "--restart", NULL);
                plane_owe(&plane, "etcd", NULL);
                plane_configure(&plane, "[component etcd]\nStartTimeout=5min\n");
                autoptr(RestartReport) report = plane_restart(&plane, false);
                plane_assert_result(report, "etcd", is_cut ? RESTART_LEFT : RESTART_DONE,
                        is_cut ? "member 'c' of etcd does not follow another leader" : NULL);
                assert_int_equal(plane_stops("etcd"), !is_cut);
                assert_string_equal(cluster.leader, is_cut ? "1" : "2");
                plane_free(&plane);
                servers_stop();
                shell("rm -f root calls");
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                SERVERS_TEST(test_the_turn_is_given_back),
                SERVERS_TEST(test_the_turn_is_kept_while_something_is_not_back),
                SERVERS_TEST(test_what_was_ill_before_keeps_no_turn),
                SERVERS_TEST(test_who_cannot_wait),
                SERVERS_TEST(test_an_api_server_is_back_when_it_is_ready),
                SERVERS_TEST(test_an_etcd_whose_others_are_cut_apart_runs_on),
        };
        int r;

        if (!plane_is_possible())
                return unit_skip_all("there is no fake runtime (libnghttp2 was not found)");
        r = cmocka_run_group_tests(tests, NULL, NULL);
        cluster_reset();
        return r;
}
