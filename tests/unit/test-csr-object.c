/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "fake-api.h"
#include "kube/csr-object.h"

#define REQUEST "-----BEGIN CERTIFICATE REQUEST-----\nMIIB\n-----END CERTIFICATE REQUEST-----\n"

static const ApiServer server = {.host = "192.0.2.1", .port = 6443, .timeout = 1};
static char *usages[] = {(char *)"digital signature", (char *)"server auth", NULL};
static const CsrWish wish = {.name = "kube-renewd-0123-1",
        .signer = "kubernetes.io/kubelet-serving",
        .request_pem = REQUEST,
        .usages = usages,
        .lifetime = 86400,
        .owner = {"cp1", "kubelet-server"}};

static int set_up(void **state)
{
        api_reset();
        return 0;
}

static CsrObject *get(const char *name)
{
        CsrObject *object = NULL;
        Error error = {};

        if (csr_object_get(&server, name, &object, &error) < 0)
                fail_msg("%s", error.text);
        return object;
}

static CsrObject *create(const CsrWish *what)
{
        CsrObject *object = NULL;
        Error error = {};

        if (csr_object_create(&server, what, &object, &error) < 0)
                fail_msg("%s", error.text);
        return object;
}

static void test_what_is_created(void **state)
{
        autoptr(CsrObject) object = create(&wish);
        json_t *json = api_object(wish.name);
        autofree char *request = base64_encode(REQUEST, strlen(REQUEST));
        autoptr(json_t) spec = json_pack("{s:s, s:s, s:[s, s], s:i}", "request", request,
                "signerName", wish.signer, "usages", "digital signature", "server auth",
                "expirationSeconds", 86400);
        autoptr(json_t) labels =
                json_pack("{s:s, s:s, s:s}", "app.kubernetes.io/managed-by", "kube-renewd",
                        "kube-renewd/node", "cp1", "kube-renewd/certificate", "kubelet-server");

        assert_int_equal(object->state, CSR_PENDING);
        assert_string_equal(object->name, wish.name);
        assert_null(object->certificate_pem);
        assert_true(csr_object_is(object, &wish));
        assert_true(json_equal(json_object_get(json, "spec"), spec));
        assert_true(
                json_equal(json_object_get(json_object_get(json, "metadata"), "labels"), labels));
        assert_string_equal(api_text(json, "kind", NULL), "CertificateSigningRequest");
        assert_string_equal(api_text(json, "apiVersion", NULL), "certificates.k8s.io/v1");
}

static void test_where_and_as_whom_it_is_asked(void **state)
{
        autoptr(Secret) token = secret_new("t0ken", 5);
        ApiServer other = server;
        CsrObject *object = NULL;

        assert_int_equal(csr_object_get(&other, "x", &object, NULL), -ENOENT);
        assert_string_equal(api.url, "https://kubernetes:6443" API_OBJECTS "/x");
        assert_string_equal(api.connect_to, "192.0.2.1:6443");
        assert_null(api.token);
        other.host = "2001:db8::1";
        other.name = "2001:db8::1";
        other.prefix = "/k8s/c";
        other.token = token;
        assert_int_equal(csr_object_get(&other, "x", &object, NULL), -ENOENT);
        assert_string_equal(api.url, "https://[2001:db8::1]:6443/k8s/c" API_OBJECTS "/x");
        assert_string_equal(api.connect_to, "[2001:db8::1]:6443");
        assert_string_equal(api.token, "t0ken");
}

/* Servers refuse less than ten minutes, and have 32 bits for it. */
static void test_lifetime_within_limits(void **state)
{
        static const struct {
                int64_t lifetime;
                int said;
        } cases[] = {{60, 600}, {600, 600}, {86400, 86400}, {INT64_C(1) << 40, INT32_MAX}};

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                CsrWish other = wish;
                autoptr(CsrObject) object = NULL;

                api_reset();
                other.lifetime = cases[i].lifetime;
                object = create(&other);
                assert_int_equal(
                        json_integer_value(json_object_get(
                                json_object_get(object->json, "spec"), "expirationSeconds")),
                        cases[i].said);
        }
}

static void test_created_twice_is_one(void **state)
{
        autoptr(CsrObject) first = create(&wish), *second = NULL;
        Error error = {};

        assert_int_equal(csr_object_create(&server, &wish, &second, &error), -EEXIST);
        assert_non_null(strstr(error.text, "already exists"));
        second = get(wish.name);
        assert_true(csr_object_is(second, &wish));
        assert_string_equal(second->uid, first->uid);
}

static void test_errors_of_create(void **state)
{
        static const struct {
                long status;
                int r;
        } cases[] = {{-1, -ECONNREFUSED}, {401, -EACCES}, {403, -EACCES}, {422, -EBADRQC},
                {400, -EBADRQC}, {429, -EIO}, {503, -EIO}};

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                autoptr(CsrObject) object = NULL;
                Error error = {};

                api_fail("POST", cases[i].status, "for a\nreason");
                assert_int_equal(csr_object_create(&server, &wish, &object, &error), cases[i].r);
                if (cases[i].status > 0)
                        assert_non_null(strstr(error.text, ": for a\\x0areason"));
        }
        assert_null(api.objects);
}

static void test_t29_states(void **state)
{
        static const struct {
                const char *types[2];
                bool signs;
                CsrState state;
                const char *reason;
        } cases[] = {
                {{NULL}, false, CSR_PENDING, ""},
                {{"Approved"}, false, CSR_APPROVED, "R: said"},
                {{"Approved"}, true, CSR_ISSUED, "R: said"},
                {{"Denied"}, false, CSR_DENIED, "R: said"},
                {{"Failed"}, false, CSR_FAILED, "R: said"},
                {{"Approved", "Failed"}, false, CSR_FAILED, "R: said"},
                {{"Approved", "Denied"}, true, CSR_DENIED, "R: said"},
                {{"Another"}, false, CSR_PENDING, ""},
                {{NULL}, true, CSR_PENDING, ""},
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                autoptr(CsrObject) created = NULL, *object = NULL;

                api_reset();
                created = create(&wish);
                for (size_t k = 0; k < 2 && cases[i].types[k]; k++)
                        api_decide(wish.name, cases[i].types[k], "R", "said");
                if (cases[i].signs)
                        api_issue(wish.name, "PEM\n");
                object = get(wish.name);
                assert_int_equal(object->state, cases[i].state);
                assert_string_equal(object->reason, cases[i].reason);
                if (object->state == CSR_ISSUED)
                        assert_string_equal(object->certificate_pem, "PEM\n");
        }
}

static void test_a_condition_that_does_not_hold(void **state)
{
        autoptr(CsrObject) object = create(&wish);
        json_t *conditions;

        csr_object_free(TAKE(object));
        api_decide(wish.name, "Denied", "R", "m");
        conditions =
                json_object_get(json_object_get(api_object(wish.name), "status"), "conditions");
        json_object_set_new(json_array_get(conditions, 0), "status", json_string("False"));
        object = get(wish.name);
        assert_int_equal(object->state, CSR_PENDING);
}

static void test_not_what_was_asked_for(void **state)
{
        static char *less[] = {(char *)"server auth", NULL};
        static char *other[] = {(char *)"digital signature", (char *)"client auth", NULL};
        static char *reversed[] = {(char *)"server auth", (char *)"digital signature", NULL};
        autoptr(CsrObject) object = create(&wish);
        CsrWish changed = wish;

        changed.usages = reversed;
        assert_true(csr_object_is(object, &changed));
        changed.usages = less;
        assert_false(csr_object_is(object, &changed));
        changed.usages = other;
        assert_false(csr_object_is(object, &changed));
        changed = wish;
        changed.signer = "kubernetes.io/kube-apiserver-client";
        assert_false(csr_object_is(object, &changed));
        changed = wish;
        changed.request_pem = REQUEST "\n";
        assert_false(csr_object_is(object, &changed));
}

static void test_answers_that_are_none(void **state)
{
        static const char *const texts[] = {
                "{}",
                "{\"metadata\": {\"name\": \"x\"}}",
                "{\"metadata\": {\"name\": \"\", \"uid\": \"u\"}}",
                "{\"metadata\": {\"name\": \"../x\", \"uid\": \"u\"}}",
                "{\"metadata\": {\"name\": \"a?b\", \"uid\": \"u\"}}",
                ("{\"metadata\": {\"name\": \"x\", \"uid\": \"u\"}, \"status\": "
                 "{\"certificate\": \"*\"}}"),
        };

        api.objects = json_object();
        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                autoptr(CsrObject) object = NULL;

                json_object_set_new(api.objects, "x", json_loads(texts[i], 0, NULL));
                assert_int_equal(csr_object_get(&server, "x", &object, NULL), -EBADMSG);
        }
        autoptr(CsrObject) none = NULL;
        assert_int_equal(csr_object_get(&server, "y", &none, NULL), -ENOENT);
}

static void test_approved_once_and_as_it_was(void **state)
{
        autoptr(CsrObject) old = create(&wish), *fresh = NULL;
        Error error = {};

        api_decide(wish.name, "Another", "R", "m");
        assert_int_equal(csr_object_approve(&server, old, "because", &error), -EEXIST);
        fresh = get(wish.name);
        assert_int_equal(fresh->state, CSR_PENDING);
        assert_int_equal(csr_object_approve(&server, fresh, "because", &error), 0);
        csr_object_free(fresh);
        fresh = get(wish.name);
        assert_int_equal(fresh->state, CSR_APPROVED);
        assert_string_equal(fresh->reason, "KubeRenewdApproved: because");
        assert_int_equal(json_array_size(json_object_get(
                                 json_object_get(fresh->json, "status"), "conditions")),
                2);
}

static void test_deleted_is_only_the_one_that_was_seen(void **state)
{
        autoptr(CsrObject) first = create(&wish), *second = NULL;
        Error error = {};

        assert_int_equal(csr_object_delete(&server, first, &error), 0);
        assert_null(api_object(wish.name));
        assert_int_equal(csr_object_delete(&server, first, &error), 0);
        second = create(&wish);
        assert_int_equal(csr_object_delete(&server, first, &error), 0);
        assert_non_null(api_object(wish.name));
        api_fail("DELETE", 403, "no");
        assert_int_equal(csr_object_delete(&server, second, &error), -EACCES);
}

static void add_name(const CsrObject *object, void *userdata)
{
        strv_add(userdata, object->name);
}

/* The fake server ignores selectors. */
static void test_t28_only_own_ones_are_listed(void **state)
{
        static const struct {
                const char *name, *program, *node, *certificate;
        } others[] = {
                {"other-program", "cert-manager", "cp1", "kubelet-server"},
                {"other-node", "kube-renewd", "cp2", "kubelet-server"},
                {"other-certificate", "kube-renewd", "cp1", "proxy"},
        };
        autostrv names = NULL;
        Error error = {};

        csr_object_free(create(&wish));
        for (size_t i = 0; i < ELEMENTSOF(others); i++)
                api_put(others[i].name, json_pack("{s:{s:{s:s, s:s, s:s}}}", "metadata", "labels",
                                                "app.kubernetes.io/managed-by", others[i].program,
                                                "kube-renewd/node", others[i].node,
                                                "kube-renewd/certificate", others[i].certificate));
        api_put("kubelets", json_pack("{s:{}}", "metadata"));
        assert_int_equal(csr_object_list(&server, &wish.owner, add_name, &names, &error), 0);
        assert_int_equal(strv_length(names), 1);
        assert_string_equal(names[0], wish.name);
        assert_string_equal(api.log[1],
                "GET " API_OBJECTS "?labelSelector=app.kubernetes.io%2Fmanaged-by%3Dkube-renewd"
                "%2Ckube-renewd%2Fnode%3Dcp1&limit=20");
}

static void test_labels(void **state)
{
        static const char long_name[] =
                "a123456789b123456789c123456789d123456789e123456789f123456789xyz";
        static const char *const plain[] = {"cp1", "admin.conf", "a_B-c.9", long_name};
        static const char *const odd[] = {"", "admin.conf/alice", "-x", "x-", "ä", "a b",
                "a123456789b123456789c123456789d123456789e123456789f123456789xyz0",
                "a123456789b123456789c123456789d123456789e123456789f123456789xyz1"};
        autostrv labels = NULL;

        assert_int_equal(strlen(long_name), 63);
        for (size_t i = 0; i < ELEMENTSOF(plain); i++) {
                autofree char *label = csr_object_label(plain[i]);

                assert_string_equal(label, plain[i]);
        }
        for (size_t i = 0; i < ELEMENTSOF(odd); i++) {
                autofree char *label = csr_object_label(odd[i]), *again = csr_object_label(label);

                assert_string_equal(label, again);
                assert_false(strv_contains(labels, label));
                strv_add(&labels, label);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(test_what_is_created, set_up),
                cmocka_unit_test_setup(test_where_and_as_whom_it_is_asked, set_up),
                cmocka_unit_test_setup(test_lifetime_within_limits, set_up),
                cmocka_unit_test_setup(test_created_twice_is_one, set_up),
                cmocka_unit_test_setup(test_errors_of_create, set_up),
                cmocka_unit_test_setup(test_t29_states, set_up),
                cmocka_unit_test_setup(test_a_condition_that_does_not_hold, set_up),
                cmocka_unit_test_setup(test_not_what_was_asked_for, set_up),
                cmocka_unit_test_setup(test_answers_that_are_none, set_up),
                cmocka_unit_test_setup(test_approved_once_and_as_it_was, set_up),
                cmocka_unit_test_setup(test_deleted_is_only_the_one_that_was_seen, set_up),
                cmocka_unit_test_setup(test_t28_only_own_ones_are_listed, set_up),
                cmocka_unit_test_setup(test_labels, set_up),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
