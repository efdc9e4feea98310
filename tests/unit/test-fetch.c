/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "fake-secrets.h"
#include "host.h"
#include "renew/issue/issue.h"

#define PLACE "host/pki"

static const char kubeconfig[] =
        "clusters: [{name: c, cluster: {server: 'https://192.0.2.1:6443'}}]\n"
        "contexts: [{name: x, context: {cluster: c, user: u}}]\n"
        "current-context: x\n"
        "users: [{name: u, user: {token: asks}}]\n";

static const char configuration[] = "[host]\n"
                                    "NodeName=cp-1\n"
                                    "AdvertiseAddress=192.0.2.10\n"
                                    "[fetch active]\n"
                                    "Source=apiserver front-proxy-client admin.conf\n"
                                    "Kubeconfig=/etc/host.conf\n"
                                    "Namespace=host\n"
                                    "Secret=pki\n";

/* A standby, and what it makes of the Secret. */
static struct {
        Host host;
        FetchedList *fetched;
        Plan *plan;
        Issuance *issuance;
} run;

static void forget(void)
{
        issuance_free(TAKE(run.issuance));
        plan_free(TAKE(run.plan));
        assessment_free(TAKE(run.host.assessment));
        inventory_free(TAKE(run.host.inventory));
        fetched_list_free(TAKE(run.fetched));
}

/* As a pass does. */
static void look(void)
{
        Error error = {};

        forget();
        run.fetched = fetch_run(run.host.root_fd, run.host.config);
        if (inventory_read(run.host.root_fd, run.host.config, &run.host.inventory, &error) < 0)
                fail_msg("%s", error.text);
        inventory_add_fetched(run.host.inventory, run.host.config, run.fetched);
        run.host.assessment =
                assess(run.host.inventory, run.host.config, run.host.history, run.host.now);
        assert_int_equal(plan_make(run.host.assessment, &(PlanRequest){}, &run.plan, &error), 0);
        run.issuance = issue_run(run.host.root_fd, run.plan, NULL, run.host.config, run.host.now);
}

/* Who signs, as long as the Secret is filled. */
static Host active;

static Key *new_key(void)
{
        Key *key = NULL;

        assert_int_equal(key_generate(KEY_KIND_ECDSA_P256, &key, NULL), 0);
        return key;
}

/* The successor of one of its certificates, as the active host would make it. */
static Cert *successor(const char *name, const Key *key, int64_t not_before, int64_t not_after)
{
        const Item *item = host_item(&active, name);
        const LeafTerms terms = {.not_before = not_before, .not_after = not_after};
        Error error = {};
        Cert *cert = NULL;

        if (ca_renew(item->ca->ca, item->cert, key, &terms, &cert, &error) < 0)
                fail_msg("%s", error.text);
        return cert;
}

static void publish_pair(const char *name, const Cert *cert, const Key *key)
{
        autofree char *certificate = cert_to_pem(cert);
        autofree char *certificate_key = xasprintf("%s.crt", name);
        autofree char *key_key = xasprintf("%s.key", name);
        autoptr(Secret) secret = NULL;
        autofree char *text = NULL;

        assert_int_equal(key_to_pem(key, KEY_FORMAT_SEC1, &secret, NULL), 0);
        text = xstrndup((char *)secret->data, secret->size);
        secrets_set(PLACE, certificate_key, certificate);
        secrets_set(PLACE, key_key, text);
}

static void publish_new(const char *name, int64_t not_before, int64_t not_after)
{
        autoptr(Key) key = new_key();
        autoptr(Cert) cert = successor(name, key, not_before, not_after);

        publish_pair(name, cert, key);
}

static void publish_kubeconfig(int64_t not_after)
{
        const Item *item = host_item(&active, "admin.conf");
        autoptr(Key) key = new_key();
        autoptr(Cert) cert = successor("admin.conf", key, active.now - HOUR, not_after);
        autofree char *certificate = cert_to_pem(cert), *text = NULL;
        autoptr(Secret) pem = NULL, *content = NULL;
        KubeconfigEdit edits[2];

        assert_int_equal(key_to_pem(key, KEY_FORMAT_SEC1, &pem, NULL), 0);
        edits[0] = (KubeconfigEdit){
                KUBECONFIG_CLIENT_CERTIFICATE, item->user->name, certificate, strlen(certificate)};
        edits[1] = (KubeconfigEdit){KUBECONFIG_CLIENT_KEY, item->user->name, pem->data, pem->size};
        assert_int_equal(
                kubeconfig_replace(item->file->data, item->file->size, edits, 2, &content, NULL),
                0);
        text = xstrndup((char *)content->data, content->size);
        secrets_set(PLACE, "admin.conf", text);
}

/* What is on the active host, as it is. */
static void publish_as_is(const char *key, const char *path)
{
        autofree char *text = tree_read(active.root, path, NULL);

        secrets_set(PLACE, key, text);
}

static void publish_old(void)
{
        publish_as_is("apiserver.crt", "/etc/kubernetes/pki/apiserver.crt");
        publish_as_is("apiserver.key", "/etc/kubernetes/pki/apiserver.key");
        publish_as_is("front-proxy-client.crt", "/etc/kubernetes/pki/front-proxy-client.crt");
        publish_as_is("front-proxy-client.key", "/etc/kubernetes/pki/front-proxy-client.key");
        publish_as_is("admin.conf", "/etc/kubernetes/admin.conf");
}

static void publish_all_new(void)
{
        publish_new("apiserver", active.now - HOUR, active.now + YEAR);
        publish_new("front-proxy-client", active.now - HOUR, active.now + YEAR);
        publish_kubeconfig(active.now + YEAR);
}

static int set_up(void **state)
{
        secrets_reset();
        active = host_new("v1.28.7/ecdsa-p256", TEN_DAYS_LEFT);
        host_look(&active);
        memset(&run, 0, sizeof(run));
        run.host = host_new("v1.28.7/ecdsa-p256", TEN_DAYS_LEFT);
        tree_write(run.host.root, "/etc/host.conf", kubeconfig, strlen(kubeconfig));
        tree_write(run.host.root, "/etc/kube-renewd/kube-renewd.conf", configuration,
                strlen(configuration));
        host_configure(&run.host);
        return 0;
}

static int tear_down(void **state)
{
        forget();
        host_free(&run.host);
        host_free(&active);
        secrets_reset();
        json_decref(secrets.objects);
        secrets.objects = NULL;
        return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

static const FetchVerdict *verdict(void)
{
        assert_int_equal(run.host.assessment->n_fetches, 1);
        return &run.host.assessment->fetches[0];
}

/* Nothing of it is taken, and that is why. */
static void refuses(const char *part)
{
        const char *names[] = {"apiserver", "front-proxy-client", "admin.conf"};

        look();
        if (!verdict()->problem || !strstr(verdict()->problem, part))
                fail_msg("'%s' is not in '%s'", part, verdict()->problem);
        assert_null(strstr(verdict()->problem, "PRIVATE KEY"));
        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                assert_false(host_verdict(&run.host, names[i])->takes_source);
}

static const IssueResult *result_of(const char *name)
{
        for (size_t i = 0; i < run.issuance->n; i++)
                if (streq(run.issuance->results[i].step->item->name, name))
                        return &run.issuance->results[i];
        fail_msg("nothing is done about %s", name);
        return NULL;
}

static const FileChange *change_of(const char *path)
{
        for (size_t i = 0; i < run.issuance->n_changes; i++)
                if (streq(run.issuance->changes[i].path, path))
                        return &run.issuance->changes[i];
        fail_msg("%s does not change", path);
        return NULL;
}

static void assert_change(const char *path, const char *key)
{
        autofree char *there = secrets_get(PLACE, key);
        const FileChange *change = change_of(path);

        assert_int_equal(change->content->size, strlen(there));
        assert_memory_equal(change->content->data, there, change->content->size);
}

static void test_a_newer_set_is_taken_as_one(void **state)
{
        publish_all_new();
        look();
        assert_null(verdict()->problem);
        for (size_t i = 0; i < run.issuance->n; i++)
                if (item_is_fetched(
                            run.issuance->results[i].step->item, &run.host.config->layout)) {
                        assert_int_equal(run.issuance->results[i].step->kind, STEP_TAKE_OVER);
                        assert_int_equal(run.issuance->results[i].outcome, OUTCOME_RENEWED);
                }
        assert_int_equal(result_of("apiserver")->step->reason, DUE_SOURCE);
        assert_change("/etc/kubernetes/pki/apiserver.crt", "apiserver.crt");
        assert_change("/etc/kubernetes/pki/apiserver.key", "apiserver.key");
        assert_change("/etc/kubernetes/pki/front-proxy-client.crt", "front-proxy-client.crt");
        assert_int_equal(secrets_asked("GET"), 1);
}

/* Where it leads is this host's own. */
static void test_of_a_kubeconfig_the_pair_is_taken(void **state)
{
        static const char from[] = "server: https://",
                          to[] = "server: https://standby.test:6443 # ";
        autofree char *text = NULL, *edited = NULL;
        char *at;

        text = tree_read(run.host.root, "/etc/kubernetes/admin.conf", NULL);
        at = strstr(text, from);
        assert_non_null(at);
        edited = xasprintf("%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
        tree_write(run.host.root, "/etc/kubernetes/admin.conf", edited, strlen(edited));
        publish_all_new();
        look();
        assert_int_equal(result_of("admin.conf")->outcome, OUTCOME_RENEWED);
        const FileChange *change = change_of("/etc/kubernetes/admin.conf");
        autofree char *written = xstrndup((char *)change->content->data, change->content->size);

        assert_non_null(strstr(written, "server: https://standby.test:6443 # "));
        assert_true(result_of("admin.conf")->cert->not_after == active.now + YEAR);
}

static void test_nothing_newer_is_left_alone(void **state)
{
        publish_old();
        look();
        assert_null(verdict()->problem);
        assert_false(host_verdict(&run.host, "apiserver")->takes_source);

        /* Not what ends earlier, either; that it has ended does not matter. */
        publish_all_new();
        look();
        for (size_t i = 0; i < run.issuance->n_changes; i++)
                tree_write(run.host.root, run.issuance->changes[i].path,
                        run.issuance->changes[i].content->data,
                        run.issuance->changes[i].content->size);
        publish_old();
        run.host.now += 20 * DAY;
        look();
        assert_null(verdict()->problem);
        assert_int_equal(host_verdict(&run.host, "apiserver")->state, STATE_OK);
        assert_false(host_verdict(&run.host, "apiserver")->takes_source);
}

/* One of them alone is due there, too. */
static void test_only_what_is_newer_is_taken(void **state)
{
        publish_old();
        publish_new("apiserver", active.now - HOUR, active.now + YEAR);
        look();
        assert_true(host_verdict(&run.host, "apiserver")->takes_source);
        assert_false(host_verdict(&run.host, "front-proxy-client")->takes_source);
        assert_false(host_verdict(&run.host, "admin.conf")->takes_source);
}

static void test_one_that_is_not_sound_refuses_all(void **state)
{
        publish_all_new();
        publish_as_is("apiserver.key", "/etc/kubernetes/pki/front-proxy-client.key");
        refuses("'apiserver': the key does not belong to the certificate");

        publish_all_new();
        publish_as_is("apiserver.crt", "/etc/kubernetes/pki/ca.crt");
        publish_as_is("apiserver.key", "/etc/kubernetes/pki/ca.key");
        refuses("'apiserver': it is a CA");

        publish_all_new();
        publish_as_is("apiserver.crt", "/etc/kubernetes/pki/front-proxy-client.crt");
        publish_as_is("apiserver.key", "/etc/kubernetes/pki/front-proxy-client.key");
        refuses("'apiserver': it does not lead to our CA 'ca'");

        publish_all_new();
        publish_as_is("apiserver.crt", "/etc/kubernetes/pki/apiserver-kubelet-client.crt");
        publish_as_is("apiserver.key", "/etc/kubernetes/pki/apiserver-kubelet-client.key");
        refuses("and ours is for CN=kube-apiserver");

        publish_all_new();
        secrets_set(PLACE, "apiserver.crt", "nothing of the kind");
        refuses("'apiserver': ");

        publish_all_new();
        secrets_set(PLACE, "admin.conf", "apiVersion: v1\nkind: Config\n");
        refuses("'admin.conf': the current user of its 'admin.conf' has no certificate");

        publish_all_new();
        json_object_del(json_object_get(secrets_object(PLACE), "data"), "front-proxy-client.key");
        refuses("'front-proxy-client': it has no key 'front-proxy-client.key'");

        publish_all_new();
        look();
        assert_null(verdict()->problem);
}

static void test_dates(void **state)
{
        publish_all_new();
        publish_new("apiserver", active.now + DAY, active.now + YEAR);
        refuses("'apiserver': it becomes valid in");

        publish_all_new();
        publish_new("apiserver", active.now - HOUR, active.now + 20 * DAY);
        run.host.now += 30 * DAY;
        refuses("'apiserver': it expired");
}

static void test_fewer_names_or_uses(void **state)
{
        const Item *item = host_item(&active, "apiserver");
        char *sans[] = {(char *)"DNS:kubernetes", NULL};
        const LeafTerms terms = {.not_before = active.now - HOUR, .not_after = active.now + YEAR};
        autoptr(Key) key = new_key();

        for (int i = 0; i < 2; i++) {
                const LeafIdentity identity = {.common_name = "kube-apiserver",
                        .sans = i == 0 ? sans : item->cert->sans,
                        .usage = CERT_USAGE_CLIENT};
                autoptr(Cert) cert = NULL;
                Error error = {};

                publish_all_new();
                if (ca_issue(item->ca->ca, &identity, key, &terms, &cert, &error) < 0)
                        fail_msg("%s", error.text);
                publish_pair("apiserver", cert, key);
                refuses(i == 0 ? "'apiserver': it lacks "
                               : "'apiserver': it is not for server auth");
        }
}

/* It would be in a file that everybody may read. */
static void test_no_key_comes_with_a_certificate(void **state)
{
        autofree char *certificate = NULL, *key = NULL, *both = NULL;

        publish_all_new();
        certificate = secrets_get(PLACE, "apiserver.crt");
        key = secrets_get(PLACE, "apiserver.key");
        both = xasprintf("%s%s", certificate, key);
        secrets_set(PLACE, "apiserver.crt", both);
        refuses("'apiserver': it holds a private key beside the certificate");
}

static void test_what_is_missing_is_taken(void **state)
{
        autofree char *path = xasprintf("%s/etc/kubernetes/pki/apiserver.crt", run.host.root);
        autofree char *other = xasprintf("%s/etc/kubernetes/admin.conf", run.host.root);

        assert_int_equal(unlink(path), 0);
        assert_int_equal(unlink(other), 0);
        publish_all_new();
        look();
        assert_change("/etc/kubernetes/pki/apiserver.crt", "apiserver.crt");
        assert_change("/etc/kubernetes/pki/apiserver.key", "apiserver.key");
        assert_non_null(change_of("/etc/kubernetes/admin.conf"));

        /* But not for somebody else. */
        publish_as_is("apiserver.crt", "/etc/kubernetes/pki/apiserver-kubelet-client.crt");
        publish_as_is("apiserver.key", "/etc/kubernetes/pki/apiserver-kubelet-client.key");
        refuses("and ours would be for CN=kube-apiserver");
}

/* Somebody may be copying a pair; what is broken the second time is replaced by what is sound. */
static void test_a_broken_pair_is_replaced(void **state)
{
        autofree char *key =
                tree_read(run.host.root, "/etc/kubernetes/pki/apiserver-kubelet-client.key", NULL);

        publish_old();
        tree_write(run.host.root, "/etc/kubernetes/pki/apiserver.key", key, strlen(key));
        look();
        assert_false(host_verdict(&run.host, "apiserver")->takes_source);
        history_free(run.host.history);
        run.host.history = assess_history(run.host.assessment);
        look();
        assert_true(host_verdict(&run.host, "apiserver")->takes_source);
        assert_change("/etc/kubernetes/pki/apiserver.key", "apiserver.key");

        /* What has ended mends nothing. */
        run.host.now += 2 * YEAR;
        look();
        assert_false(host_verdict(&run.host, "apiserver")->takes_source);
        assert_true(host_verdict(&run.host, "apiserver")->due);
}

/* Ten days are left, which is less than RenewBefore=; who is not fetched is renewed here. */
static void test_a_fetch_is_waited_for_until_the_limit(void **state)
{
        const Verdict *apiserver, *other;

        publish_old();
        look();
        apiserver = host_verdict(&run.host, "apiserver");
        other = host_verdict(&run.host, "apiserver-kubelet-client");
        assert_int_equal(apiserver->state, STATE_EXPIRING);
        assert_false(apiserver->due);
        assert_true(apiserver->due_at ==
                    host_item(&run.host, "apiserver")->cert->not_after - 3 * DAY + 1);
        assert_true(other->due);

        /* Whether or not there is an answer. */
        secrets_fail("GET", -1, NULL);
        look();
        assert_false(host_verdict(&run.host, "apiserver")->due);
        run.host.now += 8 * DAY;
        look();
        assert_true(host_verdict(&run.host, "apiserver")->due);
        assert_int_equal(result_of("apiserver")->step->kind, STEP_RENEW);
}

static void test_without_an_answer_nothing_is_known(void **state)
{
        secrets_fail("GET", 403, "not you");
        look();
        assert_true(verdict()->is_silent);
        assert_non_null(strstr(verdict()->problem, "not you"));
        secrets_fail("GET", 0, NULL);
        look();
        assert_true(verdict()->is_silent);
        assert_non_null(strstr(verdict()->problem, "HTTP status 404"));
}

static void test_whose_alarm_it_is(void **state)
{
        const Layout *layout = &run.host.config->layout;
        autofree char *name = fetch_alarm_name(&layout->fetches[0]);

        assert_string_equal(name, "fetch-active");
        assert_ptr_equal(fetch_find_alarm(layout, name), &layout->fetches[0]);
        assert_null(fetch_find_alarm(layout, "active"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(test_a_newer_set_is_taken_as_one),
                TEST(test_of_a_kubeconfig_the_pair_is_taken),
                TEST(test_nothing_newer_is_left_alone),
                TEST(test_only_what_is_newer_is_taken),
                TEST(test_one_that_is_not_sound_refuses_all),
                TEST(test_dates),
                TEST(test_fewer_names_or_uses),
                TEST(test_no_key_comes_with_a_certificate),
                TEST(test_what_is_missing_is_taken),
                TEST(test_a_broken_pair_is_replaced),
                TEST(test_a_fetch_is_waited_for_until_the_limit),
                TEST(test_without_an_answer_nothing_is_known),
                TEST(test_whose_alarm_it_is),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
