/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "renew/restart/cluster.h"
#include "scratch.h"

#define STATE "/state"

static void make_directories(const char *boot)
{
        assert_int_equal(fs_make_directories(root_fd, STATE, 0700, NULL), 0);
        assert_int_equal(fs_make_directories(root_fd, "/proc/sys/kernel/random", 0700, NULL), 0);
        put("proc/sys/kernel/random/boot_id", boot);
}

static void test_what_was_remembered_is_recalled(void **state)
{
        const Cluster known = {.servers = (ClusterServer[]){{(char *)"192.0.2.3", 6443, 0, false},
                                       {(char *)"2001:db8::1", 443, 1800000000, true}},
                .n = 2,
                .members = (char *[]){(char *)"cp1", (char *)"cp\n2", NULL},
                .self = (char *)"cp\n2",
                .seen = {(char *)"cp1/x", (char *)"77", 60, 123456}};
        autoptr(Cluster) recalled = NULL;
        struct stat first, second;

        make_directories("this-boot\n");
        assert_int_equal(cluster_remember(&known, root_fd, STATE, NULL), 0);
        assert_int_equal(stat("state/cluster.json", &first), 0);
        assert_int_equal(first.st_mode & 07777, 0600);
        recalled = cluster_recall(root_fd, STATE);
        assert_int_equal(recalled->n, 2);
        assert_string_equal(recalled->servers[1].host, "2001:db8::1");
        assert_int_equal(recalled->servers[1].port, 443);
        assert_int_equal(recalled->servers[0].seen, 0);
        assert_int_equal(recalled->servers[1].seen, 1800000000);
        assert_false(recalled->servers[0].is_named);
        assert_true(recalled->servers[1].is_named);
        assert_string_equal(recalled->members[1], "cp\\x0a2");
        assert_string_equal(recalled->self, "cp\\x0a2");
        assert_string_equal(recalled->seen.holder, "cp1/x");
        assert_string_equal(recalled->seen.version, "77");
        assert_int_equal(recalled->seen.duration, 60);
        assert_int_equal(recalled->seen.since, 123456);

        /* What is there already is not written again. */
        assert_int_equal(cluster_remember(recalled, root_fd, STATE, NULL), 0);
        assert_int_equal(cluster_remember(&known, root_fd, STATE, NULL), 0);
        assert_int_equal(stat("state/cluster.json", &second), 0);
        assert_int_equal(first.st_ino, second.st_ino);
}

/* A count of milliseconds since another boot says nothing, and neither does one of nobody knows
 * which. */
static void test_the_lease_is_of_one_boot(void **state)
{
        static const char *const boots[] = {"another-boot\n", ""};
        const Cluster known = {.seen = {(char *)"cp1/x", (char *)"77", 60, 123456}};

        for (size_t i = 0; i < ELEMENTSOF(boots); i++) {
                autoptr(Cluster) recalled = NULL;

                make_directories("this-boot\n");
                assert_int_equal(cluster_remember(&known, root_fd, STATE, NULL), 0);
                make_directories(boots[i]);
                recalled = cluster_recall(root_fd, STATE);
                assert_null(recalled->seen.version);
                assert_int_equal(cluster_remember(&known, root_fd, STATE, NULL), 0);
        }
}

/* What is in there is ours, and may be broken all the same. */
static void test_memory_that_is_none(void **state)
{
        static const char *const texts[] = {"", "[]", "{\"servers\":{}}",
                "{\"servers\":[{\"host\":\"\",\"port\":6443},{\"host\":\"x\",\"port\":0},"
                "{\"host\":\"x\",\"port\":65536},{\"host\":5,\"port\":1},7],\"members\":[5],"
                "\"self\":5}",
                "{\"lease\":{\"boot_id\":\"this-boot\"}}",
                "{\"lease\":{\"boot_id\":\"this-boot\",\"version\":\"1\",\"holder\":\"x\","
                "\"since\":-1}}",
                "{\"lease\":{\"boot_id\":\"this-boot\",\"version\":\"1\",\"holder\":\"x\","
                "\"since\":1,\"duration\":9223372036854775807}}"};

        make_directories("this-boot\n");
        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                autoptr(Cluster) known = NULL;

                put("state/cluster.json", texts[i]);
                known = cluster_recall(root_fd, STATE);
                assert_int_equal(known->n, 0);
                assert_null(known->members);
                assert_null(known->seen.version);
                assert_null(known->self);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                SCRATCH_TEST(test_what_was_remembered_is_recalled),
                SCRATCH_TEST(test_the_lease_is_of_one_boot),
                SCRATCH_TEST(test_memory_that_is_none),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
