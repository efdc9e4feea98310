/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pki/cert-native.h"
#include "pki/san.h"

#define EXTENSIONS_MAX 64

/* What may differ between a certificate and its successor: the key identifiers follow the keys, and
 * SANs are compared name by name. */
static const char *const compared_elsewhere[] = {
        OID_SUBJECT_KEY_ID, OID_AUTHORITY_KEY_ID, OID_SUBJECT_ALT_NAME, NULL};

static int differs(Error *reterr, const char *what)
{
        return error_set(reterr, -EKEYREJECTED, "the new certificate has another %s", what);
}

bool cert_same_subject(const Cert *a, const Cert *b)
{
        return der_equal(cert_field(a, CERT_FIELD_SUBJECT), cert_field(b, CERT_FIELD_SUBJECT));
}

static int compare_sans(const Cert *old, const Cert *fresh, Error *reterr)
{
        const SanSet *before = old->san_set, *after = fresh->san_set;

        for (size_t i = 0; i < before->n; i++) {
                autofree char *text = NULL;

                if (san_set_contains(after, &before->names[i]))
                        continue;
                text = san_text(&before->names[i]);
                return error_set(
                        reterr, -EKEYREJECTED, "the new certificate lacks the SAN '%s'", text);
        }
        if (before->n > 0 && before->critical != after->critical)
                return differs(reterr, "criticality of its SANs");
        return 0;
}

/* The same value, equally critical. */
static bool has_extension(
        const Cert *cert, const char *oid, const gnutls_datum_t *value, unsigned critical)
{
        unsigned its_critical = 0;
        autodatum its = {};

        return gnutls_x509_crt_get_extension_by_oid2(
                       cert_native(cert), oid, 0, &its, &its_critical) >= 0 &&
               its_critical == critical &&
               der_equal((Der){its.data, its.size}, (Der){value->data, value->size});
}

/* Every extension of `from` stands in `in` too. */
static int compare_extensions(const Cert *from, const Cert *in, Error *reterr)
{
        for (unsigned i = 0; i < EXTENSIONS_MAX; i++) {
                unsigned critical = 0;
                autodatum value = {};
                char oid[128];
                size_t size = sizeof(oid);
                int g;

                g = gnutls_x509_crt_get_extension_info(cert_native(from), i, oid, &size, &critical);
                if (g == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
                        return 0;
                if (g >= 0)
                        g = gnutls_x509_crt_get_extension_data2(cert_native(from), i, &value);
                if (g < 0)
                        return pki_error(reterr, -EKEYREJECTED, g, "cannot compare the extensions");
                if (strv_contains((char *const *)compared_elsewhere, oid))
                        continue;
                if (!has_extension(in, oid, &value, critical))
                        return error_set(reterr, -EKEYREJECTED,
                                "the new certificate differs in the extension %s", oid);
        }
        return error_set(reterr, -EKEYREJECTED, "more than %d extensions", EXTENSIONS_MAX);
}

int cert_compare_identity(const Cert *old, const Cert *fresh, Error *reterr)
{
        int r;

        if (!cert_same_subject(old, fresh))
                return differs(reterr, "subject");
        r = compare_sans(old, fresh, reterr);
        if (r >= 0)
                r = compare_extensions(old, fresh, reterr);
        if (r >= 0)
                r = compare_extensions(fresh, old, reterr);
        return r;
}
