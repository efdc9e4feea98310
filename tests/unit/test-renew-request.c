/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "base/time-util.h"
#include "renew/state/renew-request.h"
#include "scratch.h"

#define STATE "/state"
#define NOW   ((int64_t)1825975560) /* 2027-11-11T23:26:00Z */
#define HERE  "2ef7bde608ce5404e97d5f042f95f89f1c232871d3d7e1b7b6a3c1c8f1c1a1f0"
#define GONE  "0000000000000000000000000000000000000000000000000000000000000000"

static RenewRequest look_at(const char *name, const char *in_place)
{
        RenewRequest request = {};
        Error error = {};
        Digest digest;

        if (in_place)
                assert_int_equal(digest_parse(in_place, &digest), 0);
        if (renew_request_look(root_fd, STATE, name, in_place ? &digest : NULL, &request, &error) <
                0)
                fail_msg("%s", error.text);
        return request;
}

static int make_directory(void **state)
{
        int r = scratch_set_up(state);

        return r < 0 ? r : fs_make_directories(root_fd, STATE "/renew-requested", 0700, NULL);
}

static void test_what_is_a_receipt(void **state)
{
        static const struct {
                const char *content;
                RenewRequestState state;
        } table[] = {
                {"", RENEW_REQUEST_OPEN},
                {"please", RENEW_REQUEST_OPEN},
                {"2027-11-11T23:26:00Z", RENEW_REQUEST_NONE},
                {"2027-11-11T23:26:00Z\n", RENEW_REQUEST_NONE},
                {"2027-11-12T00:26:00+01:00\n", RENEW_REQUEST_NONE},
                {"2027-11-11T23:26:00Z refused: no certificate is called so\n", RENEW_REQUEST_NONE},
                {"2027-11-11T23:26:00Z,", RENEW_REQUEST_OPEN},
                {" 2027-11-11T23:26:00Z", RENEW_REQUEST_OPEN},
                {"2027-11-11", RENEW_REQUEST_OPEN},
                {"2027-11-11 23:26:00", RENEW_REQUEST_OPEN},
                {"2027-13-11T23:26:00Z", RENEW_REQUEST_OPEN},
                {"@1825975560", RENEW_REQUEST_OPEN},
                {"sha256:" HERE " 2027-11-11T23:26:00Z\n", RENEW_REQUEST_ANSWERED},
                {"sha256:" GONE " 2027-11-11T23:26:00Z\n", RENEW_REQUEST_OPEN},
                {"sha256:" HERE "\n", RENEW_REQUEST_OPEN},
                {"sha256:" HERE " soon\n", RENEW_REQUEST_OPEN},
                {"sha256:", RENEW_REQUEST_OPEN},
        };

        assert_int_equal(look_at("apiserver", HERE).state, RENEW_REQUEST_NONE);
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                put("state/renew-requested/apiserver", table[i].content);
                if (look_at("apiserver", HERE).state != table[i].state)
                        fail_msg("'%s'", table[i].content);
        }
        /* What is there longer than any receipt is none, whatever it begins with. */
        put("state/renew-requested/apiserver", "2027-11-11T23:26:00Z\n");
        assert_int_equal(truncate("state/renew-requested/apiserver", 4097), 0);
        assert_int_equal(look_at("apiserver", HERE).state, RENEW_REQUEST_OPEN);
}

static void test_t36_from_request_to_receipt(void **state)
{
        struct stat st;
        Digest made;

        assert_int_equal(digest_parse(HERE, &made), 0);
        put("state/renew-requested/apiserver", "");
        assert_int_equal(renew_request_note(root_fd, STATE, "apiserver", &made, NOW, NULL), 0);

        /* Killed before the commit, and after it. */
        assert_int_equal(look_at("apiserver", NULL).state, RENEW_REQUEST_OPEN);
        assert_int_equal(look_at("apiserver", GONE).state, RENEW_REQUEST_OPEN);
        assert_int_equal(look_at("apiserver", HERE).state, RENEW_REQUEST_ANSWERED);
        assert_int_equal(look_at("apiserver", HERE).renewed_at, NOW);

        assert_int_equal(renew_request_answer(root_fd, STATE, "apiserver", NOW, NULL, NULL), 0);
        assert_content(STATE "/renew-requested/apiserver", "2027-11-11T23:26:00Z\n");
        assert_int_equal(look_at("apiserver", HERE).state, RENEW_REQUEST_NONE);
        assert_int_equal(stat("state/renew-requested/apiserver", &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);

        assert_int_equal(renew_request_answer(root_fd, STATE, "ca", NOW, "it is a CA", NULL), 0);
        assert_content(STATE "/renew-requested/ca", "2027-11-11T23:26:00Z refused: it is a CA\n");
        assert_int_equal(look_at("ca", NULL).state, RENEW_REQUEST_NONE);
}

/* Neither waited for nor followed. */
static void test_what_is_no_file_asks_for_nothing(void **state)
{
        static const char *const names[] = {"fifo", "directory", "link", "dangling", "loop"};

        put("state/renew-requested/real", "");
        assert_int_equal(mkfifo("state/renew-requested/fifo", 0600), 0);
        assert_int_equal(mkdir("state/renew-requested/directory", 0700), 0);
        assert_int_equal(symlink("real", "state/renew-requested/link"), 0);
        assert_int_equal(symlink("nothing", "state/renew-requested/dangling"), 0);
        assert_int_equal(symlink("loop", "state/renew-requested/loop"), 0);
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                RenewRequest request = {};
                Error error = {};

                assert_int_equal(
                        renew_request_look(root_fd, STATE, names[i], NULL, &request, &error),
                        -EINVAL);
                assert_non_null(strstr(error.text, "is no regular file"));
        }
}

static void test_where_others_write_nobody_is_heard(void **state)
{
        static const char *const places[] = {
                "state", "state/renew-requested", "state/renew-requested/apiserver"};
        RenewRequest request = {};
        struct stat st;

        put("state/renew-requested/apiserver", "");
        for (size_t i = 0; i < ELEMENTSOF(places); i++) {
                assert_int_equal(stat(places[i], &st), 0);
                assert_int_equal(chmod(places[i], st.st_mode | S_IWOTH), 0);
                assert_int_equal(
                        renew_request_look(root_fd, STATE, "apiserver", NULL, &request, NULL),
                        -EPERM);
                assert_int_equal(chmod(places[i], st.st_mode), 0);
        }
        assert_int_equal(look_at("apiserver", NULL).state, RENEW_REQUEST_OPEN);
}

static void test_names_are_those_of_files(void **state)
{
        autofree char *plain = renew_request_file_name("vcluster:etcd-server");
        autofree char *user = renew_request_file_name("admin.conf/jane");

        assert_string_equal(plain, "vcluster:etcd-server");
        assert_string_equal(user, "admin.conf%2Fjane");
}

#define REQUEST_TEST(f) cmocka_unit_test_setup_teardown(f, make_directory, scratch_tear_down)

int main(void)
{
        const struct CMUnitTest tests[] = {
                REQUEST_TEST(test_what_is_a_receipt),
                REQUEST_TEST(test_t36_from_request_to_receipt),
                REQUEST_TEST(test_what_is_no_file_asks_for_nothing),
                REQUEST_TEST(test_where_others_write_nobody_is_heard),
                cmocka_unit_test(test_names_are_those_of_files),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
