/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

#include "pki/cert.h"
#include "pki/key.h"

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

/* The same bytes as PEM of certificates, as PEM of a key, and as one certificate without armour. */
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
        autoptr(CertList) list = NULL;
        autoptr(Cert) cert = NULL;
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
        return 0;
}
