/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "base/time-util.h"
#include "host-config.h"
#include "host.h"
#include "renew/unit/self-check.h"

static int64_t since_last_pass = INT64_MAX;

/* The warnings, one a line, that a check adds to those of the configuration. */
static char *check(const char *configuration, const TimerState *timer)
{
        autoptr(Config) config = load_text(configuration);
        size_t n = strv_length(config->warnings);

        self_check(config, timer, since_last_pass);
        return config->warnings ? strv_join(config->warnings + n, "\n") : xstrdup("");
}

static void assert_check(const char *configuration, const TimerState *timer, const char *expected)
{
        autofree char *text = check(configuration, timer);

        assert_string_equal(text, expected);
}

#define DAILY "kube-renewd.timer starts a run every 1d, up to 1h late"

static void test_configuration_and_the_timer_as_it_is_shipped(void **state)
{
        static const struct {
                const char *text, *warning;
        } table[] = {
                {"[nothing]\n", ""},
                {"[renewal]\nRenewBefore=2d 1h\n", ""},
                {"[renewal]\nRenewBefore=2d\n",
                        MAIN_FILE ":2: [renewal] has RenewBefore=2d, which leaves no time for a "
                                  "second try: " DAILY "; write at least 2d 1h"},
                {"[kubeconfig admin.conf]\nRenewBefore=1h\n",
                        MAIN_FILE ":2: [kubeconfig admin.conf] has RenewBefore=1h, which leaves no "
                                  "time for a second try: " DAILY "; write at least 2d 1h"},
                /* The last of two counts, and an empty one is none. */
                {"[renewal]\nRenewBefore=1d\nRenewBefore=20d\n", ""},
                {"[certificate apiserver]\nRenewBefore=1d\nRenewBefore=\n", ""},
                /* Bounded to a third of the lifetime: that is what is told then. */
                {"[renewal]\nValidity=6d 3h\n", ""},
                {"[renewal]\nValidity=6d\n",
                        MAIN_FILE ":2: [renewal] has Validity=6d, of which the last third leaves "
                                  "no time for a second try: " DAILY "; write at least 6d 3h"},
                {"[certificate apiserver]\nValidity=1h\n", MAIN_FILE
                        ":2: [certificate apiserver] has Validity=1h, of which the last "
                        "third leaves no time for a second try: " DAILY "; write at least 6d 3h"},
                {"[renewal]\nRenewAt=80%\n", ""},
                {"[renewal]\nRenewAt=99%\nValidity=90d\n",
                        MAIN_FILE ":2: [renewal] has RenewAt=99% of Validity=90d, which leaves no "
                                  "time for a second try: " DAILY
                                  "; write a smaller RenewAt= or a longer Validity="},
                {"[renewal]\nRenewAt=80%\nRenewAt=\nRenewBefore=30d\n", ""},
                /* What somebody else renews. */
                {"[kubeconfig admin.conf]\nRenewBefore=1h\nWatch=yes\n", ""},
                /* Said where it was written, and not of each who inherits it. */
                {"[renewal]\nRenewBefore=1d\n[certificate apiserver]\nRenewBefore=20d\n",
                        MAIN_FILE ":2: [renewal] has RenewBefore=1d, which leaves no time for a "
                                  "second try: " DAILY "; write at least 2d 1h"},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                assert_check(table[i].text, NULL, table[i].warning);
}

static void test_configuration_and_the_timer_of_this_host(void **state)
{
        static const TimerState hourly = {.activity = UNIT_ACTIVE,
                                        .interval = HOUR,
                                        .delay = 10 * MINUTE},
                                weekly = {.activity = UNIT_ACTIVE,
                                        .interval = 7 * DAY,
                                        .delay = MINUTE},
                                monthly = {.activity = UNIT_ACTIVE, .interval = 31 * DAY},
                                unknown = {.activity = UNIT_ACTIVE};

        assert_check("[renewal]\nRenewBefore=3h\n", &hourly, "");
        assert_check("[renewal]\nRenewBefore=2h\n", &hourly,
                MAIN_FILE
                ":2: [renewal] has RenewBefore=2h, which leaves no time for a second try: "
                "kube-renewd.timer starts a run every 1h, up to 10min late; write at "
                "least 2h 10min");
        assert_check("[renewal]\nRenewBefore=14d\n", &weekly,
                MAIN_FILE ":2: [renewal] has RenewBefore=14d, which leaves no time for a second "
                          "try: kube-renewd.timer starts a run every 7d, up to 1min late; write at "
                          "least 14d 1h");
        assert_check("[nothing]\n", &weekly, "");
        assert_check("[nothing]\n", &monthly,
                "default: [renewal] has RenewBefore=15d, which leaves no time for a second try: "
                "kube-renewd.timer starts a run every 31d; write at least 62d");
        assert_check("[renewal]\nRenewBefore=1h\n", &unknown, "");
}

/* T37 Short lives are renewed over and over, which looks like a loop. */
static void test_t37_lives_that_are_taken_for_a_loop(void **state)
{
        static const TimerState often = {.activity = UNIT_ACTIVE, .interval = 15 * MINUTE};

        assert_check("[renewal]\nValidity=12h\n", &often, "");
        assert_check("[renewal]\nValidity=11h\n", &often,
                MAIN_FILE ":2: [renewal] has Validity=11h, so its certificates are due again after "
                          "7h 20min; but what is renewed 3 times in 24 hours counts as a loop and "
                          "is left alone");
        assert_check("[renewal]\nValidity=1d\nRenewAt=20%\n", &often,
                MAIN_FILE ":2: [renewal] has Validity=1d, so its certificates are due again after "
                          "4h 48min; but what is renewed 3 times in 24 hours counts as a loop and "
                          "is left alone");
}

static void test_a_timer_that_does_not_run(void **state)
{
        static const struct {
                TimerState timer;
                const char *warning;
        } table[] = {
                {{.activity = UNIT_ACTIVE, .interval = DAY}, ""},
                {{.activity = UNIT_ACTIVE, .is_disabled = true, .interval = DAY},
                        "kube-renewd.timer is active, but nothing starts it at the next boot; "
                        "'systemctl enable kube-renewd.timer' does"},
                {{.activity = UNIT_INACTIVE, .interval = DAY},
                        "kube-renewd.timer is inactive, so nothing is renewed at night; 'systemctl "
                        "enable --now kube-renewd.timer' starts it"},
                {{.activity = UNIT_FAILED, .is_disabled = true, .interval = DAY},
                        "kube-renewd.timer is failed, so nothing is renewed at night; 'systemctl "
                        "enable --now kube-renewd.timer' starts it"},
                {{.activity = UNIT_INACTIVE, .is_disabled = true, .is_masked = true},
                        "kube-renewd.timer is masked, so nothing is renewed at night; 'systemctl "
                        "unmask kube-renewd.timer', and then 'systemctl enable --now "
                        "kube-renewd.timer', starts it"},
                {{.activity = UNIT_ACTIVE, .is_disabled = true, .is_masked = true},
                        "kube-renewd.timer is masked, so nothing is renewed at night after the "
                        "next boot; 'systemctl unmask kube-renewd.timer', and then 'systemctl "
                        "enable --now kube-renewd.timer', starts it"},
                {{.activity = UNIT_NOT_FOUND},
                        "kube-renewd.timer is not installed, so nothing is renewed at night unless "
                        "something else starts 'kube-renewd run'"},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                assert_check("[nothing]\n", &table[i].timer, table[i].warning);
}

/* Somebody has a timer of his own: passes come. */
static void test_passes_that_come_without_our_timer(void **state)
{
        static const struct {
                int64_t since;
                bool is_warned;
        } table[] = {{DAY, false}, {2 * DAY + HOUR, false}, {2 * DAY + HOUR + 1, true},
                {INT64_MAX, true}};
        static const UnitActivity activities[] = {UNIT_NOT_FOUND, UNIT_INACTIVE, UNIT_FAILED};

        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                for (size_t k = 0; k < ELEMENTSOF(activities); k++) {
                        const TimerState timer = {.activity = activities[k]};

                        since_last_pass = table[i].since;
                        autofree char *text = check("[nothing]\n", &timer);
                        assert_int_equal(text[0] != '\0', table[i].is_warned);
                }
        since_last_pass = INT64_MAX;
}

static char *warnings_of_hands(Host *host)
{
        host_look(host);
        self_check_hands(host->config, host->root_fd, host->inventory);
        return host->config->warnings ? strv_join(host->config->warnings, "\n") : xstrdup("");
}

static void test_directories_that_others_may_write(void **state)
{
        static const struct {
                const char *path;
                mode_t mode;
                const char *warning;
        } table[] = {
                {"/etc/kubernetes/pki", 0755, ""},
                {"/etc/kubernetes", 01777, ""},
                {"/etc/kubernetes/pki", 0777,
                        "'/etc/kubernetes/pki' can be written by others, who could put keys and "
                        "certificates of their own in the place of ours; 'chmod go-w' it"},
                {"/etc/kubernetes/pki/ca.key", 0606,
                        "'/etc/kubernetes/pki/ca.key' can be written by others, who could put keys "
                        "and certificates of their own in the place of ours; 'chmod go-w' it"},
                {"/", 0757,
                        "'/' can be written by others, who could put keys and certificates of "
                        "their own in the place of ours; 'chmod go-w' it"},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                Host host = host_new("v1.28.7/ecdsa-p256", ONE_DAY_OLD);
                autofree char *path = xasprintf("%s%s", host.root, table[i].path);

                assert_int_equal(chmod(path, table[i].mode), 0);
                autofree char *text = warnings_of_hands(&host);
                assert_string_equal(text, table[i].warning);
                host_free(&host);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_configuration_and_the_timer_as_it_is_shipped),
                cmocka_unit_test(test_configuration_and_the_timer_of_this_host),
                cmocka_unit_test(test_t37_lives_that_are_taken_for_a_loop),
                cmocka_unit_test(test_a_timer_that_does_not_run),
                cmocka_unit_test(test_passes_that_come_without_our_timer),
                cmocka_unit_test(test_directories_that_others_may_write),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
