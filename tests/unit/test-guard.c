/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "renew/plan/guard.h"
#include "scene.h"

/* A clock that was read, nobody keeps right, and is fine all the same. */
static ClockFacts plausible(void)
{
        return (ClockFacts){
                .now = NOW,
                .is_read = true,
                .unsynchronised = true,
                .built = NOW - YEAR,
                .boot = NOW - 100 * DAY,
                .last_run = NOW - DAY,
                .newest = NOW - 200 * DAY,
                .state_directory = "/state",
        };
}

static void assert_reason(char *reason, const char *expected)
{
        if (!expected)
                assert_null(reason);
        else if (!reason || !strstr(reason, expected))
                fail_msg("'%s' lacks '%s'", reason ? reason : "(no reason)", expected);
        free(reason);
}

static void test_failure_mode_30_a_clock_that_was_set_back(void **state)
{
        static const struct {
                int64_t built, last_run, newest;
                const char *expected;
        } table[] = {
                {.expected = NULL},
                {.last_run = 5 * MINUTE, .expected = NULL},
                {.last_run = 5 * MINUTE + 1,
                        .expected = "the last pass was at 2027-11-11T23:31:01Z "
                                    "('/state/public/status.json')"},
                {.newest = -1, .expected = NULL},
                {.newest = 1,
                        .expected = "begins 2027-11-11T23:26:01Z "
                                    "('/state/history.json')"},
                {.built = 5 * MINUTE, .expected = NULL},
                {.built = 5 * MINUTE + 1,
                        .expected = "this program was made at "
                                    "2027-11-11T23:31:01Z"},
                {.built = YEAR, .last_run = YEAR, .newest = YEAR, .expected = "newest certificate"},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                ClockFacts facts = plausible();

                facts.built = table[i].built ? NOW + table[i].built : facts.built;
                facts.last_run = table[i].last_run ? NOW + table[i].last_run : facts.last_run;
                facts.newest = table[i].newest ? NOW + table[i].newest : facts.newest;
                assert_reason(guard_clock(&facts), table[i].expected);
                if (table[i].expected)
                        assert_reason(
                                guard_clock(&facts), "the clock says 2027-11-11T23:26:00Z, and ");
        }
}

/* A host may have been off for a year; but then somebody sets its clock when it comes up. */
static void test_failure_mode_30_a_jump_forward(void **state)
{
        static const struct {
                int64_t since_last_run;
                bool is_read, unsynchronised;
                const char *expected;
        } table[] = {
                {35 * DAY, true, true, NULL},
                {35 * DAY + 1, true, true, "35d after the last pass (2027-10-07T23:25:59Z"},
                {35 * DAY + 1, true, false, NULL},
                {35 * DAY + 1, false, true, NULL},
                {10 * YEAR, true, true, "and is not synchronised"},
                {10 * YEAR, true, false, NULL},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                ClockFacts facts = plausible();

                facts.last_run = NOW - table[i].since_last_run;
                facts.is_read = table[i].is_read;
                facts.unsynchronised = table[i].unsynchronised;
                assert_reason(guard_clock(&facts), table[i].expected);
        }
}

/* --at= names any moment, but not one before what this root has seen. */
static void test_a_moment_that_was_named_is_no_clock(void **state)
{
        ClockFacts facts = plausible();

        facts.is_read = false;
        facts.built = NOW + YEAR;
        facts.last_run = NOW - YEAR;
        assert_reason(guard_clock(&facts), NULL);
        facts.last_run = NOW + DAY;
        assert_reason(guard_clock(&facts), "the last pass");
}

/* What cannot be evaluated must not block a repair for ever; the facts that are known still hold.
 */
static void test_failure_mode_14_facts_that_are_not_known(void **state)
{
        ClockFacts facts = {.now = NOW, .is_read = true, .unsynchronised = true};

        assert_reason(guard_clock(&facts), NULL);
        assert_reason(guard_missed_run(&facts), NULL);
        facts.built = NOW + DAY;
        assert_reason(guard_clock(&facts), "this program was made at");
}

static void test_failure_mode_17_missed_runs(void **state)
{
        static const struct {
                int64_t since_last_run, since_boot; /* 0: not known */
                const char *expected;
        } table[] = {
                {DAY, 100 * DAY, NULL}, {2 * DAY + 6 * HOUR, 100 * DAY, NULL},
                {2 * DAY + 6 * HOUR + 1, 100 * DAY,
                        "the last pass came to its end at 2027-11-09T17:25:59Z, 2d 6h before this "
                        "one; the host is up since 2027-08-03T23:26:00Z"},
                {2 * DAY + 6 * HOUR + 1, 0, "2d 6h before this one"},
                {0, 100 * DAY, NULL},                  /* the first pass ever */
                {YEAR, HOUR, NULL},                    /* it was off */
                {YEAR, 2 * DAY, NULL},                 /* and came up not long ago */
                {YEAR, 3 * DAY, "1y before this one"}, /* it came up, and nobody ran */
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                ClockFacts facts = plausible();

                facts.last_run = table[i].since_last_run ? NOW - table[i].since_last_run : 0;
                facts.boot = table[i].since_boot ? NOW - table[i].since_boot : 0;
                assert_reason(guard_missed_run(&facts), table[i].expected);
        }
}

/* Neither what is not due, nor what can wait, nor what cannot be read; the most urgent is named. */
static void test_failure_mode_15_postponed_while_time_runs_out(void **state)
{
        Scene *scene = scene_new();
        const Config *config = &scene->config;
        size_t leaf, other;

        scene_item(scene, ITEM_CA, "ca", DAY);
        scene_set_state(scene, scene_leaf(scene, "missing", DAY), STATE_MISSING, "no file");
        leaf = scene_leaf(scene, "apiserver", 3 * DAY);
        other = scene_leaf(scene, "etcd-server", 9 * DAY);
        assert_reason(guard_urgent(&scene->assessment, NULL, config, "x has it"), NULL);

        scene_set_residual(scene, leaf, 3 * DAY - 1);
        assert_reason(guard_urgent(&scene->assessment, NULL, config, "x has it"),
                "x has it; 'apiserver' expires 2027-11-14T23:25:59Z");
        scene_set_residual(scene, other, -1);
        assert_reason(guard_urgent(&scene->assessment, NULL, config, "x has it"),
                "x has it; 'etcd-server' expired 2027-11-11T23:25:59Z");
        scene->verdicts[other].due = scene->verdicts[leaf].due = false;
        assert_reason(guard_urgent(&scene->assessment, NULL, config, "x has it"), NULL);
        scene_free(scene);
}

/* What is named is asked for, due or not. */
static void test_t35_what_would_be_done_now(void **state)
{
        Scene *scene = scene_new();
        size_t leaf = scene_leaf(scene, "apiserver", 3 * DAY), other;

        other = scene_leaf(scene, "kubelet.conf", -1);
        scene->verdicts[leaf].due = scene->verdicts[other].due = false;
        scene->steps[0] =
                (Step){.item = &scene->items[leaf], .verdict = &scene->assessment.verdicts[leaf]};
        scene->steps[1] =
                (Step){.item = &scene->items[other], .verdict = &scene->assessment.verdicts[other]};
        scene->plan.n_steps = 1;
        assert_reason(guard_urgent(&scene->assessment, &scene->plan, &scene->config, "x"), NULL);
        scene->plan.n_steps = 2;
        assert_reason(guard_urgent(&scene->assessment, &scene->plan, &scene->config, "x"),
                "x; 'kubelet.conf' expired 2027-11-11T23:25:59Z");
        scene_free(scene);
}

/* While a pass runs, time passes: by its clock as much as by the one that nobody sets. */
static void test_failure_mode_30_a_clock_that_is_set_meanwhile(void **state)
{
        static const struct {
                int64_t later, passed;
                const char *expected;
        } table[] = {
                {0, 0, NULL},
                {3 * HOUR, 3 * HOUR, NULL},
                {5 * MINUTE, 0, NULL},
                {-5 * MINUTE, 0, NULL},
                {5 * MINUTE + 1, 0, "from 2027-11-11T23:26:00Z to 2027-11-11T23:31:01Z"},
                {-5 * MINUTE - 1, 0, "from 2027-11-11T23:26:00Z to 2027-11-11T23:20:59Z"},
                {YEAR, 1, "from 2027-11-11T23:26:01Z to 2028-11-10T23:26:00Z"},
                {0, 3 * HOUR, "from 2027-11-12T02:26:00Z to 2027-11-11T23:26:00Z"},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                assert_reason(guard_clock_set(NOW, NOW + table[i].later, table[i].passed),
                        table[i].expected);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_failure_mode_30_a_clock_that_was_set_back),
                cmocka_unit_test(test_failure_mode_30_a_jump_forward),
                cmocka_unit_test(test_a_moment_that_was_named_is_no_clock),
                cmocka_unit_test(test_failure_mode_14_facts_that_are_not_known),
                cmocka_unit_test(test_failure_mode_17_missed_runs),
                SCRATCH_TEST(test_failure_mode_15_postponed_while_time_runs_out),
                SCRATCH_TEST(test_t35_what_would_be_done_now),
                cmocka_unit_test(test_failure_mode_30_a_clock_that_is_set_meanwhile),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
