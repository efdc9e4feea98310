/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "host/clock.h"
#include "renew/report/notify.h"
#include "scene.h"

#define NOTE_FILE "state/notified.json"
#define NOTE      "/" NOTE_FILE

static char *on_alarm[] = {(char *)"/usr/bin/true", NULL};
static char *shelve_expired[] = {(char *)"expired@*", NULL};

/* Takes the place of host/clock.c: time passes only where somebody takes it. */
static int64_t milliseconds;

int64_t clock_now(void)
{
        return NOW;
}

int64_t clock_monotonic(void)
{
        return milliseconds;
}

void clock_sleep(int64_t n)
{
        milliseconds += n;
}

/* Who is told, and what that remembers. */
typedef struct Site {
        char **heard;     /* "STATE TYPE@RESOURCE" each */
        const char *deaf; /* to the alarms of this resource; NULL: to none */
        int64_t takes;    /* milliseconds each time */
} Site;

static int tell(void *userdata, const HookContext *context, Error *reterr)
{
        Site *site = userdata;

        clock_sleep(site->takes);
        if (site->deaf && streq(site->deaf, context->alarm->resource))
                return -EREMOTEIO;
        assert_string_equal(context->hostname, "cp-1");
        assert_non_null(context->pass_id);
        strv_take(&site->heard, xasprintf("%s %s@%s", context->alarm_state, context->alarm->type,
                                        context->alarm->resource));
        return 0;
}

/* The end of a pass: what is wrong, and who hears of it, ", " between. */
static void assert_heard(Scene *scene, Site *site, int result, const char *expected)
{
        Error error = {};

        assert_int_equal(report_alarms(&scene->input, NULL), 0);
        if (result >= 0)
                assert_int_equal(notify_run(&scene->input, NULL, NULL, NULL), *expected || result);
        if (notify_run(&scene->input, tell, site, &error) != result)
                fail_msg("%s", error.text);
        autofree char *heard = strv_join(site->heard, ", ");
        strv_free(TAKE(site->heard));
        assert_string_equal(heard, expected);
}

static Scene *scene_with_hook(void)
{
        Scene *scene = scene_new();

        assert_int_equal(fs_make_directories(root_fd, "/state", 0755, NULL), 0);
        scene->config.hooks.on_alarm = on_alarm;
        return scene;
}

static void test_t41_each_difference_is_told_once(void **state)
{
        Scene *scene = scene_with_hook();
        size_t leaf = scene_leaf(scene, "apiserver", DAY - 1);
        size_t ca = scene_item(scene, ITEM_CA, "ca", 31 * DAY);
        Site site = {};
        struct stat st;

        scene_result(scene, leaf, OUTCOME_CA_LIMITED, "why");
        assert_heard(scene, &site, 0,
                "raised ca-expiring@ca, raised ca-limited@apiserver, raised expiring@apiserver");
        assert_int_equal(stat(NOTE_FILE, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        assert_heard(scene, &site, 0, "");

        scene_next(scene, DAY); /* another reason is no other alarm */
        scene_result(scene, leaf, OUTCOME_CA_LIMITED, "why else");
        assert_heard(scene, &site, 0, "raised expired@apiserver, cleared expiring@apiserver");
        scene_next(scene, DAY);
        scene_result(scene, leaf, OUTCOME_CA_LIMITED, "why");
        assert_heard(scene, &site, 0, "changed ca-expiring@ca"); /* it is critical now */
        scene_next(scene, DAY);
        scene_set_residual(scene, leaf, YEAR);
        scene_set_residual(scene, ca, YEAR);
        assert_heard(scene, &site, 0,
                "cleared ca-expiring@ca, cleared ca-limited@apiserver, cleared expired@apiserver");
        assert_content(NOTE, "{}\n");
        scene_free(scene);
}

static void test_what_was_not_heard_is_told_again(void **state)
{
        Scene *scene = scene_with_hook();
        size_t a = scene_leaf(scene, "a", -1);
        Site site = {.deaf = "a"};

        scene_leaf(scene, "b", -1);
        assert_heard(scene, &site, 1, "raised expired@b");
        assert_heard(scene, &site, 1, "");
        site.deaf = NULL;
        assert_heard(scene, &site, 0, "raised expired@a");

        site.deaf = "a";
        scene_next(scene, DAY);
        scene_set_residual(scene, a, YEAR);
        assert_heard(scene, &site, 1, "");
        site.deaf = NULL;
        assert_heard(scene, &site, 0, "cleared expired@a");
        scene_free(scene);
}

/* What came and went unheard is nobody's concern any more. */
static void test_what_was_never_heard_of_is_not_cleared(void **state)
{
        Scene *scene = scene_with_hook();
        size_t i = scene_leaf(scene, "a", -1);
        Site site = {.deaf = "a"};

        assert_heard(scene, &site, 1, "");
        site.deaf = NULL;
        scene_next(scene, DAY);
        scene_set_residual(scene, i, YEAR);
        assert_heard(scene, &site, 0, "");
        scene_free(scene);
}

static void test_nobody_hears_of_a_shelved_alarm(void **state)
{
        Scene *scene = scene_with_hook();
        Site site = {};

        scene->config.shelve = shelve_expired;
        scene_leaf(scene, "a", -1);
        assert_heard(scene, &site, 0, "");
        scene_next(scene, DAY);
        scene->config.shelve = NULL;
        assert_heard(scene, &site, 0, "raised expired@a");
        scene_next(scene, DAY);
        scene->config.shelve = shelve_expired;
        assert_heard(scene, &site, 0, "cleared expired@a");
        scene_free(scene);
}

/* A note that says nothing that makes sense: nothing was told. */
static void test_a_broken_note_is_none(void **state)
{
        static const char *const broken[] = {"", "{", "[]", "null", "{\"expired@a\": {}}",
                "{\"expired@a\": 1, \"expired@b\": null}"};
        Site site = {};

        for (size_t i = 0; i < ELEMENTSOF(broken); i++) {
                Scene *scene = scene_with_hook();

                scene_leaf(scene, "a", -1);
                put(NOTE_FILE, broken[i]);
                assert_heard(scene, &site, 0, "raised expired@a");
                assert_heard(scene, &site, 0, "");
                scene_free(scene);
        }
}

/* One alarm under the name of another says nothing of either. */
static void test_a_wrong_name_in_the_note(void **state)
{
        Scene *scene = scene_with_hook();
        Site site = {};

        scene_leaf(scene, "a", -1);
        assert_heard(scene, &site, 0, "raised expired@a");
        autoptr(json_t) note = NULL;
        assert_int_equal(json_read_file(root_fd, NOTE, &note, NULL), 0);
        json_object_set(note, "expired@b", json_object_get(note, "expired@a"));
        json_object_del(note, "expired@a");
        assert_int_equal(json_write_file(root_fd, NOTE, note, 0600, NULL), 0);
        assert_heard(scene, &site, 0, "raised expired@a");
        scene_free(scene);
}

static void test_a_file_that_cannot_be_read_is_not_cleared(void **state)
{
        Scene *scene = scene_with_hook();
        Site site = {};

        scene_leaf(scene, "a", -1);
        assert_heard(scene, &site, 0, "raised expired@a");
        scene_next(scene, DAY);
        scene->input.after = NULL;
        put("state/public/alarms/expired@a.json", "{");
        assert_heard(scene, &site, 0, "");
        assert_int_equal(unlink("state/public/alarms/expired@a.json"), 0);
        assert_heard(scene, &site, 0, "cleared expired@a");
        scene_free(scene);
}

/* What the site knows is not forgotten while nobody is to be told. */
static void test_without_a_hook_nothing_is_told(void **state)
{
        Scene *scene = scene_with_hook();
        size_t i = scene_leaf(scene, "a", -1);
        Site site = {};

        scene->config.hooks.on_alarm = NULL;
        assert_heard(scene, &site, 0, "");
        assert_false(fs_exists(root_fd, NOTE));
        scene->config.hooks.on_alarm = on_alarm;
        assert_heard(scene, &site, 0, "raised expired@a");
        scene->config.hooks.on_alarm = NULL;
        scene_next(scene, DAY);
        scene_set_residual(scene, i, YEAR);
        assert_heard(scene, &site, 0, "");
        scene->config.hooks.on_alarm = on_alarm;
        assert_heard(scene, &site, 0, "cleared expired@a");
        scene_free(scene);
}

/* Status and metrics come after it, and systemd waits for an hour. */
static void test_a_slow_site_does_not_keep_the_report(void **state)
{
        Scene *scene = scene_with_hook();
        Site site = {.takes = 8 * 60 * 1000};

        scene_leaf(scene, "a", -1);
        scene_leaf(scene, "b", -1);
        scene_leaf(scene, "c", -1);
        assert_heard(scene, &site, 1, "raised expired@a, raised expired@b");
        assert_heard(scene, &site, 0, "raised expired@c");
        scene_free(scene);
}

static void test_a_note_that_cannot_be_written(void **state)
{
        Scene *scene = scene_with_hook();
        Site site = {};
        Error error = {};

        scene_leaf(scene, "a", -1);
        assert_int_equal(mkdir(NOTE_FILE, 0755), 0);
        assert_int_equal(report_alarms(&scene->input, NULL), 0);
        assert_true(notify_run(&scene->input, tell, &site, &error) < 0);
        assert_non_null(strstr(error.text, NOTE));
        strv_free(site.heard);
        scene_free(scene);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                SCRATCH_TEST(test_t41_each_difference_is_told_once),
                SCRATCH_TEST(test_what_was_not_heard_is_told_again),
                SCRATCH_TEST(test_what_was_never_heard_of_is_not_cleared),
                SCRATCH_TEST(test_nobody_hears_of_a_shelved_alarm),
                SCRATCH_TEST(test_a_broken_note_is_none),
                SCRATCH_TEST(test_a_wrong_name_in_the_note),
                SCRATCH_TEST(test_a_file_that_cannot_be_read_is_not_cleared),
                SCRATCH_TEST(test_without_a_hook_nothing_is_told),
                SCRATCH_TEST(test_a_slow_site_does_not_keep_the_report),
                SCRATCH_TEST(test_a_note_that_cannot_be_written),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
