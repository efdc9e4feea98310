/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "renew/state/hold.h"
#include "scratch.h"

#define NOW ((int64_t)1825975560) /* 2027-11-11T23:26:00Z */

static Hold hold_of(const char *component, char **paths)
{
        return (Hold){.component = (char *)component,
                .since = NOW,
                .until = NOW + 7 * 86400,
                .paths = paths,
                .reason = (char *)"it did not come back"};
}

static void test_round_trip(void **state)
{
        char *paths[] = {"/pki/apiserver.crt", "/pki/apiserver.key", NULL};
        Hold api = hold_of("kube-apiserver", paths), etcd = hold_of("a/b", NULL);
        autoptr(HoldList) list = NULL;
        struct stat st;

        assert_int_equal(hold_add(root_fd, "/state", &api, NULL), 0);
        assert_int_equal(hold_add(root_fd, "/state", &etcd, NULL), 0);
        assert_int_equal(hold_add(root_fd, "/state", &api, NULL), 0);
        assert_int_equal(stat("state/held/kube-apiserver.json", &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        assert_int_equal(hold_read(root_fd, "/state", &list, NULL), 0);
        assert_int_equal(list->n, 2);
        assert_string_equal(hold_find(list, "kube-apiserver")->reason, "it did not come back");
        assert_non_null(hold_find(list, "a/b"));
        assert_null(hold_find(list, "etcd"));

        /* Until the hour, and not a second longer. */
        assert_non_null(hold_find_path(list, "/pki/apiserver.key", NOW + 7 * 86400 - 1));
        assert_null(hold_find_path(list, "/pki/apiserver.key", NOW + 7 * 86400));
        assert_null(hold_find_path(list, "/pki/other.key", NOW));

        /* Noted by a clock that was ahead. */
        assert_non_null(hold_find_path(list, "/pki/apiserver.key", NOW));
        assert_null(hold_find_path(list, "/pki/apiserver.key", NOW - 1));
        assert_null(hold_find_path(NULL, "/pki/apiserver.key", NOW));
}

/* Proof of other files, or of those that were brought back, says nothing about new ones. */
static void test_only_proof_of_new_content_of_its_files_ends_it(void **state)
{
        char *held[] = {"/crt", "/key", NULL}, *others[] = {"/other", NULL};
        Hold api = hold_of("kube-apiserver", held);
        const struct {
                char **paths;
                const char *content;
                size_t left;
        } table[] = {
                {held, "old", 1},
                {NULL, "old", 1},
                {others, "new", 1},
                {held, "new", 0},
                {NULL, "new", 0},
                {held, NULL, 0},
        };

        assert_int_equal(hold_settle(root_fd, "/state", "kube-apiserver", held, NULL), 0);
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                autoptr(HoldList) list = NULL;

                put("crt", "old");
                put("key", "old");
                put("other", "old");
                assert_int_equal(hold_add(root_fd, "/state", &api, NULL), 0);
                assert_int_equal(unlink("key"), 0);
                if (table[i].content) {
                        put("key", table[i].content);
                        put("other", table[i].content);
                }
                assert_int_equal(
                        hold_settle(root_fd, "/state", "kube-apiserver", table[i].paths, NULL), 0);
                assert_int_equal(hold_read(root_fd, "/state", &list, NULL), 0);
                assert_int_equal(list->n, table[i].left);
        }
}

static void test_damaged_keeps_its_alarm_only(void **state)
{
        autoptr(HoldList) list = NULL;

        assert_int_equal(mkdir("state", 0700), 0);
        assert_int_equal(mkdir("state/held", 0700), 0);
        put("state/held/etcd.json", "{\"component\": \"etcd\", \"until\": 7}");
        put("state/held/.etcd.json.new", "{}");
        assert_int_equal(hold_read(root_fd, "/state", &list, NULL), 0);
        assert_int_equal(list->n, 1);
        assert_non_null(hold_find(list, "etcd"));
        assert_null(hold_find_path(list, "/pki/etcd/server.crt", 0));

        /* Nobody knows what it was about: any proof ends it. */
        assert_int_equal(hold_settle(root_fd, "/state", "etcd", NULL, NULL), 0);
        assert_int_equal(access("state/held/etcd.json", F_OK), -1);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                SCRATCH_TEST(test_round_trip),
                SCRATCH_TEST(test_only_proof_of_new_content_of_its_files_ends_it),
                SCRATCH_TEST(test_damaged_keeps_its_alarm_only),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
