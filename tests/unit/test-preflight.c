/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "host.h"
#include "renew/issue/preflight.h"

#define CONF(name) "/etc/kubernetes/" name

typedef struct Run {
        Host host;
        Plan *plan;
        Issuance *issuance;
} Run;

/* What the API server of a test knows: nobody with this name. */
static const char *unknown;
static ApiVerdict otherwise;
static unsigned n_asked;

static ApiVerdict answer(
        const char *host, uint16_t port, const HttpTls *tls, unsigned timeout, Error *reterr)
{
        autoptr(CertList) list = NULL;
        autoptr(CertList) roots = NULL;
        autoptr(Key) key = NULL;

        /* What would be shown is whole, and its server is one of the same CA. */
        n_asked++;
        assert_string_equal(host, "127.0.0.1");
        assert_int_equal(port, 6443);
        assert_in_range(timeout, 1, 10);
        assert_int_equal(cert_list_parse(tls->certificate, tls->certificate_size, &list, NULL), 0);
        assert_int_equal(key_parse(tls->key, tls->key_size, &key, NULL), 0);
        assert_int_equal(cert_list_parse(tls->ca, tls->ca_size, &roots, NULL), 0);
        assert_true(key_matches(key, list->certs[0]));
        assert_true(cert_is_issued_by(list->certs[0], roots->certs[0]));

        if (unknown && streq(list->certs[0]->common_name, unknown)) {
                error_set(reterr, -EACCES, "the API server does not know these credentials");
                return API_REFUSED;
        }
        error_set(reterr, 0, "%s", otherwise == API_SILENT ? "nobody answers" : "");
        return otherwise;
}

static Run run_on(Host host)
{
        Run run = {.host = host};
        Error error = {};

        n_asked = 0;
        host_look(&run.host);
        if (plan_make(run.host.assessment, &(PlanRequest){}, &run.plan, &error) < 0)
                fail_msg("%s", error.text);
        run.issuance = issue_run(run.host.root_fd, run.plan, NULL, run.host.config, run.host.now);
        preflight_run(run.issuance, answer);
        return run;
}

static void run_free(Run *run)
{
        issuance_free(run->issuance);
        plan_free(run->plan);
        host_free(&run->host);
}

static bool changes(const Run *run, const char *path)
{
        for (size_t i = 0; i < run->issuance->n_changes; i++)
                if (streq(run->issuance->changes[i].path, path))
                        return true;
        return false;
}

static const IssueResult *find(const Run *run, const char *name)
{
        for (size_t i = 0; i < run->issuance->n; i++)
                if (streq(run->issuance->results[i].step->item->name, name))
                        return &run->issuance->results[i];
        fail_msg("no result for %s", name);
        return NULL;
}

static size_t count(const Run *run, Outcome outcome)
{
        size_t n = 0;

        for (size_t i = 0; i < run->issuance->n; i++)
                n += run->issuance->results[i].outcome == outcome;
        return n;
}

static void set_up(const char *nobody, ApiVerdict others)
{
        unknown = nobody;
        otherwise = others;
}

static void test_who_is_known_is_renewed(void **state)
{
        set_up(NULL, API_ACCEPTED);
        Run run = run_on(host_new("v1.28.7/ecdsa-p256", TEN_DAYS_LEFT));

        assert_int_equal(n_asked, 3);
        assert_int_equal(count(&run, OUTCOME_RENEWED), 10);
        run_free(&run);
}

/* Nobody is locked out: file and copies stay, all others are renewed. */
static void test_who_is_refused_keeps_the_old(void **state)
{
        Host host = host_new("v1.28.7/ecdsa-p256", TEN_DAYS_LEFT);
        autofree char *admin = tree_read(host.root, CONF("admin.conf"), NULL);

        tree_write_text(host.root, "/root/.kube/config", admin);
        set_up("kubernetes-admin", API_ACCEPTED);
        Run run = run_on(host);

        assert_int_equal(n_asked, 3);
        assert_int_equal(count(&run, OUTCOME_RENEWED), 9);
        assert_int_equal(find(&run, "admin.conf")->outcome, OUTCOME_FAILED);
        assert_string_equal(find(&run, "admin.conf")->text,
                "the new certificate of 'admin.conf' was tried before it was written, and the API "
                "server does not know these credentials; the old one stays");
        assert_false(changes(&run, CONF("admin.conf")));
        assert_false(changes(&run, "/root/.kube/config"));
        assert_true(changes(&run, CONF("scheduler.conf")));
        assert_true(changes(&run, "/etc/kubernetes/pki/apiserver.crt"));
        assert_int_equal(run.issuance->n_changes, 7 * 2 + 2);
        run_free(&run);
}

static void test_who_is_silent_is_asked_once(void **state)
{
        set_up(NULL, API_SILENT);
        Run run = run_on(host_new("v1.28.7/ecdsa-p256", TEN_DAYS_LEFT));

        assert_int_equal(n_asked, 1);
        assert_int_equal(count(&run, OUTCOME_RENEWED), 10);
        run_free(&run);
}

static void test_t40_what_has_expired_is_not_asked_about(void **state)
{
        set_up("kubernetes-admin", API_ACCEPTED);
        Run run = run_on(host_new("v1.28.7/ecdsa-p256", "2028-01-01"));

        assert_int_equal(n_asked, 0);
        assert_int_equal(count(&run, OUTCOME_RENEWED), 10);
        run_free(&run);
}

/* Its manifest says where the API server is, and nothing else does. */
static void test_no_api_server_here(void **state)
{
        Host host = host_new("v1.28.7/ecdsa-p256", TEN_DAYS_LEFT);

        tree_remove(host.root, "/etc/kubernetes/manifests/kube-apiserver.yaml");
        set_up("kubernetes-admin", API_ACCEPTED);
        Run run = run_on(host);

        assert_int_equal(n_asked, 0);
        assert_int_equal(count(&run, OUTCOME_FAILED), 0);
        run_free(&run);
}

/* The old key stays, and is shown with the new certificate. */
static void test_a_kept_key(void **state)
{
        Host host = host_new("v1.28.7/ecdsa-p256", TEN_DAYS_LEFT);

        tree_write_text(
                host.root, "/etc/kube-renewd/kube-renewd.conf", "[renewal]\nReuseKey=yes\n");
        host_configure(&host);
        set_up(NULL, API_ACCEPTED);
        Run run = run_on(host);

        assert_int_equal(n_asked, 3);
        run_free(&run);
}

/* The API server of the one cluster is not asked about the other's, whichever comes first. */
static void test_another_cluster_on_this_host(void **state)
{
        static const char *const orders[] = {"kubeadm,vcluster", "vcluster,kubeadm"};

        for (size_t i = 0; i < ELEMENTSOF(orders); i++) {
                Host host = host_new("v1.28.7/ecdsa-p256", TEN_DAYS_LEFT);

                tree_add(host.root, "vcluster/before/pki", "/var/lib/vcluster/pki");
                config_free(TAKE(host.config));
                assert_int_equal(config_load(host.root_fd, &(ConfigOptions){.layout = orders[i]},
                                         &host.config, NULL),
                        0);
                set_up(NULL, API_ACCEPTED);
                Run run = run_on(host);

                assert_int_equal(n_asked, 3);
                assert_int_equal(count(&run, OUTCOME_RENEWED), 20);
                run_free(&run);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_who_is_known_is_renewed),
                cmocka_unit_test(test_who_is_refused_keeps_the_old),
                cmocka_unit_test(test_who_is_silent_is_asked_once),
                cmocka_unit_test(test_t40_what_has_expired_is_not_asked_about),
                cmocka_unit_test(test_no_api_server_here),
                cmocka_unit_test(test_a_kept_key),
                cmocka_unit_test(test_another_cluster_on_this_host),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
