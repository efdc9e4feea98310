/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "host-config.h"
#include "renew/unit/hook.h"

static char *certificates[] = {"apiserver", "admin.conf/my user", "x\ny", NULL};
static char *paths[] = {"/etc/kubernetes/pki/apiserver.crt", "/etc/a:b c", NULL};
static char *components[] = {"kube-apiserver", "etcd", NULL};
static char *none[] = {NULL};

static const Alarm hostile = {
        .type = (char *)"expired",
        .resource = (char *)"a\x1b",
        .alarm_id = (char *)"",
        .severity = ALARM_CRITICAL,
        .event_type = (char *)"operational-violation",
        .probable_cause = (char *)"certificate-expiration",
        .text = (char *)"Certificate 'a\nb' expired.",
        .reason = (char *)"\xff",
        .repair_action = (char *)"Run it.",
        .time_created = 1825975560,
        .count = 3,
};

static void assert_environment(Hook hook, const HookContext *context, const char *expected)
{
        autostrv environment = hook_environment(hook, context);
        autofree char *text = strv_join(environment, "\n");

        assert_string_equal(text, expected);
}

static void test_the_environment_says_what_happened(void **state)
{
        assert_environment(HOOK_DEPLOY,
                &(HookContext){.pass_id = "17",
                        .certificates = certificates,
                        .paths = paths,
                        .components = components},
                "KUBE_RENEWD_HOOK=deploy\n"
                "KUBE_RENEWD_PASS_ID=17\n"
                "KUBE_RENEWD_CERTIFICATES=apiserver admin.conf/my\\x20user x\\x0ay\n"
                "KUBE_RENEWD_PATHS=/etc/kubernetes/pki/apiserver.crt:/etc/a\\x3ab c\n"
                "KUBE_RENEWD_COMPONENTS=kube-apiserver etcd");
        assert_environment(HOOK_POST_RENEW, &(HookContext){.paths = none},
                "KUBE_RENEWD_HOOK=post-renew\n"
                "KUBE_RENEWD_PATHS=");
        assert_environment(HOOK_ON_ALARM,
                &(HookContext){.hostname = "cp-1", .alarm_state = "raised", .alarm = &hostile},
                "KUBE_RENEWD_HOOK=on-alarm\n"
                "KUBE_RENEWD_HOSTNAME=cp-1\n"
                "KUBE_RENEWD_ALARM_STATE=raised\n"
                "KUBE_RENEWD_ALARM_TYPE=expired\n"
                "KUBE_RENEWD_ALARM_RESOURCE=a\\x1b\n"
                "KUBE_RENEWD_ALARM_ID=\n"
                "KUBE_RENEWD_ALARM_SEVERITY=critical\n"
                "KUBE_RENEWD_ALARM_TEXT=Certificate 'a\\x0ab' expired.\n"
                "KUBE_RENEWD_ALARM_REASON=\\xff\n"
                "KUBE_RENEWD_ALARM_REPAIR_ACTION=Run it.\n"
                "KUBE_RENEWD_ALARM_EVENT_TYPE=operational-violation\n"
                "KUBE_RENEWD_ALARM_PROBABLE_CAUSE=certificate-expiration\n"
                "KUBE_RENEWD_ALARM_SERVICE_AFFECTING=no\n"
                "KUBE_RENEWD_ALARM_TIME_CREATED=2027-11-11T23:26:00Z\n"
                "KUBE_RENEWD_ALARM_COUNT=3");
}

static void test_each_key_is_its_own_hook(void **state)
{
        static const char *const names[N_HOOKS] = {"pre-renew", "deploy", "post-renew", "on-alarm"};
        autoptr(Config) config =
                load_text("[hooks]\nPreRenew=/0\nDeploy=/1\nPostRenew=/2\nOnAlarm=/3\n");

        for (Hook hook = 0; hook < N_HOOKS; hook++) {
                assert_string_equal(hook_name(hook), names[hook]);
                assert_int_equal(hook_argv(config, hook)[0][1], '0' + (int)hook);
        }
}

static void test_nothing_is_run_where_nothing_is_configured(void **state)
{
        autoptr(Config) config = load_text(NULL);
        const HookContext context = {.pass_id = "17"};

        for (Hook hook = 0; hook < N_HOOKS; hook++) {
                assert_null(hook_argv(config, hook));
                assert_int_equal(hook_run(NULL, config, hook, &context, NULL), 0);
        }
}

/* Every variable has its paragraph. */
static void test_the_manual_has_every_variable(void **state)
{
        autofree char *page = tree_read(getenv("SRCDIR"), "/man/kube-renewd.conf.5.scd", NULL);
        autostrv environment = hook_environment(HOOK_DEPLOY,
                &(HookContext){"17", certificates, paths, components, "cp-1", &hostile, "raised"});

        assert_int_equal(strv_length(environment), 19);
        for (char **variable = environment; *variable; variable++) {
                autofree char *name = xasprintf("*%.*s*", (int)strcspn(*variable, "="), *variable);

                if (!strstr(page, name))
                        fail_msg("%s is not in the manual", name);
        }
        for (Hook hook = 0; hook < N_HOOKS; hook++) {
                autofree char *name = xasprintf("_%s_", hook_name(hook));

                if (!strstr(page, name))
                        fail_msg("%s is not in the manual", name);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_the_environment_says_what_happened),
                cmocka_unit_test(test_each_key_is_its_own_hook),
                cmocka_unit_test(test_nothing_is_run_where_nothing_is_configured),
                cmocka_unit_test(test_the_manual_has_every_variable),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
