/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "host.h"
#include "renew/plan.h"

static Plan *make_plan(Host *host, const PlanRequest *request)
{
        Error error = {};
        Plan *plan = NULL;

        host_look(host);
        if (plan_make(host->assessment, request, &plan, &error) < 0)
                fail_msg("%s", error.text);
        return plan;
}

static const Step *find_step(const Plan *plan, const char *name)
{
        for (size_t i = 0; i < plan->n_steps; i++)
                if (streq(plan->steps[i].item->name, name))
                        return &plan->steps[i];
        return NULL;
}

static const Skip *find_skip(const Plan *plan, const char *name)
{
        for (size_t i = 0; i < plan->n_skips; i++)
                if (streq(plan->skips[i].item->name, name))
                        return &plan->skips[i];
        return NULL;
}

static void test_t01_all_valid_is_an_empty_plan(void **state)
{
        Host host = host_new("v1.28.7/rsa2048-default", ONE_DAY_OLD);
        autoptr(Plan) plan = make_plan(&host, &(PlanRequest){});

        assert_int_equal(plan->n_steps, 0);
        assert_int_equal(plan->n_skips, 0);
        assert_int_equal(plan->n_restarts, 0);
        host_free(&host);
}

static void test_exactly_the_due_ones(void **state)
{
        static const struct {
                const char *tree, *at;
                size_t n;
        } table[] = {
                {"v1.28.7/rsa2048-default", TEN_DAYS_LEFT, 10},
                {"v1.28.7/ecdsa-p256", TEN_DAYS_LEFT, 10},
                {"v1.28.7/extetcd-external", TEN_DAYS_LEFT, 6},
                {"v1.36.0/rsa2048-default", "2027-11-12T00:56:00Z", 11},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                Host host = host_new(table[i].tree, table[i].at);
                autoptr(Plan) plan = make_plan(&host, &(PlanRequest){});

                assert_int_equal(plan->n_steps, table[i].n);
                for (size_t j = 0; j < plan->n_steps; j++) {
                        assert_int_equal(plan->steps[j].kind, STEP_RENEW);
                        assert_int_equal(plan->steps[j].reason, DUE_EXPIRING);
                        assert_non_null(plan->steps[j].text);
                }
                host_free(&host);
        }
}

static void test_restarts_in_order(void **state)
{
        static const char *const expected[] = {
                "etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"};
        Host host = host_new("v1.28.7/rsa2048-default", TEN_DAYS_LEFT);
        autoptr(Plan) plan = make_plan(&host, &(PlanRequest){});

        assert_int_equal(plan->n_restarts, ELEMENTSOF(expected));
        for (size_t i = 0; i < plan->n_restarts; i++)
                assert_string_equal(plan->restarts[i].component->entry->name, expected[i]);
        assert_true(strv_contains(plan->restarts[0].paths, "/etc/kubernetes/pki/etcd/peer.key"));
        assert_non_null(strstr(
                plan->restarts[1].text, "/etc/kubernetes/pki/apiserver.crt (--tls-cert-file)"));
        host_free(&host);
}

static void test_unreadable_manifest_may_use_anything(void **state)
{
        char *names[] = {"scheduler.conf", NULL};
        Host host = host_new("v1.28.7/rsa2048-default", ONE_DAY_OLD);

        tree_write_text(host.root, "/etc/kubernetes/manifests/etcd.yaml", "{[");
        autoptr(Plan) plan = make_plan(&host, &(PlanRequest){.names = names});

        assert_int_equal(plan->n_restarts, 2);
        assert_string_equal(plan->restarts[0].component->entry->name, "etcd");
        assert_string_equal(plan->restarts[0].text,
                "uses /etc/kubernetes/scheduler.conf (its manifest cannot be read)");
        assert_string_equal(plan->restarts[1].component->entry->name, "kube-scheduler");
        host_free(&host);
}

static void test_t02_one_name_and_only_its_users(void **state)
{
        char *names[] = {"scheduler.conf", NULL};
        Host host = host_new("v1.28.7/rsa2048-default", ONE_DAY_OLD);
        autoptr(Plan) plan = make_plan(&host, &(PlanRequest){.names = names});

        assert_int_equal(plan->n_steps, 1);
        assert_int_equal(plan->steps[0].reason, DUE_REQUESTED);
        assert_int_equal(plan->n_restarts, 1);
        assert_string_equal(plan->restarts[0].component->entry->name, "kube-scheduler");
        host_free(&host);
}

static void test_t20_front_proxy_leaves_etcd_alone(void **state)
{
        char *names[] = {"front-proxy-client", NULL};
        Host host = host_new("v1.28.7/rsa2048-default", ONE_DAY_OLD);
        autoptr(Plan) plan = make_plan(&host, &(PlanRequest){.names = names});

        assert_int_equal(plan->n_restarts, 1);
        assert_string_equal(plan->restarts[0].component->entry->name, "kube-apiserver");
        host_free(&host);
}

static void test_t10_external_is_said(void **state)
{
        Host host = host_new("v1.28.7/extetcd-external", ONE_DAY_OLD);
        autoptr(Plan) all = make_plan(&host, &(PlanRequest){.all = true});

        assert_int_equal(all->n_steps, 6);
        assert_int_equal(find_skip(all, "apiserver-etcd-client")->outcome, OUTCOME_EXTERNAL);
        assert_false(find_skip(all, "apiserver-etcd-client")->is_failure);

        char *names[] = {"apiserver-etcd-client", NULL};
        autoptr(Plan) named = make_plan(&host, &(PlanRequest){.names = names});
        assert_int_equal(named->n_steps, 0);
        assert_true(find_skip(named, "apiserver-etcd-client")->is_failure);
        host_free(&host);
}

static void test_t10_ca_key_absent(void **state)
{
        Host host = host_new("v1.28.7/rsa2048-default", TEN_DAYS_LEFT);

        tree_remove(host.root, "/etc/kubernetes/pki/ca.key");
        autoptr(Plan) plan = make_plan(&host, &(PlanRequest){});

        assert_null(find_step(plan, "apiserver"));
        assert_int_equal(find_skip(plan, "apiserver")->outcome, OUTCOME_EXTERNAL);
        assert_true(find_skip(plan, "apiserver")->is_failure);
        assert_non_null(find_step(plan, "etcd-server"));
        host_free(&host);
}

static void test_t05_missing_is_said_or_created(void **state)
{
        Host host = host_new("v1.28.7/rsa2048-default", ONE_DAY_OLD);

        tree_remove(host.root, "/etc/kubernetes/pki/front-proxy-client.crt");
        autoptr(Plan) plan = make_plan(&host, &(PlanRequest){});
        assert_int_equal(plan->n_steps, 0);
        assert_int_equal(find_skip(plan, "front-proxy-client")->outcome, OUTCOME_MISSING);

        tree_write_text(
                host.root, "/etc/kube-renewd/kube-renewd.conf", "[renewal]\nRecreateMissing=yes\n");
        host_configure(&host);
        autoptr(Plan) create = make_plan(&host, &(PlanRequest){});
        assert_int_equal(create->n_steps, 1);
        assert_int_equal(create->steps[0].kind, STEP_CREATE);
        host_free(&host);
}

static void test_t07_unreadable_key_fails_the_pass(void **state)
{
        char *names[] = {"apiserver", NULL};
        Host host = host_new("v1.28.7/rsa2048-default", ONE_DAY_OLD);

        tree_write_text(host.root, "/etc/kubernetes/pki/apiserver.key", "no key");
        autoptr(Plan) nightly = make_plan(&host, &(PlanRequest){});
        assert_int_equal(nightly->n_steps, 0);
        assert_int_equal(find_skip(nightly, "apiserver")->outcome, OUTCOME_FAILED);
        assert_true(find_skip(nightly, "apiserver")->is_failure);

        autoptr(Plan) named = make_plan(&host, &(PlanRequest){.names = names});
        assert_int_equal(named->n_skips, 0);
        assert_int_equal(find_step(named, "apiserver")->reason, DUE_REQUESTED);
        host_free(&host);
}

static void test_watched_is_never_renewed(void **state)
{
        char *names[] = {"kubelet.conf", NULL};
        Host host = host_new("v1.28.7/rsa2048-default", "2028-01-01");
        autoptr(Plan) plan = make_plan(&host, &(PlanRequest){});

        assert_null(find_step(plan, "kubelet.conf"));

        autoptr(Plan) named = make_plan(&host, &(PlanRequest){.names = names});
        assert_int_equal(named->n_steps, 0);
        assert_true(find_skip(named, "kubelet.conf")->is_failure);
        host_free(&host);
}

static void test_bad_names(void **state)
{
        static const struct {
                char *name;
                const char *expected;
        } table[] = {
                {"apiservr", "did you mean 'apiserver'?"},
                {"zzzzzzzzzzzz", "'kube-renewd check' lists them"},
                {"ca", "'ca' is a CA certificate"},
        };
        Host host = host_new("v1.28.7/rsa2048-default", ONE_DAY_OLD);

        host_look(&host);
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                char *names[] = {table[i].name, NULL};
                Error error = {};
                Plan *plan = NULL;

                assert_int_equal(
                        plan_make(host.assessment, &(PlanRequest){.names = names}, &plan, &error),
                        -EINVAL);
                assert_null(plan);
                assert_non_null(strstr(error.text, table[i].expected));
        }
        host_free(&host);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_t01_all_valid_is_an_empty_plan),
                cmocka_unit_test(test_exactly_the_due_ones),
                cmocka_unit_test(test_restarts_in_order),
                cmocka_unit_test(test_unreadable_manifest_may_use_anything),
                cmocka_unit_test(test_t02_one_name_and_only_its_users),
                cmocka_unit_test(test_t20_front_proxy_leaves_etcd_alone),
                cmocka_unit_test(test_t10_external_is_said),
                cmocka_unit_test(test_t10_ca_key_absent),
                cmocka_unit_test(test_t05_missing_is_said_or_created),
                cmocka_unit_test(test_t07_unreadable_key_fails_the_pass),
                cmocka_unit_test(test_watched_is_never_renewed),
                cmocka_unit_test(test_bad_names),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
