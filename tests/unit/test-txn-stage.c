/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "acl.h"
#include "txn-fixture.h"

static void test_staged_files_have_their_final_mode(void **state)
{
        mode_t mask = umask(0);
        autoptr(Txn) txn = prepare_all();

        umask(mask);
        assert_int_equal(txn_size(txn), N_FILES);
        for (size_t i = 0; i < N_FILES; i++) {
                autofree char *temporary = temporary_of(i);
                struct stat st;

                assert_int_equal(stat(temporary, &st), 0);
                assert_int_equal(st.st_mode & 07777, files[i].is_new ? 0640 : 0644);
        }
}

static void test_new_file_gets_its_mode(void **state)
{
        autoptr(Txn) txn = prepare_all();
        struct stat st;

        commit(txn);
        assert_int_equal(stat("conf/fresh.conf", &st), 0);
        assert_int_equal(st.st_mode, S_IFREG | 0640);
}

static bool set_xattr(const char *path, const char *name, const void *value, size_t size)
{
        if (setxattr(path, name, value, size, 0) == 0)
                return true;
        assert_int_equal(errno, EOPNOTSUPP);
        print_message("# no %s on this file system, not tested\n", name);
        return false;
}

static void test_t33_owner_mode_and_attributes_are_kept(void **state)
{
        const Acl acl = acl_for_somebody(ACL_READ | ACL_WRITE);
        bool has_acl = set_xattr("pki/a.key", ACL_NAME, &acl, sizeof(acl));
        bool has_user = set_xattr("pki/a.key", "user.note", "hello", 5);
        uid_t owner = geteuid() == 0 ? 12345 : geteuid();
        autoptr(Txn) txn = NULL;
        char value[sizeof(acl) + 1];
        struct stat st;

        assert_int_equal(chown("pki/a.crt", owner, getegid()), 0);
        assert_int_equal(chmod("pki/a.crt", 0604), 0);
        txn = prepare_all();
        commit(txn);

        assert_words(NEW_WORDS);
        assert_int_equal(stat("pki/a.crt", &st), 0);
        assert_int_equal(st.st_mode, S_IFREG | 0604);
        assert_int_equal(st.st_uid, owner);
        if (has_acl) {
                assert_int_equal(stat("pki/a.key", &st), 0);
                assert_int_equal(st.st_mode, S_IFREG | 0660);
                assert_int_equal(
                        getxattr("pki/a.key", ACL_NAME, value, sizeof(value)), sizeof(acl));
                assert_memory_equal(value, &acl, sizeof(acl));
        }
        if (has_user)
                assert_int_equal(getxattr("pki/a.key", "user.note", value, sizeof(value)), 5);
}

/* Otherwise a key would become readable for whom the directory names. */
static void test_default_acl_of_the_directory_is_not_inherited(void **state)
{
        autoptr(Txn) txn = NULL;
        const Acl acl = acl_for_somebody(ACL_READ | ACL_WRITE);
        char value[sizeof(acl)];
        struct stat st;

        assert_int_equal(chmod("pki/a.key", 0640), 0);
        if (!set_xattr("pki", "system.posix_acl_default", &acl, sizeof(acl)))
                return;
        txn = prepare_all();
        commit(txn);
        assert_int_equal(stat("pki/a.key", &st), 0);
        assert_int_equal(st.st_mode, S_IFREG | 0640);
        assert_int_equal(getxattr("pki/a.key", ACL_NAME, value, sizeof(value)), -1);
        assert_int_equal(errno, ENODATA);
}

/* Who may write the directory need not know what is in the key: it is enough that it has his file's
 * name while the new one is made, of which he would be the owner then. */
static void test_access_is_that_of_the_file_that_was_seen(void **state)
{
        autoptr(Txn) txn = open_txn();
        Error error = {};
        struct stat st;

        begin_all(txn);
        assert_int_equal(rename("pki/a.key", "pki/seen"), 0);
        put("pki/a.key", "old a.key");
        assert_int_equal(chmod("pki/a.key", 0666), 0);
        assert_int_equal(txn_prepare(txn, &error), -ESTALE);
        assert_string_equal(
                error.text, "cannot stage '/pki/a.key': somebody else has put another file there");
        assert_clean();

        assert_int_equal(rename("pki/seen", "pki/a.key"), 0);
        begin_all(txn);
        assert_int_equal(txn_prepare(txn, NULL), 0);
        commit(txn);
        assert_words(NEW_WORDS);
        assert_int_equal(stat("pki/a.key", &st), 0);
        assert_int_equal(st.st_mode, S_IFREG | 0644);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_TEST(test_staged_files_have_their_final_mode),
                FIXTURE_TEST(test_new_file_gets_its_mode),
                FIXTURE_TEST(test_t33_owner_mode_and_attributes_are_kept),
                FIXTURE_TEST(test_default_acl_of_the_directory_is_not_inherited),
                FIXTURE_TEST(test_access_is_that_of_the_file_that_was_seen),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
