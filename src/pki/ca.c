/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pki/ca-native.h"

#include "base/time-util.h"

void ca_free(Ca *ca)
{
        if (!ca)
                return;
        cert_free(ca->signer);
        key_free(ca->key);
        free(ca);
}

/* Of two certificates of one key (a renewed CA beside its old self) the CA that ends later. */
static bool is_better_signer(const Cert *cert, const Cert *best)
{
        if (!best || cert->is_ca != best->is_ca)
                return !best || cert->is_ca;
        return cert->not_after > best->not_after;
}

static void take_signer(Ca *ca, const Cert *signer)
{
        cert_free(ca->signer);
        ca->signer = cert_ref(signer);
}

int ca_new(const CertList *bundle, Key *key, Ca **ret, Error *reterr)
{
        autoptr(Ca) ca = xcalloc(1, sizeof(*ca));
        const Cert *best = NULL;

        for (size_t i = 0; i < bundle->n; i++)
                if (key_matches(key, bundle->certs[i]) && is_better_signer(bundle->certs[i], best))
                        best = bundle->certs[i];
        if (!best)
                return error_set(reterr, -ENOKEY,
                        "the CA key belongs to none of its %zu certificates", bundle->n);
        take_signer(ca, best);
        ca->key = key;
        *ret = TAKE(ca);
        return 0;
}

int ca_new_unopened(const CertList *bundle, Ca **ret, Error *reterr)
{
        autoptr(Ca) ca = xcalloc(1, sizeof(*ca));
        const Cert *best = NULL;

        for (size_t i = 0; i < bundle->n; i++)
                if (is_better_signer(bundle->certs[i], best))
                        best = bundle->certs[i];
        if (!best)
                return error_set(reterr, -EINVAL, "a CA without a certificate");
        take_signer(ca, best);
        *ret = TAKE(ca);
        return 0;
}

static int open_key(
        Ca *ca, const CertList *bundle, const char *url, const TokenAccess *access, Error *reterr)
{
        autoptr(Key) key = NULL;
        const Cert *best = NULL;
        int r;

        r = key_open_token(url, access, &key, reterr);
        for (size_t i = 0; r >= 0 && i < bundle->n; i++) {
                r = key_try_token(key, bundle->certs[i], reterr);
                if (r > 0 && is_better_signer(bundle->certs[i], best))
                        best = bundle->certs[i];
        }
        if (r >= 0 && !best)
                r = error_set(reterr, -ENOKEY,
                        "the key '%s' belongs to no certificate in the CA's file", url);
        if (r < 0)
                return r;
        take_signer(ca, best);
        ca->key = TAKE(key);
        return 0;
}

int ca_open(
        Ca *ca, const CertList *bundle, const char *url, const TokenAccess *access, Error *reterr)
{
        if (!ca->key && ca->error == 0)
                ca->error = open_key(ca, bundle, url, access, &ca->problem);
        return ca->error < 0 ? error_set(reterr, ca->error, "%s", ca->problem.text) : 0;
}

bool ca_share(const Ca *ca)
{
        if (!ca->key || ca->key->login)
                return false;
        (void)key_handle(ca->key);
        cert_share(ca->signer);
        return true;
}

const Cert *ca_signer(const Ca *ca)
{
        return ca->signer;
}

int ca_check(const Ca *ca, int64_t now, Error *reterr)
{
        const Cert *signer = ca->signer;
        unsigned usage = 0;
        char time[TIME_TEXT_SIZE];
        int g;

        if (!signer->is_ca)
                return error_set(
                        reterr, -EKEYREJECTED, "'%s' is not a CA certificate", signer->subject);
        g = gnutls_x509_crt_get_key_usage(cert_native(signer), &usage, NULL);
        if (g != GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE &&
                (g < 0 || !(usage & GNUTLS_KEY_KEY_CERT_SIGN)))
                return error_set(reterr, -EKEYREJECTED,
                        "the key usage of CA '%s' does not allow it to sign certificates",
                        signer->subject);
        if (now < signer->not_before)
                return error_set(reterr, -EKEYREJECTED, "CA '%s' is not valid before %s",
                        signer->subject, time_format(signer->not_before, time));
        if (now > signer->not_after)
                return error_set(reterr, -EKEYEXPIRED, "CA '%s' has expired at %s", signer->subject,
                        time_format(signer->not_after, time));
        return 0;
}

LeafTerms leaf_terms(const Ca *ca, int64_t now, int64_t validity, char *const *extra_sans)
{
        int64_t not_before = now - BACKDATE, not_after = now + validity;

        if (ca && not_before < ca->signer->not_before)
                not_before = ca->signer->not_before;
        if (ca && not_after > ca->signer->not_after)
                not_after = ca->signer->not_after;
        return (LeafTerms){
                .not_before = not_before, .not_after = not_after, .extra_sans = extra_sans};
}

int ca_check_terms(const Ca *ca, const LeafTerms *terms, Error *reterr)
{
        char time[TIME_TEXT_SIZE];

        if (terms->not_before > ca->signer->not_after)
                return error_set(reterr, -EKEYEXPIRED, "CA '%s' has expired at %s",
                        ca->signer->subject, time_format(ca->signer->not_after, time));
        if (terms->not_before >= terms->not_after || terms->not_before < ca->signer->not_before ||
                terms->not_after > ca->signer->not_after)
                return error_set(reterr, -EKEYREJECTED,
                        "the new certificate would not lie within the validity of CA '%s'",
                        ca->signer->subject);
        return 0;
}

int ca_check_signed(const Ca *ca, const Cert *cert, const Key *key, const LeafTerms *terms,
        unsigned usage, Error *reterr)
{
        Cert *signer[] = {ca->signer};
        CertList roots = {signer, 1};

        if (!key_matches(key, cert))
                return error_set(reterr, -EKEYREJECTED, "the new certificate is not for its key");
        if (cert->not_before != terms->not_before || cert->not_after != terms->not_after)
                return error_set(reterr, -EKEYREJECTED, "the new certificate has other dates");
        return cert_verify(cert, NULL, &roots, terms->not_before,
                usage & (CERT_USAGE_SERVER | CERT_USAGE_CLIENT), reterr);
}
