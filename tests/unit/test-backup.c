/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "renew/backup/backup.h"

#include "base/fs.h"
#include "renew/backup/backup-manifest.h"
#include "tree.h"

#define STATE "/state"

#define SHA256_OF_X "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"

/* A backup of one file whose content is "x". */
static void make_backup(const char *root, const char *id)
{
        autofree char *manifest = xasprintf(STATE "/backups/%s/manifest.json", id);
        autofree char *copy = xasprintf(STATE "/backups/%s/0000-a", id);

        tree_write_text(root, manifest,
                "{\"schema_version\": 1, \"id\": \"i\", \"reason\": \"run\", \"time\": "
                "\"2027-01-01T00:00:00Z\", "
                "\"version\": \"0.1\", \"files\": [{\"path\": \"/etc/a\", \"existed\": true, "
                "\"file\": \"0000-a\", "
                "\"uid\": 0, \"gid\": 0, \"mode\": \"0640\", \"sha256\": \"" SHA256_OF_X "\"}, "
                "{\"path\": \"/etc/new\", \"existed\": false}]}");
        tree_write_text(root, copy, "x");
}

static void test_list_newest_first(void **state)
{
        char *root = tree_new();
        autofd int root_fd = fs_open_root(root, NULL);
        autoptr(BackupList) list = NULL;

        make_backup(root, "20270101T000000Z-a");
        make_backup(root, "20270301T000000Z-c");
        make_backup(root, "20270201T000000Z-b");
        assert_int_equal(backup_list(root_fd, STATE, &list, NULL), 0);
        assert_int_equal(list->n, 3);
        assert_string_equal(list->backups[0].id, "20270301T000000Z-c");
        assert_string_equal(list->backups[2].id, "20270101T000000Z-a");
        assert_string_equal(list->backups[0].reason, "run");
        assert_int_equal(strv_length(list->backups[0].paths), 2);
        tree_free(root);
}

static void test_none_yet(void **state)
{
        char *root = tree_new();
        autofd int root_fd = fs_open_root(root, NULL);
        autoptr(BackupList) list = NULL;

        assert_int_equal(backup_list(root_fd, STATE, &list, NULL), 0);
        assert_int_equal(list->n, 0);
        tree_free(root);
}

static void test_prune_keeps_the_newest_and_the_unreadable(void **state)
{
        char *root = tree_new();
        autofd int root_fd = fs_open_root(root, NULL);
        autoptr(BackupList) list = NULL;

        make_backup(root, "20270101T000000Z-a");
        make_backup(root, "20270201T000000Z-b");
        make_backup(root, "20270301T000000Z-c");
        tree_write_text(root, STATE "/backups/20260101T000000Z-x/manifest.json", "{");
        assert_int_equal(backup_prune(root_fd, STATE, 2, NULL), 0);
        assert_int_equal(backup_list(root_fd, STATE, &list, NULL), 0);
        assert_int_equal(list->n, 3);
        assert_string_equal(list->backups[1].id, "20270201T000000Z-b");
        assert_non_null(list->backups[2].problem);
        tree_free(root);
}

static void test_t36_prune_finishes_what_a_crash_began(void **state)
{
        char *root = tree_new();
        autofd int root_fd = fs_open_root(root, NULL);
        autoptr(BackupList) list = NULL;

        make_backup(root, "20270101T000000Z-a");
        tree_write_text(root, STATE "/backups/.20260101T000000Z-x.removed/0000-a", "y");
        assert_int_equal(backup_list(root_fd, STATE, &list, NULL), 0);
        assert_int_equal(list->n, 1);
        assert_int_equal(backup_prune(root_fd, STATE, 2, NULL), 0);
        assert_true(fs_exists(root_fd, STATE "/backups/20270101T000000Z-a/manifest.json"));
        assert_false(fs_exists(root_fd, STATE "/backups/.20260101T000000Z-x.removed"));
        tree_free(root);
}

static void test_verify(void **state)
{
        char *root = tree_new();
        autofd int root_fd = fs_open_root(root, NULL);
        Error error = {};

        make_backup(root, "20270101T000000Z-a");
        assert_int_equal(backup_verify(root_fd, STATE, "20270101T000000Z-a", NULL), 0);
        assert_int_equal(backup_verify(root_fd, STATE, "20270101T000000Z-b", NULL), -ENOENT);
        assert_int_equal(backup_verify(root_fd, STATE, "../../etc", NULL), -EINVAL);
        tree_write_text(root, STATE "/backups/20270101T000000Z-a/0000-a", "y");
        assert_int_equal(backup_verify(root_fd, STATE, "20270101T000000Z-a", &error), -EBADMSG);
        assert_non_null(strstr(error.text, "/etc/a"));
        tree_free(root);
}

static void test_path(void **state)
{
        autofree char *path = backup_path("/var/lib/kube-renewd", 1825975560, "abc");

        assert_string_equal(path, "/var/lib/kube-renewd/backups/20271111T232600Z-abc");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_list_newest_first),
                cmocka_unit_test(test_none_yet),
                cmocka_unit_test(test_prune_keeps_the_newest_and_the_unreadable),
                cmocka_unit_test(test_t36_prune_finishes_what_a_crash_began),
                cmocka_unit_test(test_verify),
                cmocka_unit_test(test_path),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
