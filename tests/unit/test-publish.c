/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "fake-secrets.h"
#include "host.h"
#include "renew/commit/publish.h"

#define NOW  ((int64_t)1825975560) /* 2027-11-11T23:26:00Z */
#define DEBT "publish-standby"

#define CERTIFICATE "/etc/kubernetes/pki/apiserver.crt"
#define KEY         "/etc/kubernetes/pki/apiserver.key"

static const char kubeconfig[] =
        "clusters: [{name: c, cluster: {server: 'https://192.0.2.1:6443'}}]\n"
        "contexts: [{name: x, context: {cluster: c, user: u}}]\n"
        "current-context: x\n"
        "users: [{name: u, user: {token: asks}}]\n";

static const char configuration[] = "[publish standby]\n"
                                    "Source=ca apiserver admin.conf\n"
                                    "Kubeconfig=/etc/host.conf\n"
                                    "Namespace=host\n"
                                    "Secret=pki\n";

static struct {
        Host host;
        Running *running;
        PublishInput input;
        const SecretEntry *entry;
} run;

static int set_up(void **state)
{
        secrets_reset();
        run.host = host_new("v1.28.7/ecdsa-p256", TEN_DAYS_LEFT);
        tree_write(run.host.root, "/etc/host.conf", kubeconfig, strlen(kubeconfig));
        tree_write(run.host.root, "/etc/kube-renewd/kube-renewd.conf", configuration,
                strlen(configuration));
        host_configure(&run.host);
        run.running = running_new(run.host.root_fd, run.host.config, true);
        run.input = (PublishInput){.root_fd = run.host.root_fd,
                .config = run.host.config,
                .running = run.running,
                .pass_id = "p1",
                .now = NOW};
        run.entry = &run.host.config->layout.publications[0];
        return 0;
}

static int tear_down(void **state)
{
        running_free(run.running);
        host_free(&run.host);
        secrets_reset();
        json_decref(secrets.objects);
        secrets.objects = NULL;
        return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

static const Owed *owed(OwedList **list)
{
        assert_int_equal(
                owed_read(run.host.root_fd, run.host.config->state_directory, list, NULL), 0);
        return owed_find(*list, DEBT);
}

static bool is_owed(void)
{
        autoptr(OwedList) list = NULL;

        return owed(&list);
}

/* As a commit enters it. */
static void enter(const char *path)
{
        char *paths[] = {(char *)path, NULL};

        assert_int_equal(publish_enter(&run.input, paths, NULL), 0);
}

static void enter_stale(void)
{
        assert_int_equal(publish_enter_stale(&run.input, NULL), 0);
}

static void settles(int expected)
{
        Error error = {};
        int r = publish_settle(&run.input, run.entry, &error);

        if (r != expected)
                fail_msg("%d: %s", r, error.text);
}

/* Stays owed, and says so. */
static void fails(const char *part)
{
        Error error = {};

        assert_int_equal(publish_settle(&run.input, run.entry, &error), -ECHILD);
        if (!strstr(error.text, part))
                fail_msg("%s", error.text);
        assert_true(is_owed());
}

static void assert_published(const char *key, const char *path)
{
        autofree char *there = secrets_get("host/pki", key);
        autofree char *file = tree_read(run.host.root, path, NULL);

        assert_non_null(there);
        assert_string_equal(there, file);
}

static void assert_all_published(void)
{
        assert_published("ca.crt", "/etc/kubernetes/pki/ca.crt");
        assert_published("apiserver.crt", CERTIFICATE);
        assert_published("apiserver.key", KEY);
        assert_published("admin.conf", "/etc/kubernetes/admin.conf");
}

static void test_only_what_has_the_file_is_owed(void **state)
{
        enter("/etc/kubernetes/scheduler.conf");
        assert_false(is_owed());
        settles(0);
        enter(CERTIFICATE);
        assert_true(is_owed());
        assert_null(secrets.log);
}

static void test_a_secret_is_made(void **state)
{
        enter(CERTIFICATE);
        settles(1);
        assert_false(is_owed());
        assert_all_published();
        assert_int_equal(json_object_size(json_object_get(secrets_object("host/pki"), "data")), 4);
        assert_int_equal(secrets_asked("POST"), 1);
}

static void test_one_patch_and_other_keys_are_kept(void **state)
{
        secrets_set("host/pki", "other", "theirs");
        secrets_set("host/pki", "apiserver.key", "old");
        enter(CERTIFICATE);
        settles(1);
        assert_all_published();
        assert_int_equal(secrets_asked("PATCH"), 1);
        autofree char *other = secrets_get("host/pki", "other");
        assert_string_equal(other, "theirs");

        /* Nothing is sent where nothing differs. */
        enter(CERTIFICATE);
        settles(1);
        assert_int_equal(secrets_asked("PATCH"), 1);
}

static void write_once(void)
{
        secrets.between = NULL;
        secrets_set("host/pki", "other", "meanwhile");
}

static void write_always(void)
{
        secrets_set("host/pki", "other", "again");
}

static void test_a_conflict_is_read_again(void **state)
{
        secrets_set("host/pki", "other", "theirs");
        secrets.between = write_once;
        enter(CERTIFICATE);
        settles(1);
        assert_int_equal(secrets_asked("PATCH"), 2);
        assert_all_published();
        autofree char *other = secrets_get("host/pki", "other");
        assert_string_equal(other, "meanwhile");

        /* Made by somebody else before we could. */
        secrets_reset();
        secrets.between = write_once;
        enter(CERTIFICATE);
        settles(1);
        assert_int_equal(secrets_asked("POST"), 1);
        assert_all_published();
}

static void test_a_conflict_without_end_stays_owed(void **state)
{
        secrets_set("host/pki", "other", "theirs");
        secrets.between = write_always;
        enter(CERTIFICATE);
        fails("HTTP status 409");
        assert_int_equal(secrets_asked("PATCH"), 2);
        secrets.between = NULL;
        settles(1);
        assert_all_published();
}

static void test_whatever_is_in_the_way_is_owed(void **state)
{
        static const struct {
                const char *method;
                long status;
                const char *text;
        } table[] = {{"GET", -1, "nobody listens"}, {"GET", 403, "not you"},
                {"POST", 403, "not you"}, {"GET", 500, "HTTP status 500"}};

        enter(CERTIFICATE);
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                secrets_fail(table[i].method, table[i].status, "not you");
                fails(table[i].text);
        }
        secrets_fail("GET", 0, NULL);
        settles(1);
        assert_all_published();
}

/* Whoever may read the certificate may not read that. */
static void test_a_key_beside_the_certificate_is_not_published(void **state)
{
        autofree char *certificate = tree_read(run.host.root, CERTIFICATE, NULL);
        autofree char *key = tree_read(run.host.root, KEY, NULL);
        autofree char *both = xasprintf("%s%s", certificate, key);

        enter(CERTIFICATE);
        tree_write(run.host.root, CERTIFICATE, both, strlen(both));
        fails("'apiserver' is not fit to be published: it holds a private key");
}

static void test_what_does_not_fit_together_is_not_published(void **state)
{
        autofree char *key =
                tree_read(run.host.root, "/etc/kubernetes/pki/front-proxy-client.key", NULL);
        autofree char *path = xasprintf("%s" KEY, run.host.root);

        enter(CERTIFICATE);
        tree_write(run.host.root, KEY, key, strlen(key));
        fails("'apiserver' is not fit to be published: the key does not belong");
        tree_write(run.host.root, KEY, "nothing", strlen("nothing"));
        fails("'apiserver' is not fit to be published");
        assert_int_equal(unlink(path), 0);
        fails("apiserver.key");
        assert_null(secrets.log);
}

static void test_every_night_it_is_looked_at(void **state)
{
        /* Nothing was ever published. */
        enter_stale();
        assert_true(is_owed());
        settles(1);
        enter_stale();
        assert_false(is_owed());

        /* Somebody else has taken a key away. */
        json_object_del(json_object_get(secrets_object("host/pki"), "data"), "ca.crt");
        enter_stale();
        assert_true(is_owed());
        settles(1);
        assert_all_published();
}

static void test_a_night_without_an_answer(void **state)
{
        autofree char *certificate = NULL;

        /* Where it was published, and nothing has changed, there is nothing to say. */
        enter_stale();
        settles(1);
        secrets_fail("GET", -1, NULL);
        enter_stale();
        assert_false(is_owed());

        /* Otherwise nobody knows. */
        certificate = tree_read(run.host.root, "/etc/kubernetes/pki/ca.crt", NULL);
        tree_write(
                run.host.root, "/etc/kubernetes/pki/ca.crt", certificate, strlen(certificate) - 1);
        enter_stale();
        assert_true(is_owed());
}

static void test_whose_entry_it_is(void **state)
{
        const Layout *layout = &run.host.config->layout;
        autofree char *place = secret_place_text(run.entry);
        autofree char *name = publish_debt_name(run.entry);

        assert_string_equal(name, DEBT);
        assert_string_equal(place, "Secret 'host/pki'");
        assert_ptr_equal(publish_find_debt(layout, DEBT), run.entry);
        assert_null(publish_find_debt(layout, "publish-other"));
        assert_true(publish_debt_is(layout, "publish-other"));
        assert_false(publish_debt_is(layout, "kube-scheduler"));
        assert_null(publish_find_debt(layout, "standby"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(test_only_what_has_the_file_is_owed),
                TEST(test_a_secret_is_made),
                TEST(test_one_patch_and_other_keys_are_kept),
                TEST(test_a_conflict_is_read_again),
                TEST(test_a_conflict_without_end_stays_owed),
                TEST(test_whatever_is_in_the_way_is_owed),
                TEST(test_a_key_beside_the_certificate_is_not_published),
                TEST(test_what_does_not_fit_together_is_not_published),
                TEST(test_every_night_it_is_looked_at),
                TEST(test_a_night_without_an_answer),
                TEST(test_whose_entry_it_is),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
