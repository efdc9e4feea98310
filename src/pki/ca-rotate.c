/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pki/ca-rotate.h"

#include "pki/ca-native.h"

static int check_ca(const Cert *ca, Error *reterr)
{
        if (!ca->is_ca)
                return error_set(
                        reterr, -EKEYREJECTED, "'%s' is not a CA certificate", ca->subject);
        return ca_check_understood(ca, reterr);
}

/* Its own key identifier as that of its issuer, where the old one said so too. */
static int draft_root(gnutls_x509_crt_t draft, int64_t not_before, int64_t not_after, Error *reterr)
{
        int r;

        r = draft_set_serial_and_dates(draft, not_before, not_after, reterr);
        if (r >= 0)
                r = draft_set_subject_key_id(draft, reterr);
        if (r >= 0 && draft_has_extension(draft, OID_AUTHORITY_KEY_ID))
                r = draft_set_authority_key_id(draft, draft, reterr);
        return r;
}

static int check_root(const Cert *old, const Cert *fresh, const Key *key, Error *reterr)
{
        CertList roots = {(Cert *[]){(Cert *)fresh}, 1};
        int r;

        if (!key_matches(key, fresh) || !cert_is_self_signed(fresh))
                return error_set(reterr, -EKEYREJECTED, "the new CA is not for its key");
        r = cert_compare_identity(old, fresh, reterr);
        return r < 0 ? r : cert_verify(fresh, NULL, &roots, fresh->not_before, 0, reterr);
}

int ca_succeed(const Cert *old, const Key *key, int64_t not_before, int64_t not_after, Cert **ret,
        Error *reterr)
{
        autoptr(Cert) fresh = NULL;
        autocrt draft = NULL;
        int r;

        /* 1. Refuse what would not be a new CA, or would say less than the old one. */
        r = check_ca(old, reterr);
        if (r < 0)
                return r;
        if (not_before >= not_after)
                return error_set(reterr, -EINVAL, "the new CA would end before it begins");
        if (key_matches(key, old))
                return error_set(reterr, -EKEYREJECTED, "the new CA would have the old one's key");

        /* 2. The old certificate with a new serial number, key and dates, signed by itself. */
        r = draft_open(old, key, not_before, not_after, &draft, reterr);
        if (r >= 0)
                r = draft_root(draft, not_before, not_after, reterr);
        if (r >= 0)
                r = draft_sign(draft, draft, key, &fresh, reterr);

        /* 3. Prove of the DER that it says what the old one says. */
        if (r >= 0)
                r = check_root(old, fresh, key, reterr);
        if (r < 0)
                return r;
        *ret = TAKE(fresh);
        return 0;
}

static int check_path_length(const Cert *signer, Error *reterr)
{
        unsigned critical, is_ca;
        int path_length = -1;

        if (gnutls_x509_crt_get_basic_constraints(
                    cert_native(signer), &critical, &is_ca, &path_length) >= 0 &&
                path_length == 0)
                return error_set(reterr, -EKEYREJECTED,
                        "the path length of CA '%s' is 0, which forbids a CA below it",
                        signer->subject);
        return 0;
}

static int64_t earlier(int64_t a, int64_t b)
{
        return a < b ? a : b;
}

static int64_t later(int64_t a, int64_t b)
{
        return a > b ? a : b;
}

static int check_term(int64_t not_before, int64_t not_after, Error *reterr)
{
        char time[TIME_TEXT_SIZE];

        if (not_before < not_after)
                return 0;
        return error_set(reterr, -EKEYEXPIRED,
                "no time is left for a cross certificate, which would end at %s",
                time_format(not_after, time));
}

/* The key identifier of a CA is copied, for the leaves below name it; one that has none is named by
 * what draft_set_authority_key_id() makes of its key. */
static int draft_cross(gnutls_x509_crt_t draft, const Cert *signer, int64_t not_before,
        int64_t not_after, Error *reterr)
{
        int r;

        r = draft_set_serial_and_dates(draft, not_before, not_after, reterr);
        if (r >= 0 && !draft_has_extension(draft, OID_SUBJECT_KEY_ID))
                r = draft_set_subject_key_id(draft, reterr);
        if (r >= 0)
                r = draft_set_authority_key_id(draft, cert_native(signer), reterr);
        return r;
}

static int check_cross(const Cert *signer, const Cert *ca, const Cert *fresh, Error *reterr)
{
        CertList roots = {(Cert *[]){(Cert *)signer}, 1};
        int r;

        if (!cert_same_key(ca, fresh) || !cert_is_issued_by(fresh, signer))
                return error_set(reterr, -EKEYREJECTED, "the cross certificate is not for its key");
        r = cert_compare_identity(ca, fresh, reterr);
        return r < 0 ? r : cert_verify(fresh, NULL, &roots, fresh->not_before, 0, reterr);
}

int ca_cross_sign(const Ca *signer, const Cert *ca, int64_t not_before, int64_t not_after,
        Cert **ret, Error *reterr)
{
        const Cert *issuer = signer->signer;
        int64_t begin = later(not_before, later(issuer->not_before, ca->not_before));
        int64_t end = earlier(not_after, earlier(issuer->not_after, ca->not_after));
        autoptr(Cert) fresh = NULL;
        autocrt draft = NULL;
        int r;

        /* 1. May the one stand below the other, and is there time for it? */
        r = check_ca(ca, reterr);
        if (r >= 0)
                r = check_term(begin, end, reterr);
        if (r >= 0)
                r = ca_check(signer, begin, reterr);
        if (r >= 0)
                r = check_path_length(issuer, reterr);
        if (r < 0)
                return r;

        /* 2. The certificate itself with a new serial number, dates and issuer. */
        r = draft_open(ca, NULL, begin, end, &draft, reterr);
        if (r >= 0)
                r = draft_cross(draft, issuer, begin, end, reterr);
        if (r >= 0)
                r = draft_sign(draft, cert_native(issuer), signer->key, &fresh, reterr);

        /* 3. Prove of the DER that it stands for the same CA. */
        if (r >= 0)
                r = check_cross(issuer, ca, fresh, reterr);
        if (r < 0)
                return r;
        *ret = TAKE(fresh);
        return 0;
}
