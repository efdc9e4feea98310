/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "plane.h"

#define SCHEDULER    "kube-scheduler"
#define IMAGE        "kube-scheduler:v1.28.7"
#define WITH_CONFIG  "--kubeconfig=/etc/kubernetes/scheduler.conf"
#define NO_CONTAINER "there is no container 'kube-scheduler' of pod 'kube-scheduler' in namespace"

/* A scheduler, with this line for the runtime if it is not NULL. */
static Plane scheduler(const char *container)
{
        Plane plane = plane_new();

        plane_pod(&plane, SCHEDULER, IMAGE, WITH_CONFIG);
        if (container)
                plane.containers[plane.n_containers++] = xstrdup(container);
        return plane;
}

static void assert_look(Plane *plane, RunState state, int64_t started_at, const char *problem)
{
        RunLook look;

        running_look(plane->running, plane_component(plane, SCHEDULER), &look);
        if (look.state != state || look.started_at != started_at ||
                (problem ? !look.problem || !strstr(look.problem, problem) : !!look.problem))
                fail_msg("state %d, started at %lld: %s", (int)look.state,
                        (long long)look.started_at, look.problem);
        assert_int_equal(run_look_is_waiting(&look), state == RUN_ABSENT && look.n > 0);
        run_look_done(&look);
}

static void test_what_the_runtime_shows(void **state)
{
        static const struct {
                const char *container, *fault;
                RunState state;
                int64_t started_at;
                const char *problem;
        } table[] = {
                {"a,kube-scheduler,kube-scheduler-cp1,kube-system,running,0,77", NULL, RUN_RUNNING,
                        77, NULL},
                {"a,kube-scheduler,kube-scheduler-cp1,kube-system,exited,0,77", NULL, RUN_ABSENT, 0,
                        "it does not run"},
                {"a,kube-scheduler,kube-scheduler-cp1,kube-system,created,0,77", NULL, RUN_ABSENT,
                        0, "it does not run"},
                {"a,kube-scheduler,kube-scheduler-cp1,default,running,0,77", NULL, RUN_ABSENT, 0,
                        NO_CONTAINER},
                {"a,other,kube-scheduler-cp1,kube-system,running,0,77", NULL, RUN_ABSENT, 0,
                        NO_CONTAINER},
                {NULL, NULL, RUN_ABSENT, 0, NO_CONTAINER},
                {NULL, "--fault=ListContainers:error", RUN_UNKNOWN, 0, "disk full"},
                {NULL, "--fault=Version:close", RUN_UNKNOWN, 0, "container runtime at"},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                Plane plane = scheduler(table[i].container);

                plane_runtime(&plane, table[i].fault, NULL);
                plane_look(&plane);
                assert_look(&plane, table[i].state, table[i].started_at, table[i].problem);
                plane_free(&plane);
                servers_stop();
                shell("rm -f root calls");
        }
}

static void test_the_newest_container_counts(void **state)
{
        Plane plane = scheduler("a,kube-scheduler,kube-scheduler-cp1,kube-system,exited,0,70");

        plane.containers[plane.n_containers++] =
                xstrdup("b,kube-scheduler,kube-scheduler-cp1,kube-system,running,1,77");
        plane_runtime(&plane, NULL);
        plane_look(&plane);
        assert_look(&plane, RUN_RUNNING, 77, NULL);
        plane_free(&plane);
}

/* The clock was a year ahead when some were made. */
static void test_failure_mode_30_the_newest_is_not_that_of_the_latest_date(void **state)
{
        static const struct {
                const char *ahead, *other;
                RunState state;
                bool is_misdated;
        } table[] = {
                {"exited", "running", RUN_RUNNING, false},
                {"running", "exited", RUN_RUNNING, true},
                {"running", "running", RUN_RUNNING, false},
                {"exited", "exited", RUN_ABSENT, false},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                autofree char *ahead = xasprintf(
                        "a,kube-scheduler,kube-scheduler-cp1,kube-system,%s,0,%lld000000000",
                        table[i].ahead, (long long)time(NULL) + 365 * 86400);
                Plane plane = scheduler(ahead);
                RunLook look;

                plane.containers[plane.n_containers++] = xasprintf(
                        "b,kube-scheduler,kube-scheduler-cp1,kube-system,%s,1,77", table[i].other);
                plane_runtime(&plane, NULL);
                plane_look(&plane);
                running_look(plane.running, plane_component(&plane, "kube-scheduler"), &look);
                assert_int_equal(look.state, table[i].state);
                assert_int_equal(run_look_is_misdated(&look), table[i].is_misdated);
                run_look_done(&look);
                plane_free(&plane);
                servers_stop();
                shell("rm -f root calls");
        }
}

/* A pod is as old as its oldest container, and runs if all of them do. */
static void test_a_pod_of_two_containers(void **state)
{
        static const struct {
                const char *second;
                RunState state;
                int64_t started_at;
                const char *problem;
        } table[] = {
                {"b,proxy,kube-scheduler-cp1,kube-system,running,0,70", RUN_RUNNING, 70, NULL},
                {"b,proxy,kube-scheduler-cp1,kube-system,exited,0,70", RUN_ABSENT, 77,
                        "it does not run"},
                {"b,else,kube-scheduler-cp1,kube-system,running,0,70", RUN_ABSENT, 77,
                        "there is no container 'proxy'"},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                Plane plane = plane_new();
                RunLook look;

                tree_write_text(plane.host.root, MANIFESTS "/kube-scheduler.yaml",
                        "apiVersion: v1\nkind: Pod\n"
                        "metadata: {name: kube-scheduler, namespace: kube-system}\n"
                        "spec: {containers: [{name: kube-scheduler}, {name: proxy}]}\n");
                plane.containers[plane.n_containers++] =
                        xstrdup("a,kube-scheduler,kube-scheduler-cp1,kube-system,running,0,77");
                plane.containers[plane.n_containers++] = xstrdup(table[i].second);
                plane_runtime(&plane, NULL);
                plane_look(&plane);
                running_look(plane.running, plane_component(&plane, SCHEDULER), &look);
                assert_int_equal(look.state, table[i].state);
                assert_int_equal(look.started_at, table[i].started_at);
                assert_true(table[i].problem ? !!strstr(look.problem, table[i].problem)
                                             : !look.problem);
                run_look_done(&look);
                plane_free(&plane);
                servers_stop();
                shell("rm -f root calls");
        }
}

static void test_what_nobody_can_tell(void **state)
{
        Plane plane = scheduler(NULL);

        plane_look(&plane);
        assert_look(&plane, RUN_UNKNOWN, 0, "no container runtime: no socket");

        /* Another host's tree: nobody is asked. */
        running_free(plane.running);
        plane.running = running_new(plane.host.root_fd, plane.host.config, false);
        assert_look(&plane, RUN_UNKNOWN, 0, "the root is not that of this host");

        tree_write_text(plane.host.root, MANIFESTS "/kube-scheduler.yaml", "{[");
        plane_look(&plane);
        assert_look(&plane, RUN_UNKNOWN, 0, "kube-scheduler.yaml");

        /* Below a scratch root there is no systemd either. */
        tree_remove(plane.host.root, MANIFESTS "/kube-scheduler.yaml");
        plane_configure(&plane, "[component kube-scheduler]\nManifest=\nUnit=scheduler.service\n");
        plane_look(&plane);
        assert_look(&plane, RUN_UNKNOWN, 0, "cannot reach systemd");
        plane_configure(&plane,
                "[component kube-scheduler]\nManifest=\nRestartCommand=/bin/true\nUses=/x\n");
        plane_look(&plane);
        assert_look(&plane, RUN_UNKNOWN, 0, "it has no manifest and no unit");
        plane_free(&plane);
}

static int ask_health(Plane *plane)
{
        Error error = {};
        int r = running_ask_health(plane->running, plane_component(plane, SCHEDULER), &error);

        assert_true(r >= 0 || *error.text);
        return r;
}

static void test_health_is_what_the_probe_says(void **state)
{
        Plane plane = scheduler(NULL);

        plane_look(&plane);
        assert_int_equal(ask_health(&plane), 0);
        put("kube-scheduler.health", BAD);
        assert_int_equal(ask_health(&plane), -EIO);
        plane_pod_at(&plane, SCHEDULER, IMAGE, WITH_CONFIG, server_none());
        plane_look(&plane);
        assert_int_equal(ask_health(&plane), -ECONNREFUSED);
        running_free(plane.running);
        plane.running = running_new(plane.host.root_fd, plane.host.config, false);
        assert_int_equal(ask_health(&plane), -EOPNOTSUPP);
        plane_free(&plane);
}

/* All probes of all containers have to be passed, as far as they can be asked. */
static void test_health_is_the_worst_of_all_probes(void **state)
{
#define ASK(port) "{httpGet: {host: 127.0.0.1, path: /, port: " port "}}"
#define EXEC      "{exec: {command: [true]}}"
        static const char well[] = ASK("GOOD"), ill[] = ASK("POOR"), exec[] = EXEC;
        static const struct {
                const char *liveness, *readiness, *startup;
                int expected;
        } table[] = {
                {well, well, well, 0},
                {well, exec, exec, 0},
                {exec, well, exec, 0},
                {exec, exec, well, 0},
                {ill, well, well, -EIO},
                {well, ill, well, -EIO},
                {well, exec, ill, -EIO},
                {exec, exec, ill, -EIO},
                {exec, exec, exec, -EOPNOTSUPP},
        };
        Plane plane = plane_new();
        uint16_t good = plane_health("good"), poor = plane_health("poor");

        put("poor.health", BAD);
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                autofree char *text = xasprintf("apiVersion: v1\nkind: Pod\n"
                                                "metadata: {name: kube-scheduler}\n"
                                                "spec:\n"
                                                "  hostNetwork: true\n"
                                                "  containers:\n"
                                                "  - name: silent\n"
                                                "  - name: kube-scheduler\n"
                                                "    livenessProbe: %s\n"
                                                "    readinessProbe: %s\n"
                                                "    startupProbe: %s\n",
                        table[i].liveness, table[i].readiness, table[i].startup);

                tree_write_text(plane.host.root, MANIFESTS "/kube-scheduler.yaml", text);
                shell("sed -i 's/GOOD/%u/; s/POOR/%u/' root" MANIFESTS "/kube-scheduler.yaml", good,
                        poor);
                plane_look(&plane);
                if (ask_health(&plane) != table[i].expected)
                        fail_msg("%zu: %d", i, ask_health(&plane));
        }
        plane_free(&plane);
}

static void test_the_kubelet_is_asked_for_itself(void **state)
{
        static const struct {
                const char *answer;
                int expected;
        } table[] = {{OK, 0}, {BAD, -EHOSTDOWN}, {"", -EHOSTDOWN}};
        Plane plane = scheduler(NULL);

        plane_look(&plane);
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                Error error = {};

                put("kubelet.health", table[i].answer);
                assert_int_equal(running_ask_keeper(
                                         plane.running, plane_component(&plane, SCHEDULER), &error),
                        table[i].expected);
                assert_true(table[i].expected == 0 ||
                            strstr(error.text, "nobody may start the container again"));
        }

        /* systemd keeps its units itself. */
        plane_configure(&plane, "[component kube-scheduler]\nManifest=\nUnit=scheduler.service\n");
        plane_look(&plane);
        assert_int_equal(
                running_ask_keeper(plane.running, plane_component(&plane, SCHEDULER), NULL), 0);
        plane_free(&plane);
}

static int end(Plane *plane, Error *error)
{
        const InventoryComponent *component = plane_component(plane, SCHEDULER);
        RunLook look;
        int r;

        running_look(plane->running, component, &look);
        r = running_end(plane->running, component, &look, error);
        run_look_done(&look);
        return r;
}

static void test_who_runs_is_stopped(void **state)
{
        Plane plane = scheduler(NULL);

        plane_container(&plane, SCHEDULER, OLD);
        plane_runtime(&plane, "--restart", NULL);
        plane_look(&plane);
        assert_int_equal(end(&plane, NULL), 0);
        shell("grep -x 'stop kube-scheduler-0 1' calls"); /* the pod's own patience */
        plane_configure(&plane, "[component kube-scheduler]\nStopTimeout=0s\n");
        plane_look(&plane);
        assert_int_equal(end(&plane, NULL), 0);
        shell("grep -x 'stop kube-scheduler-0-1 0' calls");
        plane_free(&plane);
}

static void test_who_has_ended_is_not_stopped(void **state)
{
        Plane plane = scheduler("a,kube-scheduler,kube-scheduler-cp1,kube-system,exited,0,77");

        plane_runtime(&plane, NULL);
        plane_look(&plane);
        assert_int_equal(end(&plane, NULL), 0);
        shell("! grep Stop calls");
        plane_free(&plane);
}

static void test_what_keeps_it_from_being_stopped(void **state)
{
        static const struct {
                const char *container, *fault, *kubelet;
                int expected;
                const char *text;
        } table[] = {
                {SCHEDULER, "--fault=StopContainer:error", OK, -EREMOTEIO, "cannot stop container"},
                {SCHEDULER, "--fault=StopContainer:close", OK, -EPROTO, "cannot stop container"},
                {SCHEDULER, "--fault=StopContainer:not-found", OK, 0, NULL},
                {SCHEDULER, "--fault=ListContainers:error", OK, -EREMOTEIO, "disk full"},
                /* One that is ill is there: moving its pods' manifests would not help it. */
                {SCHEDULER, "--fault=Version:http-503", OK, -EPROTO, "not gRPC"},
                {SCHEDULER, NULL, BAD, -EHOSTDOWN, "the kubelet does not answer"},
                {NULL, NULL, OK, -ENOENT, NO_CONTAINER},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                Plane plane = scheduler(NULL);
                Error error = {};
                int r;

                if (table[i].container)
                        plane_container(&plane, SCHEDULER, OLD);
                plane_runtime(&plane, table[i].fault, NULL);
                plane_look(&plane);
                put("kubelet.health", table[i].kubelet);
                r = end(&plane, &error);
                if (r != table[i].expected || (r < 0 && !strstr(error.text, table[i].text)))
                        fail_msg("%zu: %d %s", i, r, error.text);
                if (r == -EHOSTDOWN)
                        assert_int_equal(plane_stops(SCHEDULER), 0);
                plane_free(&plane);
                servers_stop();
                shell("rm -f root calls");
        }
}

static void test_who_can_stop_nothing(void **state)
{
        Plane plane = scheduler(NULL);
        Error error = {};

        /* No runtime to be asked: the manifest may be moved. */
        plane_look(&plane);
        assert_int_equal(end(&plane, &error), -EUNATCH);
        put("root" RUNTIME, "");
        assert_int_equal(end(&plane, &error), -EUNATCH);

        running_free(plane.running);
        plane.running = running_new(plane.host.root_fd, plane.host.config, false);
        assert_int_equal(end(&plane, &error), -EOPNOTSUPP);
        plane_configure(&plane, "[component kube-scheduler]\nRestartCommand=/bin/true\n");
        plane_look(&plane);
        assert_int_equal(end(&plane, &error), -ENOENT);
        assert_non_null(strstr(error.text, "cannot reach systemd"));
        plane_configure(&plane, "");
        tree_write_text(plane.host.root, MANIFESTS "/kube-scheduler.yaml", "{[");
        plane_look(&plane);
        assert_int_equal(end(&plane, &error), -EBADMSG);
        assert_non_null(strstr(error.text, "kube-scheduler.yaml"));
        plane_free(&plane);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                SERVERS_TEST(test_what_the_runtime_shows),
                SERVERS_TEST(test_the_newest_container_counts),
                SERVERS_TEST(test_failure_mode_30_the_newest_is_not_that_of_the_latest_date),
                SERVERS_TEST(test_a_pod_of_two_containers),
                SERVERS_TEST(test_what_nobody_can_tell),
                SERVERS_TEST(test_health_is_what_the_probe_says),
                SERVERS_TEST(test_health_is_the_worst_of_all_probes),
                SERVERS_TEST(test_the_kubelet_is_asked_for_itself),
                SERVERS_TEST(test_who_runs_is_stopped),
                SERVERS_TEST(test_who_has_ended_is_not_stopped),
                SERVERS_TEST(test_what_keeps_it_from_being_stopped),
                SERVERS_TEST(test_who_can_stop_nothing),
        };

        if (!plane_is_possible())
                return unit_skip_all("there is no fake runtime (libnghttp2 was not found)");
        return cmocka_run_group_tests(tests, NULL, NULL);
}
