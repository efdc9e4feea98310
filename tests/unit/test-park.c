/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "renew/state/park.h"
#include "scratch.h"

#define MANIFEST "/manifests/etcd.yaml"
#define PARKED   "manifests/.etcd.yaml.kube-renewd"

static void make_host(void)
{
        assert_int_equal(mkdir("manifests", 0755), 0);
        put("manifests/etcd.yaml", "kind: Pod\n");
}

static bool there(const char *path)
{
        return access(path, F_OK) == 0;
}

static size_t n_records(void)
{
        autostrv names = NULL;

        return fs_list(root_fd, "/state/parked", &names, NULL) < 0 ? 0 : strv_length(names);
}

static void test_out_and_back(void **state)
{
        Error error = {};

        make_host();
        assert_int_equal(park_out(root_fd, "/state", MANIFEST, &error), 0);
        assert_false(there("manifests/etcd.yaml"));
        assert_content("/" PARKED, "kind: Pod\n");
        assert_int_equal(n_records(), 1);
        assert_int_equal(park_back(root_fd, "/state", MANIFEST, &error), 0);
        assert_content(MANIFEST, "kind: Pod\n");
        assert_false(there(PARKED));
        assert_int_equal(n_records(), 0);
}

/* Whatever the moment of the crash was: record without move, moved, moved back with the record. */
static void test_recovery_at_any_point(void **state)
{
        autostrv none = NULL;

        make_host();
        for (int moment = 0; moment < 3; moment++) {
                autostrv notes = NULL;
                autostrv again = NULL;

                assert_int_equal(park_out(root_fd, "/state", MANIFEST, NULL), 0);
                if (moment == 0 || moment == 2)
                        assert_int_equal(rename(PARKED, "manifests/etcd.yaml"), 0);
                assert_int_equal(park_recover(root_fd, "/state", &notes, NULL), 0);
                assert_int_equal(strv_length(notes), 1);
                assert_content(MANIFEST, "kind: Pod\n");
                assert_false(there(PARKED));
                assert_int_equal(n_records(), 0);
                assert_int_equal(park_recover(root_fd, "/state", &again, NULL), 0);
                assert_null(again);
        }
        assert_int_equal(park_recover(root_fd, "/none", &none, NULL), 0);
        assert_null(none);
}

static void test_somebody_else_wrote_it(void **state)
{
        Error error = {};

        make_host();
        assert_int_equal(park_out(root_fd, "/state", MANIFEST, NULL), 0);
        put("manifests/etcd.yaml", "kind: Pod # upgraded\n");
        assert_int_equal(park_back(root_fd, "/state", MANIFEST, &error), -EEXIST);
        assert_non_null(strstr(error.text, ".etcd.yaml.kube-renewd"));
        assert_content(MANIFEST, "kind: Pod # upgraded\n");
        assert_content("/" PARKED, "kind: Pod\n");
        assert_int_equal(n_records(), 0);
}

static void test_the_same_was_written(void **state)
{
        make_host();
        assert_int_equal(park_out(root_fd, "/state", MANIFEST, NULL), 0);
        put("manifests/etcd.yaml", "kind: Pod\n");
        assert_int_equal(park_back(root_fd, "/state", MANIFEST, NULL), 0);
        assert_false(there(PARKED));
}

static void test_nothing_is_replaced_on_the_way_out(void **state)
{
        make_host();
        put(PARKED, "an older one\n");
        assert_int_equal(park_out(root_fd, "/state", MANIFEST, NULL), -EEXIST);
        assert_content(MANIFEST, "kind: Pod\n");
        assert_content("/" PARKED, "an older one\n");
        assert_int_equal(n_records(), 0);
        assert_int_equal(park_out(root_fd, "/state", "/manifests/none.yaml", NULL), -ENOENT);
        assert_int_equal(n_records(), 0);
        assert_int_equal(park_out(root_fd, "/state", "/nowhere/etcd.yaml", NULL), -ENOENT);
}

static void test_both_are_gone(void **state)
{
        autostrv notes = NULL;

        make_host();
        assert_int_equal(park_out(root_fd, "/state", MANIFEST, NULL), 0);
        assert_int_equal(unlink(PARKED), 0);
        assert_int_equal(park_recover(root_fd, "/state", &notes, NULL), 0);
        assert_int_equal(strv_length(notes), 1);
        assert_non_null(strstr(notes[0], "is gone"));
        assert_int_equal(n_records(), 0);
}

static void test_a_record_that_is_none(void **state)
{
        autostrv notes = NULL;

        make_host();
        assert_int_equal(park_out(root_fd, "/state", MANIFEST, NULL), 0);
        put("state/parked/!.json", "{}"); /* before and behind that of the manifest */
        put("state/parked/x.json", "{}");
        assert_int_equal(park_recover(root_fd, "/state", &notes, NULL), -EBADMSG);
        assert_true(there("state/parked/x.json"));

        /* The manifest is back all the same. */
        assert_content(MANIFEST, "kind: Pod\n");
        assert_int_equal(strv_length(notes), 1);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                SCRATCH_TEST(test_out_and_back),
                SCRATCH_TEST(test_recovery_at_any_point),
                SCRATCH_TEST(test_somebody_else_wrote_it),
                SCRATCH_TEST(test_the_same_was_written),
                SCRATCH_TEST(test_nothing_is_replaced_on_the_way_out),
                SCRATCH_TEST(test_both_are_gone),
                SCRATCH_TEST(test_a_record_that_is_none),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
