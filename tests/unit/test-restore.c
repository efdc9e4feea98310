/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "restoring.h"

static void test_t33_restore_brings_everything_back(void **state)
{
        static const char *const paths[] = {"/etc/kubernetes/pki/apiserver.crt",
                "/etc/kubernetes/pki/apiserver.key", "/etc/kubernetes/pki/etcd/peer.crt",
                "/etc/kubernetes/pki/etcd/peer.key", "/etc/kubernetes/admin.conf"};
        Host host = host_new("v1.28.7/ecdsa-p256", TEN_DAYS_LEFT);
        Digest before[ELEMENTSOF(paths)], after;
        autoptr(BackupList) list = NULL;
        autoptr(RestoreResult) dry = NULL;
        autoptr(RestoreResult) done = NULL;

        for (size_t i = 0; i < ELEMENTSOF(paths); i++)
                before[i] = tree_digest(host.root, paths[i]);
        assert_int_equal(run_nightly(&host), EXIT_UNFINISHED);
        assert_int_equal(backup_list(host.root_fd, STATE, &list, NULL), 0);
        assert_int_equal(list->n, 1);

        RestoreRequest request = {.id = list->backups[0].id,
                .dry_run = true,
                .now = host.now,
                .pass_id = "00000000000000000000000000000001"};
        assert_int_equal(host_restore(&host, &request, &dry, NULL), 0);
        assert_int_equal(dry->n_changes, 7 * 2 + 3);
        after = tree_digest(host.root, paths[0]);
        assert_false(digest_equal(&before[0], &after));

        request.dry_run = false;
        assert_int_equal(host_restore(&host, &request, &done, NULL), 0);
        for (size_t i = 0; i < ELEMENTSOF(paths); i++) {
                after = tree_digest(host.root, paths[i]);
                assert_true(digest_equal(&before[i], &after));
        }
        host_free(&host);
}

/* What one component used goes back; what others have got stays. */
static void test_restore_of_some_files(void **state)
{
        static char *paths[] = {(char *)"/etc/kubernetes/scheduler.conf", NULL};
        static const char other[] = "/etc/kubernetes/controller-manager.conf";
        Host host = host_new("v1.28.7/ecdsa-p256", TEN_DAYS_LEFT);
        Digest before = tree_digest(host.root, paths[0]), renewed, after;
        autoptr(BackupList) list = NULL;
        autoptr(RestoreResult) result = NULL;

        assert_int_equal(run_nightly(&host), EXIT_UNFINISHED);
        renewed = tree_digest(host.root, other);
        assert_int_equal(backup_list(host.root_fd, STATE, &list, NULL), 0);
        const RestoreRequest request = {.id = list->backups[0].id,
                .paths = paths,
                .now = host.now,
                .pass_id = "00000000000000000000000000000001"};
        assert_int_equal(host_restore(&host, &request, &result, NULL), 0);
        assert_int_equal(result->n_changes, 1);
        after = tree_digest(host.root, paths[0]);
        assert_true(digest_equal(&before, &after));
        after = tree_digest(host.root, other);
        assert_true(digest_equal(&renewed, &after));
        host_free(&host);
}

static void test_t33_restore_of_a_lost_file_keeps_owner_and_mode(void **state)
{
        static const char path[] = "/etc/kubernetes/pki/etcd/server.key";
        Host host = host_new("v1.28.7/ecdsa-p256", TEN_DAYS_LEFT);
        autofree char *full = xasprintf("%s%s", host.root, path);
        uid_t uid = geteuid() == 0 ? 1234 : geteuid();
        autoptr(BackupList) list = NULL;
        autoptr(RestoreResult) result = NULL;
        struct stat st;

        assert_int_equal(chown(full, uid, (gid_t)-1), 0);
        assert_int_equal(chmod(full, 0640), 0);
        assert_int_equal(run_nightly(&host), EXIT_UNFINISHED);
        tree_remove(host.root, path);
        assert_int_equal(backup_list(host.root_fd, STATE, &list, NULL), 0);
        const RestoreRequest request = {.id = list->backups[0].id,
                .now = host.now,
                .pass_id = "00000000000000000000000000000001"};
        assert_int_equal(host_restore(&host, &request, &result, NULL), 0);
        assert_int_equal(stat(full, &st), 0);
        assert_int_equal(st.st_uid, uid);
        assert_int_equal(st.st_mode & 07777, 0640);
        host_free(&host);
}

static void test_restore_refuses_what_has_expired(void **state)
{
        Host host = host_new("v1.28.7/ecdsa-p256", "2028-01-01");
        autoptr(BackupList) list = NULL;
        RestoreResult *result = NULL;
        Error error = {};

        assert_int_equal(run_nightly(&host), EXIT_UNFINISHED);
        assert_int_equal(backup_list(host.root_fd, STATE, &list, NULL), 0);
        const RestoreRequest request = {.id = list->backups[0].id,
                .now = host.now,
                .pass_id = "00000000000000000000000000000001"};
        assert_int_equal(host_restore(&host, &request, &result, &error), -EKEYREJECTED);
        assert_non_null(strstr(error.text, "--force"));
        assert_null(result);
        host_free(&host);
}

/* A backup of a pass that kept the key has the certificate alone. */
static void test_i1_restore_mixes_no_pair(void **state)
{
        static const char conf[] = "/etc/kube-renewd/kube-renewd.conf";
        static char *names[] = {(char *)"apiserver", NULL};
        const PassRequest request = {.plan.names = names};
        Host host = host_new("v1.36.0/ecdsa-p256", TEN_DAYS_LEFT);
        autoptr(BackupList) list = NULL;
        RestoreResult *result = NULL;
        Error error = {};

        tree_write_text(host.root, conf, "[renewal]\nReuseKey=yes\n");
        assert_int_equal(run_at(&host, host.now, &request), EXIT_DONE);
        tree_write_text(host.root, conf, "");
        assert_int_equal(run_at(&host, host.now + 60, &request), EXIT_DONE);
        assert_int_equal(backup_list(host.root_fd, STATE, &list, NULL), 0);
        assert_int_equal(list->n, 2);
        assert_int_equal(strv_length(list->backups[1].paths), 1);

        RestoreRequest restore = {.id = list->backups[1].id, .now = host.now + 120, .pass_id = "r"};
        assert_int_equal(host_restore(&host, &restore, &result, &error), -EKEYREJECTED);
        assert_non_null(strstr(error.text, "apiserver.key"));
        restore.force = true;
        assert_int_equal(host_restore(&host, &restore, &result, &error), 0);
        restore_result_free(result);
        host_free(&host);
}

/* A crash leaves what the next pruning removes, and no half backup. */
static void test_t33_created_backup_is_whole_or_none(void **state)
{
        Host host = host_new("v1.28.7/ecdsa-p256", TEN_DAYS_LEFT);
        autoptr(BackupList) list = NULL;
        autoptr(Txn) txn = NULL;
        BackupRequest request = {
                .root_fd = host.root_fd, .config = host.config, .now = host.now, .pass_id = "a"};
        autofree char *first = NULL, *second = NULL;
        char *none = NULL;

        assert_int_equal(txn_open(host.root_fd, STATE, &txn, NULL), 0);
        request.txn = txn;
        assert_int_equal(backup_create(&request, &first, NULL), 0);
        assert_int_equal(backup_verify(host.root_fd, STATE, first, NULL), 0);

        /* Two in one second are two, and none takes the place of another. */
        assert_int_equal(backup_create(&request, &none, NULL), -EEXIST);
        request.pass_id = "b";
        assert_int_equal(backup_create(&request, &second, NULL), 0);
        assert_string_not_equal(first, second);
        tree_write_text(host.root, "/etc/kubernetes/pki/ca.crt", "");
        assert_int_equal(backup_verify(host.root_fd, STATE, first, NULL), 0);
        assert_int_equal(backup_list(host.root_fd, STATE, &list, NULL), 0);
        assert_int_equal(list->n, 2);
        assert_string_equal(list->backups[0].reason, "backup create");
        host_free(&host);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_t33_restore_brings_everything_back),
                cmocka_unit_test(test_restore_of_some_files),
                cmocka_unit_test(test_t33_restore_of_a_lost_file_keeps_owner_and_mode),
                cmocka_unit_test(test_restore_refuses_what_has_expired),
                cmocka_unit_test(test_i1_restore_mixes_no_pair),
                cmocka_unit_test(test_t33_created_backup_is_whole_or_none),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
