/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "base/time-util.h"
#include "pki-ca.h"
#include "pki/csr.h"

static const KeyKind kinds[] = {KEY_KIND_RSA_2048, KEY_KIND_ECDSA_P256, KEY_KIND_ECDSA_P384,
        KEY_KIND_ECDSA_P521, KEY_KIND_ED25519};

static char *const names[] = {(char *)"DNS:node-1", (char *)"IP:192.0.2.7", NULL};
static char *const groups[] = {(char *)"system:nodes", NULL};
static const LeafIdentity node = {"system:node:node-1", groups, names, CERT_USAGE_SERVER};

static char *make(const Key *key, const Cert *old, const LeafIdentity *identity, char *const *extra)
{
        char *pem = NULL;
        Error error = {};

        if (csr_make(key, old, identity, extra, &pem, &error) < 0)
                fail_msg("%s", error.text);
        return pem;
}

static Csr *parse(const char *pem)
{
        Csr *csr = NULL;
        Error error = {};

        if (csr_parse(pem, strlen(pem), &csr, &error) < 0)
                fail_msg("%s", error.text);
        return csr;
}

static void assert_openssl_finds_it_signed(const char *pem)
{
        if (have_openssl())
                assert_int_equal(pipe_to("openssl req -verify -noout 2>&1 | grep -q 'verify OK'",
                                         pem, strlen(pem)),
                        0);
}

static void assert_same_texts(char *const *a, char *const *b)
{
        assert_int_equal(strv_length(a), strv_length(b));
        for (; a && *a; a++)
                assert_true(strv_contains(b, *a));
}

static void test_request_of_every_kind_of_key(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(kinds); i++) {
                autoptr(Key) key = new_key(kinds[i]);
                autofree char *pem = make(key, NULL, &node, NULL);
                autoptr(Csr) csr = parse(pem);

                assert_string_equal(csr->wanted->subject, "CN=system:node:node-1,O=system:nodes");
                assert_string_equal(csr->wanted->key_algorithm, key_kind_name(kinds[i]));
                assert_same_texts(csr->wanted->sans, names);
                assert_int_equal(csr->wanted->usage, CERT_USAGE_SERVER);
                assert_false(csr->wanted->is_ca);
                assert_int_equal(strv_length(csr->key_usages), 2);
                assert_string_equal(csr->key_usages[0], "digital signature");
                assert_string_equal(csr->key_usages[1], "key encipherment");
                assert_true(key_matches(key, csr->wanted));
                assert_openssl_finds_it_signed(pem);
        }
}

/* All that a certificate may say, names in every kind of string and SANs of every kind among it. */
static void test_request_says_what_the_old_certificate_says(void **state)
{
        static const char *const paths[] = {"pki/rich.crt", "pki/plain.crt", "pki/no-subject.crt",
                "pki/sans-upper.crt", "pki/version1.crt", KUBEADM_1_36 "apiserver.crt",
                KUBEADM_1_20 "apiserver-kubelet-client.crt", KUBEADM_1_28 "etcd/peer.crt"};

        for (size_t i = 0; i < ELEMENTSOF(paths); i++) {
                autoptr(Cert) old = data_cert(paths[i]);
                autoptr(Key) key = new_key(i % 2 ? KEY_KIND_RSA_2048 : KEY_KIND_ED25519);
                autofree char *pem = make(key, old, NULL, NULL);
                autoptr(Csr) csr = parse(pem);

                assert_true(cert_same_subject(csr->wanted, old));
                assert_same_texts(csr->wanted->sans, old->sans);
                assert_same_texts(csr->wanted->usages, old->usages);
                assert_true(key_matches(key, csr->wanted));
                assert_openssl_finds_it_signed(pem);
        }
}

/* Nothing else stands in it where the old certificate has only what speaks of its holder. */
static void test_request_says_all_that_a_kubeadm_certificate_says(void **state)
{
        static const char *const paths[] = {KUBEADM_1_36 "apiserver.crt",
                KUBEADM_1_28 "etcd/server.crt", "pki/client.crt", "pki/plain.crt"};

        for (size_t i = 0; i < ELEMENTSOF(paths); i++) {
                autoptr(Cert) old = data_cert(paths[i]);
                autoptr(Key) key = new_key(KEY_KIND_ECDSA_P256);
                autofree char *pem = make(key, old, NULL, NULL);
                autoptr(Csr) csr = parse(pem);
                Error error = {};

                if (cert_compare_identity(old, csr->wanted, &error) < 0)
                        fail_msg("%s: %s", paths[i], error.text);
        }
}

static void test_request_has_the_key_usage_of_the_old_certificate(void **state)
{
        autoptr(Cert) old = data_cert("pki/rich.crt");
        autoptr(Key) key = new_key(KEY_KIND_ECDSA_P256);
        autofree char *pem = make(key, old, NULL, NULL);
        autoptr(Csr) csr = parse(pem);
        char *const usages[] = {"digital signature", "content commitment", "key agreement", NULL};

        assert_same_texts(csr->key_usages, usages);
}

static void test_extra_sans_are_asked_for_once(void **state)
{
        char *const extra[] = {"DNS:KUBERNETES", "lb.example", "IP:2001:db8::2", NULL};
        autoptr(Cert) old = data_cert("pki/sans-lower.crt");
        autoptr(Key) key = new_key(KEY_KIND_ECDSA_P256);
        autofree char *pem = make(key, old, NULL, extra);
        autoptr(Csr) csr = parse(pem);

        assert_int_equal(strv_length(csr->wanted->sans), strv_length(old->sans) + 2);
        assert_true(cert_has_san(csr->wanted, "DNS:lb.example"));
        assert_true(cert_has_san(csr->wanted, "IP:2001:db8::2"));
}

static void test_what_cannot_be_asked_for(void **state)
{
        char *const bad[] = {"DNS:a b", NULL};
        const LeafIdentity nameless = {"", NULL, NULL, CERT_USAGE_SERVER};
        autoptr(Cert) leaf = data_cert("pki/plain.crt");
        autoptr(Cert) ca = data_cert("pki/p256.crt");
        autoptr(Key) key = new_key(KEY_KIND_ECDSA_P256);
        char *pem = NULL;

        assert_int_equal(csr_make(key, leaf, NULL, bad, &pem, NULL), -EINVAL);
        assert_int_equal(csr_make(key, NULL, &nameless, NULL, &pem, NULL), -EINVAL);
        assert_int_equal(csr_make(key, ca, NULL, NULL, &pem, NULL), -EOPNOTSUPP);
        assert_null(pem);
}

static void test_requests_are_equal_if_they_ask_for_the_same(void **state)
{
        char *const extra[] = {"DNS:lb", NULL};
        autoptr(Key) key = new_key(KEY_KIND_ECDSA_P256);
        autoptr(Key) other_key = new_key(KEY_KIND_ECDSA_P256);
        autofree char *pem = make(key, NULL, &node, NULL), *again = make(key, NULL, &node, NULL);
        autofree char *more = make(key, NULL, &node, extra);
        autofree char *other = make(other_key, NULL, &node, NULL);
        autoptr(Csr) a = parse(pem);
        autoptr(Csr) b = parse(again);
        autoptr(Csr) c = parse(more);
        autoptr(Csr) d = parse(other);

        assert_string_not_equal(pem, again); /* ECDSA signs with a random number */
        assert_true(csr_equal(a, b));
        assert_true(digest_equal(&a->public_key, &b->public_key));
        assert_false(csr_equal(a, c));
        assert_false(csr_equal(a, d));
        assert_false(digest_equal(&a->public_key, &d->public_key));
}

static void assert_refused(const void *pem, size_t size, int expected, const char *words)
{
        Csr *csr = NULL;
        Error error = {};
        int r = csr_parse(pem, size, &csr, &error);

        if (r != expected || !strstr(error.text, words))
                fail_msg("%d '%s', expected %d '%s'", r, error.text, expected, words);
        assert_null(csr);
}

static void test_t07_what_is_no_request(void **state)
{
        static const char begin[] = "-----BEGIN CERTIFICATE REQUEST-----\n";
        autoptr(FileImage) cert = data_file("pki/plain.crt");
        autoptr(Key) key = new_key(KEY_KIND_ECDSA_P256);
        autofree char *pem = make(key, NULL, &node, NULL), *twice = xasprintf("%s%s", pem, pem);
        autofree char *huge = xcalloc(1, 1 << 20);

        assert_refused("", 0, -ENODATA, "is empty");
        assert_refused(cert->data, cert->size, -ENODATA, "no PEM certificate signing request");
        assert_refused(twice, strlen(twice), -ENOTUNIQ, "2 certificate signing requests");
        assert_refused(pem, strlen(pem) / 2, -EBADMSG, "cut off");
        assert_refused(huge, 1 << 20, -EBADMSG, "too large");
        for (size_t cut = 4; cut < 40; cut += 4) {
                autofree char *text = xasprintf("%s%.*s\n-----END CERTIFICATE REQUEST-----\n",
                        begin, (int)(strlen(pem) - strlen(begin) - 40 - cut), pem + strlen(begin));

                assert_refused(text, strlen(text), -EBADMSG, "");
        }
}

/* The octets of a request with one of them changed, as PEM. */
static char *patched(const char *pem, const char *old, const char *fresh)
{
        autoptr(Csr) csr = parse(pem);
        char *at = memmem(csr->der, csr->der_size, old, strlen(old)), *text;
        autofree char *base64 = NULL;

        assert_non_null(at);
        memcpy(at, fresh, strlen(fresh));
        base64 = base64_encode(csr->der, csr->der_size);
        text = xasprintf("-----BEGIN CERTIFICATE REQUEST-----\n%s\n"
                         "-----END CERTIFICATE REQUEST-----\n",
                base64);
        return text;
}

static void test_request_that_its_key_did_not_sign(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(kinds); i++) {
                autoptr(Key) key = new_key(kinds[i]);
                autofree char *pem = make(key, NULL, &node, NULL);
                autofree char *other = patched(pem, "node-1", "node-2");

                assert_refused(other, strlen(other), -EKEYREJECTED, "not signed by its own key");
        }
}

/* As openssl writes them: other blocks before it, the old label, no extensions at all. */
static void test_requests_of_others(void **state)
{
        autoptr(FileImage) key_file = data_file("pki/p256.key");
        autofree char *text = NULL;
        autoptr(Csr) csr = NULL;
        autoptr(Key) key = data_key("pki/p256.key");
        char buffer[8192] = "";
        FILE *pipe;

        if (!have_openssl())
                return;
        pipe = popen("openssl req -new -newhdr -key \"$SRCDIR\"/tests/data/pki/p256.key "
                     "-subj /O=x/CN=y 2>/dev/null",
                "re");
        assert_non_null(pipe);
        assert_true(fread(buffer, 1, sizeof(buffer) - 1, pipe) > 0);
        assert_int_equal(pclose(pipe), 0);
        assert_non_null(strstr(buffer, "BEGIN NEW CERTIFICATE REQUEST"));
        text = xasprintf("%s%s", (const char *)key_file->data, buffer);
        csr = parse(text);
        assert_string_equal(csr->wanted->subject, "CN=y,O=x");
        assert_true(key_matches(key, csr->wanted));
        assert_null(csr->wanted->sans);
        assert_null(csr->key_usages);
}

/* What was asked for, and how the answer differs from it. */
typedef struct Answer {
        const char *what;
        const char *ca, *trusted; /* of tests/data/pki */
        const char *key;          /* NULL: the one that was asked for */
        LeafIdentity identity;
        int64_t not_before, not_after;
        int r;
        const char *words;
} Answer;

#define ASKED "p256", "p256", NULL

static char *const sans_less[] = {(char *)"DNS:node-1", NULL};
static char *const sans_more[] = {
        (char *)"DNS:node-1", (char *)"IP:192.0.2.7", (char *)"DNS:evil", NULL};
static char *const sans_other[] = {(char *)"IP:192.0.2.7", (char *)"DNS:NODE-1", NULL};
static char *const groups_more[] = {(char *)"system:nodes", (char *)"system:masters", NULL};

#define BEGIN (DATA_NOW - DAY)
#define END   (DATA_NOW + YEAR)
#define NODE  "system:node:node-1"

static const Answer answers[] = {
        {"what was asked for", ASKED, {NODE, groups, names, 1}, BEGIN, END, 0, ""},
        {"SANs in other order and case", ASKED, {NODE, groups, sans_other, 1}, BEGIN, END, 0, ""},
        {"first second", ASKED, {NODE, groups, names, 1}, DATA_NOW, END, 0, ""},
        {"last second", ASKED, {NODE, groups, names, 1}, BEGIN, DATA_NOW, 0, ""},
        {"other key", "p256", "p256", "pki/p384.key", {NODE, groups, names, 1}, BEGIN, END,
                -EKEYREJECTED, "it is for another key"},
        {"other name", ASKED, {"system:node:node-2", groups, names, 1}, BEGIN, END, -EKEYREJECTED,
                "its subject is 'CN=system:node:node-2,O=system:nodes', asked for was "
                "'CN=system:node:node-1,O=system:nodes'"},
        {"another group", ASKED, {NODE, groups_more, names, 1}, BEGIN, END, -EKEYREJECTED,
                "its subject is"},
        {"no group", ASKED, {NODE, NULL, names, 1}, BEGIN, END, -EKEYREJECTED, "its subject is"},
        {"missing SAN", ASKED, {NODE, groups, sans_less, 1}, BEGIN, END, -EKEYREJECTED,
                "it lacks the SAN 'IP:192.0.2.7'"},
        {"no SAN", ASKED, {NODE, groups, NULL, 1}, BEGIN, END, -EKEYREJECTED,
                "it lacks the SAN 'DNS:node-1'"},
        {"additional SAN", ASKED, {NODE, groups, sans_more, 1}, BEGIN, END, -EKEYREJECTED,
                "it has the SAN 'DNS:evil', which was not asked for"},
        {"more usages", ASKED, {NODE, groups, names, 3}, BEGIN, END, -EKEYREJECTED,
                "it is for 'client auth', which was not asked for"},
        {"other usage", ASKED, {NODE, groups, names, 2}, BEGIN, END, -EKEYREJECTED,
                "it is not for 'server auth'"},
        {"every usage", ASKED, {NODE, groups, names, 0}, BEGIN, END, -EKEYREJECTED,
                "it is not for 'server auth'"},
        {"expired", ASKED, {NODE, groups, names, 1}, BEGIN, DATA_NOW - 1, -EKEYEXPIRED,
                "it has expired at 2026-"},
        {"not yet valid", ASKED, {NODE, groups, names, 1}, DATA_NOW + 1, END, -EKEYREJECTED,
                "it is not valid before 2026-"},
        {"wrong CA", "p384", "p256", NULL, {NODE, groups, names, 1}, BEGIN, END, -EKEYREJECTED,
                "none of the trusted CAs issued it"},
        {"wrong CA of that name", "same-name-ca", "p256", NULL, {NODE, groups, names, 1}, BEGIN,
                END, -EKEYREJECTED, "does not verify"},
        {"nobody asks which CA", "p384", NULL, NULL, {NODE, groups, names, 1}, BEGIN, END, 0, ""},
};

static Cert *sign(const Answer *answer, const Key *asked_for)
{
        autoptr(Key) other = answer->key ? data_key(answer->key) : NULL;
        autoptr(Ca) ca = data_ca(answer->ca);
        LeafTerms terms = {.not_before = answer->not_before, .not_after = answer->not_after};
        Cert *cert = NULL;
        Error error = {};

        if (ca_issue(ca, &answer->identity, other ? other : asked_for, &terms, &cert, &error) < 0)
                fail_msg("%s: %s", answer->what, error.text);
        return cert;
}

static int check(const Csr *csr, const Cert *cert, const CertList *trusted, Error *reterr)
{
        return csr_check_answer(
                csr, &(CertList){(Cert *[]){(Cert *)cert}, 1}, trusted, DATA_NOW, reterr);
}

static void test_wrong_answers_are_refused_one_by_one(void **state)
{
        autoptr(Key) key = new_key(KEY_KIND_ECDSA_P256);
        autofree char *pem = make(key, NULL, &node, NULL);
        autoptr(Csr) csr = parse(pem);

        for (size_t i = 0; i < ELEMENTSOF(answers); i++) {
                const Answer *answer = &answers[i];
                autoptr(CertList) trusted = answer->trusted ? data_bundle(answer->trusted) : NULL;
                autoptr(Cert) cert = sign(answer, key);
                Error error = {};
                int r = check(csr, cert, trusted, &error);

                if (r != answer->r || !strstr(error.text, answer->words))
                        fail_msg("%s: %d '%s'", answer->what, r, error.text);
        }
}

/* No CA is trusted to be asked here, so that a wrong signature is not what stands in the way. */
static void test_answer_that_may_sign_others_is_refused(void **state)
{
        static const struct {
                const char *key_usage, *words;
        } table[] = {
                {"\x03\x02\x05\x80", NULL},
                {"\x03\x02\x02\xa4", "sign certificates"},
                {"\x03\x02\x01\xa2", "sign certificates or revocation lists"},
                {"\x03\x02\x05\x20", "does not allow digital signatures"},
        };
        autoptr(Key) key = data_key("pki/p384.key");
        autoptr(Cert) server = data_cert("pki/server.crt");
        autofree char *pem = make(key, server, NULL, NULL);
        autoptr(Csr) csr = parse(pem);

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                autoptr(Cert) cert = data_cert_patched(
                        "pki/server.crt", "\x03\x02\x05\xa0", 4, table[i].key_usage);
                Error error = {};
                int r = check(csr, cert, NULL, &error);

                assert_int_equal(r, table[i].words ? -EKEYREJECTED : 0);
                assert_non_null(strstr(error.text, table[i].words ? table[i].words : ""));
        }
}

static void test_ca_in_the_place_of_a_leaf_is_refused(void **state)
{
        char *const sans[] = {"DNS:server", NULL};
        const LeafIdentity identity = {"server", NULL, sans, 0};
        autoptr(Key) key = new_key(KEY_KIND_ECDSA_P256);
        autofree char *pem = make(key, NULL, &identity, NULL);
        autoptr(Csr) csr = parse(pem);
        autoptr(Cert) ca = NULL;
        Error error = {};

        assert_int_equal(ca_create("server", key, BEGIN, END, &ca, NULL), 0);
        assert_int_equal(check(csr, ca, NULL, &error), -EKEYREJECTED);
        assert_string_equal(error.text, "it is a CA");
}

static void test_no_answer(void **state)
{
        autoptr(Key) key = new_key(KEY_KIND_ECDSA_P256);
        autofree char *pem = make(key, NULL, &node, NULL);
        autoptr(Csr) csr = parse(pem);

        assert_int_equal(csr_check_answer(csr, &(CertList){}, NULL, DATA_NOW, NULL), -EKEYREJECTED);
}

/* Every string of the name written anew, and several values of one kind as one set or one by one.
 */
static void test_answer_whose_name_is_written_anew(void **state)
{
        char *const two[] = {"first", "second", NULL}, *const swapped[] = {"second", "first", NULL};
        autoptr(Cert) old = data_cert("pki/server.crt");
        const LeafIdentity said = {old->common_name, old->organizations, old->sans, old->usage};
        const LeafIdentity asked = {"x", two, NULL, 0}, answered = {"x", swapped, NULL, 0};
        LeafTerms terms = {.not_before = BEGIN, .not_after = END};
        autoptr(Key) key = new_key(KEY_KIND_ECDSA_P256);
        autofree char *pem = make(key, old, NULL, NULL), *other = make(key, NULL, &asked, NULL);
        autoptr(Ca) ca = data_ca("p256");
        autoptr(Csr) csr = parse(pem);
        autoptr(Csr) of_two = parse(other);
        autoptr(Cert) cert = NULL;
        autoptr(Cert) cert_of_two = NULL;

        assert_int_equal(ca_issue(ca, &said, key, &terms, &cert, NULL), 0);
        assert_false(cert_same_subject(cert, old));
        assert_int_equal(check(csr, cert, NULL, NULL), 0);
        assert_int_equal(ca_issue(ca, &answered, key, &terms, &cert_of_two, NULL), 0);
        assert_false(cert_same_subject(cert_of_two, of_two->wanted));
        assert_int_equal(check(of_two, cert_of_two, NULL, NULL), 0);
}

static void test_answer_with_all_that_one_may_say(void **state)
{
        autoptr(Cert) old = data_cert("pki/rich.crt");
        autoptr(CertList) trusted = data_bundle("p256");
        autoptr(Key) key = new_key(KEY_KIND_ED25519);
        autofree char *pem = make(key, old, NULL, NULL);
        autoptr(Ca) ca = data_ca("p256");
        LeafTerms terms = leaf_terms(ca, DATA_NOW, 2 * YEAR, NULL);
        autoptr(Csr) csr = parse(pem);
        autoptr(Cert) cert = NULL;

        assert_int_equal(ca_renew(ca, old, key, &terms, &cert, NULL), 0);
        assert_int_equal(check(csr, cert, trusted, NULL), 0);
}

static void test_answer_below_an_intermediate(void **state)
{
        autoptr(Cert) old = data_cert("pki/below-intermediate.crt");
        autoptr(CertList) chain = data_bundle("below-intermediate intermediate");
        autoptr(CertList) trusted = data_bundle("p256");
        autoptr(Key) key = data_key("pki/p521.key");
        autofree char *pem = make(key, old, NULL, NULL);
        autoptr(Csr) csr = parse(pem);

        assert_int_equal(csr_check_answer(csr, chain, trusted, DATA_NOW, NULL), 0);
        chain->n--;
        assert_int_equal(csr_check_answer(csr, chain, trusted, DATA_NOW, NULL), -EKEYREJECTED);
        chain->n++;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_request_of_every_kind_of_key),
                cmocka_unit_test(test_request_says_what_the_old_certificate_says),
                cmocka_unit_test(test_request_says_all_that_a_kubeadm_certificate_says),
                cmocka_unit_test(test_request_has_the_key_usage_of_the_old_certificate),
                cmocka_unit_test(test_extra_sans_are_asked_for_once),
                cmocka_unit_test(test_what_cannot_be_asked_for),
                cmocka_unit_test(test_requests_are_equal_if_they_ask_for_the_same),
                cmocka_unit_test(test_t07_what_is_no_request),
                cmocka_unit_test(test_request_that_its_key_did_not_sign),
                cmocka_unit_test(test_requests_of_others),
                cmocka_unit_test(test_wrong_answers_are_refused_one_by_one),
                cmocka_unit_test(test_answer_that_may_sign_others_is_refused),
                cmocka_unit_test(test_ca_in_the_place_of_a_leaf_is_refused),
                cmocka_unit_test(test_no_answer),
                cmocka_unit_test(test_answer_whose_name_is_written_anew),
                cmocka_unit_test(test_answer_with_all_that_one_may_say),
                cmocka_unit_test(test_answer_below_an_intermediate),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
