/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "plane.h"
#include "quick-clock.h"

#define API       "kube-apiserver"
#define MANAGER   "kube-controller-manager"
#define SCHEDULER "kube-scheduler"
#define PKI       "/etc/kubernetes/pki"
#define CONFIG    "/etc/kubernetes/scheduler.conf"

/* A scheduler that runs since long ago, is well, and has not loaded its kubeconfig. */
static Plane scheduler(const char *fault)
{
        Plane plane = plane_new();

        plane_pod(&plane, SCHEDULER, "kube-scheduler:v1.28.7", "--kubeconfig=" CONFIG);
        plane_container(&plane, SCHEDULER, OLD);
        plane_runtime(&plane, fault ? fault : "--restart", NULL);
        plane_owe(&plane, SCHEDULER, CONFIG);
        return plane;
}

/* One round, in which this becomes of the scheduler. */
static void assert_round(Plane *plane, RestartOutcome outcome, const char *text)
{
        autoptr(RestartReport) report = plane_restart(plane, false);

        assert_int_equal(report->n, 1);
        plane_assert_result(report, SCHEDULER, outcome, text);
        assert_int_equal(plane_owes(plane, SCHEDULER), outcome == RESTART_LEFT);
        assert_false(report->rolled_back);
}

static void test_restarted_and_proven(void **state)
{
        Plane plane = scheduler(NULL);

        assert_round(&plane, RESTART_DONE, NULL);
        assert_int_equal(plane_stops(SCHEDULER), 1);

        /* Nobody is restarted who is owed nothing. */
        autoptr(RestartReport) report = plane_restart(&plane, true);
        assert_int_equal(report->n, 0);
        assert_int_equal(plane_stops(SCHEDULER), 1);
        plane_free(&plane);
}

/* Of a cluster whose control planes take turns: what can wait waits, and nothing is stopped. */
static void test_nothing_is_restarted_without_a_turn(void **state)
{
        Plane plane = scheduler(NULL);

        plane_configure(&plane, "[cluster]\nCoordination=lease\nLeaseTimeout=1min\n"
                                "Kubeconfig=/nobody.conf\n");
        assert_round(&plane, RESTART_LEFT, "it waits for its turn: ");
        assert_int_equal(plane_stops(SCHEDULER), 0);
        plane_free(&plane);
}

static void test_what_comes_back_late_is_waited_for(void **state)
{
        Plane plane = scheduler("--restart=500");

        assert_round(&plane, RESTART_DONE, NULL);
        plane_free(&plane);
}

/* So that its new container is an hour older than the files, by what the runtime says. */
static void test_failure_mode_30_the_clock_is_set_back_meanwhile(void **state)
{
        Plane plane = scheduler("--restart=-3600000");

        assert_round(&plane, RESTART_DONE, NULL);
        assert_int_equal(plane_stops(SCHEDULER), 1);
        plane_free(&plane);
}

/* One that was started while the clock was ahead has seen nothing of today. */
static void test_failure_mode_30_a_process_of_the_future_is_restarted(void **state)
{
        autofree char *year = xasprintf("%lld000000000", (long long)time(NULL) + 365 * 86400);
        Plane plane = plane_new();

        plane_pod(&plane, SCHEDULER, "kube-scheduler:v1.28.7", "--kubeconfig=" CONFIG);
        plane_container(&plane, SCHEDULER, year);
        plane_runtime(&plane, "--restart", NULL);
        plane_owe(&plane, SCHEDULER, CONFIG);
        assert_round(&plane, RESTART_DONE, NULL);
        assert_int_equal(plane_stops(SCHEDULER), 1);
        plane_owe(&plane, SCHEDULER, NULL);
        assert_round(&plane, RESTART_DONE, NULL);
        assert_int_equal(plane_stops(SCHEDULER), 2);
        plane_free(&plane);
}

/* Healthy only a while after it runs. */
static void test_what_is_well_late_is_waited_for(void **state)
{
        Plane plane = scheduler(NULL);

        put("start-kube-scheduler.sh",
                "cp bad kube-scheduler.health; (sleep 0.3; cp ok kube-scheduler.health) &");
        assert_round(&plane, RESTART_DONE, NULL);
        plane_free(&plane);
}

static void test_somebody_has_restarted_it(void **state)
{
        Plane plane = plane_new();

        plane_pod(&plane, SCHEDULER, "kube-scheduler:v1.28.7", "--kubeconfig=" CONFIG);
        plane_container(&plane, SCHEDULER, YOUNG);
        plane_runtime(&plane, NULL);
        plane_owe(&plane, SCHEDULER, CONFIG);
        assert_round(&plane, RESTART_PROVEN, NULL);
        assert_int_equal(plane_stops(SCHEDULER), 0);
        plane_free(&plane);
}

/* What was not well before is not rolled back: there is nothing to go back to. */
static void test_unwell_before_and_after_is_owed(void **state)
{
        Plane plane = scheduler(NULL);

        plane_configure(&plane, "[component kube-scheduler]\nStartTimeout=10s\n");
        put("kube-scheduler.health", BAD);
        assert_round(&plane, RESTART_LEFT, "not well");
        assert_int_equal(plane_stops(SCHEDULER), 1);

        /* It runs with its new files: when it is well, that is proof, and no restart. */
        put("kube-scheduler.health", OK);
        assert_round(&plane, RESTART_PROVEN, NULL);
        assert_int_equal(plane_stops(SCHEDULER), 1);
        plane_free(&plane);
}

/* Without a backup too. */
static void test_what_does_not_come_back_is_owed(void **state)
{
        Plane plane = scheduler("--fault=Version:none"); /* none: it stays down */

        plane_configure(&plane, "[component kube-scheduler]\nStartTimeout=10s\n");
        put("stop-kube-scheduler.sh", "cp bad kube-scheduler.health");
        assert_round(&plane, RESTART_LEFT,
                "it does not run; not rolled back: there is no backup of its old files");
        plane_free(&plane);
}

static void test_faults_of_the_runtime(void **state)
{
        static const struct {
                const char *fault, *text;
        } table[] = {
                {"--fault=StopContainer:error", "cannot stop container 'kube-scheduler': container "
                                                "runtime at '/run/containerd/containerd.sock': "
                                                "gRPC status 13 INTERNAL: disk full"},
                {"--fault=StopContainer:reset", "cannot stop container 'kube-scheduler'"},
                {"--fault=ListContainers:error", "disk full"},
                {"--fault=Version:unimplemented", "speaks neither"},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                Plane plane = scheduler(table[i].fault);

                assert_round(&plane, RESTART_LEFT, table[i].text);
                plane_free(&plane);
                servers_stop();
                shell("rm -f root calls");
        }
}

/* It was stopped, and nobody says so: whether it is well is looked at again. */
static void test_a_runtime_that_hangs_with_the_container_gone(void **state)
{
        Plane plane = plane_new();

        plane_configure(&plane, "[component kube-scheduler]\nStopTimeout=0s\nOrder=1\n");
        plane_pod(&plane, SCHEDULER, "kube-scheduler:v1.28.7", "--kubeconfig=" CONFIG);
        plane_pod(&plane, MANAGER, "kube-controller-manager:v1.28.7",
                "--kubeconfig=/etc/kubernetes/controller-manager.conf");
        plane_container(&plane, SCHEDULER, OLD);
        plane_container(&plane, MANAGER, OLD);
        plane_runtime(&plane, "--fault=StopContainer:hang", NULL);
        plane_owe(&plane, SCHEDULER, CONFIG);
        plane_owe(&plane, MANAGER, "/etc/kubernetes/controller-manager.conf");
        autoptr(RestartReport) report = plane_restart(&plane, false);
        assert_int_equal(report->n, 2);
        plane_assert_result(report, SCHEDULER, RESTART_LEFT, "cannot stop container");
        plane_assert_result(
                report, MANAGER, RESTART_LEFT, "a component before it in the order is not healthy");
        assert_false(report->rolled_back);
        plane_free(&plane);
}

static void test_no_container_is_an_error(void **state)
{
        Plane plane = plane_new();

        plane_pod(&plane, SCHEDULER, "kube-scheduler:v1.28.7", "--kubeconfig=" CONFIG);
        plane_runtime(&plane, "--restart", NULL);
        plane_owe(&plane, SCHEDULER, CONFIG);
        assert_round(&plane, RESTART_LEFT, "there is no container 'kube-scheduler'");
        plane_free(&plane);
}

static void test_nothing_is_stopped_that_nobody_would_start(void **state)
{
        Plane plane = scheduler(NULL);

        put("kubelet.health", BAD);
        assert_round(&plane, RESTART_LEFT, "the kubelet does not answer");
        assert_int_equal(plane_stops(SCHEDULER), 0);

        /* By nobody's command either. */
        plane_configure(&plane, "[component kube-scheduler]\nRestartCommand=/bin/true\n");
        assert_round(&plane, RESTART_LEFT, "the kubelet does not answer");
        plane_free(&plane);
}

/* What loads its files by itself is waited for, but not what does not run and will not. */
static void test_nobody_is_waited_for_that_nobody_would_start(void **state)
{
        static const struct {
                const char *kubelet, *container, *text;
                bool waits;
        } table[] = {
                {BAD, "exited", "the kubelet does not answer", false},
                {OK, "exited", "it does not run", true},
                {BAD, "running", "500", true},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                Plane plane = plane_new();
                size_t looks = 0;

                plane_pod(&plane, API, "kube-apiserver:v1.28.7",
                        "--proxy-client-cert-file=" PKI "/front-proxy-client.crt");
                plane_configure(&plane, "[component kube-apiserver]\nStartTimeout=10s\n");
                plane.containers[plane.n_containers++] =
                        xasprintf("a,kube-apiserver,kube-apiserver-cp1,kube-system,%s,0," OLD,
                                table[i].container);
                plane_runtime(&plane, NULL);
                plane_owe(&plane, API, PKI "/front-proxy-client.crt");
                put("kubelet.health", table[i].kubelet);
                put("kube-apiserver.health", BAD);
                autoptr(RestartReport) report = plane_restart(&plane, false);
                plane_assert_result(report, API, RESTART_LEFT, table[i].text);
                autofree char *calls = tree_read(scratch, "/calls", NULL);
                for (const char *at = calls; (at = strstr(at, "ListContainers")); at++)
                        looks++;
                if (table[i].waits)
                        assert_in_range(looks, 20, 100000);
                else
                        assert_in_range(looks, 1, 19);
                plane_free(&plane);
                servers_stop();
                shell("rm -f root calls");
        }
}

static void test_never_and_always(void **state)
{
        Plane plane = scheduler(NULL);

        plane_configure(&plane, "[component kube-scheduler]\nRestart=never\n");
        assert_round(&plane, RESTART_LEFT, "Restart=never: restart it yourself");
        assert_int_equal(plane_stops(SCHEDULER), 0);

        /* Whatever it reads by itself. */
        plane_pod(&plane, SCHEDULER, "kube-scheduler:v1.28.7", "--client-ca-file=" PKI "/ca.crt");
        plane_configure(&plane, "[component kube-scheduler]\nRestart=needed\n");
        plane_owe(&plane, SCHEDULER, PKI "/ca.crt");
        assert_round(&plane, RESTART_PROVEN, NULL);
        assert_int_equal(plane_stops(SCHEDULER), 0);
        plane_configure(&plane, "[component kube-scheduler]\nRestart=always\n");
        plane_owe(&plane, SCHEDULER, PKI "/ca.crt");
        assert_round(&plane, RESTART_DONE, NULL);
        assert_int_equal(plane_stops(SCHEDULER), 1);
        plane_free(&plane);
}

/* A start would be its end. */
static void test_a_mismatched_pair_is_never_restarted_into(void **state)
{
        static const char config[] =
                "[component kube-scheduler]\nUses=" PKI "/apiserver.crt " PKI "/ca.crt\n";
        static const struct {
                const char *damage, *text;
        } table[] = {
                {"cp root" PKI "/front-proxy-client.key root" PKI "/apiserver.key",
                        "it would not start with '" PKI "/apiserver.crt' as it is"},
                {"echo >root" PKI "/apiserver.crt", "it would not start with '" PKI},
                {"rm root" PKI "/apiserver.crt", "it would not start with '" PKI},
                {"echo >root" PKI "/ca.crt", "it would not start with '" PKI "/ca.crt' as it is"},
                {"rm root" PKI "/ca.crt", "it would not start with '" PKI "/ca.crt' as it is"},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                Plane plane = scheduler(NULL);

                plane_configure(&plane, config);
                shell("%s", table[i].damage);
                assert_round(&plane, RESTART_LEFT, table[i].text);
                assert_int_equal(plane_stops(SCHEDULER), 0);
                plane_free(&plane);
                servers_stop();
                shell("rm -f root calls");
        }
}

/* What depends on something ill is left while it is well itself; ill, it has nothing to lose. */
/* It was started after its file changed, and is ill for another reason: it is waited for. */
static void test_what_has_its_files_and_is_ill_is_not_ended_again(void **state)
{
        Plane plane = plane_new();

        plane_configure(&plane, "[component kube-scheduler]\nStartTimeout=10s\n");
        plane_pod(&plane, SCHEDULER, "kube-scheduler:v1.28.7", "--kubeconfig=" CONFIG);
        plane_container(&plane, SCHEDULER, YOUNG);
        plane_runtime(&plane, "--restart", NULL);
        plane_owe(&plane, SCHEDULER, CONFIG);
        put("kube-scheduler.health", BAD);
        assert_round(&plane, RESTART_LEFT, "500");
        assert_int_equal(plane_stops(SCHEDULER), 0);
        put("kube-scheduler.health", OK);
        assert_round(&plane, RESTART_PROVEN, NULL);
        assert_int_equal(plane_stops(SCHEDULER), 0);
        plane_free(&plane);
}

static void test_upstream_ill(void **state)
{
        static const struct {
                const char *downstream;
                RestartOutcome outcome;
                const char *text;
                size_t stops;
        } table[] = {
                {OK, RESTART_LEFT, "a component before it in the order is not healthy", 0},
                {BAD, RESTART_DONE, NULL, 1},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                Plane plane = scheduler(NULL);

                plane_pod(&plane, API, "kube-apiserver:v1.28.7", "--x=" PKI "/apiserver.crt");
                plane_configure(
                        &plane, "[component kube-apiserver]\nStartTimeout=10s\nLoopbackAge=\n");
                plane_owe(&plane, API, PKI "/apiserver.crt");
                put("kube-apiserver.health", BAD);
                put("kube-scheduler.health", table[i].downstream);
                put("start-kube-scheduler.sh", "cp ok kube-scheduler.health");
                autoptr(RestartReport) report = plane_restart(&plane, false);
                assert_string_equal(report->results[0].component, API);
                plane_assert_result(report, API, RESTART_LEFT, "there is no container");
                plane_assert_result(report, SCHEDULER, table[i].outcome, table[i].text);
                assert_int_equal(plane_stops(SCHEDULER), table[i].stops);
                plane_free(&plane);
                servers_stop();
                shell("rm -f root calls start-*");
        }
}

static void test_an_entry_that_cannot_be_read_is_still_owed(void **state)
{
        Plane plane = scheduler(NULL);

        tree_write_text(plane.host.root, STATE "/owed/kube-scheduler.json", "{");
        assert_round(&plane, RESTART_DONE, NULL);
        assert_int_equal(plane_stops(SCHEDULER), 1);
        plane_free(&plane);
}

/* A debt without files is paid by a new process alone, also by one of the same second. */
static void test_a_new_process_is_owed(void **state)
{
        Plane plane = scheduler(NULL);
        struct timespec t;

        assert_int_equal(owed_remove(plane.host.root_fd, STATE, SCHEDULER, NULL), 0);
        do {
                usleep(10000);
                clock_gettime(CLOCK_REALTIME, &t);
        } while (t.tv_nsec > 100000000);
        plane_owe(&plane, SCHEDULER, NULL);
        assert_round(&plane, RESTART_DONE, NULL);
        assert_int_equal(plane_stops(SCHEDULER), 1);
        plane_free(&plane);
}

/* No certificate of the inventory is in that file, and still the old process has the old one. */
static void test_who_uses_a_copy_is_restarted_for_it(void **state)
{
        Plane plane = plane_new();

        plane_configure(&plane,
                "[copy bundle]\nSource=apiserver\nContent=bundle\nPath=" PKI "/bundle.pem\n"
                "[component kube-scheduler]\nUses=" PKI "/bundle.pem\n");
        tree_write_text(plane.host.root, PKI "/bundle.pem", "new");
        plane_pod(&plane, SCHEDULER, "kube-scheduler:v1.28.7", "--kubeconfig=" CONFIG);
        plane_container(&plane, SCHEDULER, OLD);
        plane_runtime(&plane, "--restart", NULL);
        plane_owe(&plane, SCHEDULER, PKI "/bundle.pem");
        assert_round(&plane, RESTART_DONE, NULL);
        assert_int_equal(plane_stops(SCHEDULER), 1);
        plane_free(&plane);
}

/* Nobody can pay for what has left this host, and nobody has to: should it come back, it is started
 * anew. A person at noon who has moved a manifest for a moment is no night. */
static void test_a_component_that_is_gone(void **state)
{
        Plane plane = scheduler(NULL);
        char *paths[] = {(char *)CONFIG, NULL};
        autoptr(RestartReport) noon = NULL;
        autoptr(RestartReport) night = NULL;
        autoptr(HoldList) holds = NULL;

        for (size_t i = 0; i < 2; i++)
                assert_int_equal(hold_add(plane.host.root_fd, STATE,
                                         &(Hold){.component = (char *)(i ? SCHEDULER : API),
                                                 .since = 1,
                                                 .until = time(NULL) + DAY,
                                                 .paths = paths,
                                                 .reason = (char *)"a test"},
                                         NULL),
                        0);
        plane_pod(&plane, API, "kube-apiserver:v1.28.7", "--x=y");
        tree_remove(plane.host.root, MANIFESTS "/kube-scheduler.yaml");
        noon = plane_restart(&plane, false);
        assert_int_equal(plane_stops(SCHEDULER), 0);
        assert_true(plane_owes(&plane, SCHEDULER));

        night = plane_restart(&plane, true);
        assert_false(plane_owes(&plane, SCHEDULER));
        assert_int_equal(hold_read(plane.host.root_fd, STATE, &holds, NULL), 0);
        assert_int_equal(holds->n, 1);
        assert_string_equal(holds->holds[0].component, API);
        plane_free(&plane);
}

static void test_nobody_is_restarted_for_another_hosts_tree(void **state)
{
        Plane plane = scheduler(NULL);
        autoptr(RestartReport) report = NULL;

        plane_look(&plane);
        running_free(plane.running);
        plane.running = running_new(plane.host.root_fd, plane.host.config, false);
        const RestartInput input = {.root_fd = plane.host.root_fd,
                .config = plane.host.config,
                .running = plane.running,
                .assessment = plane.host.assessment,
                .pass_id = "this"};
        assert_int_equal(restart_enter_stale(&input, NULL), 0);
        assert_int_equal(restart_run(&input, &report, NULL), 0);
        assert_int_equal(report->n, 0);
        assert_true(plane_owes(&plane, SCHEDULER));
        plane_free(&plane);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                SERVERS_TEST(test_restarted_and_proven),
                SERVERS_TEST(test_nothing_is_restarted_without_a_turn),
                SERVERS_TEST(test_what_comes_back_late_is_waited_for),
                SERVERS_TEST(test_failure_mode_30_the_clock_is_set_back_meanwhile),
                SERVERS_TEST(test_failure_mode_30_a_process_of_the_future_is_restarted),
                SERVERS_TEST(test_what_is_well_late_is_waited_for),
                SERVERS_TEST(test_somebody_has_restarted_it),
                SERVERS_TEST(test_unwell_before_and_after_is_owed),
                SERVERS_TEST(test_what_does_not_come_back_is_owed),
                SERVERS_TEST(test_faults_of_the_runtime),
                SERVERS_TEST(test_a_runtime_that_hangs_with_the_container_gone),
                SERVERS_TEST(test_no_container_is_an_error),
                SERVERS_TEST(test_nothing_is_stopped_that_nobody_would_start),
                SERVERS_TEST(test_nobody_is_waited_for_that_nobody_would_start),
                SERVERS_TEST(test_never_and_always),
                SERVERS_TEST(test_a_mismatched_pair_is_never_restarted_into),
                SERVERS_TEST(test_what_has_its_files_and_is_ill_is_not_ended_again),
                SERVERS_TEST(test_upstream_ill),
                SERVERS_TEST(test_an_entry_that_cannot_be_read_is_still_owed),
                SERVERS_TEST(test_a_new_process_is_owed),
                SERVERS_TEST(test_who_uses_a_copy_is_restarted_for_it),
                SERVERS_TEST(test_a_component_that_is_gone),
                SERVERS_TEST(test_nobody_is_restarted_for_another_hosts_tree),
        };

        if (!plane_is_possible())
                return unit_skip_all("there is no fake runtime (libnghttp2 was not found)");
        return cmocka_run_group_tests(tests, NULL, NULL);
}
