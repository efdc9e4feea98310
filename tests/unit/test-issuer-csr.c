/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "fake-api.h"
#include "kube/csr-object.h"
#include "pki/csr.h"
#include "renew/issue/issuer.h"
#include "scratch.h"

#define NOW ((int64_t)1780272000)

#define KUBECONFIG(token)                                                                          \
        "clusters: [{name: c, cluster: {server: 'https://192.0.2.1:6443'}}]\n"                     \
        "contexts: [{name: x, context: {cluster: c, user: u}}]\n"                                  \
        "current-context: x\n"                                                                     \
        "users: [{name: u, user: {token: " token "}}]\n"

/* One certificate, its issuer, and what is on disk of it. */
static struct {
        Config config;
        CredentialEntry entry;
        Inventory inventory;
        Running *running;
        IssuerInput input;
        Pending *pending;
} run;

static char *make_request(KeyKind kind)
{
        char *organizations[] = {(char *)"system:nodes", NULL};
        char *sans[] = {(char *)"DNS:cp1", NULL};
        const LeafIdentity identity = {"system:node:cp1", organizations, sans, CERT_USAGE_SERVER};
        autoptr(Key) key = NULL;
        Error error = {};
        char *pem = NULL;

        if (key_generate(kind, &key, &error) < 0 ||
                csr_make(key, NULL, &identity, NULL, &pem, &error) < 0)
                fail_msg("%s", error.text);
        return pem;
}

static int set_up(void **state)
{
        if (scratch_set_up(state) < 0)
                return -1;
        api_reset();
        put("admin.conf", KUBECONFIG("asks"));
        put("approver.conf", KUBECONFIG("approves"));
        run.config = (Config){.host.node_name = (char *)"cp1"};
        run.entry = (CredentialEntry){.name = (char *)"kubelet-serving",
                .issuer = {.signer_name = (char *)"kubernetes.io/kubelet-serving",
                        .request_kubeconfig = (char *)"/admin.conf"},
                .policy.validity = 86400};
        run.running = running_new(root_fd, &run.config, true);
        run.input = (IssuerInput){.root_fd = root_fd,
                .config = &run.config,
                .entry = &run.entry,
                .inventory = &run.inventory,
                .running = run.running,
                .now = NOW};
        run.pending = xcalloc(1, sizeof(*run.pending));
        run.pending->name = xstrdup("kubelet-serving");
        run.pending->request_pem = make_request(KEY_KIND_ECDSA_P256);
        return 0;
}

static int tear_down(void **state)
{
        running_free(run.running);
        pending_free(run.pending);
        return scratch_tear_down(state);
}

/* Asks; the text of the answer contains this. */
static void asks(IssuerVerdict verdict, const char *text)
{
        IssuerAnswer answer = issuer_csr_ask(&run.input, run.pending);

        if (answer.verdict != verdict || !strstr(answer.text ? answer.text : "", text))
                fail_msg("%d: %s", answer.verdict, answer.text ? answer.text : "");
        assert_null(answer.certificate_pem);
        issuer_answer_done(&answer);
}

/* As a pass does: the handle is written, and then it is asked again. */
static void asks_first(void)
{
        asks(ISSUER_NEW_REQUEST, "");
        asks(ISSUER_WAIT, "nobody has decided");
}

static const char *handle(void)
{
        return run.pending->handle;
}

/* The name that the object is to have. */
static char *name_of(const Pending *pending, unsigned attempt)
{
        char hex[DIGEST_HEX_SIZE];
        Csr *csr = NULL;

        assert_int_equal(
                csr_parse(pending->request_pem, strlen(pending->request_pem), &csr, NULL), 0);
        digest_format(&csr->public_key, hex);
        csr_free(csr);
        return xasprintf("kube-renewd-%.20s-%u", hex, attempt);
}

static void assert_objects(const char *names)
{
        autofree char *there = api_names();

        assert_string_equal(there, names);
}

static void test_t29_one_object_by_the_name_on_disk(void **state)
{
        autofree char *name = name_of(run.pending, 1);
        autofree char *planned = xasprintf("%s planned", name);

        /* The name is written down before anybody has heard of it. */
        asks(ISSUER_NEW_REQUEST, "not asked yet");
        assert_string_equal(handle(), planned);
        assert_int_equal(api_asked("POST"), 0);

        /* Made once, asked for ever after. */
        for (int i = 0; i < 3; i++) {
                asks(ISSUER_WAIT, "'kubectl certificate approve kube-renewd-");
                assert_string_equal(handle(), name);
        }
        assert_objects(name);
        assert_int_equal(api_asked("POST"), 1);
        assert_int_equal(api_asked("PUT"), 0);
        assert_string_equal(api.token, "asks");
        assert_true(starts_with(api.url, "https://192.0.2.1:6443/apis/"));
}

static void test_what_is_asked_for(void **state)
{
        autoptr(json_t) wanted = json_pack("{s:s, s:[s, s, s], s:i}", "signerName",
                "kubernetes.io/kubelet-serving", "usages", "digital signature", "key encipherment",
                "server auth", "expirationSeconds", 86400);
        autoptr(json_t) labels =
                json_pack("{s:s, s:s, s:s}", "app.kubernetes.io/managed-by", "kube-renewd",
                        "kube-renewd/node", "cp1", "kube-renewd/certificate", "kubelet-serving");
        json_t *object;

        asks_first();
        object = api_object(handle());
        json_object_del(json_object_get(object, "spec"), "request");
        assert_true(json_equal(json_object_get(object, "spec"), wanted));
        assert_true(
                json_equal(json_object_get(json_object_get(object, "metadata"), "labels"), labels));
}

static void test_t29_killed_after_it_was_made(void **state)
{
        autofree char *planned = NULL, *name = name_of(run.pending, 1);

        asks(ISSUER_NEW_REQUEST, "");
        planned = xstrdup(handle());
        asks(ISSUER_WAIT, "");

        /* What is on disk is what was written before it was asked. */
        free(run.pending->handle);
        run.pending->handle = TAKE(planned);
        asks(ISSUER_WAIT, "");
        assert_objects(name);
        assert_int_equal(api_asked("POST"), 1);

        /* Or nothing is known but the key: the state directory is an old one. */
        free(TAKE(run.pending->handle));
        asks_first();
        assert_objects(name);
}

/* It was not there when we looked, and is when we make it: a cache of the server, or a retry. */
static void test_t29_made_meanwhile(void **state)
{
        autofree char *planned = NULL, *name = name_of(run.pending, 1);

        asks(ISSUER_NEW_REQUEST, "");
        planned = xstrdup(handle());
        asks(ISSUER_WAIT, "");
        free(run.pending->handle);
        run.pending->handle = TAKE(planned);
        api_fail_once("GET", 404, "not found");
        asks(ISSUER_WAIT, "nobody has decided");
        assert_int_equal(api_asked("POST"), 2);
        assert_objects(name);
}

static void test_t29_issued(void **state)
{
        IssuerAnswer answer;

        asks_first();
        api_decide(handle(), "Approved", "R", "m");
        asks(ISSUER_WAIT, "is approved, and not signed yet by 'kubernetes.io/kubelet-serving'");
        api_issue(handle(), "PEM\n");
        for (int i = 0; i < 2; i++) {
                answer = issuer_csr_ask(&run.input, run.pending);
                assert_int_equal(answer.verdict, ISSUER_ISSUED);
                assert_string_equal(answer.certificate_pem, "PEM\n");
                issuer_answer_done(&answer);
        }
        assert_int_equal(api_asked("DELETE"), 0);
        issuer_csr_clean_up(&run.input, "kubelet-serving", NULL);
        assert_objects("");
}

static void test_t29_denied_and_failed(void **state)
{
        static const struct {
                const char *type, *text;
        } cases[] = {
                {"Denied", "is denied: Policy: not\\x0alike this"},
                {"Failed", "has failed: Policy: not\\x0alike this"},
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                asks_first();
                api_decide(handle(), cases[i].type, "Policy", "not\nlike this");
                asks(ISSUER_REJECTED, cases[i].text);
                asks(ISSUER_REJECTED, cases[i].text);
                issuer_csr_withdraw(&run.input, run.pending);
                assert_objects("");
                free(TAKE(run.pending->handle));
        }
}

static void test_t29_gone_is_asked_anew_with_the_same_key(void **state)
{
        autofree char *first = name_of(run.pending, 1), *second = name_of(run.pending, 2);
        autofree char *third = name_of(run.pending, 3);

        asks_first();
        assert_string_equal(handle(), first);
        json_object_clear(api.objects);
        asks(ISSUER_NEW_REQUEST, "status 404");
        assert_objects("");
        asks(ISSUER_WAIT, "nobody has decided");
        assert_objects(second);
        json_object_clear(api.objects);
        asks(ISSUER_NEW_REQUEST, "");
        asks(ISSUER_WAIT, "");
        assert_objects(third);
}

static void test_t29_it_is_not_asked_for_ever(void **state)
{
        autofree char *last = name_of(run.pending, 100);

        run.pending->handle = xstrdup(last);
        asks(ISSUER_REJECTED, "gives up after 100 objects");
}

static void test_handles_that_are_none(void **state)
{
        autofree char *first = name_of(run.pending, 1);
        autofree char *name = name_of(run.pending, 2);
        static const char *const tails[] = {"", "x", " plan", "/../x", "1x planned", " planned"};

        for (size_t i = 0; i < ELEMENTSOF(tails); i++) {
                autofree char *planned = xasprintf("%s planned", first);

                free(run.pending->handle);
                run.pending->handle = xasprintf("%.*s%s", (int)strlen(name) - 1, name, tails[i]);
                asks(ISSUER_NEW_REQUEST, "not asked yet");
                assert_string_equal(handle(), planned);
        }
        /* A key of which nobody has heard. */
        free(run.pending->handle);
        run.pending->handle = xstrdup("kube-renewd-01234567890123456789-7");
        asks(ISSUER_NEW_REQUEST, "not asked yet");
        assert_int_equal(api_asked("POST"), 0);
}

static void test_an_object_that_asks_for_something_else(void **state)
{
        autofree char *name = name_of(run.pending, 1), *second = name_of(run.pending, 2);

        asks(ISSUER_NEW_REQUEST, "");
        api_put(name, json_pack("{s:{}, s:{s:s, s:s, s:[]}}", "metadata", "spec", "request",
                              "T1RIRVI=", "signerName", "kubernetes.io/kubelet-serving", "usages"));
        run.entry.issuer.approve_with = (char *)"/approver.conf";
        asks(ISSUER_NEW_REQUEST, "asks for something else");
        assert_int_equal(api_asked("PUT"), 0);
        assert_int_equal(api_asked("DELETE"), 0);
        asks(ISSUER_WAIT, "");
        assert_non_null(api_object(second));
        assert_non_null(api_object(name));
}

static void test_approved_by_us(void **state)
{
        IssuerAnswer answer;

        run.entry.issuer.approve_with = (char *)"/approver.conf";
        asks(ISSUER_NEW_REQUEST, "");
        answer = issuer_csr_ask(&run.input, run.pending);
        assert_int_equal(answer.verdict, ISSUER_WAIT);
        assert_in_range(answer.wait, 1, 5);
        assert_string_equal(api.token, "approves");
        issuer_answer_done(&answer);
        asks(ISSUER_WAIT, "is approved, and not signed yet by");
        assert_int_equal(api_asked("PUT"), 1);
        assert_string_equal(api.token, "asks");
}

/* Somebody else still may. */
static void test_who_may_not_approve_waits(void **state)
{
        run.entry.issuer.approve_with = (char *)"/approver.conf";
        asks(ISSUER_NEW_REQUEST, "");
        api_fail("PUT", 403, "cannot approve");
        asks(ISSUER_WAIT, "cannot be approved by ApproveWith=");
        asks(ISSUER_WAIT, "status 403: cannot approve");
        run.entry.issuer.approve_with = (char *)"/nowhere.conf";
        asks(ISSUER_WAIT, "nowhere.conf");
        api_decide(handle(), "Approved", "R", "m");
        asks(ISSUER_WAIT, "is approved");
}

static void test_t29_errors(void **state)
{
        static const struct {
                const char *method;
                long status;
                IssuerVerdict verdict;
        } cases[] = {
                {"GET", -1, ISSUER_UNREACHABLE},
                {"GET", 500, ISSUER_UNREACHABLE},
                {"GET", 403, ISSUER_UNCONFIGURED},
                {"GET", 401, ISSUER_UNCONFIGURED},
                {"POST", -1, ISSUER_UNREACHABLE},
                {"POST", 429, ISSUER_UNREACHABLE},
                {"POST", 403, ISSUER_UNCONFIGURED},
                {"POST", 422, ISSUER_REJECTED},
                {"POST", 400, ISSUER_REJECTED},
        };

        asks(ISSUER_NEW_REQUEST, "");
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                autofree char *before = xstrdup(handle());

                api_fail(cases[i].method, cases[i].status, "a reason");
                asks(cases[i].verdict, "kube-renewd-");
                assert_string_equal(handle(), before);
        }
        api_fail("POST", 0, NULL);
        asks(ISSUER_WAIT, "");
}

static void test_what_must_be_changed_here(void **state)
{
        run.entry.issuer.request_kubeconfig = (char *)"/nowhere.conf";
        asks(ISSUER_UNCONFIGURED, "nowhere.conf");
        run.entry.issuer.request_kubeconfig = (char *)"/admin.conf";
        run.entry.issuer.signer_name = (char *)"kubernetes.io/kube-apiserver-client-kubelet";
        asks(ISSUER_UNCONFIGURED, "no names beside the subject");
        run.config.host.node_name = NULL;
        asks(ISSUER_UNCONFIGURED, "NodeName=");
        assert_null(handle());
        assert_null(api.log);
}

static void test_nobody_is_asked_for_another_host(void **state)
{
        running_free(run.running);
        run.input.running = run.running = running_new(root_fd, &run.config, false);
        asks(ISSUER_UNREACHABLE, "another host");
        issuer_csr_withdraw(&run.input, run.pending);
        issuer_csr_clean_up(&run.input, "kubelet-serving", NULL);
        assert_null(api.log);
}

static void put_object(const char *name, const char *node, const char *certificate)
{
        api_put(name, json_pack("{s:{s:{s:s, s:s, s:s}}}", "metadata", "labels",
                              "app.kubernetes.io/managed-by", "kube-renewd", "kube-renewd/node",
                              node, "kube-renewd/certificate", certificate));
}

static void test_t28_clean_up(void **state)
{
        static const char *const states[] = {"issued", "denied", "failed", "stale"};
        static const char others[] = "other-node other-certificate another-program";
        autofree char *with_pending = NULL;

        for (size_t i = 0; i < ELEMENTSOF(states); i++)
                put_object(states[i], "cp1", "kubelet-serving");
        api_decide("issued", "Approved", "R", "m");
        api_issue("issued", "PEM\n");
        api_decide("denied", "Denied", "R", "m");
        api_decide("failed", "Failed", "R", "m");
        put_object("other-node", "cp2", "kubelet-serving");
        put_object("other-certificate", "cp1", "proxy");
        api_put("another-program", json_pack("{s:{}}", "metadata"));

        /* A new request begins with a clean-up. */
        asks(ISSUER_NEW_REQUEST, "");
        assert_objects(others);

        /* What is waited for stays, all others of this certificate go. */
        asks(ISSUER_WAIT, "");
        put_object("stale", "cp1", "kubelet-serving");
        issuer_csr_clean_up(&run.input, "kubelet-serving", run.pending);
        with_pending = xasprintf("%s %s", others, handle());
        assert_objects(with_pending);

        /* Its time is over. */
        issuer_csr_clean_up(&run.input, "kubelet-serving", NULL);
        assert_objects(others);

        /* There is nothing to do. */
        issuer_csr_clean_up(&run.input, "kubelet-serving", NULL);
        assert_objects(others);
        api_fail("GET", 500, "no");
        issuer_csr_clean_up(&run.input, "kubelet-serving", NULL);
}

static void test_t28_only_what_is_ours_is_withdrawn(void **state)
{
        autofree char *name = name_of(run.pending, 1);

        issuer_csr_withdraw(&run.input, run.pending);
        assert_null(api.log);
        run.pending->handle = xstrdup(name);
        api_put(name, json_pack("{s:{}, s:{}}", "metadata", "spec"));
        issuer_csr_withdraw(&run.input, run.pending);
        assert_objects(name);
        json_object_clear(api.objects);
        issuer_csr_withdraw(&run.input, run.pending);
        asks(ISSUER_NEW_REQUEST, "");
        asks(ISSUER_WAIT, "");
        issuer_csr_withdraw(&run.input, run.pending);
        assert_objects("");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(test_t29_one_object_by_the_name_on_disk),
                TEST(test_what_is_asked_for),
                TEST(test_t29_killed_after_it_was_made),
                TEST(test_t29_made_meanwhile),
                TEST(test_t29_issued),
                TEST(test_t29_denied_and_failed),
                TEST(test_t29_gone_is_asked_anew_with_the_same_key),
                TEST(test_t29_it_is_not_asked_for_ever),
                TEST(test_handles_that_are_none),
                TEST(test_an_object_that_asks_for_something_else),
                TEST(test_approved_by_us),
                TEST(test_who_may_not_approve_waits),
                TEST(test_t29_errors),
                TEST(test_what_must_be_changed_here),
                TEST(test_nobody_is_asked_for_another_host),
                TEST(test_t28_clean_up),
                TEST(test_t28_only_what_is_ours_is_withdrawn),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
