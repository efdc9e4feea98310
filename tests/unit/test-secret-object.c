/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "fake-secrets.h"
#include "kube/secret-object.h"

static const ApiServer server = {.host = "192.0.2.1", .port = 6443, .timeout = 1};
static const Secret one = {(unsigned char *)"one", 3}, two = {(unsigned char *)"two", 3};
static const SecretValue values[] = {{"a.crt", &one}, {"a.key", &two}};
static const SecretWish wish = {
        .place = {"host", "pki"}, .type = "Opaque", .values = values, .n = ELEMENTSOF(values)};

static int set_up(void **state)
{
        secrets_reset();
        return 0;
}

static int tear_down(void **state)
{
        secrets_reset();
        json_decref(secrets.objects);
        secrets.objects = NULL;
        return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

static SecretObject *get(void)
{
        SecretObject *object = NULL;
        Error error = {};

        if (secret_object_get(&server, &wish.place, &object, &error) < 0)
                fail_msg("%s", error.text);
        return object;
}

static void assert_value(const char *key, const char *text)
{
        autofree char *value = secrets_get("host/pki", key);

        assert_non_null(value);
        assert_string_equal(value, text);
}

static void test_what_is_made(void **state)
{
        autoptr(SecretObject) none = NULL;
        json_t *made;

        assert_int_equal(secret_object_get(&server, &wish.place, &none, NULL), -ENOENT);
        assert_int_equal(secret_object_create(&server, &wish, NULL), 0);
        made = secrets_object("host/pki");
        assert_string_equal(json_string_value(json_object_get(made, "type")), "Opaque");
        assert_string_equal(json_string_value(json_object_get(made, "kind")), "Secret");
        assert_value("a.crt", "one");
        assert_value("a.key", "two");
        assert_int_equal(secret_object_create(&server, &wish, NULL), -EEXIST);
}

static void test_only_what_differs_is_sent(void **state)
{
        autoptr(SecretObject) object = NULL;
        autoptr(json_t) sent = NULL, *expected = NULL;

        secrets_set("host/pki", "a.crt", "one");
        secrets_set("host/pki", "a.key", "old");
        secrets_set("host/pki", "other", "theirs");
        object = get();
        assert_int_equal(secret_object_differs(object, &wish), 1);
        assert_int_equal(secret_object_patch(&server, object, &wish, NULL), 0);
        assert_int_equal(json_read(secrets.body, strlen(secrets.body), &sent, NULL), 0);
        expected = json_pack("{s:{s:s}, s:{s:s}}", "metadata", "resourceVersion", object->version,
                "data", "a.key", "dHdv");
        assert_true(json_equal(sent, expected));
        assert_value("a.key", "two");
        assert_value("other", "theirs");
}

static void test_a_change_of_another_state_is_a_conflict(void **state)
{
        autoptr(SecretObject) object = NULL;

        secrets_set("host/pki", "a.key", "old");
        object = get();
        secrets_set("host/pki", "other", "theirs");
        assert_int_equal(secret_object_patch(&server, object, &wish, NULL), -EEXIST);
        assert_value("a.key", "old");
}

static void test_what_a_value_is(void **state)
{
        autoptr(SecretObject) object = NULL;
        autoptr(Secret) value = NULL;
        Error error = {};

        secrets_put("host/pki",
                json_pack("{s:{s:s, s:s, s:i}}", "data", "good", "b25l", "bad", "!", "odd", 1));
        object = get();
        assert_int_equal(secret_object_value(object, "good", &value, NULL), 0);
        assert_memory_equal(value->data, "one", 3);
        assert_int_equal(secret_object_value(object, "bad", &value, &error), -EBADMSG);
        assert_string_equal(error.text, "what it has as 'bad' is no base64");
        assert_int_equal(secret_object_value(object, "odd", &value, NULL), -ENOENT);
        assert_int_equal(secret_object_value(object, "none", &value, &error), -ENOENT);
        assert_string_equal(error.text, "it has no key 'none'");
}

static void test_an_answer_that_is_none(void **state)
{
        autoptr(SecretObject) object = NULL;
        Error error = {};

        secrets_put("host/pki", json_object());
        json_object_del(secrets_object("host/pki"), "metadata");
        assert_int_equal(secret_object_get(&server, &wish.place, &object, &error), -EBADMSG);
        assert_string_equal(
                error.text, "the answer to GET /api/v1/namespaces/host/secrets/pki is no Secret");
}

/* Whatever a server says about what it was sent. */
static void test_a_quotation_is_not_shown(void **state)
{
        static const char key[] = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEF\n";
        const Secret secret = {(unsigned char *)key, strlen(key)};
        const SecretValue value = {"a.key", &secret};
        const SecretWish secrets_wish = {wish.place, "Opaque", &value, 1};
        autofree char *base64 = base64_encode(key, strlen(key));
        autofree char *message = xasprintf("cannot decode ...|%.40s|...", base64 + 8);
        Error error = {};

        secrets_fail("POST", 400, message);
        assert_int_equal(secret_object_create(&server, &secrets_wish, &error), -EBADRQC);
        assert_null(strstr(error.text, "cannot decode"));
        assert_non_null(strstr(error.text, "must not be shown"));
        secrets_fail("POST", 403, "forbidden: nobody may do that");
        assert_int_equal(secret_object_create(&server, &secrets_wish, &error), -EACCES);
        assert_non_null(strstr(error.text, "nobody may do that"));
}

static void test_names_of_keys(void **state)
{
        static const struct {
                const char *text;
                bool is_key;
        } table[] = {{"tls.crt", true}, {"etcd-ca_1.key", true}, {"A", true}, {"", false},
                {".", false}, {"..", false}, {"..a", false}, {".a", true}, {"a/b", false},
                {"a b", false}, {"\xc3\xa4", false}};
        char longest[255];

        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                if (secret_object_is_key(table[i].text) != table[i].is_key)
                        fail_msg("'%s'", table[i].text);
        memset(longest, 'a', sizeof(longest));
        longest[254] = '\0';
        assert_false(secret_object_is_key(longest));
        assert_true(secret_object_is_key(longest + 1));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(test_what_is_made),
                TEST(test_only_what_differs_is_sent),
                TEST(test_a_change_of_another_state_is_a_conflict),
                TEST(test_what_a_value_is),
                TEST(test_an_answer_that_is_none),
                TEST(test_a_quotation_is_not_shown),
                TEST(test_names_of_keys),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
