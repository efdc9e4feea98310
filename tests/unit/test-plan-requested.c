/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "host.h"
#include "renew/plan/plan.h"

#define REQUESTS "/var/lib/kube-renewd/renew-requested/"

static Host asking(const char *name)
{
        autofree char *path = xasprintf(REQUESTS "%s", name);
        Host host = host_new("v1.28.7/ecdsa-p256", ONE_DAY_OLD);

        tree_write_text(host.root, path, "");
        return host;
}

static Plan *make_plan(Host *host)
{
        Plan *plan = NULL;

        host_look(host);
        assert_int_equal(plan_make(host->assessment, &(PlanRequest){}, &plan, NULL), 0);
        return plan;
}

static void test_what_is_asked_for_is_due(void **state)
{
        Host host = asking("apiserver");
        autoptr(Plan) plan = make_plan(&host);

        assert_int_equal(plan->n_steps, 1);
        assert_int_equal(plan->steps[0].kind, STEP_RENEW);
        assert_int_equal(plan->steps[0].reason, DUE_REQUESTED);
        assert_string_equal(plan->steps[0].item->name, "apiserver");
        assert_string_equal(plan->steps[0].text, "its renewal was requested");
        host_assert_row(&host, "apiserver", STATE_OK, "its renewal was requested");
        assert_int_equal(host_verdict(&host, "apiserver")->due_at, host.now);
        assert_int_equal(plan->n_skips, 0);
        host_free(&host);
}

/* It is due anyway, and that is the reason. */
static void test_what_is_due_is_so_for_its_own_reason(void **state)
{
        Host host = asking("apiserver");

        assert_int_equal(time_parse(TEN_DAYS_LEFT, &host.now), 0);
        host_look(&host);
        assert_int_equal(host_verdict(&host, "apiserver")->reason, DUE_EXPIRING);
        host_free(&host);
}

/* A request is no name on the command line: what holds back a night holds it back, too. */
static void test_what_was_rolled_back_waits(void **state)
{
        char *paths[] = {(char *)"/etc/kubernetes/pki/apiserver.crt", NULL};
        Host host = asking("apiserver");
        Hold hold = {.component = (char *)"kube-apiserver",
                .since = host.now - DAY,
                .until = host.now + DAY,
                .paths = paths,
                .reason = (char *)"it did not come back"};

        host.history->holds = xcalloc(1, sizeof(*host.history->holds));
        host.history->holds->holds = xcalloc(1, sizeof(Hold));
        host.history->holds->n = 1;
        host.history->holds->holds[0] = hold;
        autoptr(Plan) plan = make_plan(&host);
        assert_int_equal(plan->n_steps, 0);
        assert_int_equal(plan->skips[0].outcome, OUTCOME_POSTPONED);
        free(host.history->holds->holds);
        free(host.history->holds);
        host.history->holds = NULL;
        host_free(&host);
}

static void test_failure_mode_43_who_asks_over_and_over_waits(void **state)
{
        Host host = asking("apiserver");

        for (int i = 0; i < LOOP_RENEWALS; i++)
                history_add_renewal(host.history, "apiserver", 0, host.now);
        autoptr(Plan) plan = make_plan(&host);
        assert_int_equal(plan->n_steps, 0);
        assert_int_equal(plan->skips[0].outcome, OUTCOME_POSTPONED);
        host_free(&host);
}

/* What a pass would not do for a name either: the pass answers them. */
static void test_nobody_renews_these(void **state)
{
        static const char *const names[] = {"ca", "nobody", "apiserver#2"};

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                Host host = asking(names[i]);
                autoptr(Plan) plan = make_plan(&host);

                assert_int_equal(plan->n_steps, 0);
                host_free(&host);
        }
}

static void test_t10_what_is_signed_elsewhere_is_not_due(void **state)
{
        Host host = asking("apiserver");

        tree_remove(host.root, "/etc/kubernetes/pki/ca.key");
        autoptr(Plan) plan = make_plan(&host);
        assert_int_equal(plan->n_steps, 0);
        assert_int_equal(host_verdict(&host, "apiserver")->reason, DUE_NOT);
        host_free(&host);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_what_is_asked_for_is_due),
                cmocka_unit_test(test_what_is_due_is_so_for_its_own_reason),
                cmocka_unit_test(test_what_was_rolled_back_waits),
                cmocka_unit_test(test_failure_mode_43_who_asks_over_and_over_waits),
                cmocka_unit_test(test_nobody_renews_these),
                cmocka_unit_test(test_t10_what_is_signed_elsewhere_is_not_due),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
