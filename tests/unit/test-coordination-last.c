/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "coordination.h"

/* What cannot wait any longer has waited long enough then; a person has it again afterwards. */
static void test_a_person_is_overridden_in_the_end(void **state)
{
        Coordination *coordination = begin("p");

        cluster_lease("by hand", 0);
        assert_taken(coordination, turn_of(60, true, true), 900);
        assert_string_equal(cluster_holder(), "cp2/p");
        assert_taken(coordination, turn_of(60, true, true), 0);
        coordination_free(coordination);
        assert_string_equal(cluster_holder(), "by hand");
        assert_null(json_object_get(cluster_spec(), "leaseDurationSeconds"));

        /* Nobody means that. */
        cluster_lease("cp1/x", 86401);
        coordination = begin("q");
        assert_taken(coordination, turn_of(60, true, true), 900);
        coordination_free(coordination);
        assert_string_equal(cluster_holder(), "");
}

static int64_t ends_at, renewed_at;

static void go_on(const char *method)
{
        if (ticks < ends_at && ticks >= renewed_at + 60000) {
                cluster_lease("cp1/x", 300);
                renewed_at = ticks;
        }
}

/* A host that needs longer than a pass waits is about to end something; one that is dead is no
 * obstacle after its own time. */
static void test_a_host_is_not_overridden(void **state)
{
        Coordination *coordination = begin("p");

        cluster_lease("cp1/x", 86400);
        assert_not_taken(coordination, turn_of(60, true, true), 900, "'cp1/x' holds the lease");
        coordination_free(coordination);

        coordination = begin("q");
        ends_at = ticks + 1200000;
        renewed_at = 0;
        cluster_on_request = go_on;
        assert_not_taken(coordination, turn_of(60, true, true), 900, "'cp1/x' holds the lease");
        coordination_free(coordination);
        coordination = begin("r");
        assert_taken(coordination, turn_of(60, true, true), (renewed_at + 540000 - ticks) / 1000);
        coordination_free(coordination);
        cluster_on_request = NULL;
}

static int64_t taken_over_at;

static void take_it_over(const char *method)
{
        if (ticks >= taken_over_at && streq(cluster_holder(), "by hand"))
                cluster_lease("cp3/z", 3600);
}

/* Another host that could not wait either was quicker: now it is that one's turn. */
static void test_who_is_overtaken_waits_for_the_new_holder(void **state)
{
        static const int64_t at[] = {1300000, 1898000, 1900000};

        for (size_t i = 0; i < ELEMENTSOF(at); i++) {
                autoptr(Coordination) coordination = begin("p");

                taken_over_at = at[i] + ticks - 1000000;
                cluster_lease("by hand", 0);
                cluster_on_request = take_it_over;
                assert_not_taken(
                        coordination, turn_of(60, true, true), 900, "'cp3/z' holds the lease");
                assert_string_equal(cluster_holder(), "cp3/z");
                cluster_on_request = NULL;
        }
}

static unsigned n_looks;

static void take_it_over_between(const char *method)
{
        if (streq(method, "GET") && ticks >= 1900000 && ++n_looks == 2)
                cluster_lease("cp3/z", 3600);
}

/* Between the look by which it has waited long enough, and the one before it writes. */
static void test_who_is_overtaken_at_the_last_moment_waits(void **state)
{
        autoptr(Coordination) coordination = begin("p");

        n_looks = 0;
        cluster_lease("by hand", 0);
        cluster_on_request = take_it_over_between;
        assert_not_taken(coordination, turn_of(60, true, true), 900, "'cp3/z' holds the lease");
        assert_string_equal(cluster_holder(), "cp3/z");
}

static void overtake(const char *method)
{
        if (streq(method, "PUT"))
                cluster_lease("cp3/z", 3600);
}

/* In the very same moment: the older version is no longer there. */
static void test_of_two_who_override_one_does(void **state)
{
        Coordination *coordination = begin("p");

        cluster_lease("by hand", 0);
        cluster_on_request = overtake;
        assert_not_taken(coordination, turn_of(60, true, true), 900, "somebody else was quicker");
        coordination_free(coordination);
        assert_string_equal(cluster_holder(), "cp3/z");
}

/* The only API server may be ended by who cannot wait: but only in his turn, and not while the one
 * from whom he took it may be about to end another one. */
static void test_who_cannot_wait_may_end_the_last_one(void **state)
{
        static const struct {
                long status;
                const char *holder;
                bool is_urgent, expected;
        } table[] = {
                {0, "", true, true},
                {0, "", false, false},
                {0, "cp2/killed", true, true},
                {0, "by hand", true, false},
                {403, "", true, false},
                {-1, "", true, false},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                autoptr(Coordination) coordination = begin("p");
                const Turn turn = turn_of(60, table[i].is_urgent, true);

                cluster_lease(table[i].holder, 0);
                for (size_t k = 0; k < cluster.n; k++)
                        cluster.servers[k].is_ready = false;
                all_answer(table[i].status);
                assert_int_equal(coordination_take_turn(coordination, &turn, NULL), 0);
                if (may_end(coordination) != table[i].expected)
                        fail_msg("%zu", i);
        }
}

/* Whom nobody can ask may be down. */
static void test_who_cannot_ask_ends_no_api_server(void **state)
{
        autoptr(Coordination) coordination = begin("p");

        assert_true(may_end(coordination));
        tree_write_text(host.root, "/etc/kubernetes/admin.conf", "nothing");
        autoptr(Coordination) blind = begin("q");
        assert_false(may_end(blind));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                COORDINATION_TEST(test_a_person_is_overridden_in_the_end),
                COORDINATION_TEST(test_a_host_is_not_overridden),
                COORDINATION_TEST(test_who_is_overtaken_waits_for_the_new_holder),
                COORDINATION_TEST(test_who_is_overtaken_at_the_last_moment_waits),
                COORDINATION_TEST(test_of_two_who_override_one_does),
                COORDINATION_TEST(test_who_cannot_wait_may_end_the_last_one),
                COORDINATION_TEST(test_who_cannot_ask_ends_no_api_server),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
