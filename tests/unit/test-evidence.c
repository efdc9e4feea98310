/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "renew/evidence.h"
#include "scene.h"

static Evidence look_at(const Scene *scene, size_t i, AlarmType type, Finding *finding)
{
        const Look look = {&scene->input, &scene->items[i], &scene->verdicts[i]};

        return evidence_look(type, &look, finding);
}

/* The pass that left it alone says so by "invalid", once. */
static void test_t07_an_unreadable_key_is_no_failed_renewal(void **state)
{
        Scene *scene = scene_new();
        size_t i = scene_leaf(scene, "apiserver", 300 * DAY);
        Finding finding;

        scene_skip(scene, i, OUTCOME_FAILED, "why");
        scene_set_state(scene, i, STATE_INVALID, "why");
        scene->items[i].cert = &scene->certs[i];
        assert_int_equal(look_at(scene, i, ALARM_TYPE_RENEWAL_FAILED, &finding), EVIDENCE_NONE);
        assert_null(finding.reason);
        assert_int_equal(look_at(scene, i, ALARM_TYPE_INVALID, &finding), EVIDENCE_FAULT);
        assert_string_equal(finding.reason, "why");
        free(finding.reason);

        scene_set_state(scene, i, STATE_EXPIRING, "why");
        assert_int_equal(look_at(scene, i, ALARM_TYPE_RENEWAL_FAILED, &finding), EVIDENCE_FAULT);
        free(finding.reason);
        scene_free(scene);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                SCRATCH_TEST(test_t07_an_unreadable_key_is_no_failed_renewal),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
