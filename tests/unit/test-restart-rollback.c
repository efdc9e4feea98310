/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "plane.h"
#include "quick-clock.h"

#define MANAGER   "kube-controller-manager"
#define SCHEDULER "kube-scheduler"
#define CONFIG    "/etc/kubernetes/scheduler.conf"
#define ADMIN     "/etc/kubernetes/admin.conf"

#define ROLLED_BACK "expiring@scheduler.conf rolled-back@kube-scheduler"

/* Ten days before the end of all certificates: a scheduler that is well with its old file, and dies
 * of the new one. */
static Plane fragile_scheduler(void)
{
        Plane plane = plane_new();

        plane_pod(&plane, SCHEDULER, "kube-scheduler:v1.28.7", "--kubeconfig=" CONFIG);
        plane_configure(&plane, "[component kube-scheduler]\nStartTimeout=2min\n");
        plane_container(&plane, SCHEDULER, OLD);
        plane_runtime(&plane, "--restart", NULL);
        shell("cp root" CONFIG " old.conf; cp root" ADMIN " old-admin.conf");
        put("start-kube-scheduler.sh",
                "cmp -s old.conf root" CONFIG " && cp ok kube-scheduler.health || "
                "cp bad kube-scheduler.health");
        return plane;
}

static bool is_old(const Plane *plane)
{
        return system("cmp -s old.conf root" CONFIG) == 0;
}

static void test_what_dies_of_its_new_files_gets_the_old_ones(void **state)
{
        Plane plane = fragile_scheduler();

        assert_int_equal(plane_night(&plane, 0), EXIT_FAILED);
        assert_true(is_old(&plane));
        shell("! cmp -s old-admin.conf root" ADMIN); /* everything else is new */
        assert_int_equal(plane_stops(SCHEDULER), 2);
        assert_false(plane_owes(&plane, SCHEDULER));
        plane_assert_alarms(&plane, ROLLED_BACK);
        shell("grep -q 'not well' root" STATE "/held/kube-scheduler.json");
        plane_free(&plane);
}

/* Left alone, and with its alarm, until it is over or near the end. */
static void test_the_next_nights_leave_it_alone(void **state)
{
        Plane plane = fragile_scheduler();

        assert_int_equal(plane_night(&plane, 0), EXIT_FAILED);
        put("start-kube-scheduler.sh", "cp ok kube-scheduler.health"); /* it is mended */
        for (unsigned night = 1; night < 7; night += 2) {
                assert_int_equal(plane_night(&plane, night), EXIT_FAILED);
                assert_true(is_old(&plane));
                plane_assert_alarms(&plane, ROLLED_BACK);
        }
        assert_int_equal(plane_stops(SCHEDULER), 2);

        /* Seven days later the new one is tried again, and proven. */
        assert_int_equal(plane_night(&plane, 7), EXIT_DONE);
        assert_false(is_old(&plane));
        assert_int_equal(plane_stops(SCHEDULER), 3);
        plane_assert_alarms(&plane, "");
        plane_free(&plane);
}

static void test_the_postpone_limit_ends_it(void **state)
{
        Plane plane = fragile_scheduler();

        plane_configure(&plane,
                "[renewal]\nPostponeLimit=9d\n[component kube-scheduler]\nStartTimeout=2min\n");
        assert_int_equal(plane_night(&plane, 0), EXIT_FAILED);
        put("start-kube-scheduler.sh", "cp ok kube-scheduler.health");
        assert_int_equal(plane_night(&plane, 1), EXIT_FAILED);
        assert_true(is_old(&plane));
        assert_int_equal(plane_night(&plane, 2), EXIT_DONE);
        assert_false(is_old(&plane));
        plane_assert_alarms(&plane, "");
        plane_free(&plane);
}

static void test_naming_it_renews_it(void **state)
{
        char *names[] = {(char *)"scheduler.conf", NULL};
        Plane plane = fragile_scheduler();

        assert_int_equal(plane_night(&plane, 0), EXIT_FAILED);
        put("start-kube-scheduler.sh", "cp ok kube-scheduler.health");
        assert_int_equal(
                plane_pass(&plane, plane.host.now + DAY, &(PassRequest){.plan.names = names}),
                EXIT_DONE);
        assert_false(is_old(&plane));
        plane_assert_alarms(&plane, "");
        plane_free(&plane);
}

/* It does not come back with the old files either, but later: that proves the old ones only. */
static void test_proof_of_old_files_ends_no_hold(void **state)
{
        Plane plane = fragile_scheduler();

        put("start-kube-scheduler.sh", "cp bad kube-scheduler.health");
        assert_int_equal(plane_night(&plane, 0), EXIT_FAILED);
        assert_true(is_old(&plane));
        assert_true(plane_owes(&plane, SCHEDULER));
        plane_assert_alarms(&plane,
                "expiring@scheduler.conf restart-owed@kube-scheduler rolled-back@kube-scheduler");
        put("kube-scheduler.health", OK);
        assert_int_equal(plane_night(&plane, 1), EXIT_FAILED);
        assert_true(is_old(&plane));
        assert_false(plane_owes(&plane, SCHEDULER));
        plane_assert_alarms(&plane, ROLLED_BACK);

        /* A new process for another reason proves no more. */
        plane_owe(&plane, SCHEDULER, NULL);
        put("start-kube-scheduler.sh", "cp ok kube-scheduler.health");
        assert_int_equal(plane_night(&plane, 2), EXIT_FAILED);
        assert_false(plane_owes(&plane, SCHEDULER));
        plane_assert_alarms(&plane, ROLLED_BACK);
        plane_free(&plane);
}

/* Somebody else has found out what was wrong, and renewed it. */
static void test_new_files_of_somebody_else_end_it(void **state)
{
        Plane plane = fragile_scheduler();

        assert_int_equal(plane_night(&plane, 0), EXIT_FAILED);
        put("start-kube-scheduler.sh", "cp ok kube-scheduler.health");
        shell("cp root/etc/kubernetes/controller-manager.conf root" CONFIG);
        assert_int_equal(plane_night(&plane, 1), EXIT_DONE);
        plane_assert_alarms(&plane, "");
        assert_int_equal(plane_stops(SCHEDULER), 3);
        plane_free(&plane);
}

static void test_new_files_and_a_restart_by_somebody_else_end_it(void **state)
{
        Plane plane = fragile_scheduler();

        assert_int_equal(plane_night(&plane, 0), EXIT_FAILED);
        servers_stop();
        shell("cp root/etc/kubernetes/controller-manager.conf root" CONFIG);
        plane.containers[plane.n_containers++] =
                xasprintf("new,kube-scheduler,kube-scheduler-cp1,kube-system,running,9,%s", YOUNG);
        plane_runtime(&plane, "--restart", NULL);
        plane_pod(&plane, SCHEDULER, "kube-scheduler:v1.28.7", "--kubeconfig=" CONFIG);
        plane_kubelet(&plane);
        assert_int_equal(plane_night(&plane, 1), EXIT_DONE);
        assert_int_equal(plane_stops(SCHEDULER), 2);
        plane_assert_alarms(&plane, "");
        plane_free(&plane);
}

/* The night that restarts need not be the one that has renewed. */
static void test_a_restart_that_is_owed_since_an_earlier_night_is_rolled_back(void **state)
{
        Plane plane = fragile_scheduler();

        put("kubelet.health", BAD);
        assert_int_equal(plane_night(&plane, 0), EXIT_UNFINISHED);
        assert_false(is_old(&plane));
        put("kubelet.health", OK);
        assert_int_equal(plane_night(&plane, 1), EXIT_FAILED);
        assert_true(is_old(&plane));
        plane_assert_alarms(&plane, ROLLED_BACK);
        plane_free(&plane);
}

static void test_what_was_unwell_before_is_not_rolled_back(void **state)
{
        Plane plane = fragile_scheduler();

        put("kube-scheduler.health", BAD);
        assert_int_equal(plane_night(&plane, 0), EXIT_UNFINISHED);
        assert_false(is_old(&plane));
        assert_int_equal(plane_stops(SCHEDULER), 1);
        plane_assert_alarms(&plane, "restart-owed@kube-scheduler");
        plane_free(&plane);
}

/* Its container is gone, and its process goes on: old files would mend nothing. */
static void test_what_answers_its_probe_is_not_rolled_back(void **state)
{
        Plane plane = plane_new();

        plane_pod(&plane, SCHEDULER, "kube-scheduler:v1.28.7", "--kubeconfig=" CONFIG);
        plane_configure(&plane, "[component kube-scheduler]\nStartTimeout=10s\n");
        plane_container(&plane, SCHEDULER, OLD);
        plane_runtime(&plane, NULL); /* what is stopped stays so */
        shell("cp root" CONFIG " old.conf");
        assert_int_equal(plane_night(&plane, 0), EXIT_UNFINISHED);
        assert_false(is_old(&plane));
        plane_assert_alarms(&plane, "restart-owed@kube-scheduler");
        plane_free(&plane);
}

/* Two days later it would have ended. */
static void test_what_is_about_to_end_is_not_brought_back(void **state)
{
        Plane plane = fragile_scheduler();

        assert_int_equal(plane_night(&plane, 9), EXIT_UNFINISHED);
        assert_false(is_old(&plane));
        plane_assert_alarms(&plane, "restart-owed@kube-scheduler");
        shell("grep -q 'not rolled back: .*ends too soon' root" STATE
              "/public/alarms/restart-owed@kube-scheduler.json");
        plane_free(&plane);
}

/* Who was restarted with the file that is taken back gets the old one too. */
static void test_others_with_the_same_file_are_restarted_again(void **state)
{
        Plane plane = plane_new();

        plane_pod(&plane, MANAGER, "kube-controller-manager:v1.28.7", "--kubeconfig=" CONFIG);
        plane_pod(&plane, SCHEDULER, "kube-scheduler:v1.28.7", "--kubeconfig=" CONFIG);
        plane_configure(&plane, "[component kube-scheduler]\nStartTimeout=2min\n");
        plane_container(&plane, MANAGER, OLD);
        plane_container(&plane, SCHEDULER, OLD);
        plane_runtime(&plane, "--restart", NULL);
        shell("cp root" CONFIG " old.conf");
        put("start-kube-scheduler.sh",
                "cmp -s old.conf root" CONFIG " && cp ok kube-scheduler.health || "
                "cp bad kube-scheduler.health");
        assert_int_equal(plane_night(&plane, 0), EXIT_FAILED);
        assert_true(is_old(&plane));
        assert_int_equal(plane_stops(MANAGER), 2);
        assert_int_equal(plane_stops(SCHEDULER), 2);
        assert_false(plane_owes(&plane, MANAGER));
        assert_false(plane_owes(&plane, SCHEDULER));
        plane_assert_alarms(&plane, ROLLED_BACK);
        plane_free(&plane);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                SERVERS_TEST(test_what_dies_of_its_new_files_gets_the_old_ones),
                SERVERS_TEST(test_the_next_nights_leave_it_alone),
                SERVERS_TEST(test_the_postpone_limit_ends_it),
                SERVERS_TEST(test_naming_it_renews_it),
                SERVERS_TEST(test_proof_of_old_files_ends_no_hold),
                SERVERS_TEST(test_new_files_of_somebody_else_end_it),
                SERVERS_TEST(test_new_files_and_a_restart_by_somebody_else_end_it),
                SERVERS_TEST(test_a_restart_that_is_owed_since_an_earlier_night_is_rolled_back),
                SERVERS_TEST(test_what_was_unwell_before_is_not_rolled_back),
                SERVERS_TEST(test_what_answers_its_probe_is_not_rolled_back),
                SERVERS_TEST(test_what_is_about_to_end_is_not_brought_back),
                SERVERS_TEST(test_others_with_the_same_file_are_restarted_again),
        };

        if (!plane_is_possible())
                return unit_skip_all("there is no fake runtime (libnghttp2 was not found)");
        return cmocka_run_group_tests(tests, NULL, NULL);
}
