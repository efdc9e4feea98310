/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "pki-data.h"

#include <pthread.h>

static const struct {
        KeyKind kind;
        const char *name;
        KeyFormat format;
} kinds[] = {
        {KEY_KIND_RSA_2048, "RSA-2048", KEY_FORMAT_PKCS1},
        {KEY_KIND_RSA_3072, "RSA-3072", KEY_FORMAT_PKCS1},
        {KEY_KIND_RSA_4096, "RSA-4096", KEY_FORMAT_PKCS1},
        {KEY_KIND_ECDSA_P256, "ECDSA-P256", KEY_FORMAT_SEC1},
        {KEY_KIND_ECDSA_P384, "ECDSA-P384", KEY_FORMAT_SEC1},
        {KEY_KIND_ECDSA_P521, "ECDSA-P521", KEY_FORMAT_SEC1},
        {KEY_KIND_ED25519, "Ed25519", KEY_FORMAT_PKCS8},
};

static const struct {
        const char *file;
        KeyKind kind;
        KeyFormat format;
        const char *cert;
} files[] = {
        {"pki/rsa-2048.key", KEY_KIND_RSA_2048, KEY_FORMAT_PKCS1, "pki/rsa-2048.crt"},
        {"pki/rsa-2048.pkcs8.key", KEY_KIND_RSA_2048, KEY_FORMAT_PKCS8, "pki/rsa-2048.crt"},
        {"pki/rsa-3072.key", KEY_KIND_RSA_3072, KEY_FORMAT_PKCS1, "pki/rsa-3072.crt"},
        {"pki/rsa-3072.pkcs8.key", KEY_KIND_RSA_3072, KEY_FORMAT_PKCS8, "pki/rsa-3072.crt"},
        {"pki/rsa-4096.key", KEY_KIND_RSA_4096, KEY_FORMAT_PKCS1, "pki/rsa-4096.crt"},
        {"pki/rsa-4096.pkcs8.key", KEY_KIND_RSA_4096, KEY_FORMAT_PKCS8, "pki/rsa-4096.crt"},
        {"pki/p256.key", KEY_KIND_ECDSA_P256, KEY_FORMAT_SEC1, "pki/p256.crt"},
        {"pki/p256.params.key", KEY_KIND_ECDSA_P256, KEY_FORMAT_SEC1, "pki/p256.crt"},
        {"pki/p256.pkcs8.key", KEY_KIND_ECDSA_P256, KEY_FORMAT_PKCS8, "pki/p256.crt"},
        {"pki/p384.key", KEY_KIND_ECDSA_P384, KEY_FORMAT_SEC1, "pki/p384.crt"},
        {"pki/p384.params.key", KEY_KIND_ECDSA_P384, KEY_FORMAT_SEC1, "pki/p384.crt"},
        {"pki/p384.pkcs8.key", KEY_KIND_ECDSA_P384, KEY_FORMAT_PKCS8, "pki/p384.crt"},
        {"pki/p521.key", KEY_KIND_ECDSA_P521, KEY_FORMAT_SEC1, "pki/p521.crt"},
        {"pki/p521.params.key", KEY_KIND_ECDSA_P521, KEY_FORMAT_SEC1, "pki/p521.crt"},
        {"pki/p521.pkcs8.key", KEY_KIND_ECDSA_P521, KEY_FORMAT_PKCS8, "pki/p521.crt"},
        {"pki/ed25519.key", KEY_KIND_ED25519, KEY_FORMAT_PKCS8, "pki/ed25519.crt"},
        {KUBEADM_1_20 "apiserver.key", KEY_KIND_RSA_2048, KEY_FORMAT_PKCS1,
                KUBEADM_1_20 "apiserver.crt"},
        {KUBEADM_1_28 "apiserver.key", KEY_KIND_ECDSA_P256, KEY_FORMAT_SEC1,
                KUBEADM_1_28 "apiserver.crt"},
        {KUBEADM_1_36 "apiserver.key", KEY_KIND_RSA_2048, KEY_FORMAT_PKCS1,
                KUBEADM_1_36 "apiserver.crt"},
};

static void test_kind_names(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(kinds); i++) {
                assert_string_equal(key_kind_name(kinds[i].kind), kinds[i].name);
                assert_int_equal(key_kind_parse(kinds[i].name), kinds[i].kind);
                assert_int_equal(key_format_default(kinds[i].kind), kinds[i].format);
        }
        assert_int_equal(key_kind_parse("ecdsa-p256"), KEY_KIND_ECDSA_P256);
        assert_int_equal(key_kind_parse("RSA-1024"), KEY_KIND_NONE);
        assert_int_equal(key_kind_parse(""), KEY_KIND_NONE);
        assert_string_equal(key_kind_name(KEY_KIND_NONE), "none");
        assert_string_equal(key_kind_name(KEY_KIND_OTHER), "other");
}

static void test_t24_every_kind_and_form_is_read(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(files); i++) {
                autoptr(Key) key = data_key(files[i].file);
                autoptr(Cert) cert = data_cert(files[i].cert);

                assert_int_equal(key_kind(key), files[i].kind);
                assert_int_equal(key_format(key), files[i].format);
                assert_int_equal(key_kind_of_cert(cert), files[i].kind);
                assert_string_equal(cert->key_algorithm, key_kind_name(files[i].kind));
                assert_true(key_matches(key, cert));
        }
}

static void test_matches_only_its_own_certificate(void **state)
{
        static const char *const names[] = {
                "rsa-2048", "rsa-3072", "rsa-4096", "p256", "p384", "p521", "ed25519"};

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                autofree char *key_name = xasprintf("pki/%s.key", names[i]);
                autoptr(Key) key = data_key(key_name);

                for (size_t k = 0; k < ELEMENTSOF(names); k++) {
                        autofree char *cert_name = xasprintf("pki/%s.crt", names[k]);
                        autoptr(Cert) cert = data_cert(cert_name);

                        assert_int_equal(key_matches(key, cert), i == k);
                }
        }
}

/* The first line of a key's PEM in that form. */
static void assert_written_as(const Key *key, KeyFormat format, const char *label)
{
        autofree char *begin = xasprintf("-----BEGIN %s-----\n", label);
        autofree char *end = xasprintf("\n-----END %s-----\n", label);
        autoptr(Secret) pem = NULL;
        autoptr(Key) again = NULL;

        assert_int_equal(key_to_pem(key, format, &pem, NULL), 0);
        assert_memory_equal(pem->data, begin, strlen(begin));
        assert_memory_equal(pem->data + pem->size - strlen(end), end, strlen(end));
        assert_int_equal(key_parse(pem->data, pem->size, &again, NULL), 0);
        assert_int_equal(key_kind(again), key_kind(key));
        if (have_openssl())
                assert_int_equal(
                        pipe_to("openssl pkey -check -noout >/dev/null", pem->data, pem->size), 0);
}

static void test_t24_every_form_is_written_and_openssl_reads_it(void **state)
{
        static const struct {
                const char *file, *pkcs8, *pkcs1, *sec1;
        } table[] = {
                {"pki/rsa-2048.key", "PRIVATE KEY", "RSA PRIVATE KEY", "RSA PRIVATE KEY"},
                {"pki/rsa-4096.pkcs8.key", "PRIVATE KEY", "RSA PRIVATE KEY", "RSA PRIVATE KEY"},
                {"pki/p256.pkcs8.key", "PRIVATE KEY", "EC PRIVATE KEY", "EC PRIVATE KEY"},
                {"pki/p384.key", "PRIVATE KEY", "EC PRIVATE KEY", "EC PRIVATE KEY"},
                {"pki/p521.params.key", "PRIVATE KEY", "EC PRIVATE KEY", "EC PRIVATE KEY"},
                {"pki/ed25519.key", "PRIVATE KEY", "PRIVATE KEY", "PRIVATE KEY"},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                autoptr(Key) key = data_key(table[i].file);

                assert_written_as(key, KEY_FORMAT_PKCS8, table[i].pkcs8);
                assert_written_as(key, KEY_FORMAT_PKCS1, table[i].pkcs1);
                assert_written_as(key, KEY_FORMAT_SEC1, table[i].sec1);
        }
}

/* What openssl or kubeadm wrote comes back byte for byte, so a key that is kept is not rewritten.
 */
static void test_form_is_kept_to_the_byte(void **state)
{
        static const char *const names[] = {"pki/rsa-2048.key", "pki/rsa-2048.pkcs8.key",
                "pki/p256.key", "pki/p384.key", "pki/p521.key", "pki/ed25519.key",
                KUBEADM_1_28 "apiserver.key", KUBEADM_1_36 "apiserver.key"};

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                autoptr(FileImage) file = data_file(names[i]);
                autoptr(Key) key = data_key(names[i]);
                autoptr(Secret) pem = NULL;

                assert_int_equal(key_to_pem(key, key_format(key), &pem, NULL), 0);
                assert_int_equal(pem->size, file->size);
                assert_memory_equal(pem->data, file->data, file->size);
        }
}

static void test_t24_every_kind_is_generated(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(kinds); i++) {
                autoptr(Key) key = NULL;
                autoptr(Secret) pem = NULL;

                assert_int_equal(key_generate(kinds[i].kind, &key, NULL), 0);
                assert_int_equal(key_kind(key), kinds[i].kind);
                assert_int_equal(key_format(key), kinds[i].format);
                assert_int_equal(key_to_pem(key, key_format(key), &pem, NULL), 0);
                if (have_openssl())
                        assert_int_equal(pipe_to("openssl pkey -check -noout >/dev/null", pem->data,
                                                 pem->size),
                                0);
        }
}

static void test_generated_rsa_exponent(void **state)
{
        autoptr(Key) key = NULL;
        autoptr(Secret) pem = NULL;

        assert_int_equal(key_generate(KEY_KIND_RSA_2048, &key, NULL), 0);
        assert_int_equal(key_to_pem(key, KEY_FORMAT_PKCS1, &pem, NULL), 0);
        if (have_openssl())
                assert_int_equal(
                        pipe_to("openssl pkey -noout -text_pub | grep -q 'Exponent: 65537'",
                                pem->data, pem->size),
                        0);
}

static void test_no_other_kind_is_generated(void **state)
{
        Key *key = NULL;
        Error error = {};

        assert_int_equal(key_generate(KEY_KIND_NONE, &key, &error), -ENOTSUP);
        assert_int_equal(key_generate(KEY_KIND_OTHER, &key, &error), -ENOTSUP);
        assert_string_equal(error.text, "no keys of kind 'other' are made");
        assert_null(key);
}

static void *generate_some(void *argument)
{
        for (int i = 0; i < 20; i++) {
                autoptr(Key) key = NULL;

                if (key_generate(KEY_KIND_ECDSA_P256, &key, NULL) < 0)
                        return argument;
        }
        return NULL;
}

static void test_generating_in_threads(void **state)
{
        pthread_t threads[4];
        void *failed;

        for (size_t i = 0; i < ELEMENTSOF(threads); i++)
                assert_int_equal(pthread_create(&threads[i], NULL, generate_some, threads), 0);
        for (size_t i = 0; i < ELEMENTSOF(threads); i++) {
                assert_int_equal(pthread_join(threads[i], &failed), 0);
                assert_null(failed);
        }
}

static void test_other_kinds_are_read(void **state)
{
        autoptr(Key) key = data_key("pki/p224.params.key");

        assert_int_equal(key_kind(key), KEY_KIND_OTHER);
}

static void assert_refused(const char *text, size_t size, int r, const char *words)
{
        Key *key = NULL;
        Error error = {};

        assert_int_equal(key_parse(text, size, &key, &error), r);
        assert_null(key);
        assert_non_null(strstr(error.text, words));
}

static void test_encrypted_keys_are_refused(void **state)
{
        static const char *const names[] = {"pki/encrypted.pkcs8.key", "pki/encrypted.sec1.key"};

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                autoptr(FileImage) file = data_file(names[i]);

                assert_refused((char *)file->data, file->size, -EKEYREJECTED, "encrypted");
        }
}

static void test_t07_garbage(void **state)
{
        static const struct {
                const char *text;
                int r;
                const char *words;
        } table[] = {
                {"", -ENODATA, "empty"},
                {"hello\n", -ENODATA, "other text"},
                {"-----BEGIN PRIVATE KEY-----\nAAAA\n", -EBADMSG, "cut off"},
                {"-----BEGIN PRIVATE KEY-----\n!!!\n-----END PRIVATE KEY-----\n", -EBADMSG,
                        "base64"},
                {"-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n", -EBADMSG, "parse"},
                {"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", -EBADMSG,
                        "parse"},
                {"-----BEGIN EC PRIVATE KEY-----\nMAMCAQE=\n-----END EC PRIVATE KEY-----\n",
                        -EBADMSG, "parse"},
                {"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
                        -EBADMSG, "OPENSSH"},
                {"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", -ENODATA,
                        "no PEM private key"},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                assert_refused(table[i].text, strlen(table[i].text), table[i].r, table[i].words);
        assert_refused("\x30\x82\x01\x02", 4, -ENODATA, "DER");
        assert_refused("a\0b", 3, -ENODATA, "binary");
        assert_refused(NULL, 0, -ENODATA, "empty");
}

/* Every prefix of a key is refused, whatever is cut off. */
static void test_t07_truncated_key(void **state)
{
        autoptr(FileImage) file = data_file("pki/p256.key");

        for (size_t size = 0; size < file->size - 1; size++) {
                autofree char *part = xmemdup(file->data, size);
                Key *key = NULL;
                int r = key_parse(part, size, &key, NULL);

                assert_true(r == -EBADMSG || r == -ENODATA);
                assert_null(key);
        }
}

static char *joined(const char *first, const char *second, size_t *ret_size)
{
        autoptr(FileImage) a = data_file(first);
        autoptr(FileImage) b = data_file(second);

        *ret_size = a->size + b->size;
        return xasprintf("%s%s", (char *)a->data, (char *)b->data);
}

static void test_t07_two_keys_in_one_file(void **state)
{
        size_t size;
        autofree char *text = joined("pki/p256.key", "pki/rsa-2048.key", &size);

        assert_refused(text, size, -ENOTUNIQ, "2 private keys");
}

static void test_certificates_beside_the_key_are_passed_over(void **state)
{
        size_t size;
        autofree char *text = joined("pki/p256.crt", "pki/p256.key", &size);
        autoptr(Key) key = NULL;

        assert_int_equal(key_parse(text, size, &key, NULL), 0);
        assert_int_equal(key_kind(key), KEY_KIND_ECDSA_P256);
}

/* A key of tests/data under another label. */
static char *relabelled(const char *name, const char *label)
{
        autoptr(FileImage) file = data_file(name);
        const char *body = strchr((char *)file->data, '\n');

        return xasprintf("-----BEGIN %s-----%.*s-----END %s-----\n", label,
                (int)(strstr(body, "-----END") - body), body, label);
}

static void test_label_and_content_must_agree(void **state)
{
        autofree char *text = relabelled("pki/p256.key", "RSA PRIVATE KEY");

        assert_refused(text, strlen(text), -EBADMSG, "another kind");
}

/* As the Kubernetes servers take it. */
static void test_t24_pkcs8_under_the_label_of_sec1(void **state)
{
        autofree char *text = relabelled("pki/p256.pkcs8.key", "EC PRIVATE KEY");
        autoptr(Key) key = NULL;

        assert_int_equal(key_parse(text, strlen(text), &key, NULL), 0);
        assert_int_equal(key_format(key), KEY_FORMAT_SEC1);
        assert_written_as(key, KEY_FORMAT_SEC1, "EC PRIVATE KEY");
}

/* The public half is another key's. */
static void test_damaged_key(void **state)
{
        autoptr(FileImage) file = data_file("pki/rsa-2048.key");
        char *body = strchr((char *)file->data, '\n') + 100;

        *body = *body == 'A' ? 'B' : 'A';
        assert_refused((char *)file->data, file->size, -EBADMSG, "private key");
}

/* GMP would end the process that divides by it. */
static void test_t07_an_rsa_key_whose_modulus_is_0(void **state)
{
        static const char text[] =
                "-----BEGIN RSA PRIVATE KEY-----\n"
                "MEACAQACAQACAwEAAQIEASNFZwIRANAAAAAAAAAAAAAAAAAAAP0CEQDAAAAAAAAA\n"
                "AAAAAAAAAAAHAgEBAgEBAgEB\n"
                "-----END RSA PRIVATE KEY-----\n";

        assert_refused(text, strlen(text), -EBADMSG, "damaged");
}

static void test_t07_a_key_of_many_bits(void **state)
{
        autofree unsigned char *zeros = xcalloc(1, 20000);
        autofree char *body = base64_encode(zeros, 20000);
        autofree char *text =
                xasprintf("-----BEGIN PRIVATE KEY-----\n%s\n-----END PRIVATE KEY-----\n", body);

        assert_refused(text, strlen(text), -EBADMSG, "too large");
}

static void test_crlf(void **state)
{
        autoptr(FileImage) file = data_file("pki/p256.key");
        autofree char *text = xcalloc(file->size, 2);
        char *end = text;
        autoptr(Key) key = NULL;

        for (size_t i = 0; i < file->size; i++) {
                if (file->data[i] == '\n')
                        *end++ = '\r';
                *end++ = (char)file->data[i];
        }
        assert_int_equal(key_parse(text, (size_t)(end - text), &key, NULL), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_kind_names),
                cmocka_unit_test(test_t24_every_kind_and_form_is_read),
                cmocka_unit_test(test_matches_only_its_own_certificate),
                cmocka_unit_test(test_t24_every_form_is_written_and_openssl_reads_it),
                cmocka_unit_test(test_form_is_kept_to_the_byte),
                cmocka_unit_test(test_t24_every_kind_is_generated),
                cmocka_unit_test(test_generated_rsa_exponent),
                cmocka_unit_test(test_no_other_kind_is_generated),
                cmocka_unit_test(test_generating_in_threads),
                cmocka_unit_test(test_other_kinds_are_read),
                cmocka_unit_test(test_encrypted_keys_are_refused),
                cmocka_unit_test(test_t07_garbage),
                cmocka_unit_test(test_t07_truncated_key),
                cmocka_unit_test(test_t07_two_keys_in_one_file),
                cmocka_unit_test(test_certificates_beside_the_key_are_passed_over),
                cmocka_unit_test(test_label_and_content_must_agree),
                cmocka_unit_test(test_t24_pkcs8_under_the_label_of_sec1),
                cmocka_unit_test(test_damaged_key),
                cmocka_unit_test(test_t07_an_rsa_key_whose_modulus_is_0),
                cmocka_unit_test(test_t07_a_key_of_many_bits),
                cmocka_unit_test(test_crlf),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
