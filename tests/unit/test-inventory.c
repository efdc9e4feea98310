/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "host.h"

#define EXPIRED "2028-01-01"

/* What is in every tree, in the order of the listing. */
#define LEAVES_WITHOUT_ETCD "apiserver", "apiserver-kubelet-client", "front-proxy-client"
#define ETCD_LEAVES         "etcd-server", "etcd-peer", "etcd-healthcheck-client"
#define KUBECONFIGS         "admin.conf", "controller-manager.conf", "scheduler.conf"

static const char *const stacked[] = {LEAVES_WITHOUT_ETCD, ETCD_LEAVES, "apiserver-etcd-client",
        KUBECONFIGS, "kubelet.conf", "ca", "front-proxy-ca", "etcd-ca", NULL};
static const char *const stacked_1_29[] = {LEAVES_WITHOUT_ETCD, ETCD_LEAVES,
        "apiserver-etcd-client", KUBECONFIGS, "super-admin.conf", "kubelet.conf", "ca",
        "front-proxy-ca", "etcd-ca", NULL};
static const char *const external_etcd[] = {LEAVES_WITHOUT_ETCD, "apiserver-etcd-client",
        KUBECONFIGS, "kubelet.conf", "ca", "front-proxy-ca", NULL};

static const struct {
        const char *tree;
        const char *const *names;
        const char *healthy, *ending;
        size_t n_due;
} trees[] = {
        {"v1.20.2/rsa2048-default", stacked, ONE_DAY_OLD, TEN_DAYS_LEFT, 10},
        {"v1.28.7/rsa2048-default", stacked, ONE_DAY_OLD, TEN_DAYS_LEFT, 10},
        {"v1.28.7/ecdsa-p256", stacked, ONE_DAY_OLD, TEN_DAYS_LEFT, 10},
        {"v1.28.7/extetcd-external", external_etcd, ONE_DAY_OLD, TEN_DAYS_LEFT, 6},
        {"v1.36.0/rsa2048-default", stacked_1_29, "2026-11-23T01:00:00Z", "2027-11-12T00:50:00Z",
                11},
        {"v1.36.0/ecdsa-p256", stacked_1_29, "2026-11-23T01:00:00Z", "2027-11-12T00:50:00Z", 11},
        {"v1.36.0/rsa4096-short10d", stacked_1_29, "2026-11-23T01:00:00Z", "2026-12-01T00:00:00Z",
                11},
};

static void assert_names(const Host *host, const char *const *names)
{
        size_t n = 0;

        for (; names[n]; n++)
                host_index(host, names[n]);
        assert_int_equal(host->inventory->n_items, n);
}

static bool is_ca(const Item *item)
{
        return item->kind == ITEM_CA;
}

static void test_t01_healthy_trees(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(trees); i++) {
                Host host = host_new(trees[i].tree, trees[i].healthy);

                host_look(&host);
                assert_names(&host, trees[i].names);
                for (const char *const *name = trees[i].names; *name; name++)
                        host_assert_row(&host, *name, STATE_OK, "");
                assert_int_equal(host.assessment->n_due, 0);
                host_free(&host);
        }
}

/* Everything that a pass may renew, and nothing else, is due. */
static void test_ten_days_before_expiry(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(trees); i++) {
                Host host = host_new(trees[i].tree, trees[i].ending);

                host_look(&host);
                assert_int_equal(host.assessment->n_due, trees[i].n_due);
                for (size_t k = 0; k < host.assessment->n; k++) {
                        const Item *item = &host.inventory->items[k];
                        const Verdict *verdict = &host.assessment->verdicts[k];
                        bool ours = !is_ca(item) && !item->entry->watch && !verdict->external;

                        assert_int_equal(verdict->state, is_ca(item) ? STATE_OK : STATE_EXPIRING);
                        assert_int_equal(verdict->due, ours);
                }
                host_free(&host);
        }
}

static void test_t03_expired_trees(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(trees); i++) {
                Host host = host_new(trees[i].tree, EXPIRED);

                host_look(&host);
                assert_int_equal(host.assessment->n_due, trees[i].n_due);
                for (size_t k = 0; k < host.assessment->n; k++)
                        assert_int_equal(host.assessment->verdicts[k].state,
                                is_ca(&host.inventory->items[k]) ? STATE_OK : STATE_EXPIRED);
                host_free(&host);
        }
}

static void test_order_is_leaves_kubeconfigs_cas(void **state)
{
        Host host = host_new("v1.28.7/rsa2048-default", ONE_DAY_OLD);
        int last = 0;

        host_look(&host);
        for (size_t i = 0; i < host.inventory->n_items; i++) {
                const Item *item = &host.inventory->items[i];
                int rank = is_ca(item) ? 3 : item->kind == ITEM_KUBECONFIG ? 2 : 1;

                assert_true(rank >= last);
                last = rank;
        }
        host_free(&host);
}

static void test_items_know_what_later_stages_need(void **state)
{
        Host host = host_new("v1.28.7/ecdsa-p256", ONE_DAY_OLD);
        const Item *item;

        host_look(&host);
        item = host_item(&host, "etcd-server");
        assert_string_equal(item->path, "/etc/kubernetes/pki/etcd/server.crt");
        assert_string_equal(item->key_path, "/etc/kubernetes/pki/etcd/server.key");
        assert_string_equal(item->file->path, item->path);
        assert_string_equal(item->key_file->path, item->key_path);
        assert_int_equal(item->file->st.st_mode & 07777, 0644);
        assert_true(item->key_matches && item->trusted && !item->embedded);
        assert_string_equal(item->ca->entry->name, "etcd-ca");
        assert_ptr_equal(item->ca, item->expected_ca);
        assert_non_null(item->ca->ca);
        assert_int_equal(item->chain->n, 1);

        item = host_item(&host, "admin.conf");
        assert_true(item->embedded && item->key_matches && item->trusted);
        assert_string_equal(item->path, "/etc/kubernetes/admin.conf");
        assert_string_equal(item->key_path, item->path);
        assert_ptr_equal(item->file, item->key_file);
        assert_string_equal(item->user->name, "kubernetes-admin");
        host_free(&host);
}

/* Replaces the apiserver's pair by one with such a key, in such a PEM form. */
static void reissue(Host *host, KeyKind kind, KeyFormat format)
{
        const Ca *ca = host_item(host, "apiserver")->ca->ca;
        const LeafIdentity identity = {.common_name = "kube-apiserver", .usage = CERT_USAGE_SERVER};
        const LeafTerms terms = leaf_terms(ca, host->now, YEAR, NULL);
        autoptr(Key) key = NULL;
        autoptr(Cert) cert = NULL;
        autoptr(Secret) pem = NULL;

        assert_int_equal(key_generate(kind, &key, NULL), 0);
        assert_int_equal(ca_issue(ca, &identity, key, &terms, &cert, NULL), 0);
        assert_int_equal(key_to_pem(key, format, &pem, NULL), 0);
        autofree char *certificate = cert_to_pem(cert);
        tree_write_text(host->root, "/etc/kubernetes/pki/apiserver.crt", certificate);
        tree_write(host->root, "/etc/kubernetes/pki/apiserver.key", pem->data, pem->size);
}

/* A pair of such an identity at the source of the apiserver's. */
static void put_source(Host *host, const LeafIdentity *identity, bool key_in_both)
{
        const Ca *ca = host_item(host, "apiserver")->ca->ca;
        const LeafTerms terms = leaf_terms(ca, host->now, YEAR, NULL);
        autoptr(Key) key = NULL;
        autoptr(Cert) cert = NULL;
        autoptr(Secret) pem = NULL;

        assert_int_equal(key_generate(KEY_KIND_ECDSA_P256, &key, NULL), 0);
        assert_int_equal(ca_issue(ca, identity, key, &terms, &cert, NULL), 0);
        assert_int_equal(key_to_pem(key, KEY_FORMAT_SEC1, &pem, NULL), 0);
        autofree char *text = cert_to_pem(cert);
        autofree char *both = xasprintf(
                "%s%.*s", text, key_in_both ? (int)pem->size : 0, (const char *)pem->data);
        tree_write_text(host->root, "/s/s.crt", both);
        tree_write(host->root, "/s/s.key", pem->data, pem->size);
}

static void test_t30_a_source_for_somebody_else_is_not_taken(void **state)
{
        static const struct {
                const char *name, *san;
                unsigned usage;
                bool key_in_both;
                const char *problem;
        } table[] = {
                {"kube-apiserver", NULL, CERT_USAGE_SERVER, false, NULL},
                {"x", "DNS:kubernetes", CERT_USAGE_SERVER | CERT_USAGE_CLIENT, false, NULL},
                {"x", "DNS:x", CERT_USAGE_SERVER, false, "shares no name with what is in place"},
                {"kube-apiserver", "DNS:kubernetes", CERT_USAGE_CLIENT, false,
                        "is not for server auth"},
                {"kube-apiserver", NULL, CERT_USAGE_SERVER, true, "holds a private key"},
        };
        Host host = host_new("v1.28.7/rsa2048-default", ONE_DAY_OLD);

        tree_write_text(host.root, "/etc/kube-renewd/kube-renewd.conf",
                "[certificate apiserver]\nIssuer=files\nSourceCertificate=/s/s.crt\n"
                "SourceKey=/s/s.key\n");
        host_configure(&host);
        host_look(&host);
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                char *sans[] = {(char *)table[i].san, NULL};

                put_source(&host,
                        &(LeafIdentity){.common_name = table[i].name,
                                .sans = sans,
                                .usage = table[i].usage},
                        table[i].key_in_both);
                host_look(&host);
                const Verdict *verdict = host_verdict(&host, "apiserver");
                const char *problem = verdict->source_problem;

                if (!table[i].problem != !problem ||
                        (problem && !strstr(problem, table[i].problem)))
                        fail_msg("row %zu: %s", i, problem);
                assert_int_equal(verdict->takes_source, !problem);
        }
        host_free(&host);
}

/* RSA-4096 is in a tree of its own. */
static void test_t24_kinds_of_keys(void **state)
{
        static const struct {
                KeyKind kind;
                KeyFormat format;
        } table[] = {
                {KEY_KIND_RSA_2048, KEY_FORMAT_PKCS1},
                {KEY_KIND_RSA_2048, KEY_FORMAT_PKCS8},
                {KEY_KIND_ECDSA_P256, KEY_FORMAT_SEC1},
                {KEY_KIND_ECDSA_P256, KEY_FORMAT_PKCS8},
                {KEY_KIND_ECDSA_P384, KEY_FORMAT_SEC1},
                {KEY_KIND_ECDSA_P521, KEY_FORMAT_PKCS8},
                {KEY_KIND_ED25519, KEY_FORMAT_PKCS8},
        };
        Host host = host_new("v1.28.7/rsa2048-default", ONE_DAY_OLD);

        host_look(&host);
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                reissue(&host, table[i].kind, table[i].format);
                host_look(&host);
                host_assert_row(&host, "apiserver", STATE_OK, "");
                assert_int_equal(key_kind(host_item(&host, "apiserver")->key), table[i].kind);
                assert_int_equal(key_format(host_item(&host, "apiserver")->key), table[i].format);
        }
        host_free(&host);
}

/* The kubelet makes a CA for its serving certificate and puts both into one file. */
static void test_serving_certificate_of_the_kubelet(void **state)
{
        Host host = host_new("v1.28.7/rsa2048-default", ONE_DAY_OLD);
        const LeafIdentity identity = {.common_name = "cp-1@1", .usage = CERT_USAGE_SERVER};
        autoptr(Key) ca_key = NULL;
        autoptr(Key) key = NULL;
        autoptr(Cert) ca_cert = NULL;
        autoptr(Cert) cert = NULL;
        autoptr(Ca) ca = NULL;
        autoptr(Secret) pem = NULL;

        assert_int_equal(key_generate(KEY_KIND_ECDSA_P256, &ca_key, NULL), 0);
        assert_int_equal(key_generate(KEY_KIND_ECDSA_P256, &key, NULL), 0);
        assert_int_equal(ca_create("cp-1-ca@1", ca_key, host.now - 300 * DAY, host.now + 65 * DAY,
                                 &ca_cert, NULL),
                0);
        assert_int_equal(ca_new(&(CertList){&ca_cert, 1}, ca_key, &ca, NULL), 0);
        (void)TAKE(ca_key);
        const LeafTerms terms = leaf_terms(ca, host.now, 65 * DAY, NULL);
        assert_int_equal(ca_issue(ca, &identity, key, &terms, &cert, NULL), 0);
        assert_int_equal(key_to_pem(key, KEY_FORMAT_SEC1, &pem, NULL), 0);
        autofree char *leaf_pem = cert_to_pem(cert), *ca_pem = cert_to_pem(ca_cert);
        autofree char *both = xasprintf("%s%s", leaf_pem, ca_pem);
        tree_write_text(host.root, "/var/lib/kubelet/pki/kubelet.crt", both);
        tree_write(host.root, "/var/lib/kubelet/pki/kubelet.key", pem->data, pem->size);
        host_look(&host);

        host_assert_row(&host, "kubelet-serving", STATE_OK, "");
        assert_true(host_verdict(&host, "kubelet-serving")->external);
        assert_true(host_item(&host, "kubelet-serving")->key_matches);
        host_assert_row(
                &host, "kubelet-serving#2", STATE_OK, ""); /* half a year is no news of this CA */
        assert_false(host_item(&host, "kubelet-serving")->is_link);

        /* One of the cluster takes its place: what is left of it is nobody's. */
        tree_write_text(host.root, "/var/lib/kubelet/pki/kubelet-server-1.pem", both);
        assert_int_equal(symlinkat("kubelet-server-1.pem", host.root_fd,
                                 "var/lib/kubelet/pki/kubelet-server-current.pem"),
                0);
        host_look(&host);
        assert_true(host_item(&host, "kubelet-server")->is_link);
        for (size_t i = 0; i < host.inventory->n_items; i++)
                assert_false(starts_with(host.inventory->items[i].name, "kubelet-serving"));
        host_free(&host);
}

/* A copy of the CA by another name: both listed, both able to sign. */
static void test_t12_alias_of_a_ca(void **state)
{
        Host host = host_new("v1.28.7/rsa2048-default", ONE_DAY_OLD);

        tree_write_text(host.root, "/etc/kube-renewd/kube-renewd.conf",
                "[ca server]\nName=server-ca\nCertificate=/etc/kubernetes/pki/server-ca.crt\n"
                "Key=/etc/kubernetes/pki/server-ca.key\n");
        tree_add(host.root, "kubeadm/v1.28.7/rsa2048-default/etc-kubernetes/pki/ca.crt",
                "/etc/kubernetes/pki/server-ca.crt");
        tree_add(host.root, "kubeadm/v1.28.7/rsa2048-default/etc-kubernetes/pki/ca.key",
                "/etc/kubernetes/pki/server-ca.key");
        host_configure(&host);
        host_look(&host);
        host_assert_row(&host, "ca", STATE_OK, "");
        host_assert_row(&host, "server-ca", STATE_OK, "");
        assert_non_null(host_item(&host, "ca")->ca_file->ca);
        assert_non_null(host_item(&host, "server-ca")->ca_file->ca);
        assert_string_equal(host_item(&host, "apiserver")->ca->entry->name, "ca");
        host_free(&host);
}

/* etcd is elsewhere: no etcd rows, and the client certificate that somebody else issued. */
static void test_t10_external_etcd(void **state)
{
        Host host = host_new("v1.28.7/extetcd-external", EXPIRED);
        const Item *item;

        host_look(&host);
        item = host_item(&host, "apiserver-etcd-client");
        assert_null(item->ca);
        assert_false(item->expected_ca->expected);
        assert_true(host_verdict(&host, "apiserver-etcd-client")->external);
        assert_false(host_verdict(&host, "apiserver-etcd-client")->due);
        assert_false(host_verdict(&host, "apiserver")->external);
        host_free(&host);
}

/* Many put the external etcd's CA where kubeadm's own would be, without its key. */
static void test_t10_external_etcd_with_its_ca(void **state)
{
        Host host = host_new("v1.28.7/extetcd-external", TEN_DAYS_LEFT);

        tree_add(host.root, "kubeadm/v1.28.7/extetcd-external/etc-etcd/ca.crt",
                "/etc/kubernetes/pki/etcd/ca.crt");
        host_look(&host);
        host_assert_row(&host, "etcd-ca", STATE_OK, "");
        assert_true(host_verdict(&host, "etcd-ca")->external);
        assert_true(host_verdict(&host, "apiserver-etcd-client")->external);
        assert_true(host_item(&host, "apiserver-etcd-client")->trusted);
        assert_true(host_item(&host, "apiserver-etcd-client")->expected_ca->expected);
        assert_int_equal(host.assessment->n_due, 6);
        host_free(&host);
}

static const InventoryComponent *find_component(const Host *host, const char *name)
{
        for (size_t i = 0; i < host->inventory->n_components; i++)
                if (streq(host->inventory->components[i].entry->name, name))
                        return &host->inventory->components[i];
        fail_msg("there is no component %s", name);
        return NULL;
}

static void test_component_uses(void **state)
{
        static const struct {
                const char *component, *path, *how; /* how NULL: not used */
        } table[] = {
                {"kube-apiserver", "/etc/kubernetes/pki/apiserver.crt", "--tls-cert-file"},
                {"kube-apiserver", "/etc/kubernetes//pki/./x/../apiserver.crt", "--tls-cert-file"},
                {"kube-apiserver", "/etc/kubernetes/pki/etcd/server.crt", NULL},
                {"kube-apiserver", "/etc/kubernetes/pki", NULL},
                {"kube-apiserver", "/etc/kubernetes/pki/sa.key",
                        "--service-account-signing-key-file"},
                {"etcd", "/etc/kubernetes/pki/etcd/server.crt", "--cert-file"},
                {"etcd", "/etc/kubernetes/pki/etcd/healthcheck-client.crt", NULL},
                {"kube-scheduler", "/etc/kubernetes/scheduler.conf", "--authentication-kubeconfig"},
                {"kube-controller-manager", "/etc/kubernetes/pki/ca.key",
                        "--cluster-signing-key-file"},
                {"kube-controller-manager", "/etc/kubernetes/admin.conf", NULL},
        };
        Host host = host_new("v1.28.7/rsa2048-default", ONE_DAY_OLD);

        host_look(&host);
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                const char *how = NULL;
                bool uses = component_uses(
                        find_component(&host, table[i].component), table[i].path, &how);

                assert_int_equal(uses, table[i].how != NULL);
                if (table[i].how)
                        assert_string_equal(how, table[i].how);
        }
        assert_true(component_mounts_singly(
                find_component(&host, "kube-scheduler"), "/etc/kubernetes/scheduler.conf"));
        assert_false(component_mounts_singly(
                find_component(&host, "kube-apiserver"), "/etc/kubernetes/pki/apiserver.crt"));
        host_free(&host);
}

/* kubespray: the layout's directory is a link to the one in the manifests. */
static void test_linked_pki_directory(void **state)
{
        Host host = host_new("v1.28.7/rsa2048-default", TEN_DAYS_LEFT);
        autofree char *pki = xasprintf("%s/etc/kubernetes/pki", host.root);
        autofree char *ssl = xasprintf("%s/etc/kubernetes/ssl", host.root);

        assert_int_equal(rename(pki, ssl), 0);
        assert_int_equal(symlink("/etc/kubernetes/ssl", pki), 0);
        host_look(&host);
        assert_names(&host, stacked);
        assert_int_equal(host.assessment->n_due, 10);
        assert_true(component_uses(find_component(&host, "kube-apiserver"),
                "/etc/kubernetes/pki/apiserver.crt", NULL));
        host_free(&host);
}

static void test_manifest_with_another_path_to_the_same_file(void **state)
{
        Host host = host_new("v1.28.7/rsa2048-default", ONE_DAY_OLD);
        const char *path = "/etc/kubernetes/manifests/kube-apiserver.yaml";
        autofree char *pki = xasprintf("%s/etc/kubernetes/pki", host.root);
        autofree char *ssl = xasprintf("%s/etc/kubernetes/ssl", host.root);
        autofree char *text = tree_read(host.root, path, NULL);
        const char *how = NULL;

        assert_int_equal(symlink(pki + strlen(host.root), ssl), 0);
        for (char *at = text; (at = strstr(at, "/etc/kubernetes/pki"));)
                memcpy(at, "/etc/kubernetes/ssl", strlen("/etc/kubernetes/ssl"));
        tree_write_text(host.root, path, text);
        host_look(&host);
        assert_true(component_uses(find_component(&host, "kube-apiserver"),
                "/etc/kubernetes/pki/apiserver.crt", &how));
        assert_string_equal(how, "--tls-cert-file");
        assert_false(component_uses(find_component(&host, "kube-apiserver"),
                "/etc/kubernetes/pki/etcd/server.crt", NULL));
        host_free(&host);
}

static void test_uses_adds_what_the_manifest_does_not_tell(void **state)
{
        static const struct {
                const char *path, *how;
        } cases[] = {
                {"/etc/kubernetes/pki/apiserver.crt", "--tls-cert-file"},
                {"/etc/kubernetes/pki/etcd/server.crt", "Uses="},
        };
        Host host = host_new("v1.28.7/rsa2048-default", ONE_DAY_OLD);

        tree_write_text(host.root, "/etc/kube-renewd/kube-renewd.conf",
                "[component kube-apiserver]\nUses=/etc/kubernetes/pki/apiserver.crt"
                " /etc/kubernetes/pki/etcd/server.crt\n");
        host_configure(&host);
        host_look(&host);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const InventoryComponent *component = find_component(&host, "kube-apiserver");
                ComponentUse use;
                size_t at = 0;

                assert_true(component_next_use(component, cases[i].path, &at, &use));
                assert_string_equal(use.how, cases[i].how);
                assert_false(component_next_use(component, cases[i].path, &at, &use));
        }
        host_free(&host);
}

static void test_manifest_that_is_none(void **state)
{
        Host host = host_new("v1.28.7/rsa2048-default", ONE_DAY_OLD);

        tree_write_text(host.root, "/etc/kubernetes/manifests/etcd.yaml", "{");
        host_look(&host);
        assert_true(find_component(&host, "etcd")->error < 0);
        assert_non_null(strstr(find_component(&host, "etcd")->problem, "etcd.yaml"));
        assert_names(&host, stacked);
        host_free(&host);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_t01_healthy_trees),
                cmocka_unit_test(test_ten_days_before_expiry),
                cmocka_unit_test(test_t03_expired_trees),
                cmocka_unit_test(test_order_is_leaves_kubeconfigs_cas),
                cmocka_unit_test(test_items_know_what_later_stages_need),
                cmocka_unit_test(test_t30_a_source_for_somebody_else_is_not_taken),
                cmocka_unit_test(test_t24_kinds_of_keys),
                cmocka_unit_test(test_serving_certificate_of_the_kubelet),
                cmocka_unit_test(test_t12_alias_of_a_ca),
                cmocka_unit_test(test_t10_external_etcd),
                cmocka_unit_test(test_t10_external_etcd_with_its_ca),
                cmocka_unit_test(test_component_uses),
                cmocka_unit_test(test_linked_pki_directory),
                cmocka_unit_test(test_manifest_with_another_path_to_the_same_file),
                cmocka_unit_test(test_uses_adds_what_the_manifest_does_not_tell),
                cmocka_unit_test(test_manifest_that_is_none),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
