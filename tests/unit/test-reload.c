/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "cli/consumer.h"

/* facts that an operator acts on: what must be restarted, and what need not be. */
static const struct {
        const char *component, *flag, *reload;
} cases[] = {
        {"kube-apiserver", "--tls-cert-file", "needs no restart"},
        {"kube-apiserver", "--etcd-certfile", "needs no restart"},
        {"kube-apiserver", "--etcd-cafile", "starts: restart"},
        {"etcd", "--peer-cert-file", "needs no restart"},
        {"etcd", "--trusted-ca-file", "starts: restart"},
        {"kube-controller-manager", "--kubeconfig", "process: restart"},
        {"kube-scheduler", "--kubeconfig", "process: restart"},
        {"kube-scheduler", "--client-ca-file", "needs no restart"},
        {"konnectivity", "--kubeconfig", "every 5 minutes"},
};

static void test_flags_are_known(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const Consumer *consumer = consumer_find(cases[i].component, cases[i].flag);

                assert_non_null(consumer);
                assert_non_null(strstr(consumer->reload, cases[i].reload));
                assert_true(strlen(consumer->breaks) > 0);
        }
}

static void test_nothing_is_said_of_what_is_not_known(void **state)
{
        assert_null(consumer_find("kube-apiserver", "--frobnicate"));
        assert_null(consumer_find("kube-apiserver", NULL));
        assert_null(consumer_find("kube-scheduler", "--cert-file"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_flags_are_known),
                cmocka_unit_test(test_nothing_is_said_of_what_is_not_known),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
