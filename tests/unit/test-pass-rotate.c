/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "plane.h"
#include "quick-clock.h"
#include "renew/restart/restart-internal.h"

#define MANAGER   "kube-controller-manager"
#define SCHEDULER "kube-scheduler"
#define CONFIG    "/etc/kubernetes/scheduler.conf"
#define SIGNING   "--cluster-signing-cert-file=/etc/kubernetes/pki/ca.crt"

/* One phase, as if the root were the host's. *error: what was said. */
static int rotate(const Plane *plane, RotateStep step, bool force, Error *error)
{
        autoptr(Pass) pass = NULL;
        RotateResult result = {};
        int status;

        *error = (Error){};
        if (pass_open(&(PassOptions){.root = plane->host.root,
                              .config.layout = "kubeadm",
                              .at = plane->host.now},
                    &pass, error) < 0)
                fail_msg("%s", error->text);
        pass->running = running_new(pass->root_fd, pass->config, true);
        status = pass_rotate(pass,
                &(RotateRequest){.cas = "kubernetes", .step = step, .force = force}, &result,
                error);
        rotate_result_done(&result);
        return status;
}

/* What a dry run says that it would wait for; the caller frees. */
static char *waits(const Plane *plane)
{
        autoptr(Pass) pass = NULL;
        RotateResult result = {};
        Error error = {};
        char *text;

        if (pass_open(&(PassOptions){.root = plane->host.root,
                              .config.layout = "kubeadm",
                              .at = plane->host.now},
                    &pass, &error) < 0)
                fail_msg("%s", error.text);
        pass->running = running_new(pass->root_fd, pass->config, true);
        assert_int_equal(
                pass_rotate(pass, &(RotateRequest){.dry_run = true}, &result, &error), EXIT_DONE);
        text = TAKE(result.waits);
        rotate_result_done(&result);
        return text;
}

static void rotated(const Plane *plane, RotateStep step, int status)
{
        Error error = {};
        int r = rotate(plane, step, false, &error);

        if (r != status)
                fail_msg("%s: %d: %s", rotate_step_name(step), r, error.text);
}

/* The same, with what it tells on the way in the file "told". */
static void rotated_and_told(const Plane *plane, RotateStep step)
{
        int before = dup(STDERR_FILENO), fd = creat("told", 0600);

        assert_true(before >= 0 && fd >= 0 && dup2(fd, STDERR_FILENO) >= 0);
        rotated(plane, step, EXIT_DONE);
        assert_true(dup2(before, STDERR_FILENO) >= 0);
        close(before);
        close(fd);
}

/* A container that has been started just now, with the files that are there. */
static void started_now(Plane *plane, const char *name)
{
        struct timespec t;

        clock_gettime(CLOCK_REALTIME, &t);
        autofree char *now = xasprintf("%lld%09ld", (long long)t.tv_sec, t.tv_nsec);
        plane_container(plane, name, now);
}

static Plane scheduler(void)
{
        Plane plane = plane_new();

        plane_pod(&plane, SCHEDULER, "kube-scheduler:v1.28.7", "--kubeconfig=" CONFIG);
        plane_configure(&plane, "[component kube-scheduler]\nStartTimeout=2min\n");
        started_now(&plane, SCHEDULER);
        plane_runtime(&plane, "--restart", NULL);
        return plane;
}

static void test_t16_each_phase_restarts_who_embeds_a_ca(void **state)
{
        Plane plane = scheduler();

        rotated(&plane, ROTATE_PREPARE, EXIT_DONE);
        assert_int_equal(plane_stops(SCHEDULER), 0);
        rotated(&plane, ROTATE_TRUST_BOTH, EXIT_DONE);
        assert_int_equal(plane_stops(SCHEDULER), 1);
        rotated(&plane, ROTATE_TRUST_BOTH, EXIT_DONE);
        assert_int_equal(plane_stops(SCHEDULER), 1);
        rotated_and_told(&plane, ROTATE_REISSUE);
        assert_int_equal(plane_stops(SCHEDULER), 2);
        shell("! grep ': not known: ' told");
        rotated_and_told(&plane, ROTATE_TRUST_NEW);
        shell("grep -q \"^CA 'kubernetes': .*: not known: could not be asked\" told");
        assert_int_equal(plane_stops(SCHEDULER), 3);
        assert_false(plane_owes(&plane, SCHEDULER));
        plane_free(&plane);
}

/* Rolled back alone it would trust less than the others show. */
static void test_what_dies_of_a_phase_keeps_its_files(void **state)
{
        Plane plane = scheduler();
        Error error = {};

        rotated(&plane, ROTATE_PREPARE, EXIT_DONE);
        put("start-kube-scheduler.sh", "cp bad kube-scheduler.health");
        rotated(&plane, ROTATE_TRUST_BOTH, EXIT_UNFINISHED);
        shell("cp root" CONFIG " new.conf");
        autofree char *text = waits(&plane);
        assert_non_null(strstr(text, "until 'kube-scheduler' is restarted"));
        assert_true(plane_owes(&plane, SCHEDULER));
        shell("grep -q 'rotate-ca --phase=abort' "
              "root" STATE "/public/alarms/restart-owed@kube-scheduler.json");

        /* Not by the next phase, and not by a night, either. */
        assert_int_equal(rotate(&plane, ROTATE_REISSUE, true, &error), EXIT_UNFINISHED);
        assert_non_null(strstr(error.text, "'kube-scheduler' is still owed a restart"));
        assert_int_equal(plane_night(&plane, 0), EXIT_UNFINISHED);
        shell("grep -q certificate-authority-data root" CONFIG);
        shell("test \"$(sed -n 's/.*authority-data: //p' new.conf)\" = "
              "\"$(sed -n 's/.*authority-data: //p' root" CONFIG ")\"");

        /* It is mended, and the phase goes on. */
        put("start-kube-scheduler.sh", "cp ok kube-scheduler.health");
        put("kube-scheduler.health", OK);
        rotated(&plane, ROTATE_REISSUE, EXIT_DONE);
        assert_false(plane_owes(&plane, SCHEDULER));
        plane_free(&plane);
}

/* Who does not come up with certificates that have expired is waited for by nobody, and started
 * when he has others. */
static void test_t17_what_has_expired_is_not_waited_for(void **state)
{
        Plane plane = scheduler();

        plane.host.now += 10 * YEAR;
        put("kube-scheduler.health", BAD);
        put("start-kube-scheduler.sh", "cp ok kube-scheduler.health");
        rotated(&plane, ROTATE_PREPARE, EXIT_DONE);
        rotated(&plane, ROTATE_TRUST_BOTH, EXIT_UNFINISHED);
        assert_int_equal(plane_stops(SCHEDULER), 0);
        rotated(&plane, ROTATE_REISSUE, EXIT_DONE);
        assert_int_equal(plane_stops(SCHEDULER), 1);
        rotated(&plane, ROTATE_TRUST_NEW, EXIT_DONE);
        assert_false(plane_owes(&plane, SCHEDULER));
        plane_free(&plane);
}

/* The kubelet does it by itself: whoever stops the container on top of that makes it wait. */
static void test_a_new_manifest_is_a_restart_by_the_kubelet(void **state)
{
        Plane plane = plane_new();

        plane_pod(&plane, MANAGER, "kube-controller-manager:v1.28.7", SIGNING);
        plane_configure(&plane, "[component kube-controller-manager]\nStartTimeout=2min\n");
        started_now(&plane, MANAGER);
        plane_runtime(&plane, "--restart", NULL);
        shell("cp root" MANIFESTS "/kube-controller-manager.yaml before.yaml");
        rotated(&plane, ROTATE_PREPARE, EXIT_DONE);
        rotated(&plane, ROTATE_TRUST_BOTH, EXIT_DONE);
        shell("grep -q ca-signer.crt root" MANIFESTS "/kube-controller-manager.yaml");

        /* This kubelet does nothing of that kind: then it is stopped after all, but once. */
        assert_int_equal(plane_stops(MANAGER), 1);
        rotated(&plane, ROTATE_REISSUE, EXIT_DONE);
        rotated(&plane, ROTATE_TRUST_NEW, EXIT_DONE);
        shell("cmp before.yaml root" MANIFESTS "/kube-controller-manager.yaml");
        plane_free(&plane);
}

/* No flag of it says that it reads its kubeconfig, and none that it reads it again. */
static void test_a_kubelet_is_not_waited_for_to_load_by_itself(void **state)
{
        char *paths[] = {(char *)"/etc/kubernetes/kubelet.conf", NULL};
        Plane plane = plane_new();

        tree_write_text(plane.host.root, paths[0], "apiVersion: v1\n");
        plane_look(&plane);
        const RestartInput input = {.root_fd = plane.host.root_fd};
        const Stage stage = {.input = &input};
        Attempt attempt =
                attempt_new(&stage, plane_component(&plane, "kubelet"), &(Owed){.paths = paths});

        assert_true(attempt.is_needed);
        assert_true(attempt.is_renewal);
        assert_false(attempt.is_replaced);
        attempt_done(&attempt);
        plane_free(&plane);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                SERVERS_TEST(test_t16_each_phase_restarts_who_embeds_a_ca),
                SERVERS_TEST(test_what_dies_of_a_phase_keeps_its_files),
                SERVERS_TEST(test_t17_what_has_expired_is_not_waited_for),
                SERVERS_TEST(test_a_new_manifest_is_a_restart_by_the_kubelet),
                SERVERS_TEST(test_a_kubelet_is_not_waited_for_to_load_by_itself),
        };

        if (!plane_is_possible())
                return unit_skip_all("the fake runtime is not built");
        return cmocka_run_group_tests(tests, NULL, NULL);
}
