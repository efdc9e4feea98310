/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "renew/backup/backup-manifest.h"

#include "tree.h"

#define HEAD                                                                                       \
        "{\"schema_version\": 1, \"reason\": \"r\", \"time\": \"2027-01-01T00:00:00Z\", "          \
        "\"version\": \"0\", \"files\": "
#define SHA "\"2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881\""
#define FILE_AS(path, name, mode)                                                                  \
        "[{\"path\": " path ", \"existed\": true, \"file\": " name                                 \
        ", \"uid\": 3, \"gid\": 4, \"mode\": " mode ", \"sha256\": " SHA "}]}"

static void test_reading(void **state)
{
        static const struct {
                const char *text;
                int r;
        } table[] = {
                {HEAD FILE_AS("\"/etc/a\"", "\"0-a\"", "\"0640\""), 0},
                {HEAD "[]}", 0},
                {HEAD FILE_AS("\"etc/a\"", "\"0-a\"", "\"0640\""), -EBADMSG},
                {HEAD FILE_AS("\"/etc/a\"", "\"../a\"", "\"0640\""), -EBADMSG},
                {HEAD FILE_AS("\"/etc/a\"", "\".a\"", "\"0640\""), -EBADMSG},
                {HEAD FILE_AS("\"/etc/a\"", "\"a\"", "\"rw\""), -EBADMSG},
                {HEAD FILE_AS("\"/etc/a\"", "7", "\"0640\""), -EBADMSG},
                {HEAD "{}}", -EBADMSG},
                {"[]", -EBADMSG},
                {"", -EBADMSG},
                {"{\"schema_version\": 2}", -EBADMSG},
        };
        char *root = tree_new();
        autofd int root_fd = fs_open_root(root, NULL);

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                autoptr(BackupManifest) manifest = NULL;

                tree_write_text(root, "/b/manifest.json", table[i].text);
                if (backup_manifest_read(root_fd, "/b", &manifest, NULL) != table[i].r)
                        fail_msg("row %zu", i);
                if (table[i].r == 0 && manifest->n_files > 0) {
                        assert_int_equal(manifest->files[0].mode, 0640);
                        assert_int_equal(manifest->files[0].uid, 3);
                        assert_int_equal(manifest->files[0].gid, 4);
                }
        }
        tree_free(root);
}

static void test_ids(void **state)
{
        assert_int_equal(backup_id_check("20271111T232600Z-abc", NULL), 0);
        assert_int_equal(backup_id_check("", NULL), -EINVAL);
        assert_int_equal(backup_id_check("..", NULL), -EINVAL);
        assert_int_equal(backup_id_check("a/b", NULL), -EINVAL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_reading),
                cmocka_unit_test(test_ids),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
