/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "host.h"
#include "renew/inventory/reload.h"

static const char *const kinds[] = {
        [RELOAD_NEVER] = "never",
        [RELOAD_SERVED] = "served",
        [RELOAD_READ] = "read",
};

/* What follows from it is a restart, or none: facts, each of which has an outage behind it. */
static const struct {
        const char *component, *flag, *version, *kind;
        const char *why; /* a part of it */
} cases[] = {
        {"kube-apiserver", "--tls-cert-file", "1.28.7", "served", "loads it by itself"},
        {"kube-apiserver", "--tls-private-key-file", "1.28.7", "served", "loads it by itself"},
        {"kube-apiserver", "--proxy-client-cert-file", "1.28.7", "read", "loads it by itself"},
        {"kube-apiserver", "--kubelet-client-key", "1.28.7", "read", "every handshake"},
        {"kube-apiserver", "--etcd-certfile", "1.28.7", "read", "every handshake"},
        {"kube-apiserver", "--client-ca-file", "1.28.7", "read", "loads it by itself"},
        {"kube-apiserver", "--etcd-cafile", "1.28.7", "never", "when it starts"},
        {"kube-apiserver", "--kubelet-certificate-authority", "1.28.7", "never", "when it starts"},
        {"kube-apiserver", "--frobnicate", "1.28.7", "never", "is not known to load it"},
        /* versions: older, the first one, newer, odd ones, none */
        {"kube-apiserver", "--tls-cert-file", "1.20.2", "never", "by itself before 1.23"},
        {"kube-apiserver", "--tls-cert-file", "1.22.17", "never", "by itself before 1.23"},
        {"kube-apiserver", "--tls-cert-file", "1.23", "served", NULL},
        {"kube-apiserver", "--tls-cert-file", "1.100.0", "served", NULL},
        {"kube-apiserver", "--tls-cert-file", "2.0.0", "served", NULL},
        {"kube-apiserver", "--tls-cert-file", "0.99.0", "never", "by itself before 1.23"},
        {"kube-apiserver", "--tls-cert-file", "1", "never", "by itself before 1.23"},
        {"kube-apiserver", "--tls-cert-file", NULL, "never", "1.23, and its version is not known"},
        {"kube-apiserver", "--etcd-cafile", "1.20.2", "never", "when it starts"},
        /* etcd has versions of its own */
        {"etcd", "--cert-file", "3.4.13", "served", "every new connection"},
        {"etcd", "--key-file", "3.2", "served", NULL},
        {"etcd", "--peer-cert-file", "3.5.10", "served", "every new connection"},
        {"etcd", "--peer-key-file", "3.1.19", "never", "by itself before 3.2"},
        {"etcd", "--cert-file", NULL, "never", "version is not known"},
        {"etcd", "--trusted-ca-file", "3.6.6", "never", "when it starts"},
        {"etcd", "--peer-trusted-ca-file", "3.6.6", "never", "when it starts"},
        /* embedded credentials are kept for life */
        {"kube-controller-manager", "--kubeconfig", "1.36.0", "never", "embedded credentials"},
        {"kube-controller-manager", "--authorization-kubeconfig", "1.36.0", "never", "embedded"},
        {"kube-controller-manager", "--root-ca-file", "1.36.0", "never", "when it starts"},
        {"kube-controller-manager", "--cluster-signing-key-file", "1.36.0", "read", NULL},
        {"kube-controller-manager", "--cluster-signing-legacy-unknown-cert-file", "1.36.0", "read",
                NULL},
        {"kube-controller-manager", "--cluster-signing-kubelet-client-key-file", "1.22.0", "never",
                "by itself before 1.23"},
        {"kube-controller-manager", "--tls-cert-file", "1.28.7", "served", NULL},
        {"kube-scheduler", "--kubeconfig", "1.36.0", "never", "embedded credentials"},
        {"kube-scheduler", "--tls-private-key-file", "1.28.7", "served", NULL},
        {"konnectivity-server", "--kubeconfig", "1.36.0", "never", "embedded credentials"},
        {"kube-scheduler", "--requestheader-client-ca-file", "1.28.7", "read", NULL},
        {"kubelet", "--tls-cert-file", "1.30.4", "never", "by itself before 1.31"},
        {"kubelet", "--tls-cert-file", "1.31.0", "served", NULL},
        /* a flag of somebody else, a name that only begins so, no flag at all */
        {"kube-scheduler", "--cert-file", "1.28.7", "never", "is not known to load it"},
        {"etcd-backup", "--cert-file", "3.5.10", "never", "is not known to load it"},
        {"kube-apiserver", "Uses=", "1.28.7", "never", "is not known to load it"},
        {"kube-apiserver", "mount", "1.28.7", "never", "is not known to load it"},
};

static void test_who_reloads_what(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const Consumer consumer = {
                        .component = cases[i].component,
                        .flag = cases[i].flag,
                        .version = cases[i].version,
                };
                autofree char *why = reload_why(&consumer);

                if (!streq(kinds[reload_kind(&consumer)], cases[i].kind) ||
                        (cases[i].why && !strstr(why, cases[i].why)))
                        fail_msg("%s %s %s: %s, %s", consumer.component,
                                consumer.version ? consumer.version : "?", consumer.flag,
                                kinds[reload_kind(&consumer)], why);
        }
}

static void test_a_file_that_is_mounted_itself_is_never_seen_new(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const Consumer consumer = {
                        .component = cases[i].component,
                        .flag = cases[i].flag,
                        .version = cases[i].version,
                        .mounted_singly = true,
                };
                autofree char *why = reload_why(&consumer);

                assert_int_equal(reload_kind(&consumer), RELOAD_NEVER);
                if (!streq(cases[i].kind, "never"))
                        assert_string_equal(why, "keeps the old file, which is mounted by itself");
        }
}

static void test_what_breaks(void **state)
{
        assert_non_null(strstr(reload_breaks(&(Consumer){
                                       .component = "kube-apiserver", .flag = "--tls-cert-file"}),
                "every client of the API server"));
        assert_null(reload_breaks(&(Consumer){.component = "kube-apiserver", .flag = "--x"}));
        assert_null(
                reload_breaks(&(Consumer){.component = "kube-scheduler", .flag = "--cert-file"}));
}

/* The API server with a second container beside it and one before it, each with a version. */
static const char pod[] =
        "kind: Pod\nmetadata: {name: kube-apiserver}\nspec:\n"
        "  containers:\n"
        "  - {name: kube-apiserver, image: 'a:v1.28.7', volumeMounts: [{name: v, mountPath: "
        "/pki}],\n"
        "     command: [a, --tls-cert-file=/pki/apiserver.crt]}\n"
        "%s"
        "  initContainers:\n"
        "  - {name: etcd, image: 'e:3.5.1', volumeMounts: [{name: v, mountPath: /pki}],\n"
        "     command: [e, --cert-file=/pki/apiserver.crt]}\n"
        "  volumes: [{name: v, hostPath: {path: /etc/kubernetes/pki, type: Directory}}]\n";

static const char side_car[] =
        "  - {name: etcd-proxy, image: 'p:1.0.1', volumeMounts: [{name: v, mountPath: /pki}],\n"
        "     command: [p, --tls-cert-file=/pki/apiserver.crt]}\n";

static void check_consumers(const char *more, const char *const (*expected)[3], size_t n)
{
        Host host = host_new("v1.28.7/rsa2048-default", ONE_DAY_OLD);
        autofree char *text = NULL;
        const InventoryComponent *component = NULL;
        ComponentUse use;
        size_t at = 0;

        assert_true(asprintf(&text, pod, more) > 0);
        tree_write_text(host.root, "/etc/kubernetes/manifests/kube-apiserver.yaml", text);
        host_look(&host);
        for (size_t i = 0; i < host.inventory->n_components; i++)
                if (streq(host.inventory->components[i].entry->name, "kube-apiserver"))
                        component = &host.inventory->components[i];
        for (size_t i = 0; i < n; i++) {
                assert_true(component_next_use(
                        component, "/etc/kubernetes/pki/apiserver.crt", &at, &use));
                const Consumer consumer = component_consumer(component, &use);

                assert_string_equal(consumer.component, expected[i][0]);
                assert_string_equal(consumer.version ? consumer.version : "-", expected[i][1]);
                assert_string_equal(kinds[component_reload_kind(component, &use)], expected[i][2]);
        }
        assert_false(component_next_use(component, "/etc/kubernetes/pki/apiserver.crt", &at, &use));
        host_free(&host);
}

static void test_each_container_by_its_own_version(void **state)
{
        static const char *const alone[][3] = {
                {"kube-apiserver", "1.28.7", "served"},
                {"etcd", "-", "never"},
        };
        static const char *const several[][3] = {
                {"kube-apiserver", "1.28.7", "served"},
                {"etcd-proxy", "1.0.1", "never"},
                {"etcd", "-", "never"},
        };

        check_consumers("", alone, ELEMENTSOF(alone));
        check_consumers(side_car, several, ELEMENTSOF(several));
}

static void test_who_takes_one_certificate_only(void **state)
{
        static const struct {
                const char *component, *flag;
                bool wanted;
        } table[] = {
                {"kube-controller-manager", "--cluster-signing-cert-file", true},
                {"kube-controller-manager", "--cluster-signing-kubelet-serving-cert-file", true},
                {"kube-controller-manager", "--cluster-signing-kubelet-client-cert-file", true},
                {"kube-controller-manager", "--cluster-signing-kube-apiserver-client-cert-file",
                        true},
                {"kube-controller-manager", "--cluster-signing-legacy-unknown-cert-file", true},
                {"kube-controller-manager", "--cluster-signing-key-file", false},
                {"kube-controller-manager", "--cluster-signing-duration", false},
                {"kube-controller-manager", "--root-ca-file", false},
                {"kube-controller-manager", "--client-ca-file", false},
                {"kube-controller-manager", "--tls-cert-file", false},
                {"kube-apiserver", "--cluster-signing-cert-file", false},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                if (reload_takes_one_certificate(table[i].component, table[i].flag) !=
                        table[i].wanted)
                        fail_msg("%s %s", table[i].component, table[i].flag);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_who_takes_one_certificate_only),
                cmocka_unit_test(test_who_reloads_what),
                cmocka_unit_test(test_a_file_that_is_mounted_itself_is_never_seen_new),
                cmocka_unit_test(test_what_breaks),
                cmocka_unit_test(test_each_container_by_its_own_version),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
