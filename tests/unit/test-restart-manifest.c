/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "plane.h"
#include "quick-clock.h"

/* Restarts where no runtime can be asked: by the manifest, moved out and back. */

#define SCHEDULER "kube-scheduler"
#define IMAGE     "kube-scheduler:v1.28.7"
#define CONFIG    "/etc/kubernetes/scheduler.conf"
#define MANIFEST  MANIFESTS "/kube-scheduler.yaml"

static int listen_at(uint16_t port)
{
        struct sockaddr_in address = {.sin_family = AF_INET,
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                .sin_port = htons(port)};
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
        if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 8) < 0)
                _exit(1);
        return fd;
}

/* A container: says how it is, until it is ended. */
static pid_t start_container(uint16_t port)
{
        pid_t pid = fork();

        if (pid != 0)
                return pid;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        put("starts", "+");
        for (int fd = listen_at(port);;)
                server_answer(accept(fd, NULL, NULL), OK, true);
}

/* Runs a container while there is a manifest, as the kubelet does. */
static void kubelet(uint16_t port)
{
        pid_t container = -1;

        if (servers_fork() != 0)
                return;
        for (signal(SIGPIPE, SIG_IGN);; usleep(5000)) {
                bool wanted = access("root" MANIFEST, F_OK) == 0;

                if (wanted && container < 0)
                        container = start_container(port);
                if (wanted || container < 0)
                        continue;
                kill(container, SIGKILL);
                waitpid(container, NULL, 0);
                container = -1;
                shell("echo end >>ends");
        }
}

static void wait_for(const char *path)
{
        for (unsigned i = 0; i < 1000 && access(path, F_OK) < 0; i++)
                usleep(10000);
        assert_int_equal(access(path, F_OK), 0);
}

/* One round; its manifest is back, and nothing else is beside it. */
static void assert_round(Plane *plane, RestartOutcome outcome, const char *text)
{
        shell("cp root" MANIFEST " manifest");
        autoptr(RestartReport) report = plane_restart(plane, false);
        plane_assert_result(report, SCHEDULER, outcome, text);
        assert_int_equal(plane_owes(plane, SCHEDULER), outcome == RESTART_LEFT);
        shell("cmp manifest root" MANIFEST "; [ \"$(ls -A root" MANIFESTS
              ")\" = kube-scheduler.yaml ]");
        shell("[ -z \"$(ls -A root" STATE "/parked 2>/dev/null)\" ]");
}

static void test_moved_out_and_back(void **state)
{
        Plane plane = plane_new();
        uint16_t port = server_none();

        plane_pod_at(&plane, SCHEDULER, IMAGE, "--kubeconfig=" CONFIG, port);
        plane_owe(&plane, SCHEDULER, CONFIG);
        kubelet(port);
        wait_for("starts");
        assert_round(&plane, RESTART_DONE, NULL);
        shell("[ \"$(cat ends)\" = end ]");
        plane_free(&plane);
}

/* With the API server down the kubelet may keep what has no manifest. */
static void test_a_kubelet_that_ends_nothing(void **state)
{
        Plane plane = plane_new();

        plane_pod(&plane, SCHEDULER, IMAGE, "--kubeconfig=" CONFIG);
        plane_owe(&plane, SCHEDULER, CONFIG);
        assert_round(&plane, RESTART_LEFT, "the kubelet did not end it");
        plane_free(&plane);
}

/* Nobody would see that it has ended: a wait is no proof. */
static void test_a_pod_that_nobody_can_ask_is_not_moved(void **state)
{
        Plane plane = plane_new();

        plane_pod(&plane, SCHEDULER, IMAGE, "--kubeconfig=" CONFIG);
        shell("sed -i '/livenessProbe/,/timeoutSeconds/d' root" MANIFEST);
        plane_owe(&plane, SCHEDULER, CONFIG);
        assert_round(&plane, RESTART_LEFT, "neither a runtime nor a probe can be asked");
        plane_free(&plane);
}

static void test_without_a_kubelet_nothing_is_moved(void **state)
{
        Plane plane = plane_new();

        plane_pod(&plane, SCHEDULER, IMAGE, "--kubeconfig=" CONFIG);
        put("kubelet.health", BAD);
        plane_owe(&plane, SCHEDULER, CONFIG);
        assert_round(&plane, RESTART_LEFT, "the kubelet does not answer");
        plane_free(&plane);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                SERVERS_TEST(test_moved_out_and_back),
                SERVERS_TEST(test_a_kubelet_that_ends_nothing),
                SERVERS_TEST(test_a_pod_that_nobody_can_ask_is_not_moved),
                SERVERS_TEST(test_without_a_kubelet_nothing_is_moved),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
