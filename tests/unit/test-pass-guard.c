/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "night.h"
#include "renew/report/report.h"
#include "renew/state/park.h"

#define CERTIFICATE "/etc/kubernetes/pki/apiserver.crt"
#define KEY         "/etc/kubernetes/pki/apiserver.key"

static Host new_host(const char *at)
{
        Host host = host_new("v1.36.0/ecdsa-p256", at); /* no manifests: nothing is restarted */

        tree_remove(host.root, "/etc/kubernetes/kubelet.conf"); /* the kubelet's own, which ends */
        return host;
}

static void assert_alarms(const Host *host, const char *expected)
{
        autoptr(AlarmList) list = NULL;
        autostrv names = NULL;

        assert_int_equal(report_read_alarms(host->root_fd, host->config, &list, NULL), 0);
        for (size_t i = 0; i < list->n; i++)
                strv_take(
                        &names, xasprintf("%s@%s", list->alarms[i].type, list->alarms[i].resource));
        autofree char *active = strv_join(names, " ");
        assert_string_equal(active, expected);
}

static json_t *read_state(const Host *host, const char *path)
{
        json_t *json = NULL;
        Error error = {};

        if (json_read_file(host->root_fd, path, &json, &error) < 0)
                fail_msg("%s", error.text);
        return json;
}

static int renew(const Host *host, const char *name)
{
        char *names[] = {(char *)name, NULL};

        return run_at(host, host->now, &(PassRequest){.plan = {.names = name ? names : NULL}});
}

/* Whatever a wrong clock says about certificates is not repeated, and what was interrupted does not
 * wait for it. */
static void test_failure_mode_30_nothing_is_renewed_by_a_wrong_clock(void **state)
{
        static const char manifest[] = "/etc/kubernetes/manifests/etcd.yaml";
        Host host = new_host("2028-01-01");
        Digest before = tree_digest(host.root, CERTIFICATE);

        tree_write_text(host.root, STATE "/public/status.json",
                "{\"last_run\": \"2028-06-01T00:00:00Z\", \"generation\": 7}");
        tree_write_text(host.root, manifest, "x");
        assert_int_equal(park_out(host.root_fd, STATE, manifest, NULL), 0);
        assert_int_equal(run_nightly(&host), EXIT_UNFINISHED);
        assert_alarms(&host, "clock-implausible@host");
        assert_int_equal(renew(&host, "apiserver"), EXIT_UNFINISHED);
        assert_int_equal(renew(&host, NULL), EXIT_UNFINISHED);
        Digest after = tree_digest(host.root, CERTIFICATE);
        assert_true(digest_equal(&before, &after));
        assert_true(fs_exists(host.root_fd, manifest));
        tree_remove(host.root, manifest);

        /* What the next pass compares its clock with has not moved. */
        autoptr(json_t) status = read_state(&host, STATE "/public/status.json");
        assert_string_equal(
                json_string_value(json_object_get(status, "last_run")), "2028-06-01T00:00:00Z");
        assert_int_equal(json_integer_value(json_object_get(status, "exit_status")), 75);
        assert_int_equal(json_array_size(json_object_get(status, "alarms")), 1);

        /* Somebody sets it. */
        assert_int_equal(time_parse("2028-06-01", &host.now), 0);
        assert_int_equal(run_nightly(&host), EXIT_DONE);
        assert_alarms(&host, "");
        host_free(&host);
}

static void test_failure_mode_30_before_what_was_issued(void **state)
{
        Host host = new_host("2028-01-01");

        assert_int_equal(renew(&host, NULL), EXIT_DONE);
        tree_remove(host.root, STATE "/public/status.json");
        host.now -= 5 * MINUTE; /* so long before they are issued certificates begin */
        assert_int_equal(run_nightly(&host), EXIT_DONE);
        tree_remove(host.root, STATE "/public/status.json");
        host.now--;
        assert_int_equal(run_nightly(&host), EXIT_UNFINISHED);
        assert_alarms(&host, "clock-implausible@host");

        /* It was the other clock that was wrong. */
        tree_remove(host.root, STATE "/history.json");
        tree_remove(host.root, STATE "/public/status.json");
        (void)!run_nightly(&host);
        autofree char *alarm =
                xasprintf("%s" STATE "/public/alarms/clock-implausible@host.json", host.root);
        assert_int_equal(access(alarm, F_OK), -1);
        host_free(&host);
}

/* The running clock, which other tests name by --at=, is asked, too. */
static void test_a_clock_that_was_read(void **state)
{
        Host host = new_host(TEN_DAYS_LEFT);
        char text[64], last[TIME_TEXT_SIZE];
        int64_t now = time(NULL);

        snprintf(text, sizeof(text), "{\"last_run\": \"%s\"}", time_format(now + DAY, last));
        tree_write_text(host.root, STATE "/public/status.json", text);
        assert_int_equal(run_at(&host, 0, &(PassRequest){.nightly = true}), EXIT_UNFINISHED);
        assert_alarms(&host, "clock-implausible@host");
        snprintf(text, sizeof(text), "{\"last_run\": \"%s\"}", time_format(now, last));
        tree_write_text(host.root, STATE "/public/status.json", text);
        (void)!run_at(&host, 0, &(PassRequest){.nightly = true});
        autofree char *alarm =
                xasprintf("%s" STATE "/public/alarms/clock-implausible@host.json", host.root);
        assert_int_equal(access(alarm, F_OK), -1);
        host_free(&host);
}

static void test_failure_mode_17_a_missed_run_is_told_once(void **state)
{
        Host host = new_host(ONE_DAY_OLD);

        assert_int_equal(run_nightly(&host), EXIT_DONE);
        host.now += 2 * DAY + 6 * HOUR;
        assert_int_equal(run_nightly(&host), EXIT_DONE);
        assert_alarms(&host, "");
        host.now += 3 * DAY;
        assert_int_equal(renew(&host, "apiserver"), EXIT_DONE);
        assert_alarms(&host, ""); /* whoever comes by day has missed nothing */
        host.now += 3 * DAY;
        assert_int_equal(run_nightly(&host), EXIT_DONE);
        assert_alarms(&host, "missed-run@host");
        host.now += 15 * MINUTE;
        assert_int_equal(run_nightly(&host), EXIT_DONE);
        assert_alarms(&host, "missed-run@host"); /* the second try of a night is none */
        host.now += HOUR;
        assert_int_equal(renew(&host, "apiserver"), EXIT_DONE);
        assert_alarms(&host, "missed-run@host"); /* a person is no timer */
        host.now += DAY;
        assert_int_equal(run_nightly(&host), EXIT_DONE);
        assert_alarms(&host, "");
        host_free(&host);
}

static void test_failure_mode_15_the_lock_is_held_for_ever(void **state)
{
        static const struct {
                const char *at;
                const char *alarms;
        } table[] = {
                {"2026-12-01", ""},
                {"2027-11-12", ""}, /* due, and there is time */
                {"2028-01-01", "postponed@host"},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                Host host = new_host(table[i].at);
                autoptr(Txn) txn = NULL;

                assert_int_equal(txn_open(host.root_fd, STATE, &txn, NULL), 0);
                assert_int_equal(renew(&host, NULL), EXIT_UNFINISHED); /* a person reads it */
                assert_alarms(&host, "");
                assert_int_equal(run_nightly(&host), EXIT_UNFINISHED);
                assert_alarms(&host, table[i].alarms);
                assert_false(fs_exists(host.root_fd, STATE "/public/status.json"));

                txn_free(TAKE(txn));
                assert_int_equal(run_nightly(&host), EXIT_DONE);
                assert_alarms(&host, "");
                host_free(&host);
        }
}

/* Some other program that writes the old files back, night and day. */
static void test_failure_mode_43_another_program_writes_the_old_files_back(void **state)
{
        Host host = new_host("2027-11-20T12:00:00Z"); /* the leaves end in two days */
        size_t size, key_size;
        autofree char *certificate = tree_read(host.root, CERTIFICATE, &size);
        autofree char *key = tree_read(host.root, KEY, &key_size);
        Digest before = tree_digest(host.root, CERTIFICATE);

        for (int i = 0; i < LOOP_RENEWALS; i++) {
                assert_int_equal(run_nightly(&host), EXIT_DONE);
                assert_alarms(&host, "");
                tree_write(host.root, CERTIFICATE, certificate, size);
                tree_write(host.root, KEY, key, key_size);
                host.now += HOUR;
        }
        assert_int_equal(run_nightly(&host), EXIT_FAILED);
        assert_alarms(&host, "expiring@apiserver postponed@apiserver renewal-loop@apiserver");
        Digest after = tree_digest(host.root, CERTIFICATE);
        assert_true(digest_equal(&before, &after));
        assert_int_equal(renew(&host, NULL), EXIT_FAILED); /* what is due: as at night */

        /* A person may; it counts. The alarm stays until the day is over. */
        assert_int_equal(renew(&host, "apiserver"), EXIT_DONE);
        assert_alarms(&host, "renewal-loop@apiserver");
        host.now += 23 * HOUR;
        assert_int_equal(run_nightly(&host), EXIT_DONE);
        assert_alarms(&host, "");
        host_free(&host);
}

/* Two nights have passed it over, and it is said why. */
static void assert_overdue(const Host *host, const char *reason)
{
        autoptr(json_t) alarm = read_state(host, STATE "/public/alarms/expiring@apiserver.json");

        if (!strstr(json_string_value(json_object_get(alarm, "reason")), reason))
                fail_msg("%s", json_string_value(json_object_get(alarm, "reason")));
}

/* A marker that anybody may leave, also one that nobody can look at. */
static void test_t35_an_upgrade_is_waited_for_until_the_limit(void **state)
{
        static const struct {
                const char *marker;
                const char *at, *alarms;
                int status;
                bool renews;
        } table[] = {
                {"/run/upgrade", "2027-11-09", "", EXIT_UNFINISHED, false},
                {"/run/upgrade", "2027-11-18", NULL, EXIT_UNFINISHED, false},
                {"/run/upgrade", "2027-11-20", "postponed@host", EXIT_DONE, true},
                {"/run/upgrade", "2028-01-01", "postponed@host", EXIT_DONE, true},
                {"/loop", "2027-11-09", "", EXIT_UNFINISHED, false},
                {"/loop", "2027-11-20", "postponed@host", EXIT_DONE, true},
                {"/run/upgrade", "2026-12-01", "", EXIT_DONE, false}, /* nothing to do */
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                Host host = new_host(table[i].at);
                autofree char *loop = xasprintf("%s/loop", host.root);
                autofree char *marker = xasprintf("%s%s", host.root, table[i].marker);
                Digest before = tree_digest(host.root, CERTIFICATE);

                tree_write_text(host.root, "/etc/kube-renewd/kube-renewd.conf",
                        "[renewal]\nUpgradeMarker=/run/upgrade /loop/upgrade\n");
                if (streq(table[i].marker, "/loop"))
                        assert_int_equal(symlink("loop", loop), 0);
                else
                        tree_write_text(host.root, table[i].marker, "");
                assert_int_equal(run_nightly(&host), table[i].status);
                if (table[i].alarms)
                        assert_alarms(&host, table[i].alarms);
                else
                        assert_overdue(&host, "this host is being upgraded: ");
                Digest after = tree_digest(host.root, CERTIFICATE);
                assert_int_equal(!digest_equal(&before, &after), table[i].renews);

                /* The heartbeat goes on. */
                autoptr(json_t) status = read_state(&host, STATE "/public/status.json");
                assert_int_equal(json_integer_value(json_object_get(status, "exit_status")),
                        table[i].status);
                assert_true(json_array_size(json_object_get(status, "certificates")) > 0);

                /* A dry run writes nothing, and says what would be done. */
                assert_int_equal(
                        run_at(&host, host.now, &(PassRequest){.dry_run = true}), EXIT_DONE);

                /* It is over. */
                assert_int_equal(remove(marker), 0);
                assert_int_equal(run_nightly(&host), EXIT_DONE);
                assert_alarms(&host, "");
                host_free(&host);
        }
}

/* Until that is over, by whoever is asked to write. */
static void test_t35_who_asks_by_day_is_told(void **state)
{
        Host host = new_host(ONE_DAY_OLD);
        autoptr(Pass) pass = NULL;
        Error error = {};

        tree_write_text(host.root, "/etc/kube-renewd/kube-renewd.conf",
                "[renewal]\nUpgradeMarker=/run/upgrade\n");
        tree_write_text(host.root, "/run/upgrade", "");
        assert_int_equal(renew(&host, "apiserver"), EXIT_UNFINISHED);
        assert_alarms(&host, "");
        assert_int_equal(pass_open(&(PassOptions){.root = host.root,
                                           .config.layout = "kubeadm",
                                           .at = host.now},
                                 &pass, NULL),
                0);
        assert_int_equal(
                pass_run(pass, &(PassRequest){.plan = {.all = true}}, &error), EXIT_UNFINISHED);
        assert_string_equal(error.text,
                "this host is being upgraded: '/run/upgrade' is there: nothing is begun until that "
                "is over");
        host_free(&host);
}

/* Its lifetime is what was asked for; but a retry every quarter of an hour is no night. */
static void test_t37_certificates_that_end_within_the_hour(void **state)
{
        Host host = new_host("2028-01-01");
        int renewed = 0;

        tree_write_text(host.root, "/etc/kube-renewd/kube-renewd.conf", "[renewal]\nValidity=1h\n");
        for (int i = 0; i < 8; i++) {
                Digest before = tree_digest(host.root, CERTIFICATE);
                (void)!run_nightly(&host);
                Digest after = tree_digest(host.root, CERTIFICATE);

                renewed += !digest_equal(&before, &after);
                host.now += 2 * HOUR;
        }
        assert_int_equal(renewed, LOOP_RENEWALS);
        host.now += DAY;
        assert_int_equal(run_nightly(&host), EXIT_DONE);
        assert_alarms(&host, "");
        host_free(&host);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_failure_mode_30_nothing_is_renewed_by_a_wrong_clock),
                cmocka_unit_test(test_failure_mode_30_before_what_was_issued),
                cmocka_unit_test(test_a_clock_that_was_read),
                cmocka_unit_test(test_failure_mode_17_a_missed_run_is_told_once),
                cmocka_unit_test(test_failure_mode_15_the_lock_is_held_for_ever),
                cmocka_unit_test(test_failure_mode_43_another_program_writes_the_old_files_back),
                cmocka_unit_test(test_t35_an_upgrade_is_waited_for_until_the_limit),
                cmocka_unit_test(test_t35_who_asks_by_day_is_told),
                cmocka_unit_test(test_t37_certificates_that_end_within_the_hour),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
