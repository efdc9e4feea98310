/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "host.h"
#include "renew/plan/plan.h"

/* A kubeconfig that holds its certificate is none that a kubelet keeps behind a link. */
static void test_t42_what_is_no_rotation_is_refused(void **state)
{
        Host host = host_new("v1.28.7/rsa2048-default", ONE_DAY_OLD);
        Error error = {};
        Plan *plan = NULL;

        host_look(&host);
        assert_int_equal(plan_make(host.assessment,
                                 &(PlanRequest){.kubelet_unit = "kubelet.service"}, &plan, &error),
                -ENOENT);
        assert_string_equal(error.text,
                "no kubeconfig with Watch=yes names a certificate that a kubelet renews by itself "
                "(kubelet-client-current.pem)");
        host_free(&host);
}

/* One step for the kubelet's item, nothing that is due, and the restart of its service. */
static void test_t42_the_plan_for_a_kubelet(void **state)
{
        static char current[] = "/var/lib/kubelet/pki/kubelet-client-current.pem";
        static const struct {
                const char *common_name; /* NULL: no certificate */
                StepKind kind;
        } table[] = {
                {"system:node:cp-1", STEP_RENEW},
                {"kubernetes-admin", STEP_CREATE},
                {NULL, STEP_CREATE},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                Cert cert = {.common_name = (char *)table[i].common_name};
                CredentialEntry entry = {.name = (char *)"kubelet.conf", .watch = true};
                ComponentEntry components[] = {{.name = (char *)"etcd"},
                        {.name = (char *)"kubelet", .unit = (char *)"kubelet.service"}};
                InventoryComponent on_host[] = {{.entry = components}, {.entry = components + 1}};
                Item item = {.kind = ITEM_KUBECONFIG,
                        .name = (char *)"kubelet.conf",
                        .entry = &entry,
                        .path = current,
                        .key_path = current,
                        .cert = table[i].common_name ? &cert : NULL};
                Inventory inventory = {
                        .items = &item, .n_items = 1, .components = on_host, .n_components = 2};
                Verdict verdict = {};
                Assessment assessment = {.inventory = &inventory, .verdicts = &verdict, .n = 1};
                autoptr(Plan) plan = NULL;
                Error error = {};

                assert_int_equal(plan_kubelet(&assessment, "kubelet.service", &plan, &error), 0);
                assert_int_equal(plan->n_steps, 1);
                assert_ptr_equal(plan->steps[0].item, &item);
                assert_int_equal(plan->steps[0].kind, table[i].kind);
                assert_int_equal(plan->n_restarts, 1);
                assert_string_equal(plan->restarts[0].component->entry->name, "kubelet");
                assert_string_equal(plan->restarts[0].paths[0], current);

                Plan *none = NULL;
                assert_int_equal(
                        plan_kubelet(&assessment, "snap.kubelet.service", &none, &error), -ENOENT);
                assert_non_null(
                        strstr(error.text, "no [component] with Unit=snap.kubelet.service"));
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_t42_what_is_no_rotation_is_refused),
                cmocka_unit_test(test_t42_the_plan_for_a_kubelet),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
