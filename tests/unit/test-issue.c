/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "host.h"
#include "renew/issue/issue.h"
#include "renew/issue/template.h"

typedef struct Run {
        Host host;
        Plan *plan;
        Issuance *issuance;
} Run;

static void assert_same_strv(char *const *a, char *const *b)
{
        autofree char *left = strv_join(a, " ");
        autofree char *right = strv_join(b, " ");

        assert_string_equal(left, right);
}

/* What was promised of each certificate before it was issued is what it says. */
static void check_templates(const Run *run)
{
        for (size_t i = 0; i < run->issuance->n; i++) {
                const IssueResult *result = &run->issuance->results[i];

                if (result->step->kind == STEP_REPAIR_CA_DATA)
                        continue;
                autoptr(Template) template =
                        template_make(result->step, run->host.config, run->host.now);
                const Cert *cert = result->cert;

                if (template->outcome != OUTCOME_RENEWED) {
                        assert_int_equal(result->outcome, template->outcome);
                        assert_string_equal(result->text, template->problem);
                        continue;
                }
                assert_non_null(cert);
                assert_string_equal(template->subject, cert->subject);
                assert_same_strv(template->sans, cert->sans);
                assert_same_strv(template->usages, cert->usages);
                assert_string_equal(template->key_algorithm, cert->key_algorithm);
                assert_int_equal(template->keeps_key,
                        result->step->item->key && key_matches(result->step->item->key, cert));
                assert_int_equal(template->terms.not_before, cert->not_before);
                assert_int_equal(template->terms.not_after, cert->not_after);
                assert_true(cert_is_issued_by(cert, template->ca->signer));
        }
}

static Run run_on(Host host, const PlanRequest *request)
{
        Run run = {.host = host};
        Error error = {};

        host_look(&run.host);
        if (plan_make(run.host.assessment, request, &run.plan, &error) < 0)
                fail_msg("%s", error.text);
        run.issuance = issue_run(run.host.root_fd, run.plan, NULL, run.host.config, run.host.now);
        check_templates(&run);
        return run;
}

static void run_free(Run *run)
{
        issuance_free(run->issuance);
        plan_free(run->plan);
        host_free(&run->host);
}

static const IssueResult *find(const Run *run, const char *name)
{
        for (size_t i = 0; i < run->issuance->n; i++)
                if (streq(run->issuance->results[i].step->item->name, name))
                        return &run->issuance->results[i];
        fail_msg("no result for %s", name);
        return NULL;
}

static const FileChange *find_change(const Run *run, const char *path)
{
        for (size_t i = 0; i < run->issuance->n_changes; i++)
                if (streq(run->issuance->changes[i].path, path))
                        return &run->issuance->changes[i];
        return NULL;
}

static void test_t15_same_identity_new_key_later_end(void **state)
{
        static const struct {
                const char *tree, *at;
                size_t n_results, n_changes;
        } table[] = {
                {"v1.20.2/rsa2048-default", "2027-11-11T23:26:00Z", 10, 7 * 2 + 3},
                {"v1.28.7/rsa2048-default", TEN_DAYS_LEFT, 10, 7 * 2 + 3},
                {"v1.28.7/ecdsa-p256", TEN_DAYS_LEFT, 10, 7 * 2 + 3},
                {"v1.28.7/extetcd-external", TEN_DAYS_LEFT, 6, 3 * 2 + 3},
                {"v1.36.0/ecdsa-p256", "2027-11-12T00:56:00Z", 11, 7 * 2 + 4},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                Run run = run_on(host_new(table[i].tree, table[i].at), &(PlanRequest){});

                assert_int_equal(run.issuance->n, table[i].n_results);
                assert_int_equal(run.issuance->n_changes, table[i].n_changes);
                for (size_t j = 0; j < run.issuance->n; j++) {
                        const IssueResult *result = &run.issuance->results[j];
                        const Cert *old = result->step->item->cert;

                        assert_int_equal(result->outcome, OUTCOME_RENEWED);
                        assert_int_equal(cert_compare_identity(old, result->cert, NULL), 0);
                        assert_true(result->cert->not_after > old->not_after);
                        assert_string_equal(result->cert->key_algorithm, old->key_algorithm);
                        assert_false(key_matches(result->step->item->key, result->cert));
                        assert_string_not_equal(result->cert->serial, old->serial);
                        assert_true(
                                cert_is_issued_by(result->cert, result->step->item->ca->signer));
                }
                run_free(&run);
        }
}

static void test_dates(void **state)
{
        Run run = run_on(host_new("v1.28.7/ecdsa-p256", TEN_DAYS_LEFT), &(PlanRequest){});
        const Cert *cert = find(&run, "apiserver")->cert;

        assert_int_equal(cert->not_before, run.host.now - 5 * MINUTE);
        assert_int_equal(cert->not_after, run.host.now + YEAR);
        run_free(&run);
}

static void test_reuse_key_changes_only_the_certificate(void **state)
{
        Host host = host_new("v1.28.7/ecdsa-p256", TEN_DAYS_LEFT);

        tree_write_text(
                host.root, "/etc/kube-renewd/kube-renewd.conf", "[renewal]\nReuseKey=yes\n");
        host_configure(&host);
        Run run = run_on(host, &(PlanRequest){});

        assert_true(key_matches(
                find(&run, "apiserver")->step->item->key, find(&run, "apiserver")->cert));
        assert_non_null(find_change(&run, "/etc/kubernetes/pki/apiserver.crt"));
        assert_null(find_change(&run, "/etc/kubernetes/pki/apiserver.key"));
        run_free(&run);
}

static void test_key_algorithm_and_extra_sans(void **state)
{
        Host host = host_new("v1.28.7/rsa2048-default", ONE_DAY_OLD);

        tree_write_text(host.root, "/etc/kube-renewd/kube-renewd.conf",
                "[certificate apiserver]\nKeyAlgorithm=ECDSA-P384\nExtraSANs=api.example.com "
                "203.0.113.7\n");
        host_configure(&host);
        Run run = run_on(host, &(PlanRequest){});

        assert_int_equal(run.issuance->n, 1); /* drifted: the SANs are absent */
        const Cert *cert = find(&run, "apiserver")->cert;
        assert_string_equal(cert->key_algorithm, "ECDSA-P384");
        assert_true(cert_has_san(cert, "DNS:api.example.com"));
        assert_true(cert_has_san(cert, "IP:203.0.113.7"));
        assert_true(cert_has_san(cert, "DNS:kubernetes.default.svc.cluster.local"));
        run_free(&run);
}

static void test_t04_expired_ca_signs_nothing_others_go_on(void **state)
{
        Run run = run_on(host_new("v1.28.7/rsa2048-default", "2040-01-01"), &(PlanRequest){});

        assert_int_equal(run.issuance->n_changes, 0);
        for (size_t i = 0; i < run.issuance->n; i++) {
                assert_int_equal(run.issuance->results[i].outcome, OUTCOME_FAILED);
                assert_non_null(strstr(run.issuance->results[i].text, "cannot sign"));
        }
        run_free(&run);
}

static void test_one_failure_never_stops_the_others(void **state)
{
        Host host = host_new("v1.28.7/ecdsa-p256", TEN_DAYS_LEFT);
        autofree char *conf = tree_read(host.root, "/etc/kubernetes/scheduler.conf", NULL);
        const char *users = strstr(conf, "users:\n");
        size_t n_renewed = 0;

        /* An anchor on the way to the scalars: precisely refused. */
        assert_non_null(users);
        autofree char *anchored = xasprintf(
                "%.*susers: &u\n%s", (int)(users - conf), conf, users + strlen("users:\n"));
        tree_write_text(host.root, "/etc/kubernetes/scheduler.conf", anchored);
        Run run = run_on(host, &(PlanRequest){});

        for (size_t i = 0; i < run.issuance->n; i++)
                n_renewed += run.issuance->results[i].outcome == OUTCOME_RENEWED;
        assert_int_equal(n_renewed, 9);
        assert_null(find_change(&run, "/etc/kubernetes/scheduler.conf"));
        run_free(&run);
}

static void test_ca_limited(void **state)
{
        Run run = run_on(host_new("v1.28.7/ecdsa-p256", "2036-11-17"), &(PlanRequest){});

        /* Expired long ago, so even two days more are a gain. */
        assert_int_equal(find(&run, "apiserver")->outcome, OUTCOME_RENEWED);
        assert_true(find(&run, "apiserver")->cert->not_after <=
                    run.host.inventory->cas[0].signer->not_after);
        run_free(&run);
}

static void test_intermediates_stay(void **state)
{
        Host host = host_new("v1.28.7/ecdsa-p256", TEN_DAYS_LEFT);
        size_t leaf_size, ca_size;
        autofree char *leaf = tree_read(host.root, "/etc/kubernetes/pki/apiserver.crt", &leaf_size);
        autofree char *ca =
                tree_read(host.root, "/etc/kubernetes/pki/front-proxy-ca.crt", &ca_size);
        autofree char *both = xasprintf("%s%s", leaf, ca);

        tree_write_text(host.root, "/etc/kubernetes/pki/apiserver.crt", both);
        Run run = run_on(host, &(PlanRequest){});
        const FileChange *change = find_change(&run, "/etc/kubernetes/pki/apiserver.crt");

        assert_non_null(change);
        assert_true(change->content->size > ca_size);
        assert_memory_equal(change->content->data + change->content->size - ca_size, ca, ca_size);
        run_free(&run);
}

static void test_t43_both_roots_stay_and_missing_ones_are_appended(void **state)
{
        Host host = host_new("v1.28.7/ecdsa-p256", ONE_DAY_OLD);
        autofree char *ca = tree_read(host.root, "/etc/kubernetes/pki/ca.crt", NULL);
        autofree char *other = tree_read(host.root, "/etc/kubernetes/pki/front-proxy-ca.crt", NULL);
        autofree char *bundle = xasprintf("%s%s", ca, other);

        tree_write_text(host.root, "/etc/kubernetes/pki/ca.crt", bundle);
        Run run = run_on(host, &(PlanRequest){});
        const FileChange *change = find_change(&run, "/etc/kubernetes/admin.conf");
        autoptr(Kubeconfig) fresh = NULL;

        assert_non_null(change);
        assert_int_equal(
                kubeconfig_parse(change->content->data, change->content->size, &fresh, NULL), 0);
        assert_int_equal(fresh->clusters[0].ca_size, strlen(bundle));
        assert_memory_equal(fresh->clusters[0].ca, bundle, strlen(bundle));
        assert_int_equal(find(&run, "admin.conf")->step->kind, STEP_REPAIR_CA_DATA);
        run_free(&run);
}

/* A kubeconfig that names files instead of embedding them. */
static void name_files(const Host *host, const char *certificate, const char *key)
{
        autofree char *conf = tree_read(host->root, "/etc/kubernetes/admin.conf", NULL);
        char *at = strstr(conf, "    client-certificate-data: ");

        assert_non_null(at);
        *at = 0;
        autofree char *fresh = xasprintf(
                "%s    client-certificate: %s\n    client-key: %s\n", conf, certificate, key);
        tree_write_text(host->root, "/etc/kubernetes/admin.conf", fresh);
}

static void test_users_with_files_are_followed(void **state)
{
        Host host = host_new("v1.28.7/ecdsa-p256", TEN_DAYS_LEFT);
        autofree char *certificate =
                tree_read(host.root, "/etc/kubernetes/pki/apiserver-kubelet-client.crt", NULL);
        autofree char *key =
                tree_read(host.root, "/etc/kubernetes/pki/apiserver-kubelet-client.key", NULL);

        tree_write_text(host.root, "/etc/kubernetes/admin.crt", certificate);
        tree_write_text(host.root, "/etc/kubernetes/admin.key", key);
        name_files(&host, "admin.crt", "/etc/kubernetes/admin.key");
        Run run = run_on(host, &(PlanRequest){});

        assert_int_equal(find(&run, "admin.conf")->outcome, OUTCOME_RENEWED);
        assert_non_null(find_change(&run, "/etc/kubernetes/admin.crt"));
        assert_non_null(find_change(&run, "/etc/kubernetes/admin.key"));
        assert_null(find_change(&run, "/etc/kubernetes/admin.conf"));
        run_free(&run);
}

static void test_shared_files_change_once(void **state)
{
        Host host = host_new("v1.28.7/ecdsa-p256", TEN_DAYS_LEFT);

        name_files(&host, "pki/apiserver-kubelet-client.crt", "pki/apiserver-kubelet-client.key");
        Run run = run_on(host, &(PlanRequest){.all = true});

        assert_int_equal(run.issuance->n, 9);
        for (size_t i = 0; i < run.issuance->n; i++)
                assert_int_equal(run.issuance->results[i].outcome, OUTCOME_RENEWED);
        run_free(&run);
}

static void test_i9_a_kubeconfig_never_leads_to_a_ca_file(void **state)
{
        Host host = host_new("v1.28.7/ecdsa-p256", "2028-01-01");

        name_files(&host, "pki/ca.crt", "pki/ca.key");
        Run run = run_on(host, &(PlanRequest){.all = true});

        assert_null(find_change(&run, "/etc/kubernetes/pki/ca.crt"));
        assert_null(find_change(&run, "/etc/kubernetes/pki/ca.key"));
        run_free(&run);
}

static void test_t14_ca_data_is_repaired_where_users_have_files(void **state)
{
        Host host = host_new("v1.28.7/ecdsa-p256", ONE_DAY_OLD);
        autofree char *ca = tree_read(host.root, "/etc/kubernetes/pki/ca.crt", NULL);
        autofree char *other = tree_read(host.root, "/etc/kubernetes/pki/front-proxy-ca.crt", NULL);
        autofree char *bundle = xasprintf("%s%s", ca, other);

        tree_write_text(host.root, "/etc/kubernetes/pki/ca.crt", bundle);
        name_files(&host, "pki/apiserver-kubelet-client.crt", "pki/apiserver-kubelet-client.key");
        Run run = run_on(host, &(PlanRequest){});

        assert_non_null(find_change(&run, "/etc/kubernetes/admin.conf"));
        assert_null(find_change(&run, "/etc/kubernetes/pki/apiserver-kubelet-client.crt"));
        run_free(&run);
}

/* Of a certificate that ends with its CA, only what would gain time can be renewed. */
static void test_ca_limited_is_known_before_there_is_a_key(void **state)
{
        Run first = run_on(host_new("v1.28.7/ecdsa-p256", "2036-11-17"), &(PlanRequest){});
        const FileChange *change = find_change(&first, "/etc/kubernetes/pki/apiserver.crt");
        const FileChange *key = find_change(&first, "/etc/kubernetes/pki/apiserver.key");
        Host host = host_new("v1.28.7/ecdsa-p256", "2036-11-17");

        tree_write(host.root, "/etc/kubernetes/pki/apiserver.crt", change->content->data,
                change->content->size);
        tree_write(host.root, "/etc/kubernetes/pki/apiserver.key", key->content->data,
                key->content->size);
        Run run = run_on(host, &(PlanRequest){.all = true});

        assert_int_equal(find(&run, "apiserver")->outcome, OUTCOME_CA_LIMITED);
        assert_non_null(strstr(find(&run, "apiserver")->text, "not later than the old one"));
        assert_int_equal(find(&run, "etcd-server")->outcome, OUTCOME_RENEWED);
        run_free(&run);
        run_free(&first);
}

static void test_lost_certificates_are_made_anew(void **state)
{
        Host host = host_new("v1.28.7/ecdsa-p256", ONE_DAY_OLD);

        tree_remove(host.root, "/etc/kubernetes/pki/apiserver.crt");
        tree_remove(host.root, "/etc/kubernetes/pki/etcd/peer.crt");
        tree_remove(host.root, "/etc/kubernetes/admin.conf");
        tree_write_text(host.root, "/etc/kube-renewd/kube-renewd.conf",
                "[renewal]\nRecreateMissing=yes\n[host]\nAdvertiseAddress=192.0.2.10\n"
                "NodeName=cp-1\nServiceAddress=10.96.0.1\nDNSDomain=cluster.local\n"
                "[certificate apiserver]\nExtraSANs=api.example.com 192.0.2.10\n");
        host_configure(&host);
        Run run = run_on(host, &(PlanRequest){});

        assert_int_equal(run.issuance->n, 3);
        assert_int_equal(find(&run, "apiserver")->outcome, OUTCOME_RENEWED);
        assert_true(cert_has_san(find(&run, "apiserver")->cert, "DNS:api.example.com"));
        assert_string_equal(find(&run, "admin.conf")->cert->subject,
                "CN=kubernetes-admin,O=kubeadm:cluster-admins");
        run_free(&run);
}

static void test_t05_a_lost_kubeconfig_is_made_anew(void **state)
{
        Host host = host_new("v1.28.7/ecdsa-p256", ONE_DAY_OLD);
        autoptr(Kubeconfig) fresh = NULL;

        tree_remove(host.root, "/etc/kubernetes/scheduler.conf");
        tree_write_text(host.root, "/etc/kube-renewd/kube-renewd.conf",
                "[renewal]\nRecreateMissing=yes\n[host]\nAdvertiseAddress=192.0.2.10\n");
        host_configure(&host);
        Run run = run_on(host, &(PlanRequest){});
        const FileChange *change = find_change(&run, "/etc/kubernetes/scheduler.conf");

        assert_int_equal(run.issuance->n_changes, 1);
        assert_non_null(change);
        assert_null(change->old);
        assert_int_equal(
                kubeconfig_parse(change->content->data, change->content->size, &fresh, NULL), 0);
        assert_string_equal(fresh->users[0].name, "system:kube-scheduler");
        assert_string_equal(fresh->clusters[0].server, "https://192.0.2.10:6443");
        run_free(&run);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_t15_same_identity_new_key_later_end),
                cmocka_unit_test(test_dates),
                cmocka_unit_test(test_reuse_key_changes_only_the_certificate),
                cmocka_unit_test(test_key_algorithm_and_extra_sans),
                cmocka_unit_test(test_t04_expired_ca_signs_nothing_others_go_on),
                cmocka_unit_test(test_one_failure_never_stops_the_others),
                cmocka_unit_test(test_ca_limited),
                cmocka_unit_test(test_ca_limited_is_known_before_there_is_a_key),
                cmocka_unit_test(test_lost_certificates_are_made_anew),
                cmocka_unit_test(test_intermediates_stay),
                cmocka_unit_test(test_t05_a_lost_kubeconfig_is_made_anew),
                cmocka_unit_test(test_users_with_files_are_followed),
                cmocka_unit_test(test_shared_files_change_once),
                cmocka_unit_test(test_i9_a_kubeconfig_never_leads_to_a_ca_file),
                cmocka_unit_test(test_t14_ca_data_is_repaired_where_users_have_files),
                cmocka_unit_test(test_t43_both_roots_stay_and_missing_ones_are_appended),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
