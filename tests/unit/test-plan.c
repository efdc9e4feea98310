/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "host.h"
#include "renew/plan/plan.h"

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

/* Who would be restarted, and (in brackets) who would only be proven, in order. */
static char *list_restarts(const Plan *plan)
{
        char **names = NULL;
        char *joined;

        for (size_t i = 0; i < plan->n_restarts; i++) {
                const Restart *restart = &plan->restarts[i];

                strv_take(&names, xasprintf(restart->is_needed ? "%s" : "(%s)",
                                          restart->component->entry->name));
        }
        joined = strv_join(names, " ");
        strv_free(names);
        return joined;
}

static void check_restarts(Host *host, const PlanRequest *request, const char *expected)
{
        autoptr(Plan) plan = make_plan(host, request);
        autofree char *restarts = list_restarts(plan);

        assert_string_equal(restarts, expected);
}

/* From 1.23 on a full renewal restarts neither etcd nor the API server: 0 s of API silence. */
static void test_t02_full_renewal_by_version(void **state)
{
        static const struct {
                const char *tree, *restarts;
        } table[] = {
                {"v1.28.7/rsa2048-default",
                        "(etcd) (kube-apiserver) kube-controller-manager kube-scheduler"},
                {"v1.28.7/ecdsa-p256",
                        "(etcd) (kube-apiserver) kube-controller-manager kube-scheduler"},
                {"v1.28.7/extetcd-external",
                        "(kube-apiserver) kube-controller-manager kube-scheduler"},
                {"v1.20.2/rsa2048-default",
                        "(etcd) kube-apiserver kube-controller-manager kube-scheduler"},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                Host host = host_new(table[i].tree, TEN_DAYS_LEFT);

                check_restarts(&host, &(PlanRequest){}, table[i].restarts);
                host_free(&host);
        }
}

/* The other versions by the tag of the image alone. */
static void test_restarts_of_an_api_server_by_its_tag(void **state)
{
        static const struct {
                const char *tag, *restarts;
        } table[] = {
                {":v1.22.9 ", "kube-apiserver"},
                {":v1.23.0 ", "(kube-apiserver)"},
                {":latest  ", "kube-apiserver"},
                {"@sha256:0", "kube-apiserver"},
        };
        static const char path[] = "/etc/kubernetes/manifests/kube-apiserver.yaml";
        char *names[] = {"apiserver", NULL};

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                Host host = host_new("v1.28.7/rsa2048-default", ONE_DAY_OLD);
                autofree char *text = tree_read(host.root, path, NULL);
                char *tag = strstr(text, ":v1.28.7\n");

                assert_non_null(tag);
                memcpy(tag, table[i].tag, strlen(":v1.28.7"));
                tree_write_text(host.root, path, text);
                check_restarts(&host, &(PlanRequest){.names = names}, table[i].restarts);
                host_free(&host);
        }
}

static void test_reasons_of_restarts(void **state)
{
        Host host = host_new("v1.28.7/rsa2048-default", TEN_DAYS_LEFT);
        autoptr(Plan) plan = make_plan(&host, &(PlanRequest){});

        assert_int_equal(plan->n_restarts, 4);
        assert_true(strv_contains(plan->restarts[0].paths, "/etc/kubernetes/pki/etcd/peer.key"));
        assert_non_null(strstr(plan->restarts[0].text,
                "/etc/kubernetes/pki/etcd/peer.key (--peer-key-file): reads it at every new"));
        assert_non_null(
                strstr(plan->restarts[1].text, "; /etc/kubernetes/pki/apiserver-kubelet-client.crt "
                                               "(--kubelet-client-certificate),"));
        assert_string_equal(plan->restarts[3].text,
                "uses /etc/kubernetes/scheduler.conf (--authentication-kubeconfig,"
                " --authorization-kubeconfig, --kubeconfig): keeps embedded credentials");
        host_free(&host);
}

/* Of several uses of a file the one that asks for a restart is told: ca.crt of the controller
 * manager. */
static void test_one_use_that_does_not_reload_is_enough(void **state)
{
        char *paths[] = {"/etc/kubernetes/pki/ca.crt", NULL};
        Host host = host_new("v1.28.7/rsa2048-default", ONE_DAY_OLD);
        Restart *restarts;
        size_t n;

        host_look(&host);
        restarts = restarts_of_paths(host.inventory, paths, &n);
        assert_int_equal(n, 2);
        assert_false(restarts[0].is_needed);
        assert_string_equal(restarts[0].text, "uses /etc/kubernetes/pki/ca.crt (--client-ca-file): "
                                              "loads it by itself within about"
                                              " a minute");
        assert_true(restarts[1].is_needed);
        assert_string_equal(restarts[1].text,
                "uses /etc/kubernetes/pki/ca.crt (--root-ca-file): reads it once, when it starts");
        restarts_free(restarts, n);
        host_free(&host);
}

static void test_unreadable_manifest_may_use_anything(void **state)
{
        char *names[] = {"scheduler.conf", NULL};
        Host host = host_new("v1.28.7/rsa2048-default", ONE_DAY_OLD);

        tree_write_text(host.root, "/etc/kubernetes/manifests/etcd.yaml", "{[");
        autoptr(Plan) plan = make_plan(&host, &(PlanRequest){.names = names});
        autofree char *restarts = list_restarts(plan);

        assert_string_equal(restarts, "etcd kube-scheduler");
        assert_string_equal(plan->restarts[0].text,
                "uses /etc/kubernetes/scheduler.conf: its manifest cannot be read");
        host_free(&host);
}

static void test_policies(void **state)
{
        static const struct {
                const char *config, *name, *restarts, *text;
        } table[] = {
                {"[component kube-apiserver]\nRestart=always\n", "apiserver", "kube-apiserver",
                        "Restart=always: uses /etc/kubernetes/pki/apiserver.crt (--tls-cert-file"},
                {"[component kube-apiserver]\nRestart=always\n", "scheduler.conf", "kube-scheduler",
                        "uses /etc/kubernetes/scheduler.conf ("},
                {"[component kube-scheduler]\nRestart=never\n", "scheduler.conf", "kube-scheduler",
                        "by hand (Restart=never): uses /etc/kubernetes/scheduler.conf ("},
                {"[component kube-apiserver]\nRestart=never\n", "apiserver", "(kube-apiserver)",
                        "uses /etc/kubernetes/pki/apiserver.crt ("},
                {"[component kube-scheduler]\nRestart=needed\n", "scheduler.conf", "kube-scheduler",
                        "uses /etc/kubernetes/scheduler.conf ("},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                char name[32], *names[] = {name, NULL};
                Host host = host_new("v1.28.7/rsa2048-default", ONE_DAY_OLD);

                snprintf(name, sizeof(name), "%s", table[i].name);
                tree_write_text(host.root, "/etc/kube-renewd/kube-renewd.conf", table[i].config);
                host_configure(&host);
                autoptr(Plan) plan = make_plan(&host, &(PlanRequest){.names = names});
                autofree char *restarts = list_restarts(plan);
                assert_string_equal(restarts, table[i].restarts);
                if (!starts_with(plan->restarts[0].text, table[i].text))
                        fail_msg("%s", plan->restarts[0].text);
                host_free(&host);
        }
}

/* The user of a kubeconfig that names files is the user of these files. */
static void test_files_that_a_kubeconfig_names(void **state)
{
        static const char kubeconfig[] =
                "apiVersion: v1\nkind: Config\ncurrent-context: c\n"
                "contexts: [{name: c, context: {cluster: k, user: u}}]\n"
                "clusters: [{name: k, cluster: {server: 'https://192.0.2.10:6443'}}]\n"
                "users: [{name: u, user: {client-certificate: pki/front-proxy-client.crt,"
                " client-key: pki/front-proxy-client.key}}]\n";
        char *paths[] = {"/etc/kubernetes/pki/front-proxy-client.crt",
                "/etc/kubernetes/pki/front-proxy-client.key", NULL};
        Host host = host_new("v1.28.7/rsa2048-default", ONE_DAY_OLD);
        Restart *restarts;
        size_t n;

        tree_write_text(host.root, "/etc/kubernetes/scheduler.conf", kubeconfig);
        host_look(&host);
        restarts = restarts_of_paths(host.inventory, paths, &n);
        assert_int_equal(n, 2);
        assert_string_equal(restarts[0].component->entry->name, "kube-apiserver");
        assert_false(restarts[0].is_needed);
        assert_string_equal(restarts[1].component->entry->name, "kube-scheduler");
        assert_true(restarts[1].is_needed);
        assert_int_equal(strv_length(restarts[1].paths), 2);
        assert_non_null(strstr(restarts[1].text,
                "front-proxy-client.key (kubeconfig): reads it through its kubeconfig"));
        restarts_free(restarts, n);
        host_free(&host);
}

static void test_t02_one_name_and_only_its_users(void **state)
{
        static const struct {
                const char *name, *restarts;
        } table[] = {
                {"scheduler.conf", "kube-scheduler"},
                {"controller-manager.conf", "kube-controller-manager"},
                {"admin.conf", ""},
                {"etcd-peer", "(etcd)"},
                {"etcd-healthcheck-client", ""},
                {"apiserver-etcd-client", "(kube-apiserver)"},
        };
        Host host = host_new("v1.28.7/rsa2048-default", ONE_DAY_OLD);

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                char name[32], *names[] = {name, NULL};

                snprintf(name, sizeof(name), "%s", table[i].name);
                autoptr(Plan) plan = make_plan(&host, &(PlanRequest){.names = names});
                autofree char *restarts = list_restarts(plan);
                assert_int_equal(plan->n_steps, 1);
                assert_int_equal(plan->steps[0].reason, DUE_REQUESTED);
                assert_string_equal(restarts, table[i].restarts);
        }
        host_free(&host);
}

static void test_t20_front_proxy_leaves_etcd_alone(void **state)
{
        static const struct {
                const char *tree, *restarts;
        } table[] = {
                {"v1.28.7/rsa2048-default", "(kube-apiserver)"},
                {"v1.20.2/rsa2048-default", "kube-apiserver"},
        };
        char *names[] = {"front-proxy-client", NULL};

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                Host host = host_new(table[i].tree, ONE_DAY_OLD);

                check_restarts(&host, &(PlanRequest){.names = names}, table[i].restarts);
                host_free(&host);
        }
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

/* Only a person renews what was renewed three times in a day. */
static void test_failure_mode_43_the_loop_breaker(void **state)
{
        char *names[] = {(char *)"apiserver", NULL};
        const PlanRequest requests[] = {{}, {.names = names}, {.all = true}};
        Host host = host_new("v1.28.7/ecdsa-p256", TEN_DAYS_LEFT);

        for (int i = 0; i < LOOP_RENEWALS; i++) {
                autoptr(Plan) before = make_plan(&host, &(PlanRequest){});
                assert_non_null(find_step(before, "apiserver"));
                history_add_renewal(host.history, "apiserver", 0, host.now);
        }
        for (size_t i = 0; i < ELEMENTSOF(requests); i++) {
                autoptr(Plan) plan = make_plan(&host, &requests[i]);
                bool asked = requests[i].names || requests[i].all;

                assert_int_equal(!!find_step(plan, "apiserver"), asked);
                assert_int_equal(!!find_skip(plan, "apiserver"), !asked);
        }
        autoptr(Plan) plan = make_plan(&host, &(PlanRequest){});
        assert_int_equal(find_skip(plan, "apiserver")->outcome, OUTCOME_POSTPONED);
        assert_true(find_skip(plan, "apiserver")->is_failure);
        assert_non_null(find_step(plan, "etcd-server"));
        host.now += DAY;
        autoptr(Plan) later = make_plan(&host, &(PlanRequest){});
        assert_non_null(find_step(later, "apiserver"));
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
                {"zzzzzzzzzzzz", "'kube-renewd check' lists their names"},
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
                cmocka_unit_test(test_t02_full_renewal_by_version),
                cmocka_unit_test(test_restarts_of_an_api_server_by_its_tag),
                cmocka_unit_test(test_reasons_of_restarts),
                cmocka_unit_test(test_one_use_that_does_not_reload_is_enough),
                cmocka_unit_test(test_unreadable_manifest_may_use_anything),
                cmocka_unit_test(test_policies),
                cmocka_unit_test(test_files_that_a_kubeconfig_names),
                cmocka_unit_test(test_t02_one_name_and_only_its_users),
                cmocka_unit_test(test_t20_front_proxy_leaves_etcd_alone),
                cmocka_unit_test(test_t10_external_is_said),
                cmocka_unit_test(test_t10_ca_key_absent),
                cmocka_unit_test(test_t05_missing_is_said_or_created),
                cmocka_unit_test(test_failure_mode_43_the_loop_breaker),
                cmocka_unit_test(test_t07_unreadable_key_fails_the_pass),
                cmocka_unit_test(test_watched_is_never_renewed),
                cmocka_unit_test(test_bad_names),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
