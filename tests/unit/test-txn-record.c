/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "base/txn-record.h"

#include <limits.h>

#define HEX_OLD "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define HEX_NEW "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

#define RECORD(id, backup, files)                                                                  \
        "{\"schema_version\": 1, \"id\": \"" id "\", \"backup\": \"" backup                        \
        "\", \"files\": [" files "]}"
#define FILE_ENTRY(path, directory, name, pair, old, new)                                          \
        "{\"path\": \"" path "\", \"directory\": \"" directory "\", \"name\": \"" name             \
        "\", \"pair\": " pair ", \"old\": " old ", \"new\": \"" new "\"}"
#define GOOD_FILE FILE_ENTRY("/a/b", "/a", "b", "0", "\"" HEX_OLD "\"", HEX_NEW)

static int parse(const char *text, size_t size, TxnRecord **ret, Error *reterr)
{
        /* Not NUL-terminated, so that reading on would be found. */
        autofree char *data = xmemdup(text, size);

        return txn_record_parse(data, size, ret, reterr);
}

static void test_parse(void **state)
{
        static const char text[] = RECORD("t-1", "/backups/t-1",
                GOOD_FILE ", " FILE_ENTRY("/c", "/", "c", "7", "null", HEX_NEW));
        autoptr(TxnRecord) record = NULL;
        Digest old, new;

        assert_int_equal(digest_parse(HEX_OLD, &old), 0);
        assert_int_equal(digest_parse(HEX_NEW, &new), 0);
        assert_int_equal(parse(text, strlen(text), &record, NULL), 0);
        assert_string_equal(record->id, "t-1");
        assert_string_equal(record->backup, "/backups/t-1");
        assert_int_equal(record->n_files, 2);
        assert_string_equal(record->files[0].path, "/a/b");
        assert_string_equal(record->files[0].directory, "/a");
        assert_string_equal(record->files[0].name, "b");
        assert_string_equal(record->files[0].temporary, ".kube-renewd-t-1-0");
        assert_string_equal(record->files[0].copy, "0-b");
        assert_true(record->files[0].existed);
        assert_true(digest_equal(&record->files[0].old_digest, &old));
        assert_true(digest_equal(&record->files[0].new_digest, &new));
        assert_false(record->files[1].existed);
        assert_int_equal(record->files[1].pair, 7);
        assert_string_equal(record->files[1].temporary, ".kube-renewd-t-1-1");
}

static TxnRecord *new_record(size_t n_files)
{
        TxnRecord *record = xcalloc(1, sizeof(*record));

        record->id = xstrdup("t-1");
        record->backup = xstrdup("/backups/t-1");
        record->files = xcalloc(n_files, sizeof(TxnFile));
        record->n_files = n_files;
        for (size_t i = 0; i < n_files; i++) {
                TxnFile *file = &record->files[i];

                file->directory = xstrdup("/etc/kubernetes/pki");
                file->name = xasprintf("file-%05zu", i);
                file->path = xasprintf("%s/%s", file->directory, file->name);
                file->pair = (unsigned)(n_files - i) / 2;
                file->existed = i % 2;
        }
        return record;
}

static void test_text_can_be_parsed_and_is_stable(void **state)
{
        autoptr(TxnRecord) record = new_record(5);
        autoptr(TxnRecord) parsed = NULL;
        autofree char *text = NULL, *again = NULL;

        assert_int_equal(txn_record_text(record, &text, NULL), 0);
        assert_int_equal(parse(text, strlen(text), &parsed, NULL), 0);
        assert_int_equal(txn_record_text(parsed, &again, NULL), 0);
        assert_string_equal(text, again);
        for (size_t i = 0; i < 5; i++) {
                assert_string_equal(parsed->files[i].name, record->files[i].name);
                assert_string_equal(parsed->files[i].temporary, record->files[i].temporary);
                assert_int_equal(parsed->files[i].existed, record->files[i].existed);
                assert_true(i == 0 || parsed->files[i].pair >= parsed->files[i - 1].pair);
        }
}

static void test_text_is_bounded(void **state)
{
        autoptr(TxnRecord) record = new_record(TXN_FILES_MAX);
        char *text = NULL;
        Error error = {};

        assert_int_equal(txn_record_text(record, &text, &error), -E2BIG);
        assert_string_equal(error.text, "32768 files are too many for one transaction");
        assert_null(text);
}

static void test_copy_name_fits_into_a_directory(void **state)
{
        autoptr(TxnRecord) record = new_record(1);
        autofree char *text = NULL;

        free(record->files[0].name);
        record->files[0].name = xmalloc(NAME_MAX + 1);
        memset(record->files[0].name, 'x', NAME_MAX);
        record->files[0].name[NAME_MAX] = 0;
        assert_int_equal(txn_record_text(record, &text, NULL), 0);
        assert_true(strlen(record->files[0].copy) < 220);
}

static void test_hostile_records_are_refused(void **state)
{
        static const char *const table[] = {
                "",
                "null",
                "[]",
                "{}",
                "{\"schema_version\": 1}",
                "{\"schema_version\": 2, \"id\": \"t\", \"backup\": \"/b\", \"files\": []}",
                "{\"schema_version\": 1, \"id\": 5, \"backup\": \"/b\", \"files\": []}",
                "{\"schema_version\": 1, \"id\": \"t\", \"backup\": \"/b\", \"files\": {}}",
                "{\"schema_version\": 1, \"id\": \"t\", \"backup\": \"/b\", \"files\": [], \"x\": "
                "1}",
                "{\"schema_version\": 1, \"id\": \"t\", \"id\": \"t\", \"backup\": \"/b\", "
                "\"files\": []}",
                RECORD("t", "/b", GOOD_FILE) "x",
                RECORD("t", "/b", GOOD_FILE ", " GOOD_FILE),
                RECORD("", "/b", GOOD_FILE),
                RECORD("../t", "/b", GOOD_FILE),
                RECORD("t/../../etc/x", "/b", GOOD_FILE),
                RECORD("t\\u0000", "/b", GOOD_FILE),
                RECORD("t", "b", GOOD_FILE),
                RECORD("t", "/b/../c", GOOD_FILE),
                RECORD("t", "/b", "5"),
                RECORD("t", "/b", "{}"),
                RECORD("t", "/b", FILE_ENTRY("a", "/a", "b", "0", "null", HEX_NEW)),
                RECORD("t", "/b", FILE_ENTRY("/a/..", "/a", "b", "0", "null", HEX_NEW)),
                RECORD("t", "/b", FILE_ENTRY("/a/b", "a", "b", "0", "null", HEX_NEW)),
                RECORD("t", "/b", FILE_ENTRY("/a/b", "/a/../c", "b", "0", "null", HEX_NEW)),
                RECORD("t", "/b", FILE_ENTRY("/a/b", "/a/./c", "b", "0", "null", HEX_NEW)),
                RECORD("t", "/b", FILE_ENTRY("/a/b", "/a", "", "0", "null", HEX_NEW)),
                RECORD("t", "/b", FILE_ENTRY("/a/b", "/a", "..", "0", "null", HEX_NEW)),
                RECORD("t", "/b", FILE_ENTRY("/a/b", "/a", "../b", "0", "null", HEX_NEW)),
                RECORD("t", "/b", FILE_ENTRY("/a/b", "/a", "c/b", "0", "null", HEX_NEW)),
                RECORD("t", "/b",
                        FILE_ENTRY("/a/b", "/a", ".kube-renewd-t-0", "0", "null", HEX_NEW)),
                RECORD("t", "/b", FILE_ENTRY("/a/b", "/a", "b", "-1", "null", HEX_NEW)),
                RECORD("t", "/b", FILE_ENTRY("/a/b", "/a", "b", "4294967296", "null", HEX_NEW)),
                RECORD("t", "/b", FILE_ENTRY("/a/b", "/a", "b", "0.5", "null", HEX_NEW)),
                RECORD("t", "/b", FILE_ENTRY("/a/b", "/a", "b", "0", "5", HEX_NEW)),
                RECORD("t", "/b", FILE_ENTRY("/a/b", "/a", "b", "0", "\"ba78\"", HEX_NEW)),
                RECORD("t", "/b", FILE_ENTRY("/a/b", "/a", "b", "0", "null", "ba78")),
                RECORD("t", "/b",
                        FILE_ENTRY("/a/b", "/a", "b", "1", "null", HEX_NEW) ", " FILE_ENTRY(
                                "/a/c", "/a", "c", "0", "null", HEX_NEW)),
                RECORD("t", "/b",
                        FILE_ENTRY("/a/b", "/a", "b", "0", "null", HEX_NEW) ", " FILE_ENTRY(
                                "/link", "/a", "b", "0", "null", HEX_NEW)),
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                TxnRecord *record = NULL;
                Error error = {};

                if (parse(table[i], strlen(table[i]), &record, &error) != -EBADMSG)
                        fail_msg("accepted: %s", table[i]);
                assert_null(record);
                assert_true(*error.text);
        }
}

static void test_long_record_is_refused(void **state)
{
        static const char good[] = RECORD("t", "/b", GOOD_FILE);
        autofree char *text = xmalloc(TXN_RECORD_SIZE_MAX + 1);
        autoptr(TxnRecord) record = NULL;
        TxnRecord *none = NULL;

        /* White space after the object is fine, so that only the length is wrong. */
        memset(text, ' ', TXN_RECORD_SIZE_MAX + 1);
        memcpy(text, good, strlen(good));
        assert_int_equal(parse(text, TXN_RECORD_SIZE_MAX, &record, NULL), 0);
        assert_int_equal(parse(text, TXN_RECORD_SIZE_MAX + 1, &none, NULL), -EBADMSG);
        assert_null(none);
}

/* What is small in the file must not be large in memory. */
static void test_many_files_are_refused_unread(void **state)
{
        autofree char *zeros = xmalloc(2 * TXN_FILES_MAX + 1), *text = NULL;
        TxnRecord *record = NULL;
        Error error = {};

        for (size_t i = 0; i < TXN_FILES_MAX; i++)
                memcpy(zeros + 2 * i, "0,", 3);
        text = xasprintf(RECORD("t", "/b", "%s0"), zeros);
        assert_int_equal(parse(text, strlen(text), &record, &error), -EBADMSG);
        assert_string_equal(error.text, "'files' is no list of at most 32768 files");
}

static void test_name_as_long_as_a_directory_takes(void **state)
{
        for (int length = NAME_MAX; length <= NAME_MAX + 1; length++) {
                autofree char *text = xasprintf(
                        RECORD("t", "/b", FILE_ENTRY("/a/b", "/a", "%0*d", "0", "null", HEX_NEW)),
                        length, 0);
                autoptr(TxnRecord) record = NULL;

                assert_int_equal(parse(text, strlen(text), &record, NULL),
                        length == NAME_MAX ? 0 : -EBADMSG);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_parse),
                cmocka_unit_test(test_text_can_be_parsed_and_is_stable),
                cmocka_unit_test(test_text_is_bounded),
                cmocka_unit_test(test_copy_name_fits_into_a_directory),
                cmocka_unit_test(test_hostile_records_are_refused),
                cmocka_unit_test(test_long_record_is_refused),
                cmocka_unit_test(test_many_files_are_refused_unread),
                cmocka_unit_test(test_name_as_long_as_a_directory_takes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
