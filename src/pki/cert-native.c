/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pki/cert-native.h"

#define TAG_VERSION 0xa0 /* [0] of TBSCertificate, RFC 5280 4.1 */

/* It was read before, so it can be read. */
gnutls_x509_crt_t cert_native(const Cert *cert)
{
        const gnutls_datum_t der = {cert->der, (unsigned)cert->der_size};

        if (!cert->native &&
                (gnutls_x509_crt_init(&((Cert *)cert)->native) < 0 ||
                        gnutls_x509_crt_import(cert->native, &der, GNUTLS_X509_FMT_DER) < 0))
                xcheck(NULL);
        return cert->native;
}

gnutls_pubkey_t cert_verifier(const Cert *cert)
{
        autopubkey key = NULL;

        if (!cert->verifier && gnutls_pubkey_init(&key) >= 0 &&
                gnutls_pubkey_import_x509(key, cert_native(cert), 0) >= 0)
                ((Cert *)cert)->verifier = TAKE(key);
        return cert->verifier;
}

void cert_close(const Cert *cert)
{
        Cert *open = (Cert *)cert;

        if (open->verifier)
                gnutls_pubkey_deinit(TAKE(open->verifier));
        if (open->native)
                gnutls_x509_crt_deinit(TAKE(open->native));
}

/* The element with the number `index` of those in `outer`; false if there are not so many. */
static bool der_find(Der outer, unsigned index, DerElement *ret)
{
        while (der_next(&outer, ret))
                if (index-- == 0)
                        return true;
        return false;
}

/* Version 1 does not say that it is. */
bool cert_find_field(Der cert, CertField field, DerElement *ret_signed, DerElement *ret_field)
{
        unsigned index = (unsigned)field;
        DerElement whole, first;

        return der_next(&cert, &whole) && der_find(whole.content, 0, ret_signed) &&
               der_find(ret_signed->content, 0, &first) &&
               der_find(ret_signed->content, first.tag == TAG_VERSION ? index : index - 1,
                       ret_field);
}

Der cert_field(const Cert *cert, CertField field)
{
        DerElement signed_part, found;

        if (!cert_find_field((Der){cert->der, cert->der_size}, field, &signed_part, &found))
                return (Der){};
        return found.whole;
}
