/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "renew/event/events.h"
#include "renew/report/alarm-board.h"
#include "scene.h"

static char *expired_shelved[] = {(char *)"expired@*", NULL};

static void report(Scene *scene)
{
        Error error = {};

        if (report_alarms(&scene->input, &error) < 0)
                fail_msg("%s", error.text);
}

static AlarmList *list_side(const Scene *scene, AlarmSide side)
{
        AlarmList *list = NULL;

        assert_int_equal(alarm_side_read(root_fd, &scene->config, side, &list, NULL), 0);
        return list;
}

/* What is on one side: "type@resource" each, sorted. */
static void assert_side(const Scene *scene, AlarmSide side, const char *expected)
{
        autoptr(AlarmList) list = list_side(scene, side);
        autostrv names = NULL;

        for (size_t i = 0; i < list->n; i++)
                strv_take(
                        &names, xasprintf("%s@%s", list->alarms[i].type, list->alarms[i].resource));
        autofree char *found = strv_join(names, " ");
        assert_string_equal(found, expected);
}

static void test_patterns(void **state)
{
        static const struct {
                const char *pattern, *type, *resource;
                bool shelved;
        } table[] = {
                {"expired@apiserver", "expired", "apiserver", true},
                {"expired@apiserver", "expired", "apiserver-etcd-client", false},
                {"expired@apiserver", "ca-expired", "apiserver", false},
                {"expired@*", "expired", "admin.conf/kubernetes-admin", true},
                {"*expired@*ca", "ca-expired", "etcd-ca", true},
                {"*@etcd-*", "expiring", "etcd-server", true},
                {"*@apiserver", "expired", "admin.conf/x@apiserver", false},
                {"expired@a@b", "expired", "a@b", true},
                {"ca-expir[ei]*@ca#?", "ca-expiring", "ca#2", true},
                {"expired@a\\x0ab", "expired", "a\nb", false},
                {"expired@a\\\\x0ab", "expired", "a\nb", true},
                {"expired@*", "expired", "\xff\n", true},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                char *shelve[] = {(char *)"none@none", (char *)table[i].pattern, NULL};
                const Config config = {.shelve = shelve};

                if (alarm_is_shelved(&config, table[i].type, table[i].resource) != table[i].shelved)
                        fail_msg("%s %s@%s", table[i].pattern, table[i].type, table[i].resource);
        }
        assert_false(alarm_is_shelved(&(Config){}, "expired", "apiserver"));
}

static void test_a_shelved_alarm_is_on_the_other_side(void **state)
{
        Scene *scene = scene_new();
        const SceneEvent *event;
        struct stat st;

        scene->config.shelve = expired_shelved;
        scene_leaf(scene, "apiserver", -1);
        scene_item(scene, ITEM_CA, "ca", -1);
        report(scene);
        assert_side(scene, ALARMS_ACTIVE, "ca-expired@ca");
        assert_side(scene, ALARMS_SHELVED, "expired@apiserver");
        assert_int_equal(stat("state/public/shelved/expired@apiserver.json", &st), 0);
        assert_int_equal(st.st_mode & 07777, 0644);
        assert_int_equal(stat("state/public/shelved", &st), 0);
        assert_int_equal(st.st_mode & 07777, 0755);

        event = scene_find_event(EVENT_ALARM_RAISED, "ALARM_SHELVED=yes\n");
        assert_int_equal(event->priority, LOG_INFO);
        assert_non_null(strstr(event->message, "Shelved alarm expired of 'apiserver'"));
        event = scene_find_event(EVENT_ALARM_RAISED, "ALARM_SHELVED=no\n");
        assert_int_equal(event->priority, LOG_CRIT);
        scene_free(scene);
}

static void assert_age(const Scene *scene, AlarmSide side, int64_t created, int64_t count)
{
        autoptr(AlarmList) list = list_side(scene, side);

        assert_int_equal(list->n, 1);
        assert_int_equal(list->alarms[0].time_created, created);
        assert_int_equal(list->alarms[0].count, count);
}

/* Either way: it is the same alarm. */
static void test_moving_keeps_age_and_count(void **state)
{
        Scene *scene = scene_new();

        scene_leaf(scene, "apiserver", -1);
        report(scene);
        assert_age(scene, ALARMS_ACTIVE, NOW, 1);

        scene_next(scene, DAY);
        scene->config.shelve = expired_shelved;
        report(scene);
        assert_side(scene, ALARMS_ACTIVE, "");
        assert_age(scene, ALARMS_SHELVED, NOW, 2);
        assert_int_equal(scene_n_events, 1);
        assert_non_null(scene_find_event(EVENT_ALARM_SHELVED, "ALARM_RESOURCE=apiserver\n"));

        scene_next(scene, DAY);
        report(scene);
        assert_age(scene, ALARMS_SHELVED, NOW, 3);
        assert_int_equal(scene_n_events, 0);

        scene_next(scene, DAY);
        scene->config.shelve = NULL;
        report(scene);
        assert_side(scene, ALARMS_SHELVED, "");
        assert_age(scene, ALARMS_ACTIVE, NOW, 4);
        assert_int_equal(scene_n_events, 1);
        assert_non_null(scene_find_event(EVENT_ALARM_RAISED, "ALARM_SHELVED=no\n"));
        scene_free(scene);
}

/* Also one of which this pass has seen nothing. */
static void test_what_is_not_looked_at_moves_too(void **state)
{
        Scene *scene = scene_new();

        scene_leaf(scene, "apiserver", -1);
        report(scene);
        scene_next(scene, DAY);
        scene->input.after = NULL;
        scene->config.shelve = expired_shelved;
        report(scene);
        assert_side(scene, ALARMS_ACTIVE, "");
        assert_age(scene, ALARMS_SHELVED, NOW, 1);
        scene_free(scene);
}

static void test_t22_a_shelved_alarm_goes_with_its_fault(void **state)
{
        Scene *scene = scene_new();
        size_t i = scene_leaf(scene, "apiserver", -1);

        scene->config.shelve = expired_shelved;
        scene_leaf(scene, "etcd-server", -1);
        report(scene);
        scene_next(scene, DAY);
        scene_set_residual(scene, i, YEAR);
        report(scene);
        assert_side(scene, ALARMS_ACTIVE, "");
        assert_side(scene, ALARMS_SHELVED, "expired@etcd-server");
        scene_free(scene);
}

/* Killed between writing the one and removing the other. */
static void test_t36_an_alarm_on_both_sides_is_one_again(void **state)
{
        static const char *const active = "state/public/alarms/expired@apiserver.json";
        Scene *scene = scene_new();

        scene_leaf(scene, "apiserver", -1);
        scene->config.shelve = expired_shelved;
        report(scene);
        assert_int_equal(fs_make_directories(root_fd, "/state/public/alarms", 0755, NULL), 0);
        assert_int_equal(link("state/public/shelved/expired@apiserver.json", active), 0);
        scene_next(scene, DAY);
        report(scene);
        assert_side(scene, ALARMS_ACTIVE, "");
        assert_age(scene, ALARMS_SHELVED, NOW, 2);
        assert_int_equal(access(active, F_OK), -1);
        scene_free(scene);
}

/* What cannot be read says nothing about what is shelved. */
static void test_a_bad_configuration_moves_nothing(void **state)
{
        const Config unknown = {.state_directory = (char *)"/state"};
        Scene *scene = scene_new();
        ReportInput incident = {.root_fd = root_fd,
                .pass_id = "bad",
                .now = NOW,
                .config = &unknown,
                .config_failure = "/etc/x:2: no",
                .nightly = true};

        scene_leaf(scene, "apiserver", -1);
        scene->config.shelve = expired_shelved;
        report(scene);
        assert_int_equal(report_incident(&incident, NULL), 0);
        assert_side(scene, ALARMS_ACTIVE, "config-invalid@host");
        assert_side(scene, ALARMS_SHELVED, "expired@apiserver");
        assert_non_null(scene_find_event(EVENT_CONFIG_INVALID, "REASON=/etc/x:2: no\n"));
        assert_non_null(scene_find_event(EVENT_ALARM_RAISED, "ALARM_TYPE=config-invalid\n"));

        scene_next(scene, DAY);
        report(scene); /* a `renew`, perhaps with --config= */
        assert_side(scene, ALARMS_ACTIVE, "config-invalid@host");
        scene->input.nightly = true;
        report(scene);
        assert_side(scene, ALARMS_ACTIVE, "");
        scene_free(scene);
}

static void test_a_file_that_is_no_alarm_stays_where_it_is(void **state)
{
        Scene *scene = scene_new();

        scene->config.shelve = expired_shelved;
        assert_int_equal(fs_make_directories(root_fd, "/state/public/alarms", 0755, NULL), 0);
        put("state/public/alarms/expired@apiserver.json", "{");
        report(scene);
        assert_content("/state/public/alarms/expired@apiserver.json", "{");
        autoptr(AlarmList) list = list_side(scene, ALARMS_ACTIVE);
        assert_string_equal(list->unreadable[0], "expired@apiserver.json");
        scene_free(scene);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                SCRATCH_TEST(test_patterns),
                SCRATCH_TEST(test_a_shelved_alarm_is_on_the_other_side),
                SCRATCH_TEST(test_moving_keeps_age_and_count),
                SCRATCH_TEST(test_what_is_not_looked_at_moves_too),
                SCRATCH_TEST(test_t22_a_shelved_alarm_goes_with_its_fault),
                SCRATCH_TEST(test_t36_an_alarm_on_both_sides_is_one_again),
                SCRATCH_TEST(test_a_bad_configuration_moves_nothing),
                SCRATCH_TEST(test_a_file_that_is_no_alarm_stays_where_it_is),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
