/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "plane.h"
#include "quick-clock.h"

/* Whole passes, night after night, with neighbours that fail. */

#define API       "kube-apiserver"
#define MANAGER   "kube-controller-manager"
#define SCHEDULER "kube-scheduler"
#define PKI       "/etc/kubernetes/pki"
#define CONFIG    "/etc/kubernetes/scheduler.conf"

/* Ten days before the end of all certificates: a scheduler with its old file. */
static Plane scheduler(const char *words)
{
        Plane plane = plane_new();

        plane_pod(&plane, SCHEDULER, "kube-scheduler:v1.28.7", "--kubeconfig=" CONFIG);
        plane_container(&plane, SCHEDULER, OLD);
        plane_runtime(&plane, words, NULL);
        return plane;
}

/* How often an alarm was raised. */
static int64_t alarm_count(const Plane *plane, const char *alarm)
{
        autofree char *path = xasprintf(STATE "/public/alarms/%s.json", alarm);
        autoptr(json_t) json = NULL;

        assert_int_equal(json_read_file(plane->host.root_fd, path, &json, NULL), 0);
        return json_integer_value(json_object_get(json, "count"));
}

static void test_t21_a_restart_that_fails_is_owed_and_made_up_for(void **state)
{
        Plane plane = scheduler("--fault=StopContainer:error");

        /* The files stay new, and nobody renews them again; twice in a row. */
        assert_int_equal(plane_night(&plane, 0), EXIT_UNFINISHED);
        shell("cp root" CONFIG " new.conf");
        plane_assert_alarms(&plane, "restart-owed@kube-scheduler");
        for (int night = 1; night < 3; night++) {
                assert_int_equal(plane_night(&plane, (unsigned)night), EXIT_UNFINISHED);
                shell("cmp new.conf root" CONFIG);
                plane_assert_alarms(&plane, "restart-owed@kube-scheduler");
                assert_int_equal(alarm_count(&plane, "restart-owed@kube-scheduler"), night + 1);
        }

        /* The next one restarts without renewing. */
        servers_stop();
        plane_runtime(&plane, "--restart", NULL);
        plane_kubelet(&plane);
        plane_pod(&plane, SCHEDULER, "kube-scheduler:v1.28.7", "--kubeconfig=" CONFIG);
        assert_int_equal(plane_night(&plane, 3), EXIT_DONE);
        shell("cmp new.conf root" CONFIG);
        assert_int_equal(plane_stops(SCHEDULER), 1);
        plane_assert_alarms(&plane, "");
        plane_free(&plane);
}

static void test_t22_a_fault_that_is_gone_takes_its_alarm_and_no_other(void **state)
{
        Plane plane = plane_new();

        plane_pod(&plane, MANAGER, "kube-controller-manager:v1.28.7",
                "--kubeconfig=/etc/kubernetes/controller-manager.conf");
        plane_pod(&plane, SCHEDULER, "kube-scheduler:v1.28.7", "--kubeconfig=" CONFIG);
        plane_container(&plane, MANAGER, OLD);
        plane_container(&plane, SCHEDULER, OLD);
        plane_runtime(&plane, "--restart", NULL);
        plane_configure(&plane, "[component kube-controller-manager]\nRestart=never\n");
        put("kubelet.health", BAD);
        assert_int_equal(plane_night(&plane, 0), EXIT_UNFINISHED);
        plane_assert_alarms(
                &plane, "restart-owed@kube-controller-manager restart-owed@kube-scheduler");
        put("kubelet.health", OK);
        assert_int_equal(plane_night(&plane, 1), EXIT_UNFINISHED);
        plane_assert_alarms(&plane, "restart-owed@kube-controller-manager");
        assert_int_equal(plane_stops(MANAGER), 0);
        plane_free(&plane);
}

static void test_t20_only_front_proxy_client_has_changed(void **state)
{
        char *names[] = {(char *)"front-proxy-client", NULL};
        Plane plane = plane_new();

        plane_pod(&plane, "etcd", "etcd:3.5.10-0", "--peer-trusted-ca-file=" PKI "/etcd/ca.crt");
        plane_pod(&plane, API, "kube-apiserver:v1.28.7",
                "--proxy-client-cert-file=" PKI "/front-proxy-client.crt, "
                "--proxy-client-key-file=" PKI "/front-proxy-client.key");
        plane_container(&plane, "etcd", OLD);
        plane_container(&plane, API, OLD);
        plane_runtime(&plane, "--restart", NULL);
        assert_int_equal(
                plane_pass(&plane, plane.host.now, &(PassRequest){.plan.names = names}), EXIT_DONE);
        shell("! grep Stop calls");
        assert_false(plane_owes(&plane, API));
        assert_false(plane_owes(&plane, "etcd"));

        /* One that does not load it by itself is restarted; etcd is not. */
        shell("sed -i s/v1.28.7/v1.20.2/ root" MANIFESTS "/kube-apiserver.yaml");
        assert_int_equal(
                plane_pass(&plane, plane.host.now + DAY, &(PassRequest){.plan.names = names}),
                EXIT_DONE);
        assert_int_equal(plane_stops(API), 1);
        assert_int_equal(plane_stops("etcd"), 0);
        plane_free(&plane);
}

/* `openssl s_server` with the file that was there when it was started; a restart of its container
 * is one of it. */
static uint16_t api_server(void)
{
        static const char command[] =
                "cp root" PKI "/apiserver.crt served.crt; cp root" PKI "/apiserver.key served.key; "
                "echo $$ >pid; exec openssl s_server -www -cert served.crt -key served.key -accept "
                "127.0.0.1:";
        autofree char *first = xasprintf("%s0", command);
        uint16_t port = server_spawn((const char *const[]){"sh", "-c", first, NULL}, "ACCEPT");
        autofree char *start = xasprintf(
                "kill $(cat pid); sh -c '%s%u' </dev/null >/dev/null 2>&1 &", command, port);

        put("start-kube-apiserver.sh", start);
        return port;
}

static json_t *status_row(const Plane *plane, const char *name)
{
        autoptr(json_t) status = NULL;
        json_t *rows, *row;
        size_t i;

        assert_int_equal(
                json_read_file(plane->host.root_fd, STATE "/public/status.json", &status, NULL), 0);
        rows = json_object_get(status, "certificates");
        json_array_foreach(rows, i, row) if (streq(json_string_value(json_object_get(row, "name")),
                                                     name)) return json_incref(row);
        fail_msg("no %s", name);
        return NULL;
}

static void assert_status(
        const Plane *plane, const char *name, const char *expected, const char *loaded)
{
        autoptr(json_t) row = status_row(plane, name);
        autofree char *text = json_dumps(json_object_get(row, "loaded"), JSON_ENCODE_ANY);

        assert_string_equal(json_string_value(json_object_get(row, "status")), expected);
        assert_string_equal(text, loaded);
}

/* When what its process has loaded ends, by the ledger. */
static int64_t owed_end(const Plane *plane, const char *component)
{
        autofree char *path = xasprintf(STATE "/owed/%s.json", component);
        autoptr(json_t) json = NULL;
        int64_t end = 0;

        assert_int_equal(json_read_file(plane->host.root_fd, path, &json, NULL), 0);
        assert_int_equal(json_get_time(json_object_get(json, "expires"), &end), 0);
        return end;
}

static int64_t file_end(const Plane *plane, const char *path)
{
        autoptr(FileImage) file = NULL;
        autoptr(CertList) certs = NULL;

        assert_int_equal(fs_read_file(plane->host.root_fd, path, FS_SIZE_MAX, &file, NULL), 0);
        assert_int_equal(cert_list_parse(file->data, file->size, &certs, NULL), 0);
        return certs->certs[0]->not_after;
}

/* Somebody else has renewed, and forgotten to restart: no ledger knows of it. */
static void test_t39_what_is_not_loaded_is_found_and_restarted_at_night(void **state)
{
        char *names[] = {(char *)"admin.conf", NULL};
        Plane plane = plane_new();
        uint16_t port = api_server();
        autofree char *words = xasprintf("--tls-cert-file=" PKI "/apiserver.crt, "
                                         "--tls-private-key-file=" PKI "/apiserver.key, "
                                         "--bind-address=127.0.0.1, --secure-port=%u",
                port);

        int64_t served = file_end(&plane, PKI "/apiserver.crt");

        plane_configure(&plane, "[component kube-apiserver]\nLoopbackAge=\n");
        assert_int_equal(plane_night(&plane, 0), EXIT_DONE);
        assert_true(file_end(&plane, PKI "/apiserver.crt") > served);
        plane_pod(&plane, API, "kube-apiserver:v1.28.7", words);
        plane_container(&plane, API, OLD);
        plane_runtime(&plane, "--restart", NULL);

        /* Not by who asked for something else; but seen. */
        assert_int_equal(
                plane_pass(&plane, plane.host.now + DAY, &(PassRequest){.plan.names = names}),
                EXIT_DONE);
        assert_int_equal(plane_stops(API), 0);
        assert_status(&plane, "apiserver", "NOT LOADED", "false");

        /* Who says that it loads by itself gets the time for it, and no restart while there is
         * nobody to start it. */
        put("kubelet.health", BAD);
        assert_int_equal(plane_night(&plane, 1), EXIT_UNFINISHED);
        plane_assert_alarms(&plane, "restart-owed@kube-apiserver");
        assert_int_equal(owed_end(&plane, API), served);
        assert_status(&plane, "apiserver", "NOT LOADED", "false");
        put("kubelet.health", OK);
        assert_int_equal(plane_night(&plane, 2), EXIT_DONE);
        assert_int_equal(plane_stops(API), 1);
        assert_status(&plane, "apiserver", "OK", "true");
        plane_assert_alarms(&plane, "");
        plane_free(&plane);
}

/* What it has made for itself ends a year after its start, whatever the files say. */
static void test_a_process_that_is_too_old_is_restarted(void **state)
{
        Plane plane = plane_new();
        int64_t began = time(NULL) - 40 * DAY;
        autofree char *created = xasprintf("%lld000000000", (long long)began);

        plane_configure(&plane, "[component kube-scheduler]\nLoopbackAge=30d\n");
        plane_pod(&plane, SCHEDULER, "kube-scheduler:v1.28.7", "--v=2");
        plane_container(&plane, SCHEDULER, created);
        plane_runtime(&plane, "--restart", NULL);
        put("kubelet.health", BAD);
        plane_pass(&plane, time(NULL), &(PassRequest){.nightly = true});
        assert_int_equal(owed_end(&plane, SCHEDULER), began + YEAR);
        assert_int_equal(alarm_count(&plane, "loopback-certificate@kube-scheduler"), 1);
        put("kubelet.health", OK);
        plane_pass(&plane, time(NULL), &(PassRequest){.nightly = true});
        assert_false(plane_owes(&plane, SCHEDULER));
        assert_int_equal(plane_stops(SCHEDULER), 1);
        assert_false(fs_exists(plane.host.root_fd,
                STATE "/public/alarms/loopback-certificate@kube-scheduler.json"));
        plane_free(&plane);
}

static void take_signal(int number)
{
        sigset_t set;
        int taken;

        sigemptyset(&set);
        sigaddset(&set, number);
        assert_int_equal(sigwait(&set, &taken), 0);
}

/* Asked to stop while it waits for a container: it is told, and the debt is kept. */
static void test_a_stop_signal_keeps_the_debt(void **state)
{
        Plane plane = scheduler(NULL); /* what is stopped stays so */
        pid_t self = getpid();
        int64_t start;

        plane_configure(&plane, "[component kube-scheduler]\nStartTimeout=1h\n");
        put("stop-kube-scheduler.sh", "cp bad kube-scheduler.health");
        if (servers_fork() == 0) {
                while (access("root" STATE "/owed/kube-scheduler.json", F_OK) < 0 ||
                        plane_stops(SCHEDULER) == 0)
                        usleep(20000);
                kill(self, SIGTERM);
                _exit(0);
        }
        start = clock_monotonic();
        assert_int_equal(plane_night(&plane, 0), EXIT_UNFINISHED);
        assert_true(clock_monotonic() - start < (int64_t)1000 * HOUR);
        take_signal(SIGTERM);
        assert_true(plane_owes(&plane, SCHEDULER));
        plane_assert_alarms(&plane, "restart-owed@kube-scheduler");
        plane_free(&plane);
}

/* Neither the files of the others nor their restarts wait for an entry that nobody can read. */
static void test_an_entry_that_cannot_be_read_has_its_alarm(void **state)
{
        Plane plane = scheduler("--fault=StopContainer:error");

        tree_write_text(plane.host.root, STATE "/owed/kube-scheduler.json", "{");
        plane_configure(&plane, "[renewal]\nRenewBefore=1d\n");
        assert_int_equal(plane_night(&plane, 0), EXIT_UNFINISHED);
        plane_assert_alarms(&plane, "restart-owed@kube-scheduler");
        servers_stop();
        plane_runtime(&plane, "--restart", NULL);
        plane_kubelet(&plane);
        plane_pod(&plane, SCHEDULER, "kube-scheduler:v1.28.7", "--kubeconfig=" CONFIG);
        assert_int_equal(plane_night(&plane, 1), EXIT_DONE);
        plane_assert_alarms(&plane, "");
        plane_free(&plane);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                SERVERS_TEST(test_t21_a_restart_that_fails_is_owed_and_made_up_for),
                SERVERS_TEST(test_t22_a_fault_that_is_gone_takes_its_alarm_and_no_other),
                SERVERS_TEST(test_t20_only_front_proxy_client_has_changed),
                SERVERS_TEST(test_t39_what_is_not_loaded_is_found_and_restarted_at_night),
                SERVERS_TEST(test_a_process_that_is_too_old_is_restarted),
                SERVERS_TEST(test_a_stop_signal_keeps_the_debt),
                SERVERS_TEST(test_an_entry_that_cannot_be_read_has_its_alarm),
        };

        if (!plane_is_possible())
                return unit_skip_all("there is no fake runtime (libnghttp2 was not found)");
        return cmocka_run_group_tests(tests, NULL, NULL);
}
