/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "renew/report/evidence.h"
#include "scene.h"

typedef enum Seen {
        SAW_NOTHING, /* an incident: a recovery by itself, a lock that is held */
        SAW_ALL,
        SAW_ALL_NIGHTLY,
        FAILED_HALFWAY,
} Seen;

/* An alarm is raised by its reason alone, and cleared only by a pass that would have had one. */
static void test_what_is_not_looked_for_is_not_gone(void **state)
{
        static const struct {
                AlarmType type;
                Evidence evidence[FAILED_HALFWAY + 1]; /* without a reason */
        } table[] = {
                {ALARM_TYPE_CLOCK_IMPLAUSIBLE,
                        {EVIDENCE_NONE, EVIDENCE_GONE, EVIDENCE_GONE, EVIDENCE_GONE}},
                {ALARM_TYPE_MISSED_RUN,
                        {EVIDENCE_NONE, EVIDENCE_NONE, EVIDENCE_GONE, EVIDENCE_GONE}},
                {ALARM_TYPE_POSTPONED,
                        {EVIDENCE_NONE, EVIDENCE_GONE, EVIDENCE_GONE, EVIDENCE_NONE}},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                for (Seen seen = SAW_NOTHING; seen <= FAILED_HALFWAY; seen++) {
                        GuardFindings guards = {.is_next = seen >= SAW_ALL_NIGHTLY};
                        const ReportInput input = {
                                .guards = &guards,
                                .after = seen != SAW_NOTHING ? &(Assessment){} : NULL,
                                .failure = seen == FAILED_HALFWAY ? "the disk is full" : NULL,
                        };
                        char **reasons[] = {&guards.clock, &guards.missed_run, &guards.lock};
                        Finding finding;

                        assert_true(evidence_is_of_host(table[i].type));
                        assert_int_equal(evidence_look_at_host(table[i].type, &input, &finding),
                                table[i].evidence[seen]);
                        assert_null(finding.reason);
                        finding_done(&finding);

                        *reasons[i] = (char *)"why";
                        assert_int_equal(evidence_look_at_host(table[i].type, &input, &finding),
                                EVIDENCE_FAULT);
                        assert_string_equal(finding.reason, "why");
                        finding_done(&finding);
                }
}

static void test_who_has_no_guards_knows_nothing(void **state)
{
        const ReportInput input = {.after = &(Assessment){}};
        Finding finding;

        assert_int_equal(evidence_look_at_host(ALARM_TYPE_CLOCK_IMPLAUSIBLE, &input, &finding),
                EVIDENCE_NONE);
        assert_null(finding.reason);
        finding_done(&finding);
        assert_false(evidence_is_of_host(ALARM_TYPE_EXPIRED));
}

/* The same type, of the host and of a certificate: neither is cleared by what is said of the other.
 */
static void test_postponed_is_of_two_kinds(void **state)
{
        Scene *scene = scene_new();
        GuardFindings guards = {.lock = (char *)"process 1 holds the lock"};
        size_t i = scene_leaf(scene, "apiserver", 2 * DAY);
        autoptr(AlarmList) all = NULL;
        autoptr(AlarmList) left = NULL;

        scene->input.guards = &guards;
        scene_skip(scene, i, OUTCOME_POSTPONED, "it waits");
        assert_int_equal(report_alarms(&scene->input, NULL), 0);
        assert_int_equal(report_read_alarms(root_fd, &scene->config, &all, NULL), 0);
        assert_int_equal(all->n, 3);
        assert_string_equal(all->alarms[0].type, "expiring");
        assert_string_equal(all->alarms[1].type, "postponed");
        assert_string_equal(all->alarms[1].resource, "apiserver");
        assert_string_equal(all->alarms[1].reason, "it waits");
        assert_string_equal(all->alarms[2].type, "postponed");
        assert_string_equal(all->alarms[2].resource, "host");

        scene_next(scene, HOUR);
        guards.lock = NULL;
        assert_int_equal(report_alarms(&scene->input, NULL), 0);
        assert_int_equal(report_read_alarms(root_fd, &scene->config, &left, NULL), 0);
        assert_int_equal(left->n, 2);
        assert_string_equal(left->alarms[1].resource, "apiserver");
        scene_free(scene);
}

/* A disk that fails for a moment: it could not be read, and then it was not there. */
static void test_what_has_failed_and_vanished_has_its_alarm(void **state)
{
        Scene *scene = scene_new();
        size_t i;

        scene_leaf(scene, "apiserver", 300 * DAY);
        i = scene_leaf(scene, "super-admin.conf", 300 * DAY);
        scene_skip(scene, i, OUTCOME_FAILED, "cannot open it")->is_failure = true;
        scene->inventory.n_items = scene->assessment.n = 1;
        assert_int_equal(report_alarms(&scene->input, NULL), 0);
        assert_true(
                fs_exists(root_fd, "/state/public/alarms/renewal-failed@super-admin.conf.json"));

        scene_next(scene, DAY);
        assert_int_equal(report_alarms(&scene->input, NULL), 0);
        assert_false(
                fs_exists(root_fd, "/state/public/alarms/renewal-failed@super-admin.conf.json"));
        scene_free(scene);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_what_is_not_looked_for_is_not_gone),
                cmocka_unit_test(test_who_has_no_guards_knows_nothing),
                SCRATCH_TEST(test_postponed_is_of_two_kinds),
                SCRATCH_TEST(test_what_has_failed_and_vanished_has_its_alarm),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
