/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "night.h"
#include "renew/report/report.h"
#include "renew/state/park.h"
#include "restoring.h"

#include <sys/wait.h>

#define ETCD "/etc/kubernetes/manifests/etcd.yaml"

static bool alarm_exists(const Host *host, const char *name)
{
        autofree char *path = xasprintf("%s" STATE "/public/alarms/%s.json", host->root, name);

        return access(path, F_OK) == 0;
}

static void test_t01_all_valid_writes_nothing(void **state)
{
        Host host = host_new("v1.28.7/ecdsa-p256", ONE_DAY_OLD);

        assert_int_equal(run_nightly(&host), EXIT_DONE);
        autofree char *backups = xasprintf("%s" STATE "/backups", host.root);
        assert_int_equal(access(backups, F_OK), -1);
        host_free(&host);
}

static void test_t03_renews_owes_and_then_renews_nothing(void **state)
{
        Host host = host_new("v1.28.7/ecdsa-p256", "2028-01-01");

        assert_int_equal(run_nightly(&host), EXIT_UNFINISHED); /* restarts are owed */
        assert_true(alarm_exists(&host, "restart-owed@kube-apiserver"));
        host_look(&host);
        assert_int_equal(host.assessment->n_due, 0);

        Digest before = tree_digest(host.root, "/etc/kubernetes/pki/apiserver.crt");
        assert_int_equal(run_nightly(&host), EXIT_UNFINISHED);
        Digest after = tree_digest(host.root, "/etc/kubernetes/pki/apiserver.crt");
        assert_true(digest_equal(&before, &after));
        assert_true(alarm_exists(&host, "restart-owed@kube-apiserver"));
        host_free(&host);
}

static void test_t41_expired_alarm_goes_with_the_renewal(void **state)
{
        Host host =
                host_new("v1.36.0/ecdsa-p256", "2028-01-01"); /* no manifests: nothing to restart */

        tree_remove(host.root, "/etc/kubernetes/kubelet.conf");
        autofree char *key = tree_read(host.root, "/etc/kubernetes/pki/ca.key", NULL);
        tree_remove(host.root, "/etc/kubernetes/pki/ca.key");
        assert_int_equal(run_nightly(&host), EXIT_FAILED);
        assert_true(alarm_exists(&host, "expired@apiserver"));
        assert_false(alarm_exists(&host, "expired@etcd-server"));

        tree_write_text(host.root, "/etc/kubernetes/pki/ca.key", key);
        assert_int_equal(run_nightly(&host), EXIT_DONE);
        assert_false(alarm_exists(&host, "expired@apiserver"));
        host_free(&host);
}

static void test_t19_a_second_pass_says_75(void **state)
{
        Host host = host_new("v1.28.7/ecdsa-p256", TEN_DAYS_LEFT);
        autoptr(Txn) txn = NULL;

        assert_int_equal(txn_open(host.root_fd, STATE, &txn, NULL), 0);
        Digest before = tree_digest(host.root, "/etc/kubernetes/pki/apiserver.crt");
        assert_int_equal(run_nightly(&host), EXIT_UNFINISHED);
        Digest after = tree_digest(host.root, "/etc/kubernetes/pki/apiserver.crt");
        assert_true(digest_equal(&before, &after));
        host_free(&host);
}

static void test_what_could_not_be_written_was_not_renewed(void **state)
{
        Host host = host_new("v1.28.7/ecdsa-p256", TEN_DAYS_LEFT);
        autoptr(Pass) pass = NULL;
        Error error = {};

        tree_write_text(host.root, STATE "/backups", "a file where the directory should be");
        assert_int_equal(pass_open(&(PassOptions){.root = host.root,
                                           .config.layout = "kubeadm",
                                           .at = host.now},
                                 &pass, NULL),
                0);
        assert_int_equal(pass_run(pass, &(PassRequest){.nightly = true}, &error), EXIT_FAILED);
        assert_int_equal(pass->issuance->n, 10);
        for (size_t i = 0; i < pass->issuance->n; i++) {
                assert_int_equal(pass->issuance->results[i].outcome, OUTCOME_FAILED);
                assert_string_equal(pass->issuance->results[i].text, error.text);
        }

        /* One alarm for the one fault. */
        assert_true(alarm_exists(&host, "renewal-failed@host"));
        assert_false(alarm_exists(&host, "renewal-failed@apiserver"));
        host_free(&host);
}

static void test_unreadable_manifest_is_an_alarm(void **state)
{
        static const char *const manifest = "/etc/kubernetes/manifests/etcd.yaml";
        static const char *const alarm = "invalid@%2Fetc%2Fkubernetes%2Fmanifests%2Fetcd.yaml";
        Host host = host_new("v1.28.7/ecdsa-p256", ONE_DAY_OLD);
        autofree char *good = tree_read(host.root, manifest, NULL);

        tree_write_text(host.root, manifest, "{[");
        run_nightly(&host);
        assert_true(alarm_exists(&host, alarm));
        run_nightly(&host);
        assert_true(alarm_exists(&host, alarm));
        tree_write_text(host.root, manifest, good);
        run_nightly(&host);
        assert_false(alarm_exists(&host, alarm));
        host_free(&host);
}

static void test_t19_the_lock_is_held_until_the_report_is_written(void **state)
{
        Host host = host_new("v1.28.7/ecdsa-p256", ONE_DAY_OLD);
        autoptr(Pass) pass = NULL;
        autoptr(Txn) txn = NULL;
        Error error = {};

        assert_int_equal(pass_open(&(PassOptions){.root = host.root,
                                           .config.layout = "kubeadm",
                                           .at = host.now},
                                 &pass, &error),
                0);
        assert_int_equal(pass_run(pass, &(PassRequest){.nightly = true}, &error), EXIT_DONE);
        assert_int_equal(txn_open(host.root_fd, STATE, &txn, NULL), -EBUSY);
        host_free(&host);
}

/* What the kernel calls an invalid argument is no fault of the command line. */
static void test_a_strange_lock_fails_the_pass_with_an_alarm(void **state)
{
        Host host = host_new("v1.28.7/ecdsa-p256", ONE_DAY_OLD);

        tree_write_text(host.root, STATE "/lock", "");
        autofree char *lock = xasprintf("%s" STATE "/lock", host.root);
        assert_int_equal(unlink(lock), 0);
        assert_int_equal(mkfifo(lock, 0600), 0);
        assert_int_equal(run_nightly(&host), EXIT_FAILED);
        assert_true(alarm_exists(&host, "renewal-failed@host"));
        host_free(&host);
}

static void test_dry_run_writes_nothing(void **state)
{
        Host host = host_new("v1.28.7/ecdsa-p256", TEN_DAYS_LEFT);
        Digest before = tree_digest(host.root, "/etc/kubernetes/pki/apiserver.crt");

        assert_int_equal(run_at(&host, host.now, &(PassRequest){.dry_run = true}), EXIT_DONE);
        Digest after = tree_digest(host.root, "/etc/kubernetes/pki/apiserver.crt");
        assert_true(digest_equal(&before, &after));
        assert_false(fs_exists(host.root_fd, STATE));
        host_free(&host);
}

/* A pass that was killed after the commit point and before the first swap, and then somebody else
 * who wrote one of its files. */
static void crash_and_meddle(const Host *host)
{
        static const char path[] = "/etc/kubernetes/pki/apiserver.crt";
        pid_t child = fork();
        int status;

        if (child == 0) {
                Txn *txn = NULL;
                FileImage *old = NULL;

                if (txn_open(host->root_fd, STATE, &txn, NULL) < 0 ||
                        fs_read_file(host->root_fd, path, FS_SIZE_MAX, &old, NULL) < 0 ||
                        txn_begin(txn, "crashed", STATE "/backups/crashed", "test", host->now,
                                NULL) < 0 ||
                        txn_add(txn, &(TxnChange){.path = path, .data = "x", .size = 1, .old = old},
                                NULL) < 0 ||
                        txn_prepare(txn, NULL) < 0)
                        _exit(1);
                _exit(0);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
        autofree char *prepared = xasprintf("%s" STATE "/transaction.prepared", host->root);
        autofree char *committed = xasprintf("%s" STATE "/transaction.committed", host->root);
        assert_int_equal(rename(prepared, committed), 0);
        tree_write_text(host->root, path, "somebody else's");
}

static int act_recover(const Host *host)
{
        autoptr(Pass) pass = NULL;

        assert_int_equal(pass_open(&(PassOptions){.root = host->root,
                                           .config.layout = "kubeadm",
                                           .at = host->now},
                                 &pass, NULL),
                0);
        return pass_recover(pass, NULL);
}

static int act_restore(const Host *host)
{
        const RestoreRequest request = {.id = "none", .now = host->now, .pass_id = "r"};
        RestoreResult *result = NULL;

        return host_restore(host, &request, &result, NULL);
}

static const struct {
        int (*act)(const Host *host);
        int expected, expected_unreadable;
} recoverers[] = {
        {act_recover, EXIT_DONE, EXIT_FAILED},
        {act_restore, -ENOENT, -EBADMSG},
        {run_nightly, EXIT_UNFINISHED, EXIT_FAILED},
};

/* No later pass would find it again. */
static void test_t36_whoever_recovers_leaves_the_alarm(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(recoverers) - 1; i++) {
                Host host = host_new("v1.28.7/ecdsa-p256", ONE_DAY_OLD);
                autoptr(AlarmList) list = NULL;

                crash_and_meddle(&host);
                assert_int_equal(recoverers[i].act(&host), recoverers[i].expected);
                assert_int_equal(report_read_alarms(host.root_fd, host.config, &list, NULL), 0);
                assert_int_equal(list->n, 1);
                assert_string_equal(list->alarms[0].type, "foreign-change");
                host_free(&host);
        }
}

static void test_t36_an_unreadable_record_leaves_an_alarm(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(recoverers); i++) {
                Host host = host_new("v1.28.7/ecdsa-p256", ONE_DAY_OLD);

                tree_write_text(host.root, STATE "/transaction.committed", "{");
                assert_int_equal(park_out(host.root_fd, STATE, ETCD, NULL), 0);
                assert_int_equal(recoverers[i].act(&host), recoverers[i].expected_unreadable);
                assert_true(alarm_exists(&host, "renewal-failed@host"));

                /* No component is down for as long as the files cannot be recovered. */
                assert_true(fs_exists(host.root_fd, ETCD));
                host_free(&host);
        }
}

/* I7: whatever cannot be written, a pass that fails leaves an alarm; and one file that cannot be
 * written does not keep the others from it. */
static void test_i7_a_report_that_fails_leaves_an_alarm(void **state)
{
        static const struct {
                const char *path; /* a directory in its place */
                bool has_status;
        } table[] = {
                {STATE "/public/status.json", false},
                {STATE "/history.json", true},
                {STATE "/public/alarms/expired@apiserver.json", true},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                Host host = host_new("v1.36.0/ecdsa-p256", "2028-01-01");

                tree_remove(host.root, "/etc/kubernetes/pki/ca.key");
                assert_int_equal(fs_make_directories(host.root_fd, table[i].path, 0755, NULL), 0);
                assert_int_equal(run_nightly(&host), EXIT_FAILED);
                assert_true(alarm_exists(&host, "renewal-failed@host"));
                autofree char *status = xasprintf("%s" STATE "/public/status.json", host.root);
                struct stat st;
                assert_int_equal(
                        stat(status, &st) == 0 && S_ISREG(st.st_mode), table[i].has_status);
                host_free(&host);
        }
}

/* Failure mode 5: one file by two names is one credential, and stops nobody. */
static void test_t26_a_kubeconfig_that_is_a_link_to_another(void **state)
{
        Host host = host_new("v1.36.0/ecdsa-p256", "2027-11-12T00:56:00Z");

        tree_write_text(host.root, "/etc/kube-renewd/kube-renewd.conf",
                "[kubeconfig root]\nPath=/root/.kube/config\nCA=kubernetes\n");
        tree_make_parents(host.root, "/root/.kube/config");
        autofree char *link = xasprintf("%s/root/.kube/config", host.root);
        assert_int_equal(symlink("/etc/kubernetes/admin.conf", link), 0);
        assert_int_equal(run_nightly(&host), EXIT_DONE);
        host_configure(&host);
        host_look(&host);
        assert_int_equal(host.assessment->n_due, 0);
        assert_string_equal(host_item(&host, "root")->renewed_as, "admin.conf");
        host_free(&host);
}

static void test_i7_a_broken_configuration_leaves_an_alarm_at_night(void **state)
{
        Host host = host_new("v1.28.7/ecdsa-p256", ONE_DAY_OLD);
        PassOptions open = {.root = host.root, .config.layout = "kubeadm", .at = host.now};
        Pass *pass = NULL;
        Error error = {};

        tree_write_text(host.root, "/etc/kube-renewd/kube-renewd.conf", "[renewal]\nValidity=x\n");
        assert_int_equal(pass_open(&open, &pass, &error), -EINVAL);
        assert_false(fs_exists(host.root_fd, STATE));
        open.nightly = true;
        assert_int_equal(pass_open(&open, &pass, &error), -EINVAL);
        assert_non_null(strstr(error.text, "kube-renewd.conf:2"));
        assert_true(alarm_exists(&host, "config-invalid@host"));

        /* Another command may have been given another configuration. */
        tree_write_text(host.root, "/etc/kube-renewd/kube-renewd.conf", "");
        assert_int_equal(run_at(&host, host.now, &(PassRequest){}), EXIT_DONE);
        assert_true(alarm_exists(&host, "config-invalid@host"));
        assert_int_equal(run_nightly(&host), EXIT_DONE);
        assert_false(alarm_exists(&host, "config-invalid@host"));
        host_free(&host);
}

static int open_nightly(const Host *host)
{
        Pass *pass = NULL;

        return pass_open(&(PassOptions){.root = host->root,
                                 .config.layout = "kubeadm",
                                 .at = host->now,
                                 .nightly = true},
                &pass, NULL);
}

/* Where alarms go is in the configuration, too; if it says so, that is not what is wrong with it.
 */
static void test_a_broken_configuration_is_told_and_forgotten_in_its_place(void **state)
{
        static const char *const file = "/etc/kube-renewd/kube-renewd.conf";
        static const char *const alarm = "/state/public/alarms/config-invalid@host.json";
        Host host = host_new("v1.28.7/ecdsa-p256", ONE_DAY_OLD);

        tree_write_text(host.root, file, "[agent]\nStateDirectory=state\n");
        assert_int_equal(open_nightly(&host), -EINVAL);
        assert_true(alarm_exists(&host, "config-invalid@host"));
        tree_write_text(host.root, file, "[agent]\nStateDirectory=/state\nLayout=%\n");
        assert_int_equal(open_nightly(&host), -EINVAL);
        assert_true(fs_exists(host.root_fd, alarm));
        tree_write_text(host.root, file, "[agent]\nStateDirectory=/state\n");
        assert_int_equal(run_nightly(&host), EXIT_DONE);
        assert_false(alarm_exists(&host, "config-invalid@host"));
        assert_false(fs_exists(host.root_fd, alarm));
        host_free(&host);
}

static void test_t37_short_lives_do_not_loop(void **state)
{
        Host host = host_new("v1.28.7/ecdsa-p256", TEN_DAYS_LEFT);

        tree_write_text(
                host.root, "/etc/kube-renewd/kube-renewd.conf", "[renewal]\nValidity=12d\n");
        assert_int_equal(run_nightly(&host), EXIT_UNFINISHED);
        Digest before = tree_digest(host.root, "/etc/kubernetes/pki/apiserver.crt");
        assert_int_equal(run_nightly(&host), EXIT_UNFINISHED);
        Digest after = tree_digest(host.root, "/etc/kubernetes/pki/apiserver.crt");
        assert_true(digest_equal(&before, &after));
        host_free(&host);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_t01_all_valid_writes_nothing),
                cmocka_unit_test(test_t03_renews_owes_and_then_renews_nothing),
                cmocka_unit_test(test_t41_expired_alarm_goes_with_the_renewal),
                cmocka_unit_test(test_t19_a_second_pass_says_75),
                cmocka_unit_test(test_what_could_not_be_written_was_not_renewed),
                cmocka_unit_test(test_unreadable_manifest_is_an_alarm),
                cmocka_unit_test(test_t19_the_lock_is_held_until_the_report_is_written),
                cmocka_unit_test(test_a_strange_lock_fails_the_pass_with_an_alarm),
                cmocka_unit_test(test_dry_run_writes_nothing),
                cmocka_unit_test(test_t36_whoever_recovers_leaves_the_alarm),
                cmocka_unit_test(test_t36_an_unreadable_record_leaves_an_alarm),
                cmocka_unit_test(test_i7_a_report_that_fails_leaves_an_alarm),
                cmocka_unit_test(test_t26_a_kubeconfig_that_is_a_link_to_another),
                cmocka_unit_test(test_i7_a_broken_configuration_leaves_an_alarm_at_night),
                cmocka_unit_test(test_a_broken_configuration_is_told_and_forgotten_in_its_place),
                cmocka_unit_test(test_t37_short_lives_do_not_loop),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
