/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

#include "pki/csr.h"
#include "pki/pem.h"

#include <assert.h>

#define AT ((int64_t)1780272000) /* 2026-06-01 */

/* What was read is written in the same bytes, and can be asked everything. */
static void check_cert(const Cert *cert)
{
        autofree char *pem = cert_to_pem(cert);
        autoptr(CertList) list = NULL;
        CertList roots = {.certs = (Cert *[]){(Cert *)cert}, .n = 1}, none = {};

        assert(cert_list_parse(pem, strlen(pem), &list, NULL) >= 0);
        assert(list->n == 1 && cert_equal(list->certs[0], cert));
        assert(cert->subject && cert->issuer && cert->serial && cert->key_algorithm);
        for (char **san = cert->sans; san && *san; san++)
                (void)cert_has_san(cert, *san);
        (void)cert_is_issued_by(cert, cert);
        (void)!cert_verify(cert, &none, &roots, AT, CERT_USAGE_SERVER, NULL);
        (void)!cert_compare_identity(cert, list->certs[0], NULL);
        (void)key_kind_of_cert(cert);
}

static void check_key(const Key *key, const Cert *cert)
{
        autoptr(Secret) pem = NULL;
        autoptr(Key) again = NULL;

        (void)key_kind_name(key_kind(key));
        if (cert)
                (void)key_matches(key, cert);
        if (key_kind(key) == KEY_KIND_OTHER || key_to_pem(key, key_format(key), &pem, NULL) < 0)
                return;
        assert(key_parse(pem->data, pem->size, &again, NULL) >= 0);
        assert(key_kind(again) == key_kind(key));
}

/* What a request asks for can be told, it is equal to what is read of it again, and is no answer to
 * itself: those dates are over. */
static void check_request(const Csr *csr)
{
        autofree char *pem = pem_encode("CERTIFICATE REQUEST", csr->der, csr->der_size);
        autoptr(Csr) again = NULL;
        Error error = {};

        assert(csr_parse(pem, strlen(pem), &again, NULL) >= 0);
        assert(csr_equal(csr, again) && digest_equal(&csr->public_key, &again->public_key));
        check_cert(csr->wanted);
        assert(csr_check_answer(csr, &(CertList){(Cert *[]){csr->wanted}, 1}, NULL, AT, &error) <
                0);
        assert(error.text[0]);
}

/* The same bytes as PEM of certificates, of a key and of a request, and as one certificate without
 * armour. */
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
        autoptr(CertList) list = NULL;
        autoptr(Cert) cert = NULL;
        autoptr(Csr) csr = NULL;
        autoptr(Key) key = NULL;
        Error error = {};

        if (cert_list_parse(data, size, &list, &error) < 0)
                assert(!list && error.text[0]);
        for (size_t i = 0; list && i < list->n && i < 4; i++)
                check_cert(list->certs[i]);
        if (cert_parse_der(data, size, &cert, NULL) >= 0)
                check_cert(cert);
        error.text[0] = 0;
        if (key_parse(data, size, &key, &error) < 0)
                assert(!key && error.text[0]);
        else
                check_key(key, list && list->n > 0 ? list->certs[0] : NULL);
        error.text[0] = 0;
        if (csr_parse(data, size, &csr, &error) < 0)
                assert(!csr && error.text[0]);
        else
                check_request(csr);
        return 0;
}
