/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "plane.h"
#include "quick-clock.h"

/* Whole passes in which a component renews a certificate when it is started, or does not. */

#define SCHEDULER "kube-scheduler"
#define PAIR      "front-proxy-client"
#define PKI       "/etc/kubernetes/pki/"
#define BY_ITSELF "[certificate " PAIR "]\nIssuer=restart\nRenewedBy=" SCHEDULER "\n"

/* What its next start does. */
#define RENEWS  "cp new.crt root" PKI PAIR ".crt; cp new.key root" PKI PAIR ".key"
#define REFUSES ":"

static char *names[] = {(char *)PAIR, NULL};

static int run_at(const Plane *plane, int64_t seconds)
{
        return plane_pass(plane, plane->host.now + seconds, &(PassRequest){.nightly = true});
}

/* The pair that the component will make, kept aside; the old one is in place and ends in ten days.
 */
static Plane plane_with(const char *start, const char *runtime)
{
        Plane plane = plane_new();

        shell("cp root" PKI PAIR ".crt old.crt; cp root" PKI PAIR ".key old.key");
        (void)!plane_pass(&plane, plane.host.now, &(PassRequest){.plan.names = names});
        shell("mv root" PKI PAIR ".crt new.crt; mv root" PKI PAIR ".key new.key; "
              "cp old.crt root" PKI PAIR ".crt; cp old.key root" PKI PAIR ".key; "
              "chmod 600 root" PKI PAIR ".key; rm -r root" STATE);
        plane_configure(&plane, BY_ITSELF);
        plane_pod(&plane, SCHEDULER, "kube-scheduler:v1.28.7", "--leader-elect");
        plane_container(&plane, SCHEDULER, OLD);
        plane_runtime(&plane, runtime, NULL);
        put("start-" SCHEDULER ".sh", start);
        return plane;
}

static void test_a_start_renews_it(void **state)
{
        Plane plane = plane_with(RENEWS, "--restart");

        assert_int_equal(run_at(&plane, 0), EXIT_DONE);
        assert_int_equal(plane_stops(SCHEDULER), 1);
        shell("cmp new.crt root" PKI PAIR ".crt");
        plane_assert_alarms(&plane, "");
        assert_false(plane_owes(&plane, SCHEDULER));

        /* And is left alone from then on. */
        assert_int_equal(run_at(&plane, DAY), EXIT_DONE);
        assert_int_equal(plane_stops(SCHEDULER), 1);
        shell("! find root" STATE "/backups -name '" PAIR ".*' | grep .");
        plane_free(&plane);
}

/* An alarm, and no second restart within 24 hours, whatever tries again, and not after a crash. */
static void test_a_start_in_vain_is_not_repeated_within_a_day(void **state)
{
        Plane plane = plane_with(REFUSES, "--restart");

        assert_int_equal(run_at(&plane, 0), EXIT_FAILED);
        plane_assert_alarms(&plane, "expiring@" PAIR " renewal-failed@" PAIR);
        assert_int_equal(run_at(&plane, HOUR), EXIT_FAILED);
        shell("rm root" STATE "/public/status.json");
        assert_int_equal(run_at(&plane, DAY - 1), EXIT_FAILED);
        assert_int_equal(plane_stops(SCHEDULER), 1);
        plane_assert_alarms(&plane, "expiring@" PAIR " renewal-failed@" PAIR);
        shell("grep -q \"was restarted .* to renew it, and it is due all the same: expires in\" "
              "root" STATE "/public/alarms/renewal-failed@" PAIR ".json");

        /* The next night it is tried again; when it helps, all is well. */
        put("start-" SCHEDULER ".sh", RENEWS);
        assert_int_equal(run_at(&plane, DAY), EXIT_DONE);
        assert_int_equal(plane_stops(SCHEDULER), 2);
        plane_assert_alarms(&plane, "");
        plane_free(&plane);
}

/* What was asked for before a crash is on disk: nothing is restarted for it twice. */
static void test_t36_a_crash_before_the_restart(void **state)
{
        Plane plane = plane_with(RENEWS, "--fault=StopContainer:error");

        assert_int_equal(run_at(&plane, 0), EXIT_UNFINISHED);
        plane_assert_alarms(&plane, "expiring@" PAIR " restart-owed@" SCHEDULER);
        assert_true(plane_owes(&plane, SCHEDULER));
        servers_stop();
        plane_runtime(&plane, "--restart", NULL);
        plane_kubelet(&plane);
        plane_pod(&plane, SCHEDULER, "kube-scheduler:v1.28.7", "--leader-elect");
        assert_int_equal(run_at(&plane, HOUR), EXIT_DONE);
        assert_int_equal(plane_stops(SCHEDULER), 1);
        shell("cmp new.crt root" PKI PAIR ".crt");
        plane_assert_alarms(&plane, "");
        plane_free(&plane);
}

static void test_who_is_named_is_restarted_once_more(void **state)
{
        Plane plane = plane_with(REFUSES, "--restart");
        const PassRequest named = {.plan.names = names},
                          dry = {.plan.names = names, .dry_run = true};

        assert_int_equal(plane_pass(&plane, plane.host.now, &dry), EXIT_DONE);
        assert_int_equal(plane_stops(SCHEDULER), 0);
        assert_int_equal(plane_pass(&plane, plane.host.now, &named), EXIT_FAILED);
        put("start-" SCHEDULER ".sh", RENEWS);
        assert_int_equal(plane_pass(&plane, plane.host.now + HOUR, &named), EXIT_DONE);
        assert_int_equal(plane_stops(SCHEDULER), 2);
        shell("cmp new.crt root" PKI PAIR ".crt; ! ls root" STATE "/public/alarms | grep " PAIR);
        plane_free(&plane);
}

/* By a file: the receipt is its content then, and says why not after a start in vain. */
static void test_who_has_asked_by_a_file_is_told(void **state)
{
        Plane plane = plane_with(RENEWS, "--restart");

        plane_configure(&plane, BY_ITSELF "RenewBefore=2d\n");
        shell("mkdir -p -m 700 root" STATE "/renew-requested; "
              ">root" STATE "/renew-requested/" PAIR);
        assert_int_equal(run_at(&plane, 0), EXIT_DONE);
        assert_int_equal(plane_stops(SCHEDULER), 1);
        shell("cmp new.crt root" PKI PAIR ".crt; "
              "grep -q '^20..-..-..T' root" STATE "/renew-requested/" PAIR);

        put("start-" SCHEDULER ".sh", REFUSES);
        shell(">root" STATE "/renew-requested/" PAIR);
        assert_int_equal(run_at(&plane, 2 * DAY), EXIT_FAILED);
        assert_int_equal(run_at(&plane, 4 * DAY), EXIT_DONE);
        assert_int_equal(plane_stops(SCHEDULER), 2);
        shell("grep -q 'was restarted and has not renewed it' root" STATE "/renew-requested/" PAIR);
        plane_free(&plane);
}

/* Only its owner may restart it: the debt stands, and so does its alarm. */
static void test_restart_never(void **state)
{
        Plane plane = plane_with(RENEWS, "--restart");

        plane_configure(&plane, BY_ITSELF "[component " SCHEDULER "]\nRestart=never\n");
        assert_int_equal(run_at(&plane, 0), EXIT_UNFINISHED);
        assert_int_equal(run_at(&plane, DAY), EXIT_UNFINISHED);
        assert_int_equal(plane_stops(SCHEDULER), 0);
        plane_assert_alarms(&plane, "expiring@" PAIR " restart-owed@" SCHEDULER);
        plane_free(&plane);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                SERVERS_TEST(test_a_start_renews_it),
                SERVERS_TEST(test_a_start_in_vain_is_not_repeated_within_a_day),
                SERVERS_TEST(test_t36_a_crash_before_the_restart),
                SERVERS_TEST(test_who_is_named_is_restarted_once_more),
                SERVERS_TEST(test_who_has_asked_by_a_file_is_told),
                SERVERS_TEST(test_restart_never),
        };

        if (!plane_is_possible())
                return unit_skip_all("there is no fake runtime (libnghttp2 was not found)");
        return cmocka_run_group_tests(tests, NULL, NULL);
}
