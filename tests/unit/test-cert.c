/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "pki-data.h"
#include "pki/der.h"

static void assert_strv(char *const *strv, const char *const *wanted)
{
        size_t n = 0;

        for (; wanted[n]; n++) {
                assert_true(strv && strv[n]);
                assert_string_equal(strv[n], wanted[n]);
        }
        assert_int_equal(strv_length(strv), n);
}

static void test_a_kubeadm_certificate(void **state)
{
        static const char *const sans[] = {"DNS:kubernetes", "DNS:kubernetes.default",
                "DNS:kubernetes.default.svc", "DNS:kubernetes.default.svc.cluster.local", NULL};
        autoptr(Cert) cert = data_cert(KUBEADM_1_28 "apiserver.crt");
        autoptr(Cert) ca = data_cert(KUBEADM_1_28 "ca.crt");
        autoptr(Cert) client = data_cert(KUBEADM_1_28 "apiserver-kubelet-client.crt");
        static const char *const server_auth[] = {"server auth", NULL};
        static const char *const client_auth[] = {"client auth", NULL};
        static const char *const masters[] = {"system:masters", NULL};

        assert_string_equal(cert->subject, "CN=kube-apiserver");
        assert_string_equal(cert->common_name, "kube-apiserver");
        assert_string_equal(cert->issuer, "CN=kubernetes");
        assert_string_equal(cert->issuer_common_name, "kubernetes");
        assert_null(cert->organizations);
        assert_string_equal(cert->key_algorithm, "ECDSA-P256");
        assert_strv(cert->usages, server_auth);
        assert_int_equal(cert->usage, CERT_USAGE_SERVER);
        assert_false(cert->is_ca);
        assert_false(cert->is_self_issued);
        for (size_t i = 0; sans[i]; i++)
                assert_true(strv_contains(cert->sans, sans[i]));

        assert_true(ca->is_ca);
        assert_true(ca->is_self_issued);
        assert_null(ca->usages);
        assert_int_equal(ca->usage, 0);
        assert_strv(client->organizations, masters);
        assert_strv(client->usages, client_auth);
        assert_string_equal(client->subject, "CN=kube-apiserver-kubelet-client,O=system:masters");
}

static void test_rich_certificate(void **state)
{
        static const char *const sans[] = {"DNS:Cp-1.Example", "DNS:cp-1.example",
                "DNS:*.pods.example", "IP:192.0.2.10", "IP:2001:db8::1", "IP:::ffff:192.0.2.11",
                "email:root@example", "URI:spiffe://cluster.local/ns/kube-system",
                "othername:#A01C060A2B060104018237140203A00E0C0C75736572406578616D706C65",
                "RID:#88032A0304",
                "dirname:#A41B301931173015060355040"
                "30C0E6469726563746F7279206E616D65",
                NULL};
        static const char *const organizations[] = {"Größe AG", "second", NULL};
        static const char *const usages[] = {"server auth", "client auth", "1.2.3.4.5", NULL};
        autoptr(Cert) cert = data_cert("pki/rich.crt");

        assert_string_equal(cert->subject,
                "CN=rich\\, \\\"quoted\\\" \\+ ü,OU=a+OU=b,O=second,O=Größe AG,L=Köln,C=DE");
        assert_string_equal(cert->common_name, "rich, \"quoted\" + ü");
        assert_strv(cert->organizations, organizations);
        assert_strv(cert->sans, sans);
        assert_strv(cert->usages, usages);
        assert_int_equal(cert->usage, CERT_USAGE_SERVER | CERT_USAGE_CLIENT | CERT_USAGE_OTHER);
        assert_int_equal(cert->not_before, 1767225600);
        assert_int_equal(cert->not_after, 1798761600);
}

/* openssl says the same of it. */
static void test_serial_and_fingerprint(void **state)
{
        autoptr(Cert) cert = data_cert("pki/rich.crt");
        autofree char *pem = cert_to_pem(cert);
        autofree char *serial = NULL, *fingerprint = NULL;
        char hex[DIGEST_HEX_SIZE];

        assert_int_equal(strspn(cert->serial, "0123456789ABCDEF"), strlen(cert->serial));
        if (!have_openssl())
                return;
        serial = xasprintf("openssl x509 -noout -serial | grep -qx serial=%s", cert->serial);
        assert_int_equal(pipe_to(serial, pem, strlen(pem)), 0);
        digest_format(&cert->sha256, hex);
        fingerprint = xasprintf(
                "openssl x509 -noout -fingerprint -sha256 | tr -d : | grep -qi '=%s$'", hex);
        assert_int_equal(pipe_to(fingerprint, pem, strlen(pem)), 0);
}

/* The sign octet of a number with its highest bit set is not shown, nor by openssl. */
static void test_serial_with_a_sign_octet(void **state)
{
        autoptr(Cert) plain = data_cert("pki/plain.crt");
        /* version [0] { 2 }, then an INTEGER of 20 octets */
        unsigned char *serial = memmem(plain->der, plain->der_size, "\x02\x01\x02\x02\x14", 5);
        autoptr(Cert) other = NULL;

        assert_non_null(serial);
        serial[5] = 0;
        serial[6] = 0x8f;
        assert_int_equal(cert_parse_der(plain->der, plain->der_size, &other, NULL), 0);
        assert_int_equal(strlen(other->serial), 38);
        assert_true(starts_with(other->serial, "8F"));
        assert_string_equal(other->serial + 2, plain->serial + 4);
}

static void test_pem_round_trip(void **state)
{
        autoptr(FileImage) file = data_file(KUBEADM_1_36 "ca.crt");
        autoptr(Cert) cert = data_cert(KUBEADM_1_36 "ca.crt");
        autofree char *pem = cert_to_pem(cert);

        assert_string_equal(pem, (char *)file->data);
}

/* The sanitizers see to the rest. */
static void test_the_last_owner_frees_it(void **state)
{
        Cert *first = data_cert(KUBEADM_1_28 "apiserver.crt"), *second = cert_ref(first);

        cert_free(first);
        assert_string_equal(second->common_name, "kube-apiserver");
        cert_free(second);
}

static void test_no_subject_and_version_1(void **state)
{
        autoptr(Cert) nameless = data_cert("pki/no-subject.crt");
        autoptr(Cert) old = data_cert("pki/version1.crt");

        assert_string_equal(nameless->subject, "");
        assert_null(nameless->common_name);
        assert_string_equal(nameless->sans[0], "DNS:nameless");
        assert_string_equal(old->common_name, "version1");
        assert_null(old->sans);
        assert_false(old->is_ca);
}

static void test_hostile_text_is_seen(void **state)
{
        autoptr(Cert) control = data_cert_patched("pki/server.crt", "server", 6, "a\033[2J\n");
        autoptr(Cert) nul = data_cert_patched("pki/server.crt", "server", 6, "ev\0il\0");
        autoptr(Cert) bytes = data_cert_patched("pki/server.crt", "server", 6, "\xff\xc2\x9bxyz");

        assert_string_equal(control->sans[0], "DNS:a\\x1b[2J\\x0a");
        assert_null(strpbrk(control->subject, "\033\n"));
        assert_string_equal(control->common_name, "a\\x1b[2J\\x0a");
        assert_string_equal(nul->sans[0], "DNS:ev\\x00il\\x00");
        assert_string_equal(nul->common_name, "ev\\x00il\\x00");
        assert_non_null(strstr(nul->subject, "6576"));
        assert_false(cert_has_san(nul, "DNS:ev"));
        assert_string_equal(bytes->sans[0], "DNS:\\xff\\xc2\\x9bxyz");
        assert_string_equal(bytes->common_name, "\\xff\\xc2\\x9bxyz");
}

static void test_t27_several_certificates_in_one_file(void **state)
{
        static const char *const names[] = {
                "pki/p256.crt", "pki/rsa-2048.key", "pki/p384.crt", "pki/p256.crt"};
        autofree char *text = xstrdup("a comment\n");
        autoptr(CertList) list = NULL;

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                autofree char *before = text;
                autoptr(FileImage) file = data_file(names[i]);

                text = xasprintf("%s%s\r\ntext between\n", before, (char *)file->data);
        }
        assert_int_equal(cert_list_parse(text, strlen(text), &list, NULL), 0);
        assert_int_equal(list->n, 3);
        assert_string_equal(list->certs[0]->common_name, "ca-p256");
        assert_string_equal(list->certs[1]->common_name, "ca-p384");
        assert_true(cert_equal(list->certs[0], list->certs[2]));
        assert_false(cert_equal(list->certs[0], list->certs[1]));
        assert_true(cert_list_contains(list, list->certs[1]));
        assert_false(cert_list_contains(&(CertList){}, list->certs[1]));
}

static void assert_garbage(const void *text, size_t size, int r, const char *words)
{
        CertList *list = NULL;
        Error error = {};

        assert_int_equal(cert_list_parse(text, size, &list, &error), r);
        assert_null(list);
        if (!strstr(error.text, words))
                fail_msg("'%s' does not say '%s'", error.text, words);
}

static void test_t07_garbage(void **state)
{
#define BEGIN "-----BEGIN CERTIFICATE-----\n"
#define END   "-----END CERTIFICATE-----\n"
        static const struct {
                const char *text;
                int r;
                const char *words;
        } table[] = {
                {"", -ENODATA, "no PEM certificate in it: it is empty"},
                {"hello\n", -ENODATA, "it holds other text"},
                {" " BEGIN "AAAA\n" END, -ENODATA, "it holds other text"},
                {"-----BEGIN TRUSTED CERTIFICATE-----\nAAAA\n-----END TRUSTED CERTIFICATE-----\n",
                        -ENODATA, "no PEM certificate"},
                {"-----BEGIN CERTIFICATE", -ENODATA, "no PEM certificate"},
                {BEGIN, -EBADMSG, "certificate 1: cut off"},
                {BEGIN "AAAA\n", -EBADMSG, "certificate 1: cut off"},
                {BEGIN "AAAA\n" BEGIN "AAAA\n" END, -EBADMSG, "certificate 1: cut off"},
                {BEGIN "AAAA\n-----END CERTIFICAT-----\n", -EBADMSG, "certificate 1: cut off"},
                {BEGIN "!!!!\n" END, -EBADMSG, "certificate 1: not base64"},
                {BEGIN END, -EBADMSG, "certificate 1: not a certificate"},
                {BEGIN "AAAA\n" END, -EBADMSG, "certificate 1: not a certificate"},
                {BEGIN "MAA=\n" END, -EBADMSG, "certificate 1: not a certificate"},
                {BEGIN "MIIB\n" END, -EBADMSG, "certificate 1: not a certificate"},
        };
        autoptr(Cert) cert = data_cert("pki/plain.crt");

        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                assert_garbage(table[i].text, strlen(table[i].text), table[i].r, table[i].words);
        assert_garbage(NULL, 0, -ENODATA, "it is empty");
        assert_garbage("\0\1\2\3", 4, -ENODATA, "it is binary");
        assert_garbage(cert->der, cert->der_size, -ENODATA, "it looks like DER");
        assert_garbage(BEGIN "AA\0A\n" END, strlen(BEGIN) + 5 + strlen(END), -EBADMSG,
                "certificate 1: not base64");
}

static void test_t07_truncated_file(void **state)
{
        autoptr(FileImage) file = data_file("pki/rich.crt");

        for (size_t size = 0; size < file->size - 1; size++) {
                autofree char *part = xmemdup(file->data, size);
                CertList *list = NULL;
                int r = cert_list_parse(part, size, &list, NULL);

                assert_true(r == -EBADMSG || r == -ENODATA);
                assert_null(list);
        }
}

/* Every byte of a certificate changed, one after the other: nothing but 0 or -EBADMSG comes back.
 */
static void test_t07_damaged_der(void **state)
{
        autoptr(Cert) cert = data_cert("pki/rich.crt");
        static const unsigned char flips[] = {0x01, 0x80, 0xff};

        for (size_t i = 0; i < cert->der_size; i++)
                for (size_t k = 0; k < ELEMENTSOF(flips); k++) {
                        autoptr(Cert) other = NULL;
                        int r;

                        cert->der[i] ^= flips[k];
                        r = cert_parse_der(cert->der, cert->der_size, &other, NULL);
                        cert->der[i] ^= flips[k];
                        assert_true(r == 0 || r == -EBADMSG);
                        assert_true((r == 0) == (other != NULL));
                        if (other)
                                (void)cert_has_san(other, "DNS:*.pods.example");
                }
}

/* The public key of a certificate, the fifth SEQUENCE of what is signed, with that many bytes more;
 * its lengths fit. */
static unsigned char *with_longer_key(const Cert *cert, size_t n, size_t *ret_size)
{
        autofree unsigned char *fields = xcalloc(1, cert->der_size + n + 16), *inner = NULL;
        Der rest = {cert->der, cert->der_size};
        DerElement whole, signed_part, field;
        unsigned char *end = fields;
        unsigned n_sequences = 0;
        size_t size;

        assert_true(der_next(&rest, &whole) && der_next(&whole.content, &signed_part));
        while (der_next(&signed_part.content, &field)) {
                n_sequences += field.tag == DER_SEQUENCE;
                if (field.tag == DER_SEQUENCE && n_sequences == 5) {
                        autofree unsigned char *content = xcalloc(1, field.content.size + n);

                        memcpy(content, field.content.data, field.content.size);
                        inner = der_wrap(
                                DER_SEQUENCE, (Der){content, field.content.size + n}, &size);
                        end = mempcpy(end, inner, size);
                } else
                        end = mempcpy(end, field.whole.data, field.whole.size);
        }
        free(inner);
        inner = der_wrap(DER_SEQUENCE, (Der){fields, (size_t)(end - fields)}, &size);
        autofree unsigned char *all = xcalloc(1, size + whole.content.size);

        end = mempcpy(mempcpy(all, inner, size), whole.content.data, whole.content.size);
        return der_wrap(DER_SEQUENCE, (Der){all, (size_t)(end - all)}, ret_size);
}

/* It would take days to see who signed what with it. */
static void test_t07_a_public_key_of_many_bits(void **state)
{
        autoptr(Cert) cert = data_cert("pki/plain.crt");
        Cert *other = NULL;
        Error error = {};
        size_t size;
        autofree unsigned char *der = with_longer_key(cert, 5000, &size);

        assert_int_equal(cert_parse_der(der, size, &other, &error), -EBADMSG);
        assert_string_equal(error.text, "its public key is too large");
        assert_null(other);
}

static void test_der_with_more_after_it(void **state)
{
        autoptr(Cert) cert = data_cert("pki/plain.crt");
        autofree unsigned char *longer = xcalloc(cert->der_size + 1, 1);
        Cert *other = NULL;

        memcpy(longer, cert->der, cert->der_size);
        assert_int_equal(cert_parse_der(longer, cert->der_size + 1, &other, NULL), -EBADMSG);
        assert_int_equal(cert_parse_der(longer, cert->der_size - 1, &other, NULL), -EBADMSG);
        assert_int_equal(cert_parse_der(longer, 0, &other, NULL), -EBADMSG);
        assert_null(other);
}

static void test_too_many_certificates(void **state)
{
        autoptr(FileImage) file = data_file("pki/plain.crt");
        size_t size = file->size * 1025;
        autofree char *text = xmalloc(size);

        for (size_t i = 0; i < 1025; i++)
                memcpy(text + i * file->size, file->data, file->size);
        assert_garbage(text, size, -E2BIG, "more than 1024");
        autoptr(CertList) list = NULL;
        assert_int_equal(cert_list_parse(text, size - file->size, &list, NULL), 0);
        assert_int_equal(list->n, 1024);
}

static void test_free_of_nothing(void **state)
{
        cert_free(NULL);
        cert_list_free(NULL);
        key_free(NULL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_a_kubeadm_certificate),
                cmocka_unit_test(test_rich_certificate),
                cmocka_unit_test(test_serial_and_fingerprint),
                cmocka_unit_test(test_serial_with_a_sign_octet),
                cmocka_unit_test(test_pem_round_trip),
                cmocka_unit_test(test_the_last_owner_frees_it),
                cmocka_unit_test(test_no_subject_and_version_1),
                cmocka_unit_test(test_hostile_text_is_seen),
                cmocka_unit_test(test_t27_several_certificates_in_one_file),
                cmocka_unit_test(test_t07_garbage),
                cmocka_unit_test(test_t07_truncated_file),
                cmocka_unit_test(test_t07_damaged_der),
                cmocka_unit_test(test_t07_a_public_key_of_many_bits),
                cmocka_unit_test(test_der_with_more_after_it),
                cmocka_unit_test(test_too_many_certificates),
                cmocka_unit_test(test_free_of_nothing),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
