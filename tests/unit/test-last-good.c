/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "renew/state/last-good.h"
#include "scratch.h"

static int write_pair(const char *certificate, const char *key, Error *reterr)
{
        LastGood pair = {
                secret_new(certificate, strlen(certificate)), secret_new(key, strlen(key))};
        int r = last_good_write(root_fd, "/state", "web/x", &pair, reterr);

        last_good_done(&pair);
        return r;
}

static void assert_pair(const char *certificate, const char *key)
{
        LastGood pair;
        Error error = {};

        if (last_good_read(root_fd, "/state", "web/x", &pair, &error) < 0)
                fail_msg("%s", error.text);
        assert_int_equal(pair.certificate->size, strlen(certificate));
        assert_memory_equal(pair.certificate->data, certificate, strlen(certificate));
        assert_int_equal(pair.key->size, strlen(key));
        assert_memory_equal(pair.key->data, key, strlen(key));
        last_good_done(&pair);
}

static void test_t30_the_last_pair_is_kept(void **state)
{
        autofree char *path = last_good_path("state", "web/x");
        struct stat first, again, st;
        mode_t old = umask(0);

        assert_int_equal(write_pair("C\n", "K\n", NULL), 0);
        umask(old);
        assert_pair("C\n", "K\n");
        assert_int_equal(stat("state/last-good", &st), 0);
        assert_int_equal(st.st_mode & 07777, 0700);
        assert_int_equal(stat(path, &first), 0);
        assert_int_equal(first.st_mode & 07777, 0600);

        /* What is the same is not written every night. */
        assert_int_equal(write_pair("C\n", "K\n", NULL), 0);
        assert_int_equal(stat(path, &again), 0);
        assert_int_equal(again.st_ino, first.st_ino);
        assert_int_equal(write_pair("C\n", "L\n", NULL), 0);
        assert_pair("C\n", "L\n");
}

static void test_what_is_none_is_none(void **state)
{
        static const char *const damages[] = {
                "", "[]", "{}", "{\"certificate\": \"C\"}", "{\"certificate\": \"C\", \"key\": 1}"};
        autofree char *path = last_good_path("state", "web/x");
        LastGood pair;
        Error error = {};

        assert_int_equal(last_good_read(root_fd, "/state", "web/x", &pair, NULL), -ENOENT);
        assert_int_equal(write_pair("\xff", "K\n", &error), -EILSEQ);
        assert_int_equal(access("state", F_OK), -1);
        assert_int_equal(write_pair("C\n", "K\n", NULL), 0);
        for (size_t i = 0; i < ELEMENTSOF(damages); i++) {
                put(path, damages[i]);
                assert_int_equal(
                        last_good_read(root_fd, "/state", "web/x", &pair, &error), -EBADMSG);
                assert_non_null(strstr(error.text, "last-good"));
        }
        assert_int_equal(write_pair("C\n", "K\n", NULL), 0);
        assert_pair("C\n", "K\n");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                SCRATCH_TEST(test_t30_the_last_pair_is_kept),
                SCRATCH_TEST(test_what_is_none_is_none),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
